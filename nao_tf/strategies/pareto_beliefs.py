"""Predictions of Gaussian processes for candidates in multi-objective search."""

from collections.abc import Sequence

import numpy as np

from nao_tf.controller.gaussian_process import Beliefs
from nao_tf.strategies.expected_front import ExpectedFront, Predicted
from nao_tf.trial import Architecture


class ParetoBeliefs:
  """Beliefs about each objective of candidates. Like `Beliefs`, but maximizes the expected hypervolume improvement."""

  def __init__(self, front: ExpectedFront, candidates: Sequence[Architecture], beliefs: Sequence[Beliefs]):
    """Takes what is believed.

    Args:
      front: what was evaluated.
      candidates: architectures.
      beliefs: about the candidates, for each objective of the front that is predicted.
    """
    self._front, self._candidates, self._beliefs = front, candidates, beliefs

  def most_promising(self, taken: Sequence[int]) -> int:
    """Returns the index of the candidate with the largest expected improvement among those not taken."""
    growth = self._front.growth(self._scores())
    growth[list(taken)] = -np.inf
    return int(np.argmax(growth))

  def believe(self, index: int) -> None:
    """Conditions on the expected objectives of a candidate, as if they had been observed."""
    means, _ = self._scores()
    self._front.believe(means[[index]])
    for belief in self._beliefs:
      belief.believe(index)

  def _scores(self) -> Predicted:
    predictions = [(belief.mean, belief.deviation) for belief in self._beliefs]
    return self._front.candidates(self._candidates, predictions)
