"""The output of trials: `trials/ID/log.txt` in the directory of a search."""

import os

from nao_tf.trial import Evaluation, Trial

TRIALS_DIRECTORY = "trials"
LOG_FILE = "log.txt"
_LAST_LINES = 20
_LAST_BYTES = 4000


def new_log(directory: str, trial: int) -> str:
  """Creates the directory of a trial and returns the path of its log.

  Args:
    directory: directory of the search.
    trial: id of the trial.
  """
  folder = os.path.join(directory, TRIALS_DIRECTORY, str(trial))
  os.makedirs(folder, exist_ok=True)
  return os.path.join(folder, LOG_FILE)


def read_log(path: str, size: int = _LAST_BYTES) -> bytes:
  """Returns the end of a log; empty if there is none.

  Args:
    path: path of the log.
    size: maximum number of bytes.
  """
  try:
    with open(path, "rb") as file:
      file.seek(max(0, os.path.getsize(path) - size))
      return file.read()
  except OSError:
    return b""


def closed_with_log(trial: Trial, evaluation: Evaluation, log: bytes) -> Trial:
  """Returns a trial with its evaluation; a failed one gets the last lines of its log as the metric `log`."""
  lines = log.decode(errors="replace").split("\n")[-_LAST_LINES - 1 :]
  text = "\n".join(lines).strip()
  if evaluation.ok or not text:
    return trial.close(evaluation)
  return trial.close(Evaluation(None, evaluation.cost_seconds, {**evaluation.metrics, "log": text}))
