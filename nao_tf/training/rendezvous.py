"""Where the processes of a cluster wait for each other, before TensorFlow connects them. Does not import TensorFlow.

TensorFlow waits for processes in C++, and keeps SIGTERM for itself as long as it does. Here a process waits in Python,
where a signal reaches it:

1. Each process listens at its own port, so that a port in use is an error at once.
2. The others connect to the first one and say who they are. The first one forgets those whose connections end.
3. When all are there, the first one lets them go. Each closes its port, which TensorFlow then opens.
"""

import contextlib
import select
import socket
import time
from collections.abc import Sequence

_PAUSE = 0.5
"""Seconds between two attempts."""
_PATIENCE = 5.0
"""Seconds that a process has to connect, to say who it is, and to go."""
_GO = b"go\n"


def meet(addresses: Sequence[str], index: int) -> None:
  """Waits until all processes of a cluster have called this.

  Args:
    addresses: addresses of the processes, each of the form host:port; that of the first one is first.
    index: which of them is that of this process.

  Raises:
    OSError: if the port of this process is in use.
  """
  if len(addresses) == 1:
    return
  with _listening(int(addresses[index].rpartition(":")[2])) as server:
    if index == 0:
      _gather(server, len(addresses) - 1)
    else:
      _report(addresses[0], index)


def _listening(port: int) -> socket.socket:
  """Returns a socket that listens at a port on all interfaces, as TensorFlow does."""
  if socket.has_dualstack_ipv6():
    return socket.create_server(("", port), family=socket.AF_INET6, dualstack_ipv6=True)
  return socket.create_server(("", port))


def _gather(server: socket.socket, count: int) -> None:
  """Waits until all others are there, then lets them go.

  Args:
    server: where they connect.
    count: how many they are.
  """
  server.settimeout(_PAUSE)
  with contextlib.ExitStack() as connections:
    there: dict[int, socket.socket] = {}
    while len(there) < count:
      with contextlib.suppress(TimeoutError):
        connection = connections.enter_context(server.accept()[0])
        there.update({index: connection for index in _said(connection) if 1 <= index <= count})
      there = {index: connection for index, connection in there.items() if not _is_lost(connection)}
    for connection in there.values():
      _let_go(connection)


def _said(connection: socket.socket) -> list[int]:
  """Returns which process is at the other end of a connection; nothing if it does not say so."""
  connection.settimeout(_PATIENCE)
  with contextlib.suppress(OSError, ValueError):
    return [int(connection.recv(16))]
  return []


def _is_lost(connection: socket.socket) -> bool:
  """Returns whether a process that waits has ended: it says nothing more, so there is something to read only then."""
  return bool(select.select([connection], [], [], 0)[0])


def _let_go(connection: socket.socket) -> None:
  """Tells a process that all are there, and waits until it has read that, so that it is the one that closes first."""
  with contextlib.suppress(OSError):
    connection.sendall(_GO)
    connection.recv(1)


def _report(address: str, index: int) -> None:
  """Waits until the first process lets this one go.

  Whatever answers is followed: where TensorFlow listens already, it is for it to say whether a process can still join.

  Args:
    address: address of the first process.
    index: index of this one.
  """
  while True:
    with contextlib.suppress(OSError), _connected(address) as connection:
      connection.sendall(b"%d\n" % index)
      if not _is_own(connection) and connection.recv(len(_GO)):
        return
    time.sleep(_PAUSE)


def _connected(address: str) -> socket.socket:
  """Returns a connection to an address, which ends if the machine there does."""
  host, _, port = address.rpartition(":")
  connection = socket.create_connection((host.strip("[]"), int(port)), timeout=_PATIENCE)
  connection.settimeout(None)
  connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
  return connection


def _is_own(connection: socket.socket) -> bool:
  """Returns whether both ends are the same: where none listens, a system may connect a free port of its own with itself."""
  return bool(connection.getsockname() == connection.getpeername())
