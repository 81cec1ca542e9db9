"""Constraints between the decisions of a search space as TensorFlow operations, for use in exported graphs."""

import functools
import operator
from collections.abc import Callable, Sequence

import tensorflow as tf

from nao_tf.spaces.base import SearchSpace
from nao_tf.spaces.bounded import BoundedSpace
from nao_tf.spaces.nasbench101 import MAX_EDGES, NUM_VERTICES, Nasbench101Space

Rules = Callable[[tf.Tensor], tf.Tensor]
"""Called with architectures `[B, D]` whose choices are all in range; returns whether each is legal, `[B]`."""


def rules_of(space: SearchSpace) -> Rules | None:
  """Returns the constraints of a space as TensorFlow operations; None if they are only available in Python."""
  if isinstance(space, BoundedSpace):
    return rules_of(space.inner)
  known: dict[object, Rules] = {
    SearchSpace.check_rules: has_no_rules,
    Nasbench101Space.check_rules: is_nasbench101_cell,
  }
  return known.get(type(space).check_rules)


def has_no_rules(architectures: tf.Tensor) -> tf.Tensor:
  """Returns True for each tuple of choices `[B, D]`, as bool `[B]`: all choices in range are legal."""
  return tf.ones_like(architectures[:, 0], tf.bool)


def is_nasbench101_cell(architectures: tf.Tensor) -> tf.Tensor:
  """Returns whether tuples of choices are cells of NAS-Bench-101: a path leads to the output, and there are few edges.

  Args:
    architectures: choices, each in its range, int32 `[B, 26]`.

  Returns:
    bool `[B]`.
  """
  last, columns = NUM_VERTICES - 1, tf.unstack(architectures > 0, axis=1)
  of_edges = [columns[i] for i, decision in enumerate(Nasbench101Space.decisions) if decision.kind == "edge"]
  pairs = [(source, vertex) for vertex in range(1, NUM_VERTICES) for source in range(vertex)]
  edges = dict(zip(pairs, of_edges, strict=True))
  reached, needed = {0: tf.ones_like(columns[0])}, {last: tf.ones_like(columns[0])}
  for vertex in range(1, NUM_VERTICES):
    reached[vertex] = _any([edges[x, vertex] & reached[x] for x in range(vertex)])
  for vertex in range(last - 1, -1, -1):
    needed[vertex] = _any([edges[vertex, y] & needed[y] for y in range(vertex + 1, NUM_VERTICES)])
  kept = [reached[vertex] & needed[vertex] for vertex in range(NUM_VERTICES)]
  counted = [tf.cast(edge & kept[x] & kept[y], tf.int32) for (x, y), edge in edges.items()]
  return kept[0] & kept[last] & (tf.add_n(counted) <= MAX_EDGES)


def _any(conditions: Sequence[tf.Tensor]) -> tf.Tensor:
  return functools.reduce(operator.or_, conditions)
