"""The `trial.json` files of KerasTuner projects, read as files that anybody may have written."""

import os

import tensorflow as tf
from keras_tuner.engine.trial import Trial, TrialStatus

from nao_tf import fields
from nao_tf.spaces.plain_values import plain_values
from nao_tf.tuner.oracle_state import check_space
from nao_tf.tuner.project_files import read_project_file

TRIAL_FILE = "trial.json"

_PREFIX = "trial_"
_STATUSES = (
  TrialStatus.RUNNING,
  TrialStatus.IDLE,
  TrialStatus.INVALID,
  TrialStatus.STOPPED,
  TrialStatus.COMPLETED,
  TrialStatus.FAILED,
)


def trial_paths(directory: str) -> dict[str, str]:
  """Returns the path of each `trial.json` in the directory of a project, by the trial's id.

  A directory of a trial without a file is left out: KerasTuner makes the directory first. The name of the project's
  directory may have characters that mean something in a pattern, such as brackets.

  Args:
    directory: directory of the project, local or remote.
  """
  names = sorted(name.rstrip("/") for name in tf.io.gfile.listdir(directory)) if tf.io.gfile.isdir(directory) else []
  paths = {
    name.removeprefix(_PREFIX): os.path.join(directory, name, TRIAL_FILE) for name in names if name.startswith(_PREFIX)
  }
  return {trial_id: path for trial_id, path in paths.items() if tf.io.gfile.exists(path)}


def read_trial(path: str) -> Trial:
  """Returns the trial in a file.

  Args:
    path: local or remote.

  Raises:
    ValueError: if it holds no trial of KerasTuner; the message names the file.
  """
  state = read_project_file(path)
  try:
    trial = Trial.from_state(state)
    _check(trial)
  except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
    raise ValueError(f"{path}: not a trial of KerasTuner ({type(error).__name__}: {error})") from error
  return trial


def _check(trial: Trial) -> None:
  """Checks what KerasTuner takes from a file as it is.

  Raises:
    ValueError: if something is of another type than KerasTuner writes.
  """
  fields.text(trial.trial_id, "trial_id")
  fields.one_of(trial.status, "status", _STATUSES)
  if trial.score is not None:
    fields.any_number(trial.score, "score")
  if trial.message is not None:
    fields.text(trial.message, "message")
  check_space(trial.hyperparameters.space)
  trial.hyperparameters.values = plain_values(trial.hyperparameters.values, "values")
  for name, history in trial.metrics.metrics.items():
    for observation in history.get_history():
      fields.number(observation.step, f"step of {name}")
      for value in fields.elements(observation.value, name, max(1, len(observation.value))):
        fields.any_number(value, name)
