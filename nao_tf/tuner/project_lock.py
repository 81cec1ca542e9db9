"""The lock of a KerasTuner project: one process at a time writes into its directory.

Several tuners of one process may work on the same project, one after the other or together: a cell of a notebook that is
run again makes a second tuner while the first one may still be there. So a process holds one lock for each directory, from
the first tuner that asks for it to the last one that is done.
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
  """Holds the lock of a project as long as the context lasts.

  There is no lock on a file system that only TensorFlow can reach, such as `gs://bucket/project`.

  Args:
    directory: directory of the project; created if it does not exist.

  Raises:
    nao_tf.runs.run_lock.RunDirectoryInUse: if another process has it; the message names the process and its host.
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
  """Checks that no other process has gone on with a project since this one has read it.

  Args:
    directory: directory of the project.
    known_trials: the trials that this process knows, by their ids.

  Raises:
    RunDirectoryError: if there are others.
    ValueError: if the project's file cannot be read.
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
      f"{directory}: another process has gone on with this project and started trial {min(unknown)};"
      " make the tuner again to go on from there"
    )


def _let_go(key: tuple[int, str], hold: _Hold) -> None:
  """Gives up the lock with its last user."""
  with _GUARD:
    hold.users -= 1
    if not hold.users:
      hold.lock.close()
      _HOLDS.pop(key, None)
