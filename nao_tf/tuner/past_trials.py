"""Trials known before a search: those of another project, or those that a user provides."""

import math
import os
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

from absl import logging
from keras_tuner import Objective
from keras_tuner.engine.trial import Trial, TrialStatus

from nao_tf import fields
from nao_tf.spaces.plain_values import plain_values
from nao_tf.tuner.objectives import directions
from nao_tf.tuner.trial_files import read_trial, trial_paths

ValuesAndScore: TypeAlias = tuple[Mapping[str, Any], float | None]
PastSource: TypeAlias = str | os.PathLike[str] | Sequence[Trial | ValuesAndScore]


class PastTrial(NamedTuple):
  """A configuration whose result is known.

  Attributes:
    values: values of the hyperparameters, by name.
    reward: the reward, which a strategy maximizes; None if the trial failed.
  """

  values: Mapping[str, Any]
  reward: float | None


def reward_of(score: float | None, objective: Objective) -> float | None:
  """Converts a score to a reward: the score, negated if the objective is minimized.

  Args:
    score: a score of KerasTuner.
    objective: defines whether scores are minimized or maximized.

  Returns:
    The reward; None if the score is missing, NaN or infinite.
  """
  if score is None or not math.isfinite(score):
    return None
  return float(score if objective.direction == "max" else -score)


def past_trials(source: PastSource, objective: Objective) -> list[PastTrial]:
  """Returns the values and rewards of completed trials.

  Trials whose files cannot be read are skipped with a warning.

  Args:
    source: the directory of a project; trials; or pairs of values and score, where the score None marks a failed trial.
    objective: the objective that defines the reward.

  Raises:
    FileNotFoundError: if the directory contains no trials.
    ValueError: if no trial in the directory can be read, the source is of another type, or a trial has metrics, but not
      that of the objective.
  """
  if isinstance(source, (str, os.PathLike)):
    return [_from_trial(trial, objective, path) for path, trial in _read(os.fspath(source)).items()]
  if not isinstance(source, Iterable):
    raise ValueError(
      f"past: expected the directory of a project, trials, or pairs of values and score, got {fields.shown(source)}"
    )
  return [_past_trial(trial, objective, f"past trial {number}") for number, trial in enumerate(source)]


def past_from_json(data: Any) -> list[PastTrial]:
  """Returns past trials from pairs of values and reward in the state of an oracle.

  Raises:
    ValueError: if the data has another form.
  """
  pairs = [fields.elements(pair, "past", 2) for pair in fields.elements(data, "past")]
  return [PastTrial(plain_values(values, "past"), fields.number_or_none(reward, "past")) for values, reward in pairs]


def _read(directory: str) -> dict[str, Trial]:
  """Returns the ended trials in the directory of a project by the paths of their files, in the order of their ids."""
  paths = trial_paths(directory).values()
  if not paths:
    raise FileNotFoundError(
      f"expected the directory of a KerasTuner project, found no trial_*/trial.json in {directory}"
    )
  trials: dict[str, Trial] = {}
  errors: list[Exception] = []
  for path in paths:
    try:
      trials[path] = read_trial(path)
    except (OSError, ValueError) as error:
      logging.warning("A past trial is skipped: %s", error)
      errors.append(error)
  if not trials:
    raise ValueError(f"past: none of the {len(paths)} trials in {directory} can be read. The first: {errors[0]}")
  ended = (TrialStatus.COMPLETED, TrialStatus.FAILED)
  return {path: trial for path, trial in trials.items() if trial.status in ended}


def _past_trial(trial: Any, objective: Objective, place: str) -> PastTrial:
  if isinstance(trial, Trial):
    return _from_trial(trial, objective, f"past trial {trial.trial_id}")
  if not isinstance(trial, Sequence) or isinstance(trial, str) or len(trial) != 2:
    raise ValueError(f"{place}: expected a trial or a pair of values and score, got {fields.shown(trial)}")
  values, score = trial
  return PastTrial(plain_values(values, place), _reward(score, objective, place))


def _from_trial(trial: Trial, objective: Objective, place: str) -> PastTrial:
  score = _score(trial, objective, place) if trial.status == TrialStatus.COMPLETED else None
  return PastTrial(plain_values(trial.hyperparameters.values, place), _reward(score, objective, place))


def _reward(score: Any, objective: Objective, place: str) -> float | None:
  if score is None:
    return None
  try:
    return reward_of(float(score), objective)
  except (TypeError, ValueError, OverflowError) as error:
    raise ValueError(
      f"{place}: expected a number as the score, or None if it failed, got {fields.shown(score)}"
    ) from error


def _score(trial: Trial, objective: Objective, place: str) -> float | None:
  """Returns the best value of the objective in the metrics; of a trial without metrics, the score that it was given.

  The score of a trial with metrics may be that of another objective.
  """
  if not trial.metrics.metrics:
    return trial.score
  names = list(directions(objective))
  missing = [name for name in names if not trial.metrics.exists(name)]
  if missing:
    raise ValueError(f"{place}: expected the metric {missing[0]!r}, got {sorted(trial.metrics.metrics)}")
  steps = [{seen.step: seen.mean() for seen in trial.metrics.get_history(name)} for name in names]
  common = set(steps[0]).intersection(*steps)
  values = [objective.get_value({name: seen[step] for name, seen in zip(names, steps)}) for step in common]
  finite = [float(value) for value in values if math.isfinite(value)]
  return (max if objective.direction == "max" else min)(finite, default=None)
