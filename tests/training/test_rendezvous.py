"""Processes that wait for each other, here in threads."""

import concurrent.futures
import os
import pathlib
import signal
import socket
import subprocess
import sys
import time

import pytest

from nao_tf.training.rendezvous import meet

ROOT = pathlib.Path(__file__).parent.parent.parent
SHORT = 0.8
"""Seconds in which none goes that must wait."""
ALONE = """
import signal, sys
from nao_tf.training.rendezvous import meet
signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
print("waits", flush=True)
meet(sys.argv[2:], int(sys.argv[1]))
"""


def addresses(count):
  """Returns the addresses of processes on this machine."""
  sockets = [socket.create_server(("localhost", 0)) for _ in range(count)]
  hosts = [f"localhost:{used.getsockname()[1]}" for used in sockets]
  for used in sockets:
    used.close()
  return hosts


def begun(pool, hosts, index):
  return pool.submit(meet, hosts, index)


def all_gone(waiting):
  return not concurrent.futures.wait(waiting, timeout=20).not_done


def lone_process(hosts, index):
  """Starts a process that waits for others."""
  command = [sys.executable, "-c", ALONE, str(index), *hosts]
  process = subprocess.Popen(command, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}, stdout=subprocess.PIPE)
  process.stdout.readline()
  return process


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 0, 2)])
def test_none_goes_before_all_are_there_and_then_their_ports_are_free(order):
  hosts = addresses(3)
  *early, late = order
  with concurrent.futures.ThreadPoolExecutor() as pool:
    waiting = [begun(pool, hosts, index) for index in early]
    assert not concurrent.futures.wait(waiting, timeout=SHORT).done
    assert all_gone([*waiting, begun(pool, hosts, late)])
  for host in hosts:
    socket.create_server(("localhost", int(host.split(":")[1]))).close()


def test_one_process_waits_for_nobody():
  meet(["localhost:1"], 0)


@pytest.mark.parametrize("index", [0, 1])
def test_a_port_in_use_is_an_error_at_once(index):
  with socket.create_server(("", 0)) as used:
    hosts = ["localhost:1", "localhost:1"]
    hosts[index] = f"localhost:{used.getsockname()[1]}"
    with pytest.raises(OSError, match="in use"):
      meet(hosts, index)


@pytest.mark.parametrize("index", [0, 1])
def test_a_signal_reaches_a_process_that_waits(index):
  with lone_process(addresses(2), index) as process:
    time.sleep(0.3)
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=10) == 143


def test_a_process_that_ended_while_it_waited_is_waited_for_again():
  hosts = addresses(3)
  with concurrent.futures.ThreadPoolExecutor() as pool, lone_process(hosts, 1) as process:
    first = begun(pool, hosts, 0)
    assert not concurrent.futures.wait([first], timeout=SHORT).done
    process.kill()
    process.wait()
    third = begun(pool, hosts, 2)
    assert not concurrent.futures.wait([first, third], timeout=2 * SHORT).done
    assert all_gone([first, third, begun(pool, hosts, 1)])


def test_the_others_wait_for_a_first_one_that_ended_and_is_started_again():
  hosts = addresses(2)
  with concurrent.futures.ThreadPoolExecutor() as pool, lone_process([*hosts, "localhost:1"], 0) as process:
    second = begun(pool, hosts, 1)
    assert not concurrent.futures.wait([second], timeout=SHORT).done
    process.kill()
    process.wait()
    assert not concurrent.futures.wait([second], timeout=SHORT).done
    assert all_gone([second, begun(pool, hosts, 0)])


def test_a_stranger_at_the_port_is_no_process():
  hosts = addresses(2)
  with concurrent.futures.ThreadPoolExecutor() as pool:
    first = begun(pool, hosts, 0)
    time.sleep(0.2)
    host, port = hosts[0].split(":")
    for said in (b"GET / HTTP/1.1\r\n", b"7\n", b""):
      with socket.create_connection((host, int(port))) as stranger:
        stranger.sendall(said)
    assert not concurrent.futures.wait([first], timeout=SHORT).done
    assert all_gone([first, begun(pool, hosts, 1)])


def test_where_something_else_answers_already_it_is_for_tensorflow_to_join():
  hosts = addresses(2)
  with (
    concurrent.futures.ThreadPoolExecutor() as pool,
    socket.create_server(("", int(hosts[0].split(":")[1]))) as server,
  ):
    second = begun(pool, hosts, 1)
    connection, _ = server.accept()
    with connection:
      connection.sendall(b"\x00\x00\x12\x04")  # As a server of gRPC greets.
      assert all_gone([second])
