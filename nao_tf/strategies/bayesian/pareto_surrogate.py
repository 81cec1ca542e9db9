"""The surrogate model of multi-objective search: a Gaussian process for each objective that is not known in advance."""

from collections.abc import Callable, Sequence

import numpy as np

from nao_tf.objectives import Objectives
from nao_tf.strategies.bayesian.config import EI
from nao_tf.strategies.bayesian.surrogate import Surrogate
from nao_tf.strategies.expected_front import ExpectedFront, Predicted
from nao_tf.trial import Architecture, Trial

_SMALLEST_GROWTH = 1e-300

MakeSurrogate = Callable[[np.ndarray], Surrogate]
"""Returns a surrogate that is fitted to values [N] of all trials, with mean 0."""


class ParetoSurrogate:
  """Predicts the objectives of architectures and their expected hypervolume improvement."""

  def __init__(self, objectives: Objectives, trials: Sequence[Trial], target: str, make: MakeSurrogate):
    """Fits a process to each objective that is not known of an architecture beforehand.

    Args:
      objectives: objectives of the search.
      trials: closed.
      target: "ranks" or "rewards"; see `ExpectedFront`.
      make: makes the process of an objective.
    """
    self._front = ExpectedFront(objectives, trials, target)
    self._surrogates = [make(values) for values in self._front.targets]

  def predict(self, architectures: Sequence[Architecture]) -> Predicted:
    """Returns means and standard deviations of scores, [C, M]; see `ExpectedFront.candidates`."""
    return self._front.candidates(architectures, [surrogate.predict(architectures) for surrogate in self._surrogates])

  def believe(self, architectures: Sequence[Architecture]) -> None:
    """Conditions on the predicted means of pending architectures, so that other architectures are proposed."""
    if not architectures:
      return
    self._front.believe(self.predict(architectures)[0])
    for surrogate in self._surrogates:
      surrogate.believe(architectures)

  def worth(self, architectures: Sequence[Architecture], acquisition: str, exploration: float) -> np.ndarray:
    """Returns the acquisition value of architectures, [C]: the logarithm of the hypervolume improvement.

    Args:
      architectures: any architectures of the space.
      acquisition: "ei" for the expected improvement, "ucb" for that of optimistic predictions.
      exploration: for "ucb", number of standard deviations by which predictions are raised.
    """
    means, deviations = self.predict(architectures)
    if acquisition != EI:
      means, deviations = means + exploration * deviations, np.zeros_like(deviations)
    return np.asarray(np.log(np.maximum(self._front.growth((means, deviations)), _SMALLEST_GROWTH)))
