"""Trials from before a search: those of another project, or those that a user gives."""

import math
import os
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

import tensorflow as tf
from keras_tuner import Objective
from keras_tuner.engine.trial import Trial, TrialStatus

ValuesAndScore: TypeAlias = tuple[Mapping[str, Any], float | None]
PastSource: TypeAlias = str | os.PathLike[str] | Sequence[Trial | ValuesAndScore]


class PastTrial(NamedTuple):
  """A configuration whose outcome is known.

  Attributes:
    values: of the hyperparameters, by name.
    reward: what a strategy maximizes; None if the trial failed.
  """

  values: Mapping[str, Any]
  reward: float | None


def reward_of(score: float | None, objective: Objective) -> float | None:
  """Returns the reward of a score: the score, negated if the objective is minimized.

  Args:
    score: as KerasTuner gives it.
    objective: says whether scores are minimized or maximized.

  Returns:
    The reward; None if the score is missing, NaN or infinite.
  """
  if score is None or not math.isfinite(score):
    return None
  return float(score if objective.direction == "max" else -score)


def past_trials(source: PastSource, objective: Objective) -> list[PastTrial]:
  """Returns the values and rewards of trials that have ended.

  Args:
    source: the directory of a project; or trials; or pairs of values and score, where None as a score means that the
      trial failed.
    objective: which metric makes the reward.

  Raises:
    FileNotFoundError: if the directory has no trials.
    ValueError: if a trial has metrics, but not the objective's.
  """
  trials = _read(source) if isinstance(source, (str, os.PathLike)) else source
  return [_past_trial(trial, objective) for trial in trials]


def _read(directory: str | os.PathLike[str]) -> list[Trial]:
  """Returns the ended trials in the directory of a project, by id."""
  pattern = os.path.join(directory, "trial_*", "trial.json")
  trials = [Trial.load(path) for path in sorted(tf.io.gfile.glob(pattern))]
  if not trials:
    raise FileNotFoundError(f"expected the directory of a KerasTuner project, found no {pattern}")
  return [trial for trial in trials if trial.status in (TrialStatus.COMPLETED, TrialStatus.FAILED)]


def _past_trial(trial: Trial | ValuesAndScore, objective: Objective) -> PastTrial:
  if not isinstance(trial, Trial):
    values, score = trial
    return PastTrial(dict(values), reward_of(score, objective))
  score = _score(trial, objective) if trial.status == TrialStatus.COMPLETED else None
  return PastTrial(dict(trial.hyperparameters.values), reward_of(score, objective))


def _score(trial: Trial, objective: Objective) -> float | None:
  """Returns the best value of the objective's metric; of a trial without metrics, the score that it was given."""
  if trial.metrics.exists(objective.name):
    return trial.metrics.get_best_value(objective.name)
  if trial.metrics.metrics:
    raise ValueError(
      f"past trial {trial.trial_id}: expected the metric {objective.name!r}, got {sorted(trial.metrics.metrics)}"
    )
  return trial.score
