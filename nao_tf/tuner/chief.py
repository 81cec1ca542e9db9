"""The chief of a distributed search: a server through which workers use an oracle.

KerasTuner's own server only offers KerasTuner's calls. This one offers the same calls, with the same code, and
additionally heartbeats. It shuts down when the search is over.

The chief neither authenticates its callers nor encrypts anything. Anyone who can reach its port can take trials and
report scores, and so control the search. The network must therefore be one in which every machine is trusted, or the
port must be closed to others. The chief only listens at the given address. Invalid calls, such as a report about a
trial that does not exist, are refused and logged, and the search continues.
"""

import threading
import time
from collections.abc import Callable
from concurrent import futures
from typing import Any, NoReturn

import grpc
from absl import logging
from keras_tuner.engine.trial import TrialStatus
from keras_tuner.src import protos
from keras_tuner.src.distribute.oracle_chief import OracleServicer

from nao_tf.tuner.connection import REASON_KEY
from nao_tf.tuner.distributed_oracle import DistributedOracle
from nao_tf.tuner.heartbeats import heartbeat_handler

POLL_SECONDS = 1.0
_GRACE_SECONDS = 10.0  # For calls under way when the search is over, such as that of the worker stopped last.
_NUM_THREADS = 32  # A call that is only half sent occupies one. Complete calls are answered one at a time.
_OPTIONS = [("grpc.so_reuseport", 0)]  # Or else two chiefs could share a port, and each would get half of the calls.
_LOCAL_HOSTS = ("localhost", "127.0.0.1", "[::1]")


def serve(oracle: DistributedOracle, address: str) -> None:
  """Serves an oracle until the search is over. There is no authentication: use it in a trusted network only.

  Args:
    oracle: the oracle that workers request trials from.
    address: "host:port" to listen at: "127.0.0.1:8000" for this machine only, the address of a network interface for
      its network, "0.0.0.0:8000" for all networks of the machine.

  Raises:
    RuntimeError: if the address cannot be used.
  """
  server = _make_server(oracle)
  _listen(server, address)
  oracle.is_served = True
  server.start()
  try:
    while not oracle.is_over:
      time.sleep(POLL_SECONDS)
      oracle.release_dead_workers()
  finally:
    server.stop(_GRACE_SECONDS).wait()


def _make_server(oracle: DistributedOracle) -> grpc.Server:
  """Returns a server that offers the calls of KerasTuner and the heartbeat."""
  threads = futures.ThreadPoolExecutor(max_workers=_NUM_THREADS)
  server = grpc.server(threads, interceptors=[_OneAtATime()], options=_OPTIONS)
  protos.get_service_grpc().add_OracleServicer_to_server(_CheckingServicer(oracle), server)
  server.add_generic_rpc_handlers((heartbeat_handler(oracle.record_heartbeat, oracle.record_arrival),))
  return server


def _listen(server: grpc.Server, address: str) -> None:
  """Binds a server to an address, and says so if other machines can reach it."""
  try:
    port = server.add_insecure_port(address)
  except RuntimeError as error:
    raise RuntimeError(f"the chief cannot listen at the address {address}: {error}") from error
  if not port:
    raise RuntimeError(f"the chief cannot listen at the address {address}: is another program using it?")
  if address.rpartition(":")[0] not in _LOCAL_HOSTS:
    logging.warning(
      "The chief listens at %s without authentication. Every machine that can reach it must be trusted.", address
    )


class _OneAtATime(grpc.ServerInterceptor):
  """Answers complete calls one after another, as KerasTuner's chief does."""

  def __init__(self) -> None:
    self._lock = threading.Lock()

  def intercept_service(
    self, continuation: Callable[[Any], grpc.RpcMethodHandler | None], handler_call_details: Any
  ) -> grpc.RpcMethodHandler | None:
    """Returns the handler of a call, wrapped; None if there is no such call."""
    handler = continuation(handler_call_details)
    if handler is None:
      return None

    def respond(request: Any, context: grpc.ServicerContext) -> Any:
      with self._lock:
        return handler.unary_unary(request, context)

    return grpc.unary_unary_rpc_method_handler(
      respond, request_deserializer=handler.request_deserializer, response_serializer=handler.response_serializer
    )


class _CheckingServicer(OracleServicer):
  """KerasTuner's calls, which refuse what makes no sense and log it."""

  def CreateTrial(self, request: Any, context: grpc.ServicerContext) -> Any:
    """Hands out a trial."""
    if not request.tuner_id:
      _refuse(context, grpc.StatusCode.INVALID_ARGUMENT, "asks for a trial without naming its tuner_id")
    return super().CreateTrial(request, context)

  def UpdateTrial(self, request: Any, context: grpc.ServicerContext) -> Any:
    """Records metrics."""
    self._check_trial(request.trial_id, context)
    try:
      return super().UpdateTrial(request, context)
    except ValueError as error:  # The objective is missing.
      _refuse(context, grpc.StatusCode.INVALID_ARGUMENT, str(error))

  def EndTrial(self, request: Any, context: grpc.ServicerContext) -> Any:
    """Ends a trial."""
    self._check_trial(request.trial.trial_id, context)
    status = TrialStatus.from_proto(request.trial.status)
    if status not in (TrialStatus.COMPLETED, TrialStatus.INVALID, TrialStatus.FAILED):
      message = f"ends trial {request.trial.trial_id!r} with the status {status}"
      _refuse(context, grpc.StatusCode.INVALID_ARGUMENT, message)
    self.oracle.note_reason(request.trial.trial_id, _reason(context))
    try:
      return super().EndTrial(request, context)
    except RuntimeError as error:  # The search is given up, or must not have new hyperparameters.
      _refuse(context, grpc.StatusCode.FAILED_PRECONDITION, str(error))

  def GetTrial(self, request: Any, context: grpc.ServicerContext) -> Any:
    """Returns what is known about a trial."""
    self._check_trial(request.trial_id, context)
    return super().GetTrial(request, context)

  def _check_trial(self, trial_id: str, context: grpc.ServicerContext) -> None:
    if trial_id not in self.oracle.trials:
      _refuse(context, grpc.StatusCode.NOT_FOUND, f"there is no trial {trial_id!r} in this search")


def _reason(context: grpc.ServicerContext) -> str | None:
  """Returns why a trial failed, which a worker of ours sends beside KerasTuner's message."""
  sent = dict(context.invocation_metadata()).get(REASON_KEY)
  return None if sent is None else bytes(sent).decode("utf-8", errors="replace")


def _refuse(context: grpc.ServicerContext, code: grpc.StatusCode, message: str) -> NoReturn:
  """Logs a call and answers it with an error."""
  logging.warning("A call from %s was rejected: %s", context.peer(), message)
  context.abort(code, message)
  raise RuntimeError(message)  # Not reached: `abort` raises.
