"""What Gaussian processes believe about candidates in a search for several objectives."""

from collections.abc import Sequence

import numpy as np

from nao_tf.controller.gaussian_process import Beliefs
from nao_tf.strategies.expected_front import ExpectedFront, Predicted
from nao_tf.trial import Architecture


class ParetoBeliefs:
  """Beliefs about each objective of candidates. It chooses as `Beliefs` does, by the expected growth of the hypervolume."""

  def __init__(self, front: ExpectedFront, candidates: Sequence[Architecture], beliefs: Sequence[Beliefs]):
    """Takes what is believed.

    Args:
      front: what was evaluated.
      candidates: architectures.
      beliefs: about the candidates, for each objective of the front that is predicted.
    """
    self._front, self._candidates, self._beliefs = front, candidates, beliefs

  def most_promising(self, taken: Sequence[int]) -> int:
    """Returns the index of the candidate of the largest expected growth among those that are not taken."""
    growth = self._front.growth(self._scores())
    growth[list(taken)] = -np.inf
    return int(np.argmax(growth))

  def believe(self, index: int) -> None:
    """Goes on as if the objectives of a candidate had turned out as expected."""
    means, _ = self._scores()
    self._front.believe(means[[index]])
    for belief in self._beliefs:
      belief.believe(index)

  def _scores(self) -> Predicted:
    predictions = [(belief.mean, belief.deviation) for belief in self._beliefs]
    return self._front.candidates(self._candidates, predictions)
