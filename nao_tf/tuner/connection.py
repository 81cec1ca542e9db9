"""A worker's connection to a chief that may be killed and restarted.

KerasTuner's client waits for a chief that has not started yet, but a call in progress when the chief dies fails, and so
does the worker. Here calls are repeated, which is safe because the chief records each report only once. In addition,
the reason why a trial failed is sent along, which KerasTuner's message lacks.
"""

import functools
import os
import time
from collections.abc import Callable
from typing import Any, TypeVar

import grpc

from nao_tf.tuner.errors import SearchFailed

RECONNECTION_SECONDS = 300.0
REASON_KEY = "nao-tf-reason-bin"
"""Key of the metadata of a call that says why a trial failed. By its ending, gRPC sends it as bytes."""

_LONGEST_REASON = 4000  # Bytes. A server refuses metadata of more than 8 KB in all.
_PAUSE_SECONDS = 0.2

_Response = TypeVar("_Response")


def chief_address() -> str:
  """Returns the "host:port" of the chief from KerasTuner's environment variables."""
  return f"{os.environ['KERASTUNER_ORACLE_IP']}:{os.environ['KERASTUNER_ORACLE_PORT']}"


class PersistentStub:
  """Wraps a gRPC stub to repeat calls while the connection is broken.

  Attributes:
    reason: why the trial that ends next has failed; None if it has not.
  """

  def __init__(self, stub: Any, seconds: float = RECONNECTION_SECONDS):
    """Wraps a stub.

    Args:
      stub: a stub that gRPC generated; its attributes are the calls.
      seconds: how long a call is repeated after its first failure.
    """
    self._stub, self._seconds = stub, seconds
    self.reason: str | None = None

  def __getattr__(self, name: str) -> Callable[..., Any]:
    return functools.partial(call_persistently, getattr(self._stub, name), self._seconds)

  def EndTrial(self, request: Any, **options: Any) -> Any:
    """Reports the end of a trial, with the reason if it failed.

    Raises:
      nao_tf.tuner.errors.SearchFailed: if the chief has aborted the search.
      grpc.RpcError: if the call fails for another reason.
    """
    if self.reason is not None:
      options["metadata"] = ((REASON_KEY, self.reason.encode()[-_LONGEST_REASON:]),)
    try:
      return call_persistently(self._stub.EndTrial, self._seconds, request, **options)
    except grpc.RpcError as error:
      if error.code() == grpc.StatusCode.FAILED_PRECONDITION:
        raise SearchFailed(error.details()) from error
      raise


def call_persistently(call: Callable[..., _Response], seconds: float, request: Any, **options: Any) -> _Response:
  """Makes a gRPC call and repeats it while the connection is broken.

  Args:
    call: a call of a stub.
    seconds: time to keep repeating after the first failure, in seconds.
    request: argument of the call.
    **options: gRPC options of the first call. Later ones time out when `seconds` have passed.

  Returns:
    The response.

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
