"""Dominance, fronts and crowding, against their definitions."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from nao_tf.objectives.dominance import crowded_order, crowding, dominance, first_front, fronts

POINTS = arrays.arrays(
  np.float64,
  st.tuples(st.integers(1, 12), st.integers(2, 3)),
  elements=st.integers(0, 4).map(float),
)
"""Small whole numbers, so that many are equal."""


def dominates(one, other):
  return all(a >= b for a, b in zip(one, other)) and any(a > b for a, b in zip(one, other))


@settings(max_examples=60, deadline=None, derandomize=True)
@given(POINTS)
def test_a_front_is_what_is_left_when_those_before_it_are_taken_away(points):
  rows, numbers = points.tolist(), fronts(points)
  left, number = set(range(len(rows))), 0
  while left:
    first = {i for i in left if not any(dominates(rows[j], rows[i]) for j in left)}
    assert {i for i in left if numbers[i] == number} == first
    left, number = left - first, number + 1


@settings(max_examples=60, deadline=None, derandomize=True)
@given(POINTS)
def test_the_first_front_has_each_value_once_that_none_dominates(points):
  rows = [tuple(row) for row in points.tolist()]
  found = [rows[index] for index in first_front(points)]
  assert len(set(found)) == len(found)
  assert set(found) == {row for row in rows if not any(dominates(other, row) for other in rows)}
  assert [rows.index(row) for row in found] == sorted(first_front(points))


@settings(max_examples=30, deadline=None, derandomize=True)
@given(POINTS)
def test_nobody_comes_before_one_that_dominates_it(points):
  order = crowded_order(points).tolist()
  assert sorted(order) == list(range(len(points)))
  dominated = dominance(points)
  assert not any(dominated[one, other] for place, one in enumerate(order) for other in order[place + 1 :])


def test_crowding_is_the_distance_between_the_neighbors_in_parts_of_the_range():
  points = np.array([[0.0, 10.0], [1.0, 8.0], [3.0, 2.0], [4.0, 0.0]])
  assert crowding(points).tolist() == [np.inf, 0.75 + 0.8, 0.75 + 0.8, np.inf]
  assert crowding(np.array([[1.0, 2.0], [1.0, 2.0]])).tolist() == [0, 0]


def test_the_less_crowded_one_comes_first():
  points = np.array([[0.0, 10.0], [1.0, 9.0], [1.5, 8.5], [6.0, 2.0], [10.0, 0.0], [0.0, 0.0]])
  assert crowded_order(points).tolist() == [0, 4, 3, 2, 1, 5]


def test_there_is_nothing_to_order_among_no_points():
  empty = np.zeros((0, 2))
  assert not len(crowded_order(empty)) and not len(first_front(empty)) and not len(fronts(empty))
