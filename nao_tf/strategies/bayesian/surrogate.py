"""The surrogate model: a Gaussian process over evaluated and pending architectures."""

from collections.abc import Sequence

import numpy as np

from nao_tf.strategies.bayesian.acquisition import log_expected_improvement
from nao_tf.strategies.bayesian.config import EI
from nao_tf.strategies.bayesian.distances import DistanceBank
from nao_tf.strategies.bayesian.gaussian_process import GaussianProcess, Term, fit
from nao_tf.trial import Architecture

_MOST_FITTED = 200
"""Points that hyperparameters are fitted on, so that this takes no longer in a longer search."""


class Surrogate:
  """Predicts rewards of architectures and their acquisition values."""

  def __init__(
    self,
    bank: DistanceBank,
    terms: Sequence[Term],
    architectures: Sequence[Architecture],
    values: np.ndarray,
    rng: np.random.Generator,
  ):
    """Fits the hyperparameters to what was evaluated.

    Args:
      bank: has the distances.
      terms: terms of the kernel.
      architectures: that were evaluated.
      values: values of the architectures [N], with mean 0.
      rng: chooses points to fit on, if there are many.
    """
    self._bank, self._members, self._values = bank, list(architectures), values
    self._best = float(values.max())
    fitted = _fitted_on(values, rng)
    chosen = [self._members[index] for index in fitted]
    self._process = GaussianProcess(terms, fit(terms, bank.between(chosen), values[fitted] - values[fitted].mean()))
    self._process.observe(bank.between(self._members), values)

  def predict(self, architectures: Sequence[Architecture]) -> tuple[np.ndarray, np.ndarray]:
    """Returns means and standard deviations, [M]."""
    return self._process.predict(self._bank.to_members(architectures, self._members))

  def believe(self, architectures: Sequence[Architecture]) -> None:
    """Conditions on the predicted means of pending architectures, so that other architectures are proposed."""
    if not architectures:
      return
    means, _ = self.predict(architectures)
    self._members += architectures
    self._values = np.append(self._values, means)
    self._process.observe(self._bank.between(self._members), self._values, self._process.variance)

  def worth(self, architectures: Sequence[Architecture], acquisition: str, exploration: float) -> np.ndarray:
    """Returns the acquisition value of architectures, [M].

    Args:
      architectures: any architectures of the space.
      acquisition: one of `ACQUISITIONS`.
      exploration: number of standard deviations by which an upper confidence bound exceeds the mean.
    """
    means, deviations = self.predict(architectures)
    if acquisition == EI:
      return log_expected_improvement(means, deviations, self._best)
    return means + exploration * deviations


def _fitted_on(values: np.ndarray, rng: np.random.Generator) -> np.ndarray:
  """Returns the indices of points to fit hyperparameters on: the better half of them the best ones, the others random."""
  if len(values) <= _MOST_FITTED:
    return np.arange(len(values))
  order = np.argsort(-values, kind="stable")
  others = rng.choice(order[_MOST_FITTED // 2 :], _MOST_FITTED // 2, replace=False)
  return np.sort(np.concatenate([order[: _MOST_FITTED // 2], others]))
