"""Metrics of a batch are those of `rank_metrics`."""

import numpy as np
import pytest
import tensorflow as tf

from nao_tf.benchmarks import rank_metrics as metrics
from nao_tf.controller import batch_metrics


@pytest.mark.parametrize("seed", range(3))
def test_batch_metrics_are_those_of_numpy_ties_and_missing_scores_included(seed):
  rng = np.random.default_rng(seed)
  predictions, targets = rng.integers(6, size=(2, 20)).astype(np.float32)
  weights = (np.arange(20) < 15).astype(np.float32)
  for name in ("pairwise_accuracy", "kendall_tau"):
    found = getattr(batch_metrics, name)(predictions, targets, weights)
    assert float(found) == pytest.approx(getattr(metrics, name)(predictions[:15], targets[:15]), abs=1e-6)


def test_each_controller_of_an_ensemble_has_its_own_metrics():
  rng = np.random.default_rng(0)
  predictions, targets = rng.normal(size=(2, 20)).astype(np.float32), rng.normal(size=20).astype(np.float32)
  for name in ("pairwise_accuracy", "kendall_tau"):
    found = getattr(batch_metrics, name)(predictions, targets, np.ones(20, np.float32))
    np.testing.assert_allclose(found, [getattr(metrics, name)(row, targets) for row in predictions], atol=1e-6)


def test_the_hamming_distance_is_the_mean_number_of_differing_tokens():
  tokens = np.array([[[1, 2, 3], [1, 2, 3]], [[1, 2, 3], [3, 2, 1]]])
  others = np.array([[[1, 2, 3], [3, 2, 1]], [[0, 0, 0], [3, 2, 1]]])
  np.testing.assert_allclose(batch_metrics.hamming_distance(tf.constant(tokens), tf.constant(others)), [1.0, 1.5])


def test_constant_scores_have_no_order():
  assert batch_metrics.kendall_tau(np.ones(5, np.float32), np.arange(5, dtype=np.float32), np.ones(5, np.float32)) == 0
