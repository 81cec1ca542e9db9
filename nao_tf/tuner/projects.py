"""Directories of KerasTuner projects: writing them safely, and learning from the trials in another one."""

import json
import math
import os
from collections.abc import Mapping, Sequence
from typing import Any

import tensorflow as tf
from keras_tuner import Objective
from keras_tuner.engine.trial import Trial, TrialStatus

Past = tuple[Mapping[str, Any], float | None]


def write_json(path: str, value: Any) -> None:
  """Writes a JSON file on any file system that TensorFlow knows; at any moment there is the old one or the new one."""
  with tf.io.gfile.GFile(f"{path}.tmp", "w") as file:
    file.write(json.dumps(value))
  tf.io.gfile.rename(f"{path}.tmp", path, overwrite=True)


def reward_of(score: float | None, objective: Objective) -> float | None:
  """Returns what a strategy maximizes: the score, negated if it is to be minimized; None if it is no finite number."""
  if score is None or not math.isfinite(score):
    return None
  return float(score if objective.direction == "max" else -score)


def past_trials(source: str | os.PathLike | Sequence[Trial | Past], objective: Objective) -> list[Past]:
  """Returns values and rewards of trials that have ended; the reward of a failed one is None.

  Args:
    source: a project's directory; or trials; or pairs of values and score, None for one that failed.
    objective: by which the trials count.

  Raises:
    FileNotFoundError: if the directory has no trials.
    ValueError: if a trial has metrics, but not the objective's.
  """
  trials = _load(source) if isinstance(source, (str, os.PathLike)) else source
  return [_past_trial(trial, objective) for trial in trials]


def _load(directory: str | os.PathLike) -> list[Trial]:
  pattern = os.path.join(directory, "trial_*", "trial.json")
  trials = [Trial.load(path) for path in sorted(tf.io.gfile.glob(pattern))]
  if not trials:
    raise FileNotFoundError(f"expected the directory of a KerasTuner project, found no {pattern}")
  return [trial for trial in trials if trial.status in (TrialStatus.COMPLETED, TrialStatus.FAILED)]


def _past_trial(trial: Trial | Past, objective: Objective) -> Past:
  if not isinstance(trial, Trial):
    values, score = trial
    return dict(values), reward_of(score, objective)
  values = dict(trial.hyperparameters.values)
  if trial.status != TrialStatus.COMPLETED:
    return values, None
  if trial.metrics.exists(objective.name):
    return values, reward_of(trial.metrics.get_best_value(objective.name), objective)
  if trial.metrics.metrics:
    raise ValueError(
      f"past trial {trial.trial_id}: expected the metric {objective.name!r}, got {sorted(trial.metrics.metrics)}"
    )
  return values, reward_of(trial.score, objective)
