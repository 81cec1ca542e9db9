"""The lock of a KerasTuner project: only one process at a time may write to its directory.

Several tuners of the same process may use the same project, sequentially or at the same time: rerunning a notebook cell
creates a second tuner while the first may still exist. So a process holds one lock per directory, from the first tuner
that requests it to the last one that is done.
"""

import contextlib
import dataclasses
import os
import threading
from collections.abc import Collection, Iterator

from nao_tf.runs.run_lock import RunLock
from nao_tf.runs.settings import RunDirectoryError
from nao_tf.tuner.project_files import is_remote, read_project_file


@dataclasses.dataclass
class _Hold:
  """A lock, and how many users in this process it has."""

  lock: RunLock
  users: int = 0


_GUARD = threading.Lock()
_HOLDS: dict[tuple[int, str], _Hold] = {}  # By process, since a forked one does not have its parent's locks.


@contextlib.contextmanager
def project_lock(directory: str) -> Iterator[None]:
  """Holds the lock of a project for the duration of the context.

  There is no lock on file systems that only TensorFlow can access, such as `gs://bucket/project`.

  Args:
    directory: directory of the project; created if it does not exist.

  Raises:
    nao_tf.runs.run_lock.RunDirectoryInUse: if another process holds it; the message names the process and its host.
  """
  if is_remote(directory):
    yield
    return
  key = (os.getpid(), os.path.realpath(directory))
  with _GUARD:
    hold = _HOLDS.get(key) or _HOLDS.setdefault(key, _Hold(RunLock(directory)))
    hold.users += 1
  try:
    yield
  finally:
    _let_go(key, hold)


def check_up_to_date(directory: str, known_trials: Collection[str]) -> None:
  """Checks that no other process has continued a project since this one read it.

  Args:
    directory: directory of the project.
    known_trials: ids of the trials that this process knows.

  Raises:
    RunDirectoryError: if there are other trials.
    ValueError: if the project file cannot be read.
  """
  path = os.path.join(directory, "oracle.json")
  if is_remote(directory) or not os.path.exists(path):
    return
  state = read_project_file(path)
  started = state.get("start_order") if isinstance(state, dict) else None
  if not isinstance(started, list):
    raise ValueError(f"{path}: expected the state of an oracle with a list `start_order`")
  unknown = {str(trial_id) for trial_id in started} - set(known_trials)
  if unknown:
    raise RunDirectoryError(
      f"{directory}: another process has resumed this project and started trial {min(unknown)};"
      " create the tuner again to continue from there"
    )


def _let_go(key: tuple[int, str], hold: _Hold) -> None:
  """Gives up the lock with its last user."""
  with _GUARD:
    hold.users -= 1
    if not hold.users:
      hold.lock.close()
      _HOLDS.pop(key, None)
