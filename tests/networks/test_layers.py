"""Batch norm, convolutions and the factorized reduction, by hand."""

import dataclasses

import numpy as np
import pytest
import tensorflow as tf
from tensorflow import keras

from nao_tf.networks.conventions import CONVENTIONS
from nao_tf.networks.layers import Chain, ConvNorm, FactorizedReduction, Norm, SeparableConvNorm
from nao_tf.supernets.functional import LentWeights

NAO, TORCH = CONVENTIONS["nao"], CONVENTIONS["torch"]
EPSILON = 1e-5


def built(layer, shape):
  layer.build((None, *shape))
  return layer


def ramp(length):
  return np.arange(1.0, length * length + 1, dtype=np.float32).reshape(1, length, length, 1)


def images(*shape, seed=0):
  return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def test_norm_in_training_gives_zero_mean_and_unit_variance():
  outputs = built(Norm(NAO), (4, 4, 3))(images(8, 4, 4, 3) * 5 + 2, training=True).numpy()
  np.testing.assert_allclose(outputs.mean((0, 1, 2)), 0.0, atol=1e-5)
  np.testing.assert_allclose(outputs.var((0, 1, 2)), 1.0, atol=1e-4)


def test_norm_moves_its_averages_a_tenth_of_the_way():
  norm, x = built(Norm(NAO), (4, 4, 3)), images(8, 4, 4, 3) + 2
  norm(x, training=True)
  np.testing.assert_allclose(norm.moving_mean, 0.1 * x.mean((0, 1, 2)), rtol=1e-4)
  np.testing.assert_allclose(norm.moving_variance, 0.9 + 0.1 * x.var((0, 1, 2), ddof=1), rtol=1e-4)


def test_norm_in_inference_uses_its_averages_and_leaves_them():
  norm, x = built(Norm(NAO), (4, 4, 3)), images(8, 4, 4, 3)
  norm.moving_mean.assign([1.0, 2.0, 3.0])
  norm.moving_variance.assign([4.0, 4.0, 4.0])
  np.testing.assert_allclose(norm(x, training=False), (x - [1, 2, 3]) / np.sqrt(4 + EPSILON), rtol=1e-4, atol=1e-5)
  np.testing.assert_array_equal(norm.moving_mean, [1.0, 2.0, 3.0])


def test_lent_averages_do_not_go_through_the_fused_kernel():
  # That of TensorFlow 2.15 mixes them up when one function runs in several places of a graph at the same time.
  norm, x, mean = built(Norm(NAO), (4, 4, 8)), images(16, 4, 4, 8), images(8, seed=1)
  variables = [norm.gamma, norm.beta, norm.moving_mean, norm.moving_variance]

  @tf.function(autograph=False)
  def normalize(mean):
    return norm.call(x, weights=LentWeights(variables, [tf.ones(8), tf.zeros(8), mean, tf.ones(8)]))

  np.testing.assert_allclose(normalize(mean), (x - mean) / np.sqrt(1 + EPSILON), rtol=1e-4, atol=1e-5)
  kinds = {operation.type for operation in normalize.get_concrete_function(mean).graph.get_operations()}
  assert not [kind for kind in kinds if "BatchNorm" in kind]


def test_a_frozen_norm_is_in_inference():
  norm, x = built(Norm(NAO), (4, 4, 3)), images(8, 4, 4, 3)
  norm.trainable = False
  np.testing.assert_allclose(norm(x, training=True), x / np.sqrt(1 + EPSILON), rtol=1e-4, atol=1e-5)


def test_a_synchronized_norm_on_one_device_is_the_fused_one():
  x, norms = (
    images(8, 4, 4, 3) * 3 + 1,
    [Norm(dataclasses.replace(NAO, synchronized_norm=flag)) for flag in (False, True)],
  )
  outputs = [built(norm, (4, 4, 3))(x, training=True) for norm in norms]
  np.testing.assert_allclose(*outputs, atol=1e-4)
  np.testing.assert_allclose(*(norm.moving_mean for norm in norms), rtol=1e-5)
  np.testing.assert_allclose(*(norm.moving_variance for norm in norms), rtol=1e-5)


def test_norm_agrees_with_keras_gradients_included():
  x = tf.constant(images(8, 4, 4, 3))
  gradients = []
  for norm in (Norm(NAO), keras.layers.BatchNormalization(momentum=0.9, epsilon=EPSILON)):
    built(norm, (4, 4, 3))
    with tf.GradientTape() as tape:
      tape.watch(x)
      loss = tf.reduce_sum(tf.sin(3.0 * norm(x, training=True)))
    gradients.append(tape.gradient(loss, [x, *norm.trainable_weights]))
  for ours, theirs in zip(*gradients):
    np.testing.assert_allclose(ours, theirs, atol=1e-3)


