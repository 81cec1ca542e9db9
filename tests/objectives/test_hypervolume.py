"""Hypervolumes, by hand, by counting, and how they grow."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from nao_tf.objectives.hypervolume import hypervolume, hypervolumes

POINTS = arrays.arrays(
  np.float64, st.tuples(st.integers(0, 8), st.integers(2, 4)), elements=st.integers(-1, 4).map(float)
)


def test_by_hand():
  points = np.array([[1.0, 3.0], [2.0, 2.0], [3.0, 1.0], [1.0, 1.0], [5.0, -1.0]])
  assert hypervolume(points, np.zeros(2)) == 6.0
  assert hypervolume(np.array([[2.0, 3.0, 4.0]]), np.zeros(3)) == 24.0
  assert hypervolume(np.zeros((0, 2)), np.zeros(2)) == 0.0


@settings(max_examples=60, deadline=None, derandomize=True)
@given(POINTS)
def test_it_is_the_number_of_unit_cubes_below_the_points(points):
  num_objectives = points.shape[1]
  cubes = itertools.product(range(4), repeat=num_objectives)
  count = sum(any((row > cube).all() for row in points) for cube in map(np.array, cubes))
  assert hypervolume(points, np.zeros(num_objectives)) == pytest.approx(count)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(POINTS)
def test_it_never_falls_and_each_is_that_of_the_points_so_far(points):
  reference = np.zeros(points.shape[1])
  found = hypervolumes(points, reference)
  assert (np.diff(found) >= 0).all()
  assert found.tolist() == [hypervolume(points[: n + 1], reference) for n in range(len(points))]
