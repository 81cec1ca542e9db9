"""A worker's connection to a chief that may be killed and started again.

KerasTuner's client waits for a chief that is not there yet, but a call that is under way when the chief dies fails and
takes the worker with it. All calls of a worker may be made again: a chief that has heard of something takes note of it
once.
"""

import functools
import time
from collections.abc import Callable
from typing import Any

import grpc

RECONNECTION_SECONDS = 300.0
_PAUSE_SECONDS = 0.2


class PersistentStub:
  """Makes a client's calls again when the connection breaks."""

  def __init__(self, stub: Any, seconds: float = RECONNECTION_SECONDS):
    """Args:
    stub: grpc's own, whose methods are the calls.
    seconds: how long a call is tried again after the first failure.
    """
    self._stub, self._seconds = stub, seconds

  def __getattr__(self, name: str) -> Callable:
    return functools.partial(call_again, getattr(self._stub, name), self._seconds)


def call_again(call: Callable, seconds: float, request: Any, **options: Any) -> Any:
  """Calls, and again as long as the connection breaks.

  Args:
    call: of a stub.
    seconds: how long it is tried again after the first failure.
    request: its argument.
    **options: of the first call; those after it time out when `seconds` are over.

  Raises:
    grpc.RpcError: if the call fails for another reason, or the time is over.
  """
  deadline = None
  while True:
    try:
      return call(request, **options)
    except grpc.RpcError as error:
      deadline = deadline or time.monotonic() + seconds
      left = deadline - time.monotonic()
      if error.code() != grpc.StatusCode.UNAVAILABLE or left <= 0:
        raise
      options["timeout"] = left
      time.sleep(min(_PAUSE_SECONDS, left))
