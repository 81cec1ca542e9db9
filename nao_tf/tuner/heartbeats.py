"""Heartbeats: a call by which a worker tells its chief that it is alive.

KerasTuner's gRPC service has a fixed set of calls, and none for this. So the chief offers a second service on the same
port. A request is the id of the worker as UTF-8, the response is empty; neither needs generated code. A worker that does
not know the call, such as a tuner of KerasTuner's own, works with the chief nevertheless.
"""

import contextlib
import functools
import threading
from collections.abc import Callable, Iterator

import grpc

BEATS_PER_TIMEOUT = 6
"""How many heartbeats a worker sends in the time after which it would count as dead."""

_SERVICE, _METHOD = "nao_tf.Workers", "Heartbeat"
_CHIEF_SECONDS = 3600.0  # KerasTuner's client waits as long for a chief that is not there yet.
_JOIN_SECONDS = 1.0


def heartbeat_handler(record: Callable[[str], None]) -> grpc.GenericRpcHandler:
  """Returns what a gRPC server needs to receive heartbeats.

  Args:
    record: called with the id of the worker.
  """

  def respond(worker: str, context: grpc.ServicerContext) -> bytes:
    del context
    record(worker)
    return b""

  method = grpc.unary_unary_rpc_method_handler(respond, request_deserializer=bytes.decode)
  return grpc.method_handlers_generic_handler(_SERVICE, {_METHOD: method})


def send_heartbeat(channel: grpc.Channel, worker: str) -> None:
  """Sends one heartbeat. Waits for a chief that is not there yet.

  Raises:
    grpc.RpcError: if the connection breaks, or the chief does not receive heartbeats.
  """
  send = channel.unary_unary(f"/{_SERVICE}/{_METHOD}", request_serializer=str.encode)
  send(worker, wait_for_ready=True, timeout=_CHIEF_SECONDS)


@contextlib.contextmanager
def sending_heartbeats(address: str, worker: str, seconds: float) -> Iterator[None]:
  """Sends heartbeats as long as the context lasts, the first one before it begins.

  Args:
    address: "host:port" of the chief.
    worker: id of the worker.
    seconds: pause between two heartbeats.

  Raises:
    grpc.RpcError: if the first heartbeat fails. When a later one fails, the next is still sent.
  """
  with grpc.insecure_channel(address) as channel:
    send = functools.partial(send_heartbeat, channel, worker)
    with repeating(send, seconds, ignored=(grpc.RpcError,)):
      yield


@contextlib.contextmanager
def repeating(call: Callable[[], None], seconds: float, *, ignored: tuple[type[Exception], ...] = ()) -> Iterator[None]:
  """Calls a function once, and then again and again in another thread as long as the context lasts.

  Args:
    call: the function.
    seconds: pause between two calls.
    ignored: exceptions that do not end the repetition. One in the first call is raised.
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
