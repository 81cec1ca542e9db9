"""Warm starts: what the trials of an earlier search say about an architecture, for NAO's Gaussian process.

This is an informant of the process; see `nao_tf.controller.informed_process`.
"""

from collections.abc import Sequence

import numpy as np

from nao_tf.controller.decision_kernel import DecisionKernel
from nao_tf.controller.gaussian_process import GaussianProcess, normal_scores
from nao_tf.spaces.base import SearchSpace
from nao_tf.strategies.earlier_search import EarlierSearch
from nao_tf.trial import Architecture, Trial


class EarlierScores:
  """An informant that gives the score that an earlier search predicts for an architecture."""

  name = "the earlier search"

  def __init__(self, space: SearchSpace, earlier: EarlierSearch, *, seed: int):
    """Learns from the trials, up to the 200 best of them.

    Args:
      space: space of both searches.
      earlier: the earlier search.
      seed: random seed of all that is drawn at random.
    """
    self._seed = seed
    self._process = GaussianProcess(DecisionKernel(space))
    architectures = [trial.architecture for trial in earlier.trials]
    self._process.fit(architectures, _scores(earlier.trials), np.random.default_rng([seed, 0]))

  def __call__(self, architectures: Sequence[Architecture]) -> np.ndarray:
    """Returns the expected normal scores, [N]."""
    return self._process.predict(architectures, np.random.default_rng([self._seed, 1])).mean


def _scores(ranked: Sequence[Trial]) -> np.ndarray:
  """Returns the normal scores of trials that are ranked, best first. In rungs the order counts, not the reward."""
  rungs = {trial.evaluation.rung for trial in ranked if trial.evaluation}
  rewards = [trial.reward for trial in ranked if trial.reward is not None]
  return normal_scores(rewards if len(rungs) == 1 else [-float(place) for place in range(len(ranked))])
