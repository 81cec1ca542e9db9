"""Functions are compiled once for each name and variant."""

import tensorflow as tf

from nao_tf.controller.graph_cache import GraphCache

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
