"""The chief of a distributed search: a server that lets workers use an oracle.

KerasTuner's own server offers KerasTuner's calls alone and has no place for others. This one offers the same calls, by
the same code, and beside them the heartbeat. It ends as soon as the search is over.
"""

import time
from concurrent import futures

import grpc
from keras_tuner.src import protos
from keras_tuner.src.distribute.oracle_chief import OracleServicer

from nao_tf.tuner.distributed_oracle import DistributedOracle
from nao_tf.tuner.heartbeats import heartbeat_handler

POLL_SECONDS = 1.0
_GRACE_SECONDS = 10.0  # For calls under way when the search is over, such as that of the worker stopped last.


def serve(oracle: DistributedOracle, address: str) -> None:
  """Serves an oracle until the search is over.

  Args:
    oracle: what workers ask for trials.
    address: "host:port" where to listen.

  Raises:
    RuntimeError: if the address cannot be used.
  """
  server = grpc.server(futures.ThreadPoolExecutor(max_workers=1))
  protos.get_service_grpc().add_OracleServicer_to_server(OracleServicer(oracle), server)
  server.add_generic_rpc_handlers((heartbeat_handler(oracle.record_heartbeat),))
  server.add_insecure_port(address)
  server.start()
  try:
    while not oracle.is_over:
      time.sleep(POLL_SECONDS)
      oracle.release_dead_workers()
  finally:
    server.stop(_GRACE_SECONDS).wait()
