"""Functions are compiled once for each name and variant."""

import gc
import weakref

import tensorflow as tf

from nao_tf.controller.graph_cache import GraphCache
from tests.training.test_graph_memory import slope_of_doubled

SPEC = tf.TensorSpec([None])


def test_a_function_is_compiled_once_for_each_variant():
  graphs = GraphCache()
  for factor in (2.0, 3.0, 2.0):
    for size in (1, 4):
      scaled = graphs.get("scale", lambda x, factor=factor: factor * x, SPEC, variant=factor)
      assert float(scaled(tf.ones(size))[0]) == factor
  assert graphs.num_traces("scale") == 2


def test_names_are_counted_separately():
  graphs = GraphCache()
  graphs.get("decode", lambda x: x, SPEC)(tf.ones(2))
  graphs.get("d", lambda x: x, SPEC)(tf.ones(2))
  assert [graphs.num_traces(name) for name in ("decode", "d", "e")] == [1, 1, 0]


def test_a_graph_with_a_gradient_of_its_own_lives_no_longer_than_its_cache():
  graphs = GraphCache()
  slope = graphs.get("slope", slope_of_doubled, tf.TensorSpec([]))
  assert float(slope(tf.constant(1.0))) == 2.0
  graph = weakref.ref(slope.get_concrete_function().graph)
  del graphs, slope
  gc.collect()
  assert graph() is None
