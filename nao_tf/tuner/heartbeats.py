"""Heartbeats: calls by which a worker tells the chief that it has started and that it is alive.

KerasTuner's gRPC service has no such calls, so the chief offers a second service on the same port. A request is the
UTF-8 id of the worker, and the response is empty, so no generated code is needed. Workers that do not send heartbeats,
such as KerasTuner's own tuners, work with the chief as well.
"""

import contextlib
import itertools
import threading
from collections.abc import Callable, Iterator

import grpc

BEATS_PER_TIMEOUT = 6
"""How many heartbeats a worker sends in the time after which it would count as dead."""

_SERVICE, _BEAT, _ARRIVAL = "nao_tf.Workers", "Heartbeat", "Arrival"
_CHIEF_SECONDS = 3600.0  # KerasTuner's client waits as long for a chief that is not there yet.
_JOIN_SECONDS = 1.0


def heartbeat_handler(
  record: Callable[[str], None], record_arrival: Callable[[str], None] | None = None
) -> grpc.GenericRpcHandler:
  """Returns the gRPC handler that receives heartbeats.

  Args:
    record: called with the id of a worker that is alive.
    record_arrival: called with the id of a worker that has just started; None to use `record`.
  """
  methods = {_BEAT: _method(record), _ARRIVAL: _method(record_arrival or record)}
  return grpc.method_handlers_generic_handler(_SERVICE, methods)


def send_heartbeat(channel: grpc.Channel, worker: str) -> None:
  """Sends one heartbeat, waiting for a chief that has not started yet.

  Raises:
    grpc.RpcError: if the connection breaks, or the chief does not accept heartbeats.
  """
  _send(channel, _BEAT, worker)


def send_arrival(channel: grpc.Channel, worker: str) -> None:
  """Reports that a worker has started, waiting for a chief that has not started yet.

  Raises:
    grpc.RpcError: if the connection breaks, or the chief does not accept heartbeats.
  """
  _send(channel, _ARRIVAL, worker)


@contextlib.contextmanager
def sending_heartbeats(address: str, worker: str, seconds: float) -> Iterator[None]:
  """Reports that a worker has started, and sends heartbeats for the duration of the context.

  Args:
    address: "host:port" of the chief.
    worker: id of the worker.
    seconds: time between heartbeats, in seconds.

  Raises:
    grpc.RpcError: if the first call fails. Failures of later calls are ignored.
  """
  with grpc.insecure_channel(address) as channel:
    calls = itertools.chain([send_arrival], itertools.repeat(send_heartbeat))
    with repeating(lambda: next(calls)(channel, worker), seconds, ignored=(grpc.RpcError,)):
      yield


@contextlib.contextmanager
def repeating(call: Callable[[], None], seconds: float, *, ignored: tuple[type[Exception], ...] = ()) -> Iterator[None]:
  """Calls a function once, and then repeatedly in a thread for the duration of the context.

  Args:
    call: the function.
    seconds: time between calls, in seconds.
    ignored: exceptions that do not stop the repetition. They are still raised by the first call.
  """
  call()
  done = threading.Event()

  def repeat() -> None:
    while not done.wait(seconds):
      with contextlib.suppress(*ignored):
        call()

  thread = threading.Thread(target=repeat, daemon=True)
  thread.start()
  try:
    yield
  finally:
    done.set()
    thread.join(_JOIN_SECONDS)  # A call may take much longer, and is its owner's to cancel.


def _method(record: Callable[[str], None]) -> grpc.RpcMethodHandler:
  """Returns the handler of a call whose request is the id of a worker."""

  def respond(worker: str, context: grpc.ServicerContext) -> bytes:
    del context
    record(worker)
    return b""

  return grpc.unary_unary_rpc_method_handler(respond, request_deserializer=bytes.decode)


def _send(channel: grpc.Channel, method: str, worker: str) -> None:
  """Makes a call with the id of a worker."""
  send = channel.unary_unary(f"/{_SERVICE}/{method}", request_serializer=str.encode)
  send(worker, wait_for_ready=True, timeout=_CHIEF_SECONDS)
