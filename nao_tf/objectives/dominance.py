"""Pareto dominance and the order of NSGA-II, by non-dominated front and crowding distance.

Source: Deb et al., "A Fast and Elitist Multiobjective Genetic Algorithm: NSGA-II", 2002. Points are rows of objectives;
higher is better.
"""

import numpy as np


def dominance(points: np.ndarray) -> np.ndarray:
  """Returns which points dominate which: no objective is worse, and at least one is better.

  Args:
    points: points, [N, M].

  Returns:
    Booleans [N, N], where element (i, j) says whether point j dominates point i.
  """
  nowhere_worse = np.ones((len(points), len(points)), bool)
  somewhere_better = np.zeros_like(nowhere_worse)
  for column in points.T:
    nowhere_worse &= column >= column[:, np.newaxis]
    somewhere_better |= column > column[:, np.newaxis]
  return nowhere_worse & somewhere_better


def fronts(points: np.ndarray) -> np.ndarray:
  """Returns the index of the front of each point, [N]: 0 if no point dominates it, 1 if only those of front 0 do, etc."""
  dominated = dominance(points)
  numbers = np.zeros(len(points), int)
  left = np.ones(len(points), bool)
  while left.any():
    first = left & ~dominated[:, left].any(axis=1)
    left &= ~first
    numbers[left] += 1
  return numbers


def crowding(points: np.ndarray) -> np.ndarray:
  """Returns the crowding distances of the points of one front, [N].

  Each objective is normalized by its range. Extreme points have an infinite distance.
  """
  distances = np.zeros(len(points))
  for column in points.T:
    order = np.argsort(column, kind="stable")
    length = float(column[order[-1]] - column[order[0]])
    if length > 0:
      distances[order[1:-1]] += (column[order[2:]] - column[order[:-2]]) / length
      distances[order[[0, -1]]] = np.inf
  return distances


def crowded_order(points: np.ndarray) -> np.ndarray:
  """Returns the indices of points, [N], best first: by front, then by decreasing crowding distance.

  Ties go to the earlier point.
  """
  if not len(points):
    return np.zeros(0, int)
  numbers, distances = fronts(points), np.zeros(len(points))
  for number in range(numbers.max() + 1):
    members = np.flatnonzero(numbers == number)
    distances[members] = crowding(points[members])
  return np.lexsort((-distances, numbers))


def first_front(points: np.ndarray) -> np.ndarray:
  """Returns the indices of the non-dominated points in ascending order. Of equal points, only the first is included.

  It needs no more memory than the points themselves, so it works for whole tables.
  """
  unique, firsts = np.unique(points, axis=0, return_index=True)
  front = unique[:0]
  found: list[int] = []
  for point, index in zip(unique[::-1], firsts[::-1]):  # None dominates one that is further ahead.
    if not (front >= point).all(axis=1).any():
      front = np.vstack([front, point])
      found.append(int(index))
  return np.sort(np.array(found, int))
