"""Work directories: a command that fails before doing anything removes a work directory that it created."""

import contextlib
import os
import shutil
from collections.abc import Iterator

from nao_tf.runs.attempts import ATTEMPTS_FILE
from nao_tf.runs.journal import TRIALS_FILE, read_trials
from nao_tf.runs.places import check_writable, checked_directory
from nao_tf.runs.run_lock import LOCK_FILE
from nao_tf.runs.settings import CONFIG_FILE, RunDirectoryError
from nao_tf.runs.starts import STARTS_FILE
from nao_tf.searches.status import HISTORY_FILE
from nao_tf.serving import TASK_FILE
from nao_tf.strategies.earlier_search import KEPT_FILE
from nao_tf.tools.recorded_flags import COMMAND_FILE
from nao_tf.tools.shell_lines import shell_line

_WITHOUT_WORK = frozenset(
  (ATTEMPTS_FILE, TRIALS_FILE, LOCK_FILE, CONFIG_FILE, HISTORY_FILE, TASK_FILE, COMMAND_FILE, STARTS_FILE, KEPT_FILE)
)
_STATUS = "nao-status"
_TENSORBOARD = "tensorboard"
_EMPTY_DIRECTORIES = frozenset(("strategy", "tensorboard", "tuner", "shared_weights"))


@contextlib.contextmanager
def opened(directory: str) -> Iterator[None]:
  """Creates the directory of a run. After an error it is as before, if it was new or empty and nothing was done in it.

  Raises:
    OSError: if it cannot be created or written.
  """
  checked_directory(directory, "--workdir")
  new = _missing(directory)
  os.makedirs(directory, exist_ok=True)
  check_writable(directory)
  was_empty = not os.listdir(directory)
  try:
    yield
  except Exception:
    if was_empty and not has_work(directory):
      _remove(new, directory)
    raise


def announce(directory: str, *, tensorboard: bool) -> None:
  """Prints where a run writes, and how it can be watched.

  Args:
    directory: directory of the run.
    tensorboard: whether it writes for TensorBoard.
  """
  progress = shell_line(_STATUS, [f"--workdir={directory}"])
  print(f"work directory: {directory} (progress: {progress})", flush=True)
  if tensorboard:
    print(f"learning curves: {shell_line(_TENSORBOARD, [f'--logdir={directory}'])}", flush=True)


def has_work(directory: str) -> bool:
  """Returns whether a directory holds more than the beginning of a run: a finished trial, an epoch, or other files."""
  with contextlib.suppress(RunDirectoryError):
    if any(trial.evaluation is not None for trial in read_trials(directory)):
      return True
  for entry in os.scandir(directory):
    if entry.is_dir() and (entry.name not in _EMPTY_DIRECTORIES or any(files for _, _, files in os.walk(entry.path))):
      return True
    if entry.is_file() and (entry.name not in _WITHOUT_WORK or (entry.name == HISTORY_FILE and entry.stat().st_size)):
      return True
  return False


def _missing(directory: str) -> list[str]:
  """Returns the directory and those above it that do not exist, from below."""
  path, missing = os.path.abspath(directory), []
  while not os.path.exists(path):
    missing.append(path)
    path = os.path.dirname(path)
  return missing


def _remove(new: list[str], directory: str) -> None:
  """Removes what is in a directory, then the new directories from below, as far as they are empty."""
  for entry in os.scandir(directory):
    remove = shutil.rmtree if entry.is_dir(follow_symlinks=False) else os.remove
    with contextlib.suppress(OSError):
      remove(entry.path)
  with contextlib.suppress(OSError):
    for path in new:
      os.rmdir(path)
