"""A Gaussian process whose prior mean uses external information about architectures, as far as it turns out to be useful.

An informant assigns a number to each architecture, such as the score expected by an earlier search. The prior mean of
an architecture is a weighted sum of these numbers, with weights from a ridge regression of the scores. An informant is
only used if it reduces the leave-one-out prediction errors by more than their standard error; otherwise its weight is
0.
"""

from collections.abc import Sequence
from typing import Protocol

import numpy as np

from nao_tf.controller.decision_kernel import DecisionKernel
from nao_tf.controller.gaussian_process import MAX_TRIALS, Beliefs, GaussianProcess, best_and_spread
from nao_tf.runs.hints import Hint, in_words
from nao_tf.trial import Architecture

_FEWEST = 5
"""Trials before an informant is believed."""
_NUM_ASKED = 16
"""Of so many architectures, the most promising, slow informants are asked at a time."""
_RIDGE = 1.0
_TINY = 1e-9


class Informant(Protocol):
  """A source of information about architectures.

  A slow one has the attribute `is_slow`, and is only asked about a few architectures.

  Attributes:
    name: display name.
  """

  name: str

  def __call__(self, architectures: Sequence[Architecture]) -> np.ndarray:
    """Returns a finite number for each architecture, [N]."""


class InformedProcess(GaussianProcess):
  """Predicts scores of architectures, using informants.

  Attributes:
    weights: weights of the informants, in standard deviations of the scores per unit of the informant, [F]; 0 for those
      that do not help.
    is_fitted: whether it has been fitted.
  """

  def __init__(
    self,
    kernel: DecisionKernel,
    informants: Sequence[Informant],
    *,
    max_trials: int = MAX_TRIALS,
    max_iterations: int = 20,
  ):
    """Creates a process that has learned nothing; see `GaussianProcess`.

    Args:
      kernel: how alike architectures are.
      informants: whom to ask.
      max_trials: it learns from at most so many; see `GaussianProcess`.
      max_iterations: of the search for weights and noise.
    """
    super().__init__(kernel, max_trials=max_trials, max_iterations=max_iterations)
    self._informants = list(informants)
    self.weights = np.zeros(len(self._informants))
    self._centers, self._scales = np.zeros(len(self._informants)), np.ones(len(self._informants))
    self.is_fitted = False

  @property
  def is_slow(self) -> bool:
    """Whether one of the informants is slow."""
    return any(map(_is_slow, self._informants))

  @property
  def hints(self) -> list[Hint]:
    """How much each informant is used."""
    return [Hint(one.name, weight) for one, weight in zip(self._informants, self.weights.tolist(), strict=True)]

  def fit(self, architectures: Sequence[Architecture], scores: np.ndarray, rng: np.random.Generator) -> None:
    """Determines the weights of the informants and fits the residuals; see `GaussianProcess.fit`."""
    self.is_fitted = True
    told = self._told(architectures)
    self._centers, self._scales = told.mean(axis=0), np.maximum(told.std(axis=0), _TINY)
    self.weights = informant_weights((told - self._centers) / self._scales, scores)
    kept = best_and_spread(scores, self._max_trials)
    known = [architectures[index] for index in kept]
    super().fit(known, (scores - self._prior(told))[kept], rng)
    self.incumbent = float(scores.max())

  def predict(self, architectures: Sequence[Architecture], rng: np.random.Generator) -> Beliefs:
    """Returns the predictions for architectures, including informants; see `GaussianProcess.predict`.

    Slow informants are only asked about the few architectures that are most promising without them. For the others, the
    mean of their answers is used.
    """
    beliefs = super().predict(architectures, rng)
    if not self.weights.any():
      return beliefs
    told = np.tile(self._centers, (len(architectures), 1))
    self._ask(architectures, told, range(len(architectures)), is_slow=False)
    if any(_is_slow(informant) and weight for informant, weight in zip(self._informants, self.weights, strict=True)):
      hopes = beliefs.mean + self._prior(told) + beliefs.deviation
      self._ask(architectures, told, np.argsort(-hopes, kind="stable")[:_NUM_ASKED].tolist(), is_slow=True)
    beliefs.mean = beliefs.mean + self._prior(told)
    return beliefs

  def _ask(
    self, architectures: Sequence[Architecture], told: np.ndarray, indices: Sequence[int], *, is_slow: bool
  ) -> None:
    """Writes what the slow informants or the others say of some architectures into `told`, [N, F]."""
    asked = [architectures[index] for index in indices]
    for column, informant in enumerate(self._informants):
      if _is_slow(informant) == is_slow and self.weights[column]:
        told[list(indices), column] = informant(asked)

  def _told(self, architectures: Sequence[Architecture]) -> np.ndarray:
    return np.stack([informant(architectures) for informant in self._informants], axis=1)

  def _prior(self, told: np.ndarray) -> np.ndarray:
    """Returns the scores [N] that are expected of what informants have said, [N, F]."""
    return np.asarray((told - self._centers) / self._scales @ self.weights)


def _is_slow(informant: Informant) -> bool:
  return bool(getattr(informant, "is_slow", False))


def remarks_on(process: InformedProcess) -> list[str]:
  """Returns a sentence about how much each informant of a process is used."""
  return in_words(process.hints)


def informant_weights(numbers: np.ndarray, scores: np.ndarray) -> np.ndarray:
  """Returns the weights of informants, [F]: those of a ridge regression on the helpful ones, 0 for the others.

  Helpful informants are added greedily, starting with the one that helps most.

  Args:
    numbers: standardized numbers of the informants, [N, F].
    scores: scores, [N], with mean 0.
  """
  chosen: list[int] = []
  errors = scores**2
  while len(scores) >= _FEWEST and len(chosen) < numbers.shape[1]:
    left = [index for index in range(numbers.shape[1]) if index not in chosen]
    tried = {index: _errors(numbers[:, [*chosen, index]], scores) for index in left}
    best = min(left, key=lambda index: float(tried[index].mean()))
    if not _is_better(tried[best], errors):
      break
    chosen.append(best)
    errors = tried[best]
  weights = np.zeros(numbers.shape[1])
  if chosen:
    weights[chosen] = _ridge(numbers[:, chosen]) @ scores
  return weights


def _ridge(numbers: np.ndarray) -> np.ndarray:
  """Returns what maps scores [N] to the weights of a ridge regression, [F, N]."""
  return np.linalg.solve(numbers.T @ numbers + _RIDGE * np.eye(numbers.shape[1]), numbers.T)


def _errors(numbers: np.ndarray, scores: np.ndarray) -> np.ndarray:
  """Returns the squared error [N] of each score as it is predicted from the others."""
  hat = numbers @ _ridge(numbers)
  return np.asarray(((scores - hat @ scores) / (1 - np.diag(hat))) ** 2)


def _is_better(errors: np.ndarray, than: np.ndarray) -> bool:
  """Returns whether errors are smaller than others by more than the standard error of the difference."""
  gains = than - errors
  return bool(gains.mean() > gains.std(ddof=1) / len(gains) ** 0.5)
