"""The lock of a run directory, which only one process at a time may write to.

The operating system releases the lock when its process ends, for whatever reason. Forked processes do not hold it. The
lock file names the process.
"""

import fcntl
import json
import os
import socket
import sys
from typing import Any

from nao_tf.runs.forks import close_in_forks
from nao_tf.runs.json_files import parse_json
from nao_tf.runs.settings import RunDirectoryError

LOCK_FILE = "lock.json"


class RunDirectoryInUse(RunDirectoryError):
  """Raised when another process holds the lock of a run directory."""


class RunLock:
  """The lock of a run directory, held from construction to `close`.

  It is also a context manager. A process that holds the lock of a directory cannot take it a second time.
  """

  def __init__(self, directory: str):
    """Acquires the lock.

    Args:
      directory: created if it does not exist.

    Raises:
      RunDirectoryInUse: if another process has it; the message names the process and its host.
      OSError: if the directory cannot be created or written.
    """
    os.makedirs(directory, exist_ok=True)
    self._file = open(os.path.join(directory, LOCK_FILE), "a+b", buffering=0)
    try:
      fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
      close_in_forks(self._file)
      self._sign()
    except BlockingIOError as error:
      holder = _holder(self._file)
      self._file.close()
      raise RunDirectoryInUse(f"{directory}: is in use by {holder}; wait for it or choose another directory") from error
    except BaseException:
      self._file.close()
      raise

  def close(self) -> None:
    """Releases the lock. May be called more than once."""
    if not self._file.closed:
      self._file.truncate(0)
      self._file.close()

  def __enter__(self) -> "RunLock":
    return self

  def __exit__(self, *_: object) -> None:
    self.close()

  def _sign(self) -> None:
    """Writes down who holds the lock."""
    holder = {"process": os.getpid(), "host": socket.gethostname(), "command": os.path.basename(sys.argv[0])}
    self._file.truncate(0)
    self._file.write(json.dumps(holder).encode() + b"\n")


def _holder(file: Any) -> str:
  """Returns who holds the lock, in words."""
  file.seek(0)
  try:
    holder = parse_json(file.read(4096), LOCK_FILE)
    return f"process {holder['process']} on {holder['host']} ({holder['command']})"
  except (ValueError, KeyError, TypeError):
    return "another process"