def test_a_pointwise_convolution_is_the_convolution_it_says():
  layer, x = built(ConvNorm(5, 1, NAO, 0), (6, 6, 3)), images(2, 6, 6, 3)
  expected = tf.nn.conv2d(tf.nn.relu(x), tf.convert_to_tensor(layer.kernel), 1, "SAME") / np.sqrt(1 + EPSILON)
  np.testing.assert_allclose(layer(x), expected, atol=1e-5)


@pytest.mark.parametrize(("convention", "corner"), [(NAO, 1 + 2 + 3 + 5 + 6 + 7 + 9 + 10 + 11), (TORCH, 1 + 2 + 5 + 6)])
def test_a_strided_convolution_is_padded_as_the_convention_says(convention, corner):
  layer = built(ConvNorm(1, 2, convention, 0, size=(3, 3)), (4, 4, 1))
  layer.kernel.assign(np.ones((3, 3, 1, 1)))
  assert float(layer(ramp(4))[0, 0, 0, 0]) == pytest.approx(corner / np.sqrt(1 + EPSILON), rel=1e-5)


def test_a_valid_convolution_stays_inside():
  layer = built(ConvNorm(1, 2, NAO, 0, size=(3, 3), valid=True), (8, 8, 1))
  assert (
    tuple(layer(np.ones((1, 8, 8, 1), np.float32)).shape)
    == tuple(layer.compute_output_shape((1, 8, 8, 1)))
    == (1, 3, 3, 1)
  )


def test_a_relu_comes_first_unless_there_is_none():
  x = -ramp(4)
  assert not np.any(built(ConvNorm(1, 1, NAO, 0), (4, 4, 1))(x))
  assert np.all(built(ConvNorm(1, 1, NAO, 0, relu=False), (4, 4, 1))(x))


def test_dilation_reads_every_second_pixel():
  layer = built(SeparableConvNorm(1, 1, NAO, 0, size=3, dilation=2), (5, 5, 1))
  layer.depthwise.assign(np.ones((3, 3, 1, 1)))
  layer.pointwise.assign(np.ones((1, 1, 1, 1)))
  center = 1 + 3 + 5 + 11 + 13 + 15 + 21 + 23 + 25
  assert float(layer(ramp(5))[0, 2, 2, 0]) == pytest.approx(center / np.sqrt(1 + EPSILON), rel=1e-5)


def test_factorized_reduction_reads_both_diagonals():
  layer = built(FactorizedReduction(2, 2, NAO, 0), (4, 4, 1))
  layer.kernel.assign(np.ones((1, 1, 1, 2)))
  outputs = layer(ramp(4)).numpy()[0] * np.sqrt(1 + EPSILON)
  np.testing.assert_allclose(outputs[..., 0], [[1, 3], [9, 11]], rtol=1e-5)
  np.testing.assert_allclose(outputs[..., 1], [[6, 8], [14, 16]], rtol=1e-5)


def test_factorized_reduction_of_an_odd_image_sees_zeros_beyond_the_border():
  layer = built(FactorizedReduction(3, 2, NAO, 0), (3, 3, 1))
  layer.kernel.assign(np.ones((1, 1, 1, 3)))
  outputs = layer(ramp(3)).numpy()[0] * np.sqrt(1 + EPSILON)
  np.testing.assert_allclose(outputs[..., 0], [[1, 3], [7, 9]], rtol=1e-5)
  np.testing.assert_allclose(outputs[..., 2], [[5, 0], [0, 0]], rtol=1e-5, atol=1e-6)


def test_factorized_reduction_has_no_relu_unless_asked():
  assert np.any(built(FactorizedReduction(2, 2, NAO, 0), (4, 4, 1))(-ramp(4)))
  assert not np.any(built(FactorizedReduction(2, 2, NAO, 0, relu=True), (4, 4, 1))(-ramp(4)))


def test_factorized_reduction_of_stride_one_is_a_pointwise_convolution():
  layer = built(FactorizedReduction(4, 1, NAO, 0), (3, 3, 2))
  assert sum(int(np.prod(w.shape)) for w in layer.trainable_weights) == 2 * 4 + 2 * 4
  assert tuple(layer(images(1, 3, 3, 2)).shape) == (1, 3, 3, 4)


def test_factorized_reduction_refuses_other_strides():
  with pytest.raises(ValueError, match="stride 1 or 2, got 3"):
    FactorizedReduction(4, 3, NAO, 0)


def test_an_empty_chain_is_the_identity():
  x = images(1, 3, 3, 2)
  np.testing.assert_array_equal(built(Chain([]), (3, 3, 2))(x), x)
