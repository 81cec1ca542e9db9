import contextlib
import threading
import time
from concurrent import futures

import grpc
import pytest

from nao_tf.tuner.heartbeats import heartbeat_handler, repeating, send_heartbeat, sending_heartbeats


@contextlib.contextmanager
def server(*handlers):
  """Serves; gives the address."""
  result = grpc.server(futures.ThreadPoolExecutor(max_workers=1))
  result.add_generic_rpc_handlers(handlers)
  port = result.add_insecure_port("localhost:0")
  result.start()
  try:
    yield f"localhost:{port}"
  finally:
    result.stop(None).wait()


def test_heartbeats_arrive_as_long_as_the_context_lasts():
  workers = []
  with server(heartbeat_handler(workers.append)) as address:
    with sending_heartbeats(address, "Arbeiter Ä", 0.01):
      assert len(workers) == 1
      while len(workers) < 4:
        time.sleep(0.01)
    count = len(workers)
    time.sleep(0.05)
  assert workers == ["Arbeiter Ä"] * count


def test_a_chief_that_goes_away_ends_neither_the_worker_nor_the_heartbeats():
  workers = []
  with contextlib.ExitStack() as stack:
    with server(heartbeat_handler(workers.append)) as address:
      stack.enter_context(sending_heartbeats(address, "a", 0.01))
    before, start = len(workers), time.monotonic()
    port = int(address.split(":")[1])
    again = grpc.server(futures.ThreadPoolExecutor(max_workers=1))
    again.add_generic_rpc_handlers([heartbeat_handler(workers.append)])
    again.add_insecure_port(f"localhost:{port}")
    again.start()
    while len(workers) == before and time.monotonic() < start + 30:
      time.sleep(0.01)
    again.stop(None).wait()
  assert len(workers) > before


def test_a_context_whose_chief_has_gone_is_left_at_once():
  with contextlib.ExitStack() as stack:
    with server(heartbeat_handler(lambda worker: None)) as address:
      stack.enter_context(sending_heartbeats(address, "a", 0.01))
    time.sleep(0.1)
    start = time.monotonic()
  assert time.monotonic() - start < 5


def test_a_chief_that_receives_no_heartbeats_is_an_error():
  with server() as address, grpc.insecure_channel(address) as channel:
    with pytest.raises(grpc.RpcError) as raised:
      send_heartbeat(channel, "a")
    assert raised.value.code() == grpc.StatusCode.UNIMPLEMENTED


# Calls again and again.


def test_calls_are_repeated_as_long_as_the_context_lasts():
  calls = []
  with repeating(lambda: calls.append(threading.current_thread().name), 0.01):
    assert len(calls) == 1
    while len(calls) < 4:
      time.sleep(0.01)
  count = len(calls)
  time.sleep(0.05)
  assert len(calls) == count


def test_only_ignored_exceptions_do_not_end_the_repetition():
  calls = []

  def fail():
    calls.append(None)
    if len(calls) > 1:
      raise OSError("no connection")

  with repeating(fail, 0.01, ignored=(OSError,)):
    while len(calls) < 4:
      time.sleep(0.01)


def test_an_exception_in_the_first_call_is_raised():
  def fail():
    raise OSError("no connection")

  with pytest.raises(OSError, match="no connection"), repeating(fail, 0.01, ignored=(OSError,)):
    pass
