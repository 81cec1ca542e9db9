"""How good a predictor's order and a decoder's copies are.

Pairwise accuracy and Hamming distance are those of the NAO paper (Luo et al., NeurIPS 2018, section 4); Kendall's tau
is the usual measure for predictors of performance. All of them mean something only on architectures no encoding of
which was trained on. NumPy and SciPy alone.
"""

import numpy as np
import scipy.stats


def pairwise_accuracy(predictions, targets) -> float:
  """Returns the share of pairs i < j that the predictions put in the same order as the targets.

  A pair counts if both have the i-th at least as large as the j-th, or both have it smaller.

  Args:
    predictions: predicted scores, [B].
    targets: true scores, [B], B at least 2.

  Returns:
    A figure in [0, 1]; one half is chance, 1 the perfect order.

  Raises:
    ValueError: if the two are not of one length, or too short to have a pair.
  """
  predictions, targets = _pair_of_vectors(predictions, targets)
  first, second = np.triu_indices(len(targets), k=1)
  agreement = (predictions[first] >= predictions[second]) == (targets[first] >= targets[second])
  return float(np.mean(agreement))


def kendall_tau(predictions, targets) -> float:
  """Returns Kendall's rank correlation (tau-b, which corrects for ties) of predictions and targets.

  Args:
    predictions: predicted scores, [B].
    targets: true scores, [B], B at least 2.

  Returns:
    A figure in [-1, 1]; 0 also if either of the two is constant, for then there is no order to agree with.

  Raises:
    ValueError: if the two are not of one length, or too short to have a pair.
  """
  predictions, targets = _pair_of_vectors(predictions, targets)
  if np.ptp(predictions) == 0 or np.ptp(targets) == 0:
    return 0.0
  return float(scipy.stats.kendalltau(predictions, targets).statistic)


def hamming_distance(tokens, other_tokens) -> float:
  """Returns the mean number of positions per sequence at which two rows of sequences differ.

  Args:
    tokens: sequences, [B, L].
    other_tokens: as many sequences of the same length, [B, L].

  Raises:
    ValueError: if the shapes differ, or there is no sequence.
  """
  tokens, other_tokens = np.asarray(tokens), np.asarray(other_tokens)
  if tokens.shape != other_tokens.shape or tokens.ndim != 2 or not len(tokens):
    raise ValueError(f"expected two arrays of one shape [B, L], got {tokens.shape} and {other_tokens.shape}")
  return float(np.mean(np.sum(tokens != other_tokens, axis=1)))


def _pair_of_vectors(predictions, targets) -> tuple[np.ndarray, np.ndarray]:
  predictions, targets = np.asarray(predictions, np.float64), np.asarray(targets, np.float64)
  if predictions.shape != targets.shape or predictions.ndim != 1 or len(predictions) < 2:
    raise ValueError(f"expected two vectors of one length of 2 or more, got {predictions.shape} and {targets.shape}")
  return predictions, targets
