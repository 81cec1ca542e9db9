import gc
import weakref

import tensorflow as tf

from nao_tf.training.graph_memory import released_graphs


@tf.custom_gradient
def doubled(x):
  return 2 * x, lambda upstream: 2 * upstream


def slope_of_doubled(x):
  """Computes a gradient that is defined beside its function."""
  with tf.GradientTape() as tape:
    tape.watch(x)
    y = doubled(x)
  return tape.gradient(y, x)


def graph_with_a_gradient_of_its_own():
  """Traces a function that defines its gradient; returns a weak reference to its graph."""
  concrete = tf.function(slope_of_doubled, autograph=False).get_concrete_function(tf.TensorSpec([]))
  assert float(concrete(tf.constant(1.0))) == 2.0
  return weakref.ref(concrete.graph)


def test_graphs_are_released_at_the_end_of_the_context():
  with released_graphs():
    graph = graph_with_a_gradient_of_its_own()
  gc.collect()
  assert graph() is None
