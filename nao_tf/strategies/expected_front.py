"""Expected hypervolume improvement, the acquisition function of multi-objective search.

Objectives that are known before training, such as multiply-adds, are used as they are. Each of the others is predicted
by a surrogate model of its own, which learns the residuals of a regression on the known objectives; see
`nao_tf.strategies.trends`.
"""

from collections.abc import Sequence

import numpy as np

from nao_tf.objectives import Objectives
from nao_tf.objectives.improvement import expected_improvement, reference_point
from nao_tf.strategies.targets import standard_values
from nao_tf.strategies.trends import Trend
from nao_tf.trial import Architecture, Trial

Predicted = tuple[np.ndarray, np.ndarray]
"""Means [C] and standard deviations [C] of one objective."""


class ExpectedFront:
  """The Pareto front of evaluated and predicted architectures, in terms of scores: ranks or standardized values.

  Attributes:
    predicted: indices of the objectives that must be predicted.
    targets: for each of these, the training targets of its model over all trials, [N], with mean 0 and variance 1.
      Failed trials count as the worst.
  """

  def __init__(self, objectives: Objectives, trials: Sequence[Trial], target: str):
    """Takes what was evaluated.

    Args:
      objectives: objectives of the search.
      trials: closed, at least one of them successful.
      target: what a model learns; see `nao_tf.strategies.targets`.
    """
    self._objectives = objectives
    self._is_known = np.array([name in objectives.known for name in objectives.names])
    self.predicted = np.flatnonzero(~self._is_known).tolist()
    ok = np.array([trial.reward is not None for trial in trials])
    figures = np.full((len(trials), len(objectives.names)), np.nan)
    figures[ok] = objectives.points([trial for trial in trials if trial.reward is not None])
    measured = np.where(self._is_known, figures[ok], 0.0)
    spreads = measured.std(axis=0)
    self._means, self._spreads = measured.mean(axis=0), np.where(spreads > 0, spreads, 1.0)
    known = self._known([trial.architecture for trial in trials])
    scores = [standard_values(figures[:, number], target) for number in self.predicted]
    self._trends = [Trend(known, column) for column in scores]
    self.targets = [trend.residuals for trend in self._trends]
    self._points = (figures[ok] - self._means) / self._spreads
    for number, column in zip(self.predicted, scores):
      self._points[:, number] = column[ok]
    self._reference = reference_point(self._points)

  def candidates(self, architectures: Sequence[Architecture], predictions: Sequence[Predicted]) -> Predicted:
    """Returns means and standard deviations, [C, M], of the scores of candidates; the latter are 0 for known objectives.

    Args:
      architectures: the candidates.
      predictions: predictions of the model of each predicted objective.
    """
    known = self._objectives.known_points(architectures)
    means = (known - self._means) / self._spreads
    deviations = np.zeros_like(means)
    for number, trend, (mean, deviation) in zip(self.predicted, self._trends, predictions, strict=True):
      means[:, number] = trend.at(known[:, self._is_known]) + trend.spread * mean
      deviations[:, number] = trend.spread * deviation
    return means, deviations

  def growth(self, candidates: Predicted) -> np.ndarray:
    """Returns the expected hypervolume improvement of each candidate, [C], given the result of `candidates`."""
    return expected_improvement(*candidates, self._points, self._reference)

  def believe(self, means: np.ndarray) -> None:
    """Treats candidates as evaluated, with their expected scores [C, M]."""
    self._points = np.concatenate([self._points, means])

  def _known(self, architectures: Sequence[Architecture]) -> np.ndarray:
    """Returns what is known of architectures [N, K]."""
    return self._objectives.known_points(architectures)[:, self._is_known]
