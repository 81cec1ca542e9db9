"""Layers: single ones and ensembles compute the same, and so do loops and unrolled steps."""

import numpy as np
import pytest
import tensorflow as tf

from nao_tf.controller.initialization import Initializer
from nao_tf.controller.layers import Linear, Lstm, TokenEmbedding, dropout, lstm_gates, project, random_step, scan
from tests.support import controller_cases as cases


def initializer(ensemble_size=None):
  return Initializer(cases.SMALL, seed=0, ensemble_size=ensemble_size)


def normal(*shape, seed=0):
  return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def test_projecting_an_ensemble_projects_each():
  inputs, kernel, bias = normal(2, 3, 4, 5), normal(2, 5, 6, seed=1), normal(2, 6, seed=2)
  found = project(tf.constant(inputs), tf.constant(kernel), tf.constant(bias))
  for number in range(2):
    expected = inputs[number] @ kernel[number] + bias[number]
    np.testing.assert_allclose(found[number], expected, rtol=1e-4, atol=1e-5)


def test_a_linear_layer_may_have_no_bias():
  inputs = normal(3, 4)
  layer = Linear(initializer(), 4, 2, bias=False)
  (kernel,) = layer.get_weights()
  np.testing.assert_allclose(layer(inputs), inputs @ kernel, rtol=1e-5)


def test_dropout_keeps_the_mean_and_depends_on_seed_and_place():
  ones, seed = tf.ones(10_000), tf.constant([1, 2])
  dropped = dropout(ones, 0.2, seed).numpy()
  assert set(np.unique(dropped)) == {0, np.float32(1 / 0.8)}
  assert dropped.mean() == pytest.approx(1, abs=0.02)  # 4 sigma.
  assert np.any(dropped != dropout(ones, 0.2, seed, layer=1).numpy())
  assert np.any(dropped != dropout(ones, 0.2, tf.constant([1, 3])).numpy())
  assert dropout(ones, 0.2, None) is ones and dropout(ones, 0.0, seed) is ones


def test_a_random_step_moves_all_outputs_of_an_architecture_alike_and_keeps_their_length():
  memory = tf.math.l2_normalize(tf.random.stateless_normal([2, 500, 3, 16], [1, 2]), axis=-1)
  moved = random_step(memory, 0.5, tf.constant([3, 4]))
  np.testing.assert_allclose(np.linalg.norm(moved, axis=-1), 1, rtol=1e-5)
  distances = np.linalg.norm(moved - memory, axis=-1)
  assert 0.4 < np.sqrt(np.mean(np.square(distances))) < 0.5  # A part of each step goes outward, and is taken back.
  same = random_step(tf.repeat(memory[..., :1, :], 3, axis=-2), 0.5, tf.constant([3, 4])).numpy()
  np.testing.assert_array_equal(same[..., 0, :], same[..., 2, :])
  assert len(np.unique(same[..., 0, 0])) == 1000
  assert random_step(memory, 0.5, None) is memory is random_step(memory, 0.0, tf.constant([3, 4]))


def test_the_gates_of_an_lstm_by_hand():
  gates, cell = normal(2, 4 * 3), normal(2, 3, seed=1)
  enter, forget, candidate, leave = np.split(gates, 4, axis=-1)
  sigmoid = lambda x: 1 / (1 + np.exp(-x))  # noqa: E731
  expected = sigmoid(forget) * cell + sigmoid(enter) * np.tanh(candidate)
  output, found = lstm_gates(tf.constant(gates), tf.constant(cell))
  np.testing.assert_allclose(found, expected, rtol=1e-5)
  np.testing.assert_allclose(output, sigmoid(leave) * np.tanh(expected), rtol=1e-5)


@pytest.mark.parametrize("unroll", [True, False])
def test_scanning_goes_along_the_second_to_last_axis(unroll):
  inputs = normal(2, 3, 4, 5)

  def add(step_inputs, state):
    (total,) = state
    return total + step_inputs, (total + step_inputs,)

  found = scan(add, tf.constant(inputs), (tf.zeros([2, 3, 5]),), unroll=unroll)
  np.testing.assert_allclose(found, np.cumsum(inputs, axis=-2), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("ensemble_size", [None, 2])
def test_an_lstm_as_a_loop_equals_the_unrolled_one(ensemble_size):
  lstm = Lstm(initializer(ensemble_size), 4, 3, double_bias=True)
  gates = tf.constant(normal(*lstm.prefix, 6, 5, 12))
  np.testing.assert_allclose(lstm.run(gates, unroll=True), lstm.run(gates, unroll=False), rtol=1e-5, atol=1e-6)
  start = normal(*lstm.prefix, 6, 3, seed=1), normal(*lstm.prefix, 6, 3, seed=2)
  assert not np.allclose(lstm.run(gates, start, unroll=True), lstm.run(gates, unroll=True))


def test_the_second_bias_is_added_to_the_first():
  lstm = Lstm(initializer(), 4, 3, double_bias=True)
  lstm.second_bias.assign(normal(12))
  np.testing.assert_allclose(lstm.total_bias(), np.asarray(lstm.bias) + normal(12))


@pytest.mark.parametrize("tokens_per_step", [1, 2])
def test_folding_an_embedding_into_a_kernel_changes_nothing(tokens_per_step):
  layer, kernel = TokenEmbedding(initializer(), 7, 3, mixing=normal(7, 7, seed=1)), normal(3 * tokens_per_step, 4)
  tokens = np.array([[1, 6], [0, 3], [2, 2]])[:, :tokens_per_step]
  separately = tf.reshape(layer(tokens), [3, -1]) @ kernel
  contributions = layer.folded(tf.constant(kernel), tokens_per_step).numpy()
  folded = sum(contributions[7 * place + tokens[:, place]] for place in range(tokens_per_step))
  np.testing.assert_allclose(folded, separately, rtol=1e-4, atol=1e-5)
