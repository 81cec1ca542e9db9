"""Every operation is converted to standard layers of Keras with equal outputs, or is refused by name."""

import numpy as np
import pytest
from tensorflow import keras

from nao_tf.networks import layers, operations, plain_layers
from nao_tf.networks.conventions import CONVENTIONS
from nao_tf.networks.layers import ConvNorm, FactorizedReduction
from nao_tf.networks.operations import OPERATIONS, Pool
from nao_tf.networks.plain_layers import NotConvertible, plain_layer
from tests.support.distinct_conventions import distinct_conventions
from tests.support.random_weights import randomize

FILTERS = 4
CASES = [(1, (4, 5), 3), (2, (7, 6), FILTERS), (2, (4, 1), 3)]
"""Strides, sizes of images and channels."""


def converted(layer, shape):
  """Returns the model of a layer that was converted."""
  inputs = keras.Input(shape)
  outputs = plain_layer(layer, inputs, "here")
  return keras.Model(inputs, keras.layers.Identity()(outputs) if outputs is inputs else outputs)


def check(layer, shape, seed=0):
  """Checks that a built layer and its conversion compute the same; returns the model of the conversion."""
  randomize(layer, seed)
  model = converted(layer, shape)
  images = np.random.default_rng(seed).normal(size=(2, *shape)).astype(np.float32)
  np.testing.assert_allclose(model(images), layer(images, training=False), atol=2e-6, rtol=2e-6)
  assert all(type(part).__module__.startswith("keras.") for part in model.layers)
  return model


@pytest.mark.parametrize("convention", distinct_conventions(layers, operations, plain_layers))
@pytest.mark.parametrize("name", OPERATIONS)
def test_an_operation_is_converted_with_equal_outputs_or_refused_by_name(name, convention):
  for stride, (height, width), channels in CASES:
    layer = OPERATIONS[name](FILTERS, stride, CONVENTIONS[convention], 3)
    layer.build((None, height, width, channels))
    try:
      model = check(layer, (height, width, channels))
    except NotConvertible as error:
      assert type(layer).__name__ in str(error) and "here" in str(error)
      continue
    trainable = [sum(int(np.prod(weight.shape)) for weight in it.trainable_weights) for it in (layer, model)]
    assert trainable[0] == trainable[1], "a conversion trains the same weights"


@pytest.mark.parametrize("filters", [1, 5])
@pytest.mark.parametrize("size", [(1, 1), (2, 3), (5, 4)])
def test_a_factorized_reduction_is_two_convolutions(size, filters):
  layer = FactorizedReduction(filters, 2, CONVENTIONS["nao"], 1, relu=True)
  layer.build((None, *size, 3))
  check(layer, (*size, 3))


def test_convolutions_may_stay_within_the_image():
  layer = ConvNorm(3, 2, CONVENTIONS["torch"], 1, size=(3, 2), valid=True)
  layer.build((None, 6, 7, 2))
  check(layer, (6, 7, 2))


def test_batch_norm_keeps_its_constants():
  layer = ConvNorm(3, 1, CONVENTIONS["nao"], 1)
  layer.build((None, 4, 4, 2))
  norm = check(layer, (4, 4, 2)).get_layer("here-norm")
  assert (norm.momentum, norm.epsilon) == (layer.norm.momentum, layer.norm.epsilon)


class Shifted(ConvNorm):
  def call(self, inputs, **arguments):
    return super().call(inputs, **arguments) + 1.0


def test_a_subclass_is_refused_since_it_may_compute_something_else():
  layer = Shifted(3, 1, CONVENTIONS["nao"], 1)
  layer.build((None, 4, 4, 2))
  with pytest.raises(NotConvertible, match="here: a Shifted cannot be converted to standard layers of Keras; those"):
    converted(layer, (4, 4, 2))


def test_an_unknown_kind_of_pool_is_refused():
  layer = Pool(3, 1, CONVENTIONS["nao"], 1, kind="median", size=3)
  layer.build((None, 4, 4, 3))
  with pytest.raises(NotConvertible, match="here: a pool of kind 'median' is not known; known are max, min, avg"):
    converted(layer, (4, 4, 3))
