"""What is worth evaluating, and how it is found."""

import numpy as np
import pytest
from scipy.stats import norm

from nao_tf.spaces import make_space
from nao_tf.strategies.bayesian.acquisition import Pool, anneal, evolve, log_expected_improvement

SPACE = make_space("nasbench201")
ROOTS = [(0, 1, 0, 1, 0, 1), (2, 2, 2, 2, 2, 2)]


def total(architectures):
  return np.array([float(sum(architecture)) for architecture in architectures])


def test_the_expected_improvement_is_that_of_samples():
  draws = np.random.default_rng(0).normal(0.3, 0.5, 400_000)
  expected = np.maximum(draws - 0.7, 0).mean()
  found = np.exp(log_expected_improvement(np.array([0.3]), np.array([0.5]), 0.7))
  assert found[0] == pytest.approx(expected, rel=0.02)


def test_hopeless_points_are_told_apart():
  values = log_expected_improvement(np.array([-1e8, -1001.0, -999.0, -60, -6, 0, 5, 1e8]), np.ones(8), 0.0)
  assert np.isfinite(values).all() and (np.diff(values) > 0).all()
  assert values[-3] == pytest.approx(np.log(norm.pdf(0)))


@pytest.mark.parametrize("search", [evolve, anneal])
def test_better_candidates_are_found_than_random_ones(search):
  pool = Pool(SPACE, lambda architecture: True, ROOTS)
  search(pool, total, 300, np.random.default_rng(0))
  assert max(map(sum, pool.candidates)) >= 21  # Of 24. The mean of random ones is 12.
  assert set(pool.parents.values()) <= set(ROOTS)


@pytest.mark.parametrize("search", [evolve, anneal])
def test_candidates_are_new_and_their_number_is_bounded(search):
  pool = Pool(SPACE, lambda architecture: sum(architecture) % 2 == 0, ROOTS)
  search(pool, total, 100, np.random.default_rng(0))
  candidates = pool.candidates
  assert 0 < len(candidates) <= 100 and not set(candidates) & set(ROOTS)
  assert all(sum(candidate) % 2 == 0 for candidate in candidates)


@pytest.mark.parametrize("search", [evolve, anneal])
def test_a_space_in_which_nothing_is_new_is_survived(search):
  pool = Pool(SPACE, lambda architecture: False, ROOTS)
  search(pool, total, 100, np.random.default_rng(0))
  assert pool.candidates == []


def test_a_candidate_knows_the_trial_that_it_comes_from():
  pool, rng = Pool(SPACE, lambda architecture: True, ROOTS), np.random.default_rng(0)
  child = pool.grow(ROOTS[0], 1, rng)
  grandchild = pool.grow(child, 2, rng)
  assert pool.parents[child] == pool.parents[grandchild] == ROOTS[0]
  assert pool.add((4, 4, 4, 4, 4, 4), None) and not pool.add((4, 4, 4, 4, 4, 4), ROOTS[0])
