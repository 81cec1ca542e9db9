"""Networks of connected convolutions: what is read, how smaller maps are padded, and what all of that costs."""

import numpy as np
import pytest
import tensorflow as tf

from nao_tf.networks.building import build_network
from nao_tf.networks.connected_plan import connected_layers, scaled_filters
from nao_tf.networks.descriptions import describe
from nao_tf.networks.image_network_config import ImageNetworkConfig
from nao_tf.networks.layered_network import plain_layered_model
from nao_tf.spaces import make_space
from nao_tf.spaces.connected_genotypes import ConnectedConvolution, ConnectedGenotype

CONFIG = ImageNetworkConfig(filters=6)
GENOTYPE = ConnectedGenotype(
  (
    ConnectedConvolution(3, 1, 24, (1, 1), ()),
    ConnectedConvolution(1, 5, 36, (2, 3), ()),
    ConnectedConvolution(3, 3, 48, (1, 1), (0, 1)),
    ConnectedConvolution(5, 3, 64, (3, 2), (1,)),
  )
)


@pytest.fixture(scope="module")
def network():
  return build_network(GENOTYPE, CONFIG, input_shape=(7, 8, 2), num_outputs=3, seed=0)


@pytest.fixture(scope="module")
def images():
  return np.random.default_rng(0).normal(size=(4, 7, 8, 2)).astype(np.float32)


def test_the_filters_are_those_of_the_paper_at_36():
  assert [scaled_filters(count, 36) for count in (24, 36, 48, 64)] == [24, 36, 48, 64]
  assert [scaled_filters(count, 6) for count in (24, 36, 48, 64)] == [4, 6, 8, 11] and scaled_filters(24, 1) == 1


def test_smaller_maps_are_padded_with_zeros_on_all_sides_and_concatenated(network, images):
  read = network.classifier.get_layer
  parts = tf.keras.Model(network.classifier.input, [read(name).output for name in ("layer_1-relu", "layer_2-concat")])
  small, joined = (np.array(outputs) for outputs in parts(images))
  assert small.shape == (4, 4, 3, 6) and joined.shape == (4, 7, 8, 4 + 6)
  padded = np.zeros((4, 7, 8, 6), np.float32)
  padded[:, 1:5, 2:5] = small
  np.testing.assert_array_equal(joined[..., 4:], padded)


def test_what_is_not_read_is_concatenated_at_the_end():
  layers = {layer.name: layer for layer in connected_layers(GENOTYPE, 36, (7, 8, 2), 3)}
  assert layers["outputs-concat"].inputs == ("layer_2-relu", "outputs-pad_1")
  assert layers["outputs-concat"].shape == (7, 8, 48 + 64)


def test_parameters_and_multiply_adds_by_hand(network):
  kernels = [3 * 1 * 2 * 4, 1 * 5 * 2 * 6, 3 * 3 * 10 * 8, 5 * 3 * 6 * 11]
  places = [7 * 8, 4 * 3, 7 * 8, 2 * 2]
  parameters = sum(kernels) + 2 * (4 + 6 + 8 + 11) + (8 + 11) * 3 + 3
  description = describe(GENOTYPE, CONFIG, input_shape=(7, 8, 2), num_classes=3)
  assert description.parameters == parameters
  assert description.multiply_adds == sum(map(np.dot, kernels, places)) + (8 + 11) * 3
  assert sum(int(np.prod(weight.shape)) for weight in network.trainable_weights) == parameters


@pytest.mark.parametrize("name", ["nas_rl", "nas_rl15"])
def test_a_random_network_costs_what_it_has(name):
  space = make_space(name)
  genotype = space.decode(space.sample(np.random.default_rng(3)))
  network = build_network(genotype, ImageNetworkConfig(filters=2), input_shape=(6, 5, 1), num_outputs=2, seed=0)
  description = describe(genotype, ImageNetworkConfig(filters=2), input_shape=(6, 5, 1), num_classes=2)
  assert sum(int(np.prod(weight.shape)) for weight in network.trainable_weights) == description.parameters


def test_it_trains_and_its_plain_model_computes_the_same(network, images):
  labels = np.array([0, 1, 2, 0])
  network.compile("adam", tf.keras.losses.SparseCategoricalCrossentropy(from_logits=True))
  losses = network.fit(images, labels, epochs=8, verbose=0).history["loss"]
  assert losses[-1] < losses[0]
  model = plain_layered_model(network, classifier_activation=None)
  np.testing.assert_allclose(model(images), network(images), atol=1e-5)
  assert all(type(layer).__module__.startswith("keras.") for layer in model.layers)


def test_a_field_that_the_network_does_not_depend_on_is_refused():
  with pytest.raises(ValueError, match="a network of plain layers has no num_cells"):
    describe(GENOTYPE, num_cells=2)
