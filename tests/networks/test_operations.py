"""Laws of every operation, and pools by hand."""

import numpy as np
import pytest
import tensorflow as tf

from nao_tf.networks.conventions import CONVENTIONS
from nao_tf.networks.operations import OPERATIONS, is_dropped

NAO, WS, TORCH, TORCH_LARGE = (CONVENTIONS[name] for name in ("nao", "nao_ws", "torch", "torch_large"))
CONVENTIONS_OF_OPERATIONS = ("nao", "nao_ws", "torch", "torch_large", "darts", "tpu_amoeba")
"""Conventions that differ in their operations; the others differ from these in cells and stacks."""
FILTERS = 4


def make(name, stride=1, convention=NAO, *, filters=FILTERS, channels=FILTERS, length=7, seed=3):
  layer = OPERATIONS[name](filters, stride, convention, seed)
  layer.build((None, length, length, channels))
  return layer


def images(length=7, channels=FILTERS, batch=2, seed=0):
  return np.random.default_rng(seed).normal(size=(batch, length, length, channels)).astype(np.float32)


def ramp(length):
  return np.arange(1.0, length * length + 1, dtype=np.float32).reshape(1, length, length, 1)


def pooled(name, length, stride, convention=NAO):
  return make(name, stride, convention, filters=1, channels=1, length=length)(ramp(length)).numpy()[0, :, :, 0]


def num_parameters(layer):
  return sum(int(np.prod(weight.shape)) for weight in layer.trainable_weights)


