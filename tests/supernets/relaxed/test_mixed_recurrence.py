"""The arithmetic of relaxed recurrent cells against the formulas, and its gradient against TensorFlow's."""

import numpy as np
import pytest
import tensorflow as tf

from nao_tf.networks.recurrence import ACTIVATIONS
from nao_tf.supernets.relaxed.mixed_recurrence import MixedRecurrence

OPERATIONS = ("tanh", "zero", "relu", "sigmoid", "identity")
LENGTH, BATCH, UNITS, NODES = 4, 6, 3, 4
EDGES = NODES * (NODES + 1) // 2


def normalized(state):
  mean, variance = tf.nn.moments(state, [0])
  return (state - mean) * tf.math.rsqrt(variance + 1e-5)


def moved(state, product, function):
  gate, value = tf.split(product, 2, axis=1)
  return state + tf.sigmoid(gate) * (function(value) - state)


def plain(kernels, mixture, projected, hidden, mask, norm):
  """Returns the outputs, edge by edge and activation by activation."""
  mask, outputs = tf.ones_like(hidden) if mask is None else mask, []
  for inputs in tf.unstack(projected):
    states, edges = [norm(moved(hidden, (hidden * mask) @ kernels[0] + inputs, tf.tanh))], iter(tf.unstack(mixture))
    for kernel in kernels[1:]:
      total = tf.zeros_like(hidden)
      for state, shares in zip(list(states), edges):
        for name, share in zip(OPERATIONS, tf.unstack(shares)):
          total += share * moved(state, (state * mask) @ kernel, ACTIVATIONS[name].apply) if name != "zero" else 0.0
      states.append(norm(total))
    hidden = tf.add_n(states[1:]) / NODES
    outputs.append(hidden)
  return tf.stack(outputs)


def random_arguments(masked):
  rng = np.random.default_rng(0)
  kernels = [tf.constant(rng.normal(size=(UNITS, 2 * UNITS))) for _ in range(NODES + 1)]
  mixture = tf.nn.softmax(rng.normal(size=(EDGES, len(OPERATIONS))))
  projected, hidden = (
    tf.constant(rng.normal(size=(LENGTH, BATCH, 2 * UNITS))),
    tf.constant(rng.normal(size=(BATCH, UNITS))),
  )
  mask = 2.0 * tf.constant(rng.integers(2, size=(BATCH, UNITS)).astype(np.float64)) if masked else None
  return kernels, mixture, projected, hidden, mask


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("norm", [normalized, tf.identity])
def test_outputs_and_gradients_are_those_of_the_formulas(masked, norm):
  kernels, *rest = arguments = random_arguments(masked)
  cell = MixedRecurrence(OPERATIONS, NODES, UNITS, normalized=norm is normalized)
  factors = np.random.default_rng(1).normal(size=(LENGTH, BATCH, UNITS))

  def with_gradients(function):
    with tf.GradientTape() as tape:
      tape.watch(arguments[:4])
      outputs = function()
    return outputs, tape.gradient(outputs, arguments[:4], output_gradients=tf.constant(factors))

  expected = with_gradients(lambda: plain(*arguments, norm))
  found = with_gradients(lambda: cell.run_training(cell.group_kernels(kernels), *rest))
  for ours, theirs in zip(tf.nest.flatten(found), tf.nest.flatten(expected)):
    np.testing.assert_allclose(ours, theirs, rtol=1e-9, atol=1e-9)
  np.testing.assert_allclose(cell.run(cell.group_kernels(kernels), *rest), expected[0], rtol=1e-9, atol=1e-9)


def test_the_absent_operation_has_no_gradient():
  kernels, mixture, *rest = random_arguments(masked=False)
  cell = MixedRecurrence(OPERATIONS, NODES, UNITS)
  with tf.GradientTape() as tape:
    tape.watch(mixture)
    loss = tf.reduce_sum(cell.run_training(cell.group_kernels(kernels), mixture, *rest) ** 2)
  gradient = tape.gradient(loss, mixture).numpy()
  assert np.all(gradient[:, OPERATIONS.index("zero")] == 0.0) and np.all(np.delete(gradient, 1, 1) != 0.0)


@pytest.mark.parametrize(("wanted", "loops", "products"), [("kernels", 2, NODES + 1), ("mixture", 3, 0)])
def test_a_graph_does_not_compute_a_gradient_that_it_does_not_return(wanted, loops, products):
  """Forward, backward, and the mixture's are loops; a kernel's is a product. What has no effect and no reader is cut off."""
  kernels, mixture, *rest = random_arguments(masked=False)
  cell = MixedRecurrence(OPERATIONS, NODES, UNITS)

  def gradient(kernels, mixture):
    with tf.GradientTape() as tape:
      tape.watch([kernels, mixture])
      outputs = cell.run_training(cell.group_kernels(kernels), mixture, *rest)
    return tape.gradient(outputs, {"kernels": kernels, "mixture": mixture}[wanted])

  graph = tf.function(gradient, autograph=False).get_concrete_function(kernels, mixture).graph
  types = [op.type for op in needed(graph.outputs)]
  assert (types.count("StatelessWhile"), types.count("MatMul")) == (loops, products)
  assert "While" not in types


def needed(outputs):
  """Returns the operations that outputs depend on."""
  found, waiting = set(), [tensor.op for tensor in outputs]
  while waiting:
    op = waiting.pop()
    if op not in found:
      found.add(op)
      waiting += [tensor.op for tensor in op.inputs]
  return found
