"""Order and copy figures, by hand and against SciPy."""

import numpy as np
import pytest
import scipy.stats

from nao_tf.benchmarks import rank_metrics as metrics


def test_pairwise_accuracy_counts_pairs_in_the_right_order():
  # Pairs (0, 1) and (0, 2) agree, (1, 2) does not.
  assert metrics.pairwise_accuracy([0.1, 0.3, 0.2], [1, 2, 3]) == pytest.approx(2 / 3)


def test_pairwise_accuracy_takes_a_tie_as_at_least_as_large():
  assert metrics.pairwise_accuracy([0.5, 0.5], [2, 1]) == 1
  assert metrics.pairwise_accuracy([0.5, 0.5], [1, 2]) == 0
  assert metrics.pairwise_accuracy([0.5, 0.5], [1, 1]) == 1


def test_perfect_and_reversed_orders():
  targets = np.arange(10)
  assert metrics.pairwise_accuracy(targets, targets) == 1
  assert metrics.kendall_tau(targets, targets) == pytest.approx(1)
  assert metrics.pairwise_accuracy(-targets, targets) == 0
  assert metrics.kendall_tau(-targets, targets) == pytest.approx(-1)


def test_kendall_tau_is_that_of_scipy_ties_included():
  rng = np.random.default_rng(0)
  predictions, targets = rng.integers(5, size=30), rng.integers(5, size=30)
  assert metrics.kendall_tau(predictions, targets) == scipy.stats.kendalltau(predictions, targets).statistic


def test_kendall_tau_of_a_constant_is_zero():
  assert metrics.kendall_tau([1, 1, 1], [1, 2, 3]) == 0
  assert metrics.kendall_tau([1, 2, 3], [2, 2, 2]) == 0


def test_hamming_distance_is_the_mean_number_of_differing_tokens():
  assert metrics.hamming_distance([[1, 2, 3], [1, 2, 3]], [[1, 2, 3], [3, 2, 1]]) == 1


@pytest.mark.parametrize("figure", [metrics.pairwise_accuracy, metrics.kendall_tau])
@pytest.mark.parametrize("predictions", [[1, 2, 3], [1], [[1, 2]]])
def test_orders_need_two_vectors_of_one_length(figure, predictions):
  with pytest.raises(ValueError, match="expected two vectors"):
    figure(predictions, [1, 2] if len(predictions) == 3 else predictions)


def test_hamming_distance_needs_equal_shapes():
  with pytest.raises(ValueError, match=r"one shape \[B, L\]"):
    metrics.hamming_distance([[1, 2]], [[1, 2, 3]])
