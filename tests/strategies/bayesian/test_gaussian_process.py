"""Gaussian processes over distances."""

import numpy as np
import pytest
from scipy.optimize import check_grad
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import RBF, ConstantKernel

from nao_tf.strategies.bayesian.gaussian_process import (
  GaussianProcess,
  Hyperparameters,
  Term,
  _Likelihood,
  fit,
  positive_semidefinite,
)

TERMS = (Term(slice(0, 2), 1.0), Term(slice(2, 3), 2.0))


def points(count, seed=0):
  return np.random.default_rng(seed).normal(size=(count, 3))


def distances(one, other):
  """Three distances between points: in each of two coordinates, and in all."""
  apart = np.abs(one[:, np.newaxis] - other)
  return np.concatenate([apart[..., :2], np.sqrt(np.square(apart).sum(axis=-1, keepdims=True))], axis=-1)


def test_predictions_are_those_of_scikit_learn():
  known, asked, values = points(12), points(5, seed=1), np.random.default_rng(2).normal(size=12)
  chosen = Hyperparameters(np.array([0.0, 0.0, 0.5]), np.array([0.0, 1.0]), 0.1, np.ones(3))
  process = GaussianProcess(TERMS, chosen)
  process.observe(distances(known, known), values)
  means, deviations = process.predict(distances(asked, known))
  kernel = ConstantKernel(process.variance, "fixed") * RBF(1.0, "fixed")
  reference = GaussianProcessRegressor(kernel, alpha=0.1 * process.variance, optimizer=None).fit(known, values)
  expected, spreads = reference.predict(asked, return_std=True)
  assert means == pytest.approx(expected, rel=1e-6) and deviations == pytest.approx(spreads, rel=1e-6)


def test_known_points_are_predicted_with_little_doubt():
  known, values = points(20), points(20)[:, 0]
  process = GaussianProcess(TERMS, fit(TERMS, distances(known, known), values - values.mean()))
  process.observe(distances(known, known), values - values.mean())
  means, deviations = process.predict(distances(known, known))
  assert np.abs(means - (values - values.mean())).max() < 0.2
  assert deviations.max() < process.predict(distances(10 + points(3), known))[1].min()


def test_the_marginal_likelihood_tells_what_matters():
  known = points(40)
  values = np.sin(2 * known[:, 0])
  chosen = fit((Term(slice(0, 2), 2.0),), distances(known, known)[..., :2], values - values.mean())
  assert chosen.betas[0] > 10 * chosen.betas[1] and chosen.noise < 0.01


def test_the_gradient_of_the_likelihood_is_exact():
  known = points(10)
  values = known[:, 0] - known[:, 0].mean()
  likelihood = _Likelihood(TERMS, distances(known, known), values)
  for seed in range(3):
    row = likelihood.center + np.random.default_rng(seed).normal(size=len(likelihood.center)) / 2
    error = check_grad(lambda row: likelihood(row)[0], lambda row: likelihood(row)[1], row)
    assert error < 1e-4 * np.linalg.norm(likelihood(row)[1])


@pytest.mark.parametrize("seed", range(5))
def test_a_repaired_matrix_is_symmetric_and_positive_semidefinite(seed):
  matrix = np.random.default_rng(seed).normal(size=(20, 20))
  repaired = positive_semidefinite(matrix)
  assert (repaired == repaired.T).all() and np.linalg.eigvalsh(repaired).min() > -1e-9
  good = matrix @ matrix.T
  assert positive_semidefinite(good) == pytest.approx(good)


def test_distances_that_give_no_valid_kernel_are_survived():
  """The distances between the corners of a graph, which no points of a plane have."""
  far = np.array([[0, 1, 1, 1, 2], [1, 0, 2, 2, 1], [1, 2, 0, 2, 1], [1, 2, 2, 0, 1], [2, 1, 1, 1, 0]], float)
  terms, values = (Term(slice(0, 1), 2.0),), np.array([1.0, -1, 0.5, -0.5, 0])
  tiny = Hyperparameters(np.array([0.05]), np.ones(1), 1e-9, np.ones(1))
  process = GaussianProcess(terms, tiny)
  assert np.linalg.eigvalsh(process.kernel(far[..., np.newaxis])).min() < 0
  process.observe(far[..., np.newaxis], values)
  assert np.isfinite(process.predict(far[..., np.newaxis])).all()
  assert np.isfinite(fit(terms, far[..., np.newaxis], values).noise)


def test_new_points_are_in_doubt_whatever_the_distances():
  rng = np.random.default_rng(0)
  distances = rng.uniform(1, 3, size=(60, 60, 1))  # Squared, these are far from a valid kernel.
  distances = (distances + distances.transpose(1, 0, 2)) * (1 - np.eye(60))[..., np.newaxis] / 2
  terms, known, values = (Term(slice(0, 1), 2.0),), slice(0, 40), rng.normal(size=40)
  process = GaussianProcess(terms, Hyperparameters(np.array([0.3]), np.ones(1), 0.05, np.ones(1)))
  process.observe(distances[known, known], values)
  assert np.linalg.eigvalsh(process.kernel(distances[known, known]))[0] < -0.1
  _, deviations = process.predict(distances[40:, known])
  assert deviations.min() > 0.1 * np.sqrt(process.variance)


def test_values_that_are_all_equal_are_survived():
  known = points(6)
  process = GaussianProcess(TERMS, fit(TERMS, distances(known, known), np.zeros(6)))
  process.observe(distances(known, known), np.zeros(6))
  means, deviations = process.predict(distances(points(2, seed=1), known))
  assert (means == 0).all() and np.isfinite(deviations).all()
