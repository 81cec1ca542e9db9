"""Metrics for the ranking of a predictor and the reconstruction of a decoder.

Pairwise accuracy and Hamming distance are those of the NAO paper (Luo et al., NeurIPS 2018, section 4). Kendall's tau
is the usual metric for performance predictors. Only compute them on architectures that were not trained on in any
encoding. Only needs NumPy and SciPy.
"""

import numpy as np
import numpy.typing as npt
import scipy.stats


def pairwise_accuracy(predictions: npt.ArrayLike, targets: npt.ArrayLike) -> float:
  """Returns the fraction of pairs i < j that the predictions put in the same order as the targets.

  The orders agree if element i is at least as large as element j in both, or smaller in both.

  Args:
    predictions: predicted scores, [B].
    targets: true scores, [B], B at least 2.

  Returns:
    A number in [0, 1]. 1/2 is chance, 1 is the perfect order.

  Raises:
    ValueError: if the lengths differ or there are fewer than two scores.
  """
  predicted, true = _vectors(predictions, targets)
  first, second = np.triu_indices(len(true), k=1)
  agreement = (predicted[first] >= predicted[second]) == (true[first] >= true[second])
  return float(np.mean(agreement))


def kendall_tau(predictions: npt.ArrayLike, targets: npt.ArrayLike) -> float:
  """Returns Kendall's rank correlation of predictions and targets (tau-b, which corrects for ties).

  Args:
    predictions: predicted scores, [B].
    targets: true scores, [B], B at least 2.

  Returns:
    A number in [-1, 1]. 0 is chance, 1 is the perfect order. If either side is constant, it is 0.

  Raises:
    ValueError: if the lengths differ or there are fewer than two scores.
  """
  predicted, true = _vectors(predictions, targets)
  if np.ptp(predicted) == 0 or np.ptp(true) == 0:
    return 0.0
  return float(scipy.stats.kendalltau(predicted, true).statistic)


def spearman(predictions: npt.ArrayLike, targets: npt.ArrayLike) -> float:
  """Returns Spearman's rank correlation of predictions and targets; see `kendall_tau`.

  Args:
    predictions: predicted scores, [B].
    targets: true scores, [B], B at least 2.

  Raises:
    ValueError: if the lengths differ or there are fewer than two scores.
  """
  predicted, true = _vectors(predictions, targets)
  if np.ptp(predicted) == 0 or np.ptp(true) == 0:
    return 0.0
  return float(scipy.stats.spearmanr(predicted, true).statistic)


def hamming_distance(tokens: npt.ArrayLike, other_tokens: npt.ArrayLike) -> float:
  """Returns the mean number of positions per sequence at which two arrays of sequences differ.

  Args:
    tokens: sequences, [B, L].
    other_tokens: sequences, [B, L].

  Raises:
    ValueError: if the shapes differ or there is no sequence.
  """
  first, second = np.asarray(tokens), np.asarray(other_tokens)
  if first.shape != second.shape or first.ndim != 2 or not len(first):
    raise ValueError(f"expected two arrays of one shape [B, L], got {first.shape} and {second.shape}")
  return float(np.mean(np.sum(first != second, axis=1)))


def _vectors(predictions: npt.ArrayLike, targets: npt.ArrayLike) -> tuple[np.ndarray, np.ndarray]:
  predicted, true = np.asarray(predictions, np.float64), np.asarray(targets, np.float64)
  if predicted.shape != true.shape or predicted.ndim != 1 or len(predicted) < 2:
    raise ValueError(f"expected two vectors of one length of 2 or more, got {predicted.shape} and {true.shape}")
  return predicted, true
