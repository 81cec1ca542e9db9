"""The expected growth of the hypervolume: exact against drawn, and estimated against exact."""

import numpy as np
import pytest

from nao_tf.objectives.hypervolume import hypervolume
from nao_tf.objectives.improvement import estimated_improvement, expected_improvement, reference_point

FRONT = np.array([[1.0, 4.0], [2.5, 3.0], [4.0, 1.0]])
MEANS = np.array([[3.0, 3.0], [0.5, 0.5], [5.0, 0.5], [2.0, 4.5], [-3.0, 9.0]])
DEVIATIONS = np.array([[0.5, 1.0], [1.0, 2.0], [0.7, 0.3], [0.0, 1.0], [1.0, 1.0]])


def drawn(means, deviations, points, reference, count=20_000):
  """Returns the mean growth over draws, and its standard error."""
  before = hypervolume(points, reference)
  draws = means + deviations * np.random.default_rng(0).standard_normal((count, len(means)))
  grown = np.array([hypervolume(np.vstack([points, draw]), reference) - before for draw in draws])
  return grown.mean(), grown.std() / np.sqrt(count)


@pytest.mark.parametrize("place", range(4))
def test_two_objectives_are_exact(place):
  exact = expected_improvement(MEANS, DEVIATIONS, FRONT, np.zeros(2))[place]
  mean, error = drawn(MEANS[place], DEVIATIONS[place], FRONT, np.zeros(2), 4000)
  assert exact == pytest.approx(mean, abs=4 * error + 1e-9)


def test_what_is_known_grows_the_volume_by_what_it_adds():
  known = expected_improvement(MEANS, np.zeros_like(MEANS), FRONT, np.zeros(2))
  before = hypervolume(FRONT, np.zeros(2))
  assert known == pytest.approx([hypervolume(np.vstack([FRONT, p]), np.zeros(2)) - before for p in MEANS], abs=1e-6)


def test_the_estimate_for_any_number_of_objectives_is_without_bias():
  exact = expected_improvement(MEANS, DEVIATIONS, FRONT, np.zeros(2))
  rng = np.random.default_rng(0)
  estimate = estimated_improvement(MEANS, DEVIATIONS, FRONT, np.zeros(2), rng, num_directions=4000, num_draws=400)
  assert estimate == pytest.approx(exact, rel=0.15, abs=0.02)


def test_three_objectives_are_those_of_draws():
  points = np.array([[1.0, 2.0, 3.0], [3.0, 2.0, 1.0]])
  means, deviations = np.array([[2.0, 2.5, 2.0]]), np.array([[0.5, 0.5, 0.0]])
  mean, _ = drawn(means[0], deviations[0], points, np.zeros(3), 2000)
  assert expected_improvement(means, deviations, points, np.zeros(3)) == pytest.approx([mean], rel=0.15)


def test_a_candidate_that_is_infinitely_bad_adds_nothing():
  means = np.array([[9.0, -np.inf], [9.0, 9.0]])
  none, some = expected_improvement(means, np.array([[1.0, 0.0], [1.0, 0.0]]), FRONT, np.zeros(2))
  assert none == 0 < some


def test_the_first_point_counts_too():
  assert expected_improvement(np.array([[2.0, 3.0]]), np.zeros((1, 2)), np.zeros((0, 2)), np.zeros(2)) == pytest.approx(
    [6.0]
  )


def test_the_reference_is_a_little_worse_than_all():
  assert reference_point(np.array([[0.0, 10.0], [10.0, 0.0], [2.0, 2.0]])).tolist() == [-1.0, -1.0]
  assert reference_point(np.array([[2.0, 2.0]])).tolist() == [1.9, 1.9]
