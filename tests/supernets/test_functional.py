import numpy as np
import pytest
import tensorflow as tf

from nao_tf.networks.conventions import CONVENTIONS
from nao_tf.networks.heads import ClassifierHead
from nao_tf.networks.layers import ConvNorm
from nao_tf.networks.operations import OPERATIONS
from nao_tf.supernets.functional import LayerFunction

NAO = CONVENTIONS["nao"]
SHAPE = (None, 6, 6, 4)


def images(channels=4):
  return np.random.default_rng(0).normal(size=(2, 6, 6, channels)).astype(np.float32)


def built(layer, shape=SHAPE):
  layer.build(shape)
  return layer


def vectors(function, seed=1):
  rng = np.random.default_rng(seed)
  sizes = function.num_weights, function.num_statistics
  return [tf.constant(rng.uniform(0.5, 1.5, size), tf.float32) for size in sizes]


@pytest.mark.parametrize("name", OPERATIONS)
@pytest.mark.parametrize("training", [False, True])
def test_an_operation_with_given_weights_is_one_that_has_them(name, training):
  function = LayerFunction(built(OPERATIONS[name](4, 2, NAO, 0)))
  weights, statistics = vectors(function)
  outputs, moved = function(weights, statistics, images(), training=training)
  layer = built(OPERATIONS[name](4, 2, NAO, 1))
  own = LayerFunction(layer)
  own.assign(weights, statistics)
  np.testing.assert_allclose(outputs, layer(images(), training=training), rtol=1e-5, atol=1e-5)
  after = [np.reshape(variable.numpy(), -1) for variable in own.statistics]
  np.testing.assert_allclose(moved, np.concatenate([[], *after]), rtol=1e-6)


def test_the_layer_itself_stays_as_it_is():
  layer = built(ConvNorm(3, 1, NAO, 0))
  before, function = layer.get_weights(), LayerFunction(layer)
  function(*vectors(function), images(), training=True)
  for was, now in zip(before, layer.get_weights()):
    np.testing.assert_array_equal(was, now)
  assert layer.kernel is function.weights[0]
  np.testing.assert_array_equal(function.initial_weights()[: 4 * 3], np.reshape(before[0], -1))


def test_gradients_go_to_the_vector():
  function = LayerFunction(built(ConvNorm(3, 1, NAO, 0)))
  weights, statistics = vectors(function)
  with tf.GradientTape() as tape:
    tape.watch(weights)
    loss = tf.reduce_sum(tf.sin(function(weights, statistics, images(), training=True)[0]))
  assert np.all(tape.gradient(loss, weights).numpy()[-3:] != 0)


@pytest.mark.parametrize("make", [lambda: ConvNorm(3, 1, NAO, 0), lambda: ClassifierHead(3, 1.0, NAO, 0)])
def test_rows_that_are_missing_are_those_of_channels_that_are_zero(make):
  function = LayerFunction(built(make()), variable_rows=True)
  weights, statistics = vectors(function)
  zeros = images() * np.array([1, 1, 0, 0], np.float32)
  expected, _ = function(weights, statistics, zeros)
  fewer = tf.concat([weights[: 2 * 3], weights[4 * 3 :]], 0)
  outputs, _ = tf.function(lambda w, x: function(w, statistics, x))(fewer, images()[..., :2])
  np.testing.assert_allclose(outputs, expected, atol=1e-5)


def test_vectors_of_another_size_are_refused():
  function = LayerFunction(built(ConvNorm(3, 1, NAO, 0)))
  with pytest.raises(ValueError, match="expected 18 numbers, got 2"):
    function.assign(np.zeros(2, np.float32))
