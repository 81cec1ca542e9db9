"""Makes rewards of different rungs comparable for the strategy of a search with rungs.

Rewards after few epochs are lower than rewards after many, so a strategy is given the reward expected at the top rung.
From each rung to the next, it is extrapolated by a line through the trials with a reward at both rungs:

  reward at the next rung = mean there + slope * (reward - mean here)

Promoted trials are few and similar, so the slope is shrunk toward 1. Each trial is reported with the extrapolated
reward of its highest rung. As results arrive the lines change, and trials whose extrapolated rewards change noticeably
are reported again.
"""

import dataclasses
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np

from nao_tf.searches.rungs import RungConfig
from nao_tf.trial import Evaluation, Trial

_PRIOR_PAIRS = 5.0
"""The slope 1 counts as much as so many trials."""
_TOLERANCE = 0.02
"""A trial is told again if its reward changes by more than this fraction of the deviation of all rewards."""


class Line(NamedTuple):
  """What a reward at a rung becomes at the next one.

  Attributes:
    here: mean reward at the rung.
    there: mean reward at the next one.
    slope: slope of the line through both.
  """

  here: float = 0.0
  there: float = 0.0
  slope: float = 1.0

  def __call__(self, reward: float) -> float:
    """Returns the reward at the next rung."""
    return self.there + self.slope * (reward - self.here)


class ComparableRewards:
  """The trials of a search with rungs, with comparable rewards."""

  def __init__(self, config: RungConfig):
    """Initializes without trials."""
    self._config = config
    self._trials: dict[int, Trial] = {}
    self._told: dict[int, float] = {}
    self._lines = [Line() for _ in range(config.top)]

  def update(self, trial: Trial) -> list[Trial]:
    """Records a trial that has closed at a rung.

    Returns:
      The trials to tell: it, and others whose rewards have changed with it. The evaluation of each has a comparable
      reward and no rung. Its `earlier` ones are as they were.
    """
    self._trials[trial.id] = trial
    if trial.evaluation is not None and trial.evaluation.rung and trial.earlier:
      rung = trial.evaluation.rung
      self._lines[rung - 1] = _line(_pairs(self._trials.values(), rung - 1))
    return [self._comparable(trial), *self._changed(trial.id)]

  def reward(self, evaluation: Evaluation) -> float | None:
    """Returns what the reward of an evaluation is at the top rung, as far as that is known."""
    reward = evaluation.reward
    for line in self._lines[evaluation.rung :]:
      reward = None if reward is None else line(reward)
    return reward

  def _changed(self, but: int) -> list[Trial]:
    """Returns the trials but one whose rewards have changed noticeably since they were told."""
    scale = _TOLERANCE * float(np.std(list(self._told.values()))) if self._told else 0.0
    others = (trial for number, trial in sorted(self._trials.items()) if number != but and number in self._told)
    changed = []
    for trial in others:
      reward = self.reward(trial.evaluation) if trial.evaluation else None
      if reward is not None and abs(reward - self._told[trial.id]) > scale:
        changed.append(self._comparable(trial))
    return changed

  def _comparable(self, trial: Trial) -> Trial:
    """Returns a trial as it is told."""
    if trial.evaluation is None:
      return trial
    reward = self.reward(trial.evaluation)
    if reward is None:
      self._told.pop(trial.id, None)
    else:
      self._told[trial.id] = reward
    evaluation = dataclasses.replace(trial.evaluation, reward=reward, rung=0)
    return Trial(trial.id, trial.architecture, trial.origin, evaluation, earlier=trial.earlier)


def _pairs(trials: Iterable[Trial], rung: int) -> list[tuple[float, float]]:
  """Returns the rewards at a rung and at the next one of the trials that have both."""
  found = []
  for trial in trials:
    rewards = {evaluation.rung: evaluation.reward for evaluation in trial.evaluations}
    here, there = rewards.get(rung), rewards.get(rung + 1)
    if here is not None and there is not None:
      found.append((here, there))
  return found


def _line(pairs: Sequence[tuple[float, float]]) -> Line:
  """Returns the line through pairs of rewards, with a slope that is drawn towards 1."""
  if not pairs:
    return Line()
  here, there = np.asarray(pairs, np.float64).T
  x, y = here - here.mean(), there - there.mean()
  weight = _PRIOR_PAIRS * max(float(x @ x) / len(x), 1e-12)
  slope = (float(x @ y) + weight) / (float(x @ x) + weight)
  return Line(float(here.mean()), float(there.mean()), max(slope, 0.0))