@pytest.mark.parametrize("convention", CONVENTIONS_OF_OPERATIONS)
@pytest.mark.parametrize("name", OPERATIONS)
def test_output_is_strided_rounded_up_and_has_the_filters(name, convention):
  for stride, length, channels in (
    (1, 7, FILTERS),
    (2, 7, FILTERS),
    (2, 4, FILTERS),
    (2, 1, FILTERS),
    (1, 5, 6),
    (2, 5, 6),
  ):
    layer = make(name, stride, CONVENTIONS[convention], channels=channels, length=length)
    outputs = layer(images(length, channels), training=True)
    expected = (2, -(-length // stride), -(-length // stride), FILTERS)
    assert tuple(outputs.shape) == expected
    assert tuple(layer.compute_output_shape((2, length, length, channels))) == expected
    assert np.isfinite(outputs.numpy()).all()


@pytest.mark.parametrize("name", OPERATIONS)
def test_an_operation_is_a_function_of_its_seed(name):
  x = images(channels=6) + 5.0
  outputs = [make(name, 2, channels=6, seed=seed)(x, training=False).numpy() for seed in (1, 1, 2)]
  np.testing.assert_array_equal(outputs[0], outputs[1])
  assert name == "zero" or np.abs(outputs[0] - outputs[2]).max() > 1e-3


@pytest.mark.parametrize("name", OPERATIONS)
def test_examples_do_not_see_each_other_in_inference(name):
  layer, x = make(name, 2), images(batch=3)
  np.testing.assert_allclose(layer(x, training=False)[1:2], layer(x[1:2], training=False), atol=1e-5)


@pytest.mark.parametrize("name", ["conv3x3", "sep5x5", "dil_sep3x3", "max3x3", "avg5x5", "min3x3", "identity"])
def test_flipping_the_image_flips_the_output_of_an_operation_with_symmetric_kernels(name):
  layer, x = make(name), images()
  for weight in layer.weights:
    if len(weight.shape) == 4:
      weight.assign(weight + weight[:, ::-1])
  np.testing.assert_allclose(layer(x)[:, :, ::-1], layer(x[:, :, ::-1]), atol=1e-5)


@pytest.mark.parametrize(
  ("name", "expected"),
  [
    ("identity", 0),
    ("zero", 0),
    ("conv1x1", 16 + 8),
    ("conv3x3", 9 * 16 + 8),
    ("conv1x3_3x1", 2 * (3 * 16 + 8)),
    ("conv1x7_7x1", 2 * (7 * 16 + 8)),
    ("sep3x3", 2 * (9 * 4 + 16 + 8)),
    ("sep5x5", 2 * (25 * 4 + 16 + 8)),
    ("dil_sep3x3", 2 * (9 * 4 + 16 + 8)),
    ("max3x3", 0),
    ("avg5x5", 0),
  ],
)
def test_parameters_by_hand(name, expected):
  assert num_parameters(make(name)) == expected


def test_dilated_separable_convolutions_are_stacked_as_the_convention_says():
  assert num_parameters(make("dil_sep5x5", convention=NAO)) == 2 * num_parameters(make("dil_sep5x5", convention=TORCH))


def test_pools_project_other_numbers_of_channels():
  assert num_parameters(make("max3x3", channels=6)) == 6 * FILTERS + 2 * FILTERS


@pytest.mark.parametrize("convention", [NAO, WS, TORCH])
def test_an_identity_is_its_input_unless_shapes_forbid(convention):
  np.testing.assert_array_equal(make("identity", convention=convention)(images()), images())
  assert num_parameters(make("identity", 2, convention)) == FILTERS * FILTERS + 2 * FILTERS


def test_only_a_factorized_identity_sees_odd_pixels():
  odd = np.zeros((1, 4, 4, FILTERS), np.float32)
  odd[:, 1::2, 1::2] = 1.0
  assert not np.any(make("identity", 2, NAO, length=4)(odd))
  assert np.any(make("identity", 2, WS, length=4)(odd))


def test_max_pool_by_hand():
  np.testing.assert_array_equal(pooled("max2x2", 4, 2), [[6, 8], [14, 16]])
  np.testing.assert_array_equal(pooled("max3x3", 3, 1), [[5, 6, 6], [8, 9, 9], [8, 9, 9]])
  np.testing.assert_array_equal(pooled("max3x3", 4, 2), [[11, 12], [15, 16]])
  np.testing.assert_array_equal(pooled("max3x3", 4, 2, TORCH), [[6, 8], [14, 16]])


def test_min_pool_by_hand():
  np.testing.assert_array_equal(pooled("min3x3", 3, 1), [[1, 1, 2], [1, 1, 2], [4, 4, 5]])


def test_average_pool_by_hand():
  np.testing.assert_allclose(pooled("avg2x2", 4, 2), [[3.5, 5.5], [11.5, 13.5]])
  np.testing.assert_allclose(pooled("avg3x3", 3, 1), [[3, 3.5, 4], [4.5, 5, 5.5], [6, 6.5, 7]])
  np.testing.assert_allclose(pooled("avg3x3", 4, 2), [[6, 7.5], [12, 13.5]])


def test_average_pool_of_the_torch_convention_is_centred_and_leaves_out_padding():
  np.testing.assert_allclose(pooled("avg3x3", 4, 2, TORCH), [[3.5, 5], [9.5, 11]], rtol=1e-6)


def test_average_pool_of_the_large_torch_space_counts_padding():
  np.testing.assert_allclose(pooled("avg3x3", 4, 2, TORCH_LARGE), [[14 / 9, 30 / 9], [57 / 9, 99 / 9]], rtol=1e-6)
  np.testing.assert_allclose(pooled("avg2x2", 2, 1, TORCH_LARGE), [[2.5, 1.5], [1.75, 1.0]], rtol=1e-6)


def test_a_bottleneck_works_on_a_quarter_of_the_channels():
  amoeba, filters = CONVENTIONS["tpu_amoeba"], 8
  wide = make("conv3x3", convention=amoeba, filters=filters, channels=filters)
  assert num_parameters(wide) == (8 * 2 + 4) + (9 * 2 * 2 + 4) + (2 * 8 + 16)
  three_eighths = make("conv1x3_3x1", convention=amoeba, filters=filters, channels=filters)
  assert num_parameters(three_eighths) == (8 * 3 + 6) + 2 * (3 * 3 * 3 + 6) + (3 * 8 + 16)
  assert num_parameters(make("conv1x1", convention=amoeba)) == num_parameters(make("conv1x1", convention=NAO))


def test_the_projection_of_a_pool_has_a_relu_where_the_convention_says_so():
  negative = -1.0 - np.abs(images(channels=6))
  outputs = [make("max3x3", convention=CONVENTIONS[name], channels=6)(negative) for name in ("nao", "slim")]
  assert not np.any(outputs[0]) and np.any(outputs[1])


def test_a_factorized_identity_has_a_relu_where_the_convention_says_so():
  negative = -1.0 - np.abs(images())
  outputs = [make("identity", 2, CONVENTIONS[name])(negative) for name in ("torch", "darts")]
  assert np.any(outputs[0]) and not np.any(outputs[1])


def test_drop_path_acts_on_identities_as_the_convention_says():
  rows = [(name, stride) for name in ("nao", "torch", "darts") for stride in (1, 2)]
  assert [is_dropped("identity", stride, CONVENTIONS[name]) for name, stride in rows] == [
    False, False, True, True, False, True
  ]  # fmt: skip
  assert is_dropped("max3x3", 1, NAO)


@pytest.mark.parametrize("convention", CONVENTIONS_OF_OPERATIONS)
def test_pools_keep_a_constant_image(convention):
  if CONVENTIONS[convention].average_counts_padding:
    pytest.skip("counts padding as zeros")
  ones = np.ones((1, 5, 5, FILTERS), np.float32)
  for name in OPERATIONS:
    if name.startswith(("max", "avg", "min")):
      for stride in (1, 2):
        np.testing.assert_allclose(make(name, stride, CONVENTIONS[convention], length=5)(ones), 1.0, rtol=1e-6)


@pytest.mark.parametrize(("convention", "strides"), [(NAO, [(2, 2), (1, 1)]), (TORCH, [(1, 2), (2, 1)])])
def test_the_stride_of_a_factorized_convolution_is_split_as_the_convention_says(convention, strides):
  layers = make("conv1x7_7x1", 2, convention).chained
  assert [tuple(layer.strides) for layer in layers] == strides
  assert [tuple(layer.size) for layer in layers] == [(1, 7), (7, 1)]


@pytest.mark.parametrize("convention", [NAO, TORCH])
@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("name", ["max3x3", "min2x2"])
def test_a_pool_that_pools_again_has_the_same_outputs_and_gradients(name, stride, convention):
  states, outcomes = tf.constant(images()), []
  for again in (False, True):
    layer = make(name, stride, convention)
    layer.pools_again = again
    with tf.GradientTape() as tape:
      tape.watch(states)
      outputs = layer(states)
    outcomes.append((outputs, tape.gradient(outputs, states, outputs)))
  for plain, pooled_again in zip(*outcomes):
    np.testing.assert_array_equal(plain, pooled_again)


def test_zero_is_zero():
  assert not np.any(make("zero", 2)(images()))


def test_operations_learn():
  for name in OPERATIONS:
    layer, x = make(name, 2, channels=6), tf.constant(images(channels=6))
    with tf.GradientTape() as tape:
      loss = tf.reduce_sum(tf.square(layer(x, training=True) - 1.0))
    gradients = tape.gradient(loss, layer.trainable_weights)
    assert all(gradient is not None for gradient in gradients), name
