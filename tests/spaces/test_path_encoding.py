"""Paths of networks as features."""

import numpy as np

from nao_tf.spaces import make_space
from nao_tf.spaces.layer_graphs import INPUT, OUTPUT, Edge, Layer, LayerGraph
from nao_tf.spaces.path_encoding import PathEncoding, paths_of
from tests.support.layer_graphs import chain

POOL, CONVOLUTION = Layer("max3x3"), Layer("conv3x3")


def test_a_path_is_what_is_computed_on_the_way():
  graph = chain(POOL, CONVOLUTION, skips=[(0, 2), (0, 3)])
  assert paths_of(graph) == {("", "0"), ("", "0", "conv3x3"), ("", "0", "max3x3", "conv3x3")}


def test_paths_begin_at_each_input_and_end_at_the_output():
  layers = (Layer(INPUT, part="normal"), Layer(INPUT, part="normal"), POOL, CONVOLUTION, Layer(OUTPUT, part="normal"))
  graph = LayerGraph(layers, (Edge(0, 2), Edge(1, 2), Edge(2, 4), Edge(0, 3)))
  assert paths_of(graph) == {("normal", "0", "max3x3"), ("normal", "1", "max3x3")}


def test_a_network_that_computes_nothing_has_no_paths():
  space = make_space("nasbench201")
  assert paths_of(space.graph((0,) * 6)) == frozenset()


def test_each_function_of_nasbench101_has_at_most_the_published_number_of_paths():
  """There are 364 paths of up to five of three operations."""
  space, rng = make_space("nasbench101"), np.random.default_rng(0)
  networks = [paths_of(space.graph(space.sample(rng))) for _ in range(300)]
  assert len(PathEncoding(networks, 1000).paths) <= sum(3**length for length in range(6)) == 364


def test_the_shortest_paths_are_kept_of_each_part():
  networks = [
    frozenset([("a", "0"), ("a", "0", "x", "y"), ("a", "0", "x")]),
    frozenset([("a", "0", "y"), ("b", "0", "x", "x")]),
    frozenset([("a", "0", "y")]),
  ]
  encoding = PathEncoding(networks, 2)
  assert encoding.paths == (("a", "0"), ("a", "0", "y"), ("b", "0", "x", "x"))
  assert encoding.encode(networks).tolist() == [[1, 0, 0], [0, 1, 1], [0, 1, 0]]


def test_networks_without_paths_have_no_features():
  assert PathEncoding([frozenset()], 3).encode([frozenset(), frozenset()]).shape == (2, 0)
