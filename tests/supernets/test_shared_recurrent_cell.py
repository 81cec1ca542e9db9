"""Shared recurrent weights: the cell of an architecture is the separate one, with its gradient."""

import numpy as np
import pytest
import tensorflow as tf

from nao_tf.networks.language_model import LanguageModelConfig
from nao_tf.networks.recurrent_cell import RecurrentCell
from nao_tf.spaces.recurrent import ACTIVATIONS, RecurrentSpace
from nao_tf.supernets.recurrent_supernet import RecurrentSupernet
from nao_tf.supernets.shared_recurrence import NodeChoices, SharedRecurrence
from nao_tf.supernets.shared_recurrent_cell import AllRecurrentCells, SharedRecurrentCell, assign_kernels

UNITS, LENGTH, BATCH = 6, 5, 3


def inputs():
  rng = np.random.default_rng(0)
  return tuple(rng.normal(size=shape).astype(np.float32) for shape in ((LENGTH, BATCH, UNITS), (BATCH, UNITS)))


def mask():
  return tf.constant(np.random.default_rng(1).integers(2, size=(BATCH, UNITS)) * 2, tf.float32)


class Graphs:
  """A shared cell and graphs of it."""

  def __init__(self, num_nodes):
    self.cell = SharedRecurrentCell(AllRecurrentCells(num_nodes, ACTIVATIONS), UNITS, initial_range=0.5, seed=1)
    self.cell.build((None, None, UNITS))
    self.bank = self.cell.make_bank()
    self.vector = tf.constant(self.bank.initial())
    self.train = tf.function(lambda *args: self.run(*args, training=True), autograph=False)
    self.infer = tf.function(lambda *args: self.run(*args, training=False), autograph=False)

  def weights(self, architecture):
    return tf.gather(self.vector, self.bank.path(self.cell.selectors(architecture)).positions)

  def run(self, architecture, x, hidden, mask, training):
    weights, own = self.weights(architecture), [self.cell.input_kernel, self.cell.first_kernel]
    with tf.GradientTape() as tape:
      tape.watch([weights, x, hidden])
      with self.cell.bound(architecture, weights):
        outputs, last = self.cell.run(x, hidden, mask, training=training)
      loss = tf.reduce_sum(tf.sin(outputs))
    return outputs, last, tape.gradient(loss, [x, hidden, weights, *own])

  def separate(self, space, architecture):
    cell = RecurrentCell(space.decode(architecture), UNITS)
    cell.build((None, None, UNITS))
    weights = self.weights(tf.constant(architecture, tf.int32)).numpy()
    assign_kernels([cell.input_kernel, *cell.node_kernels], self.cell, weights)
    return cell


def assert_equal_to_separate(graphs, space, architecture):
  x, hidden = map(tf.constant, inputs())
  cell = graphs.separate(space, architecture)
  outputs, last, gradients = graphs.train(tf.constant(architecture, tf.int32), x, hidden, mask())
  with tf.GradientTape() as tape:
    tape.watch([x, hidden])
    expected, _ = cell.run(x, hidden, mask(), training=True)
    loss = tf.reduce_sum(tf.sin(expected))
  d_x, d_hidden, d_input, *d_nodes = tape.gradient(loss, [x, hidden, cell.input_kernel, *cell.node_kernels])
  np.testing.assert_allclose(outputs, expected, atol=1e-5)
  np.testing.assert_allclose(last, expected[-1], atol=1e-5)
  flat = np.concatenate([np.reshape(d, -1) for d in d_nodes[1:]])
  for ours, theirs in zip(gradients, (d_x, d_hidden, flat, d_input, d_nodes[0])):
    np.testing.assert_allclose(ours, theirs, atol=2e-5)
  inferred, _, _ = graphs.infer(tf.constant(architecture, tf.int32), x, hidden, mask())
  np.testing.assert_allclose(inferred, expected, atol=1e-5)


@pytest.mark.parametrize(("num_nodes", "count"), [(4, 12), pytest.param(11, 50, marks=pytest.mark.slow)])
def test_the_cell_of_an_architecture_is_the_separate_one(num_nodes, count):
  space, rng, graphs = RecurrentSpace("small", num_nodes), np.random.default_rng(0), Graphs(num_nodes)
  for _ in range(count):
    assert_equal_to_separate(graphs, space, space.sample(rng))
  assert graphs.train.experimental_get_tracing_count() == graphs.infer.experimental_get_tracing_count() == 1


def test_a_node_has_a_kernel_for_every_predecessor_and_activation():
  """The released supernet has 300 units and 10,000 words: 50,890,000 parameters."""
  cells = sum(4 * node for node in range(1, 12))
  assert cells * 300 * 600 + 600 * 600 + 10_000 * 301 == 50_890_000
  assert Graphs(11).bank.num_weights == cells * UNITS * 2 * UNITS


def test_a_language_model_can_have_all_cells():
  config = LanguageModelConfig(units=UNITS).without_dropout()
  supernet = RecurrentSupernet(AllRecurrentCells(2, ACTIVATIONS), config, vocabulary_size=7, seed=0)
  model = supernet.network
  tokens, architecture = tf.constant([[1, 2, 3]]), tf.constant([0, 0, 1, 2])
  with pytest.raises(ValueError, match="needs an architecture: call it within bound"):
    model(tokens)
  weights = tf.zeros([2 * UNITS * 2 * UNITS])
  with supernet.cell.bound(architecture, weights):
    logits, state = model(tokens)
  assert logits.shape == (1, 3, 7) and state.shape == (1, UNITS)
  assert len(model.trainable_weights) == 4


def test_an_unknown_activation_is_named():
  with pytest.raises(ValueError, match="unknown activation gelu; expected some of tanh"):
    SharedRecurrence(["gelu"], NodeChoices(tf.constant([0]), tf.constant([0])), [tf.zeros([2, 4])] * 2)
