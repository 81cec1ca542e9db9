import collections

import numpy as np
import pytest

from nao_tf.spaces import make_space
from nao_tf.spaces.layer_graphs import INPUT, OUTPUT, GraphBuilder, Layer
from nao_tf.spaces.neighborhoods import neighborhood_counts


def chain(*operations, shortcut=False):
  """Layers one after the other; with a shortcut the output reads the input, too."""
  builder = GraphBuilder()
  last = builder.add(Layer(INPUT))
  for operation in operations:
    last = builder.add(Layer(operation), [last])
  builder.add(Layer(OUTPUT), [last, 0] if shortcut else [last])
  return builder.finish()


def in_common(one, other):
  """Returns how many neighborhoods two graphs share, by radius."""
  pairs = zip(neighborhood_counts(one, 2), neighborhood_counts(other, 2), strict=True)
  return [sum((mine & theirs).values()) for mine, theirs in pairs]


def test_the_smallest_neighborhoods_are_the_operations():
  (counts,) = neighborhood_counts(chain("conv3x3", "max3x3", "conv3x3"), 0)
  assert counts == collections.Counter({("", INPUT): 1, ("", "conv3x3"): 2, ("", "max3x3"): 1, ("", OUTPUT): 1})


def test_an_operation_changes_the_neighborhoods_that_it_is_in():
  one, other = chain("a", "b", "c", "d", "e"), chain("x", "b", "c", "d", "e")
  assert in_common(one, one) == [7, 7, 7]
  assert in_common(one, other) == [6, 4, 3]


def test_an_edge_changes_what_is_around_its_ends():
  assert in_common(chain("a", "b", "c"), chain("a", "b", "c", shortcut=True)) == [5, 3, 1]


def test_parts_of_a_network_are_told_apart():
  builder = GraphBuilder()
  for part in ("normal", "reduction"):
    builder.add(Layer("conv3x3", part=part))
  assert len(neighborhood_counts(builder.finish(), 0)[0]) == 2


@pytest.mark.parametrize("name", ["nasbench101", "nasbench201", "nasnet5", "rnn9", "pnas"])
def test_all_encodings_of_a_network_have_the_same_neighborhoods(name):
  space, rng = make_space(name), np.random.default_rng(0)
  for _ in range(5):
    architecture = space.sample(rng)
    same = space.random_isomorphic(architecture, rng)
    assert neighborhood_counts(space.graph(architecture), 2) == neighborhood_counts(space.graph(same), 2)
