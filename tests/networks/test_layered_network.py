import numpy as np
import pytest
import tensorflow as tf

import nao_tf
from nao_tf.networks.image_network_config import ImageNetworkConfig
from nao_tf.networks.layered_network import layered_network, plain_layered_model
from nao_tf.networks.model_costs import model_parts
from nao_tf.networks.plain_plans import plain_costs
from nao_tf.spaces.autokeras import AutokerasSpace
from nao_tf.spaces.layered_genotypes import Convolution, LayeredGenotype, Skip

SPACE = AutokerasSpace()
CONFIG = ImageNetworkConfig(filters=2, dropout_keep=0.5)
GENOTYPE = LayeredGenotype(
  ((Convolution(3, 1), Convolution(1, 2)), (Convolution(5, 1),)),
  (2, 1),
  (Skip(0, 2, "add"), Skip(0, 3, "concat"), Skip(2, 4, "add")),
)


def make_network(seed=0, config=CONFIG):
  return layered_network(GENOTYPE, config, num_classes=3, image_shape=(5, 6, 2), seed=seed)


@pytest.fixture(scope="module")
def network():
  return make_network()


@pytest.fixture(scope="module")
def images():
  return np.random.default_rng(0).normal(size=(4, 5, 6, 2)).astype(np.float32)


def test_it_maps_images_to_logits(network, images):
  assert network(images).shape == (4, 3)
  assert [layer.name for layer in network.classifier.layers][-2:] == ["layer_4-relu", "logits"]


def test_weights_are_a_function_of_the_seed(network, images):
  assert np.array_equal(network(images), make_network()(images))
  assert not np.array_equal(network(images), make_network(seed=1)(images))


def test_dropout_is_a_function_of_the_step(network, images):
  first, again, later = (np.asarray(network(images, training=True, step=tf.constant(n))) for n in (3, 3, 4))
  assert np.array_equal(first, again) and not np.array_equal(first, later)


def test_costs_are_those_of_the_built_network(network):
  built, computed = model_parts(network.classifier), plain_costs(GENOTYPE, 2, (5, 6, 2), 3)
  assert sorted(computed) == sorted(built)


@pytest.mark.parametrize("seed", range(3))
def test_costs_of_random_networks_are_those_of_the_built_ones(seed):
  rng = np.random.default_rng(seed)
  genotype, shape = SPACE.decode(SPACE.sample(rng)), (int(rng.integers(1, 10)), int(rng.integers(1, 10)), 1)
  built = layered_network(genotype, CONFIG, num_classes=3, image_shape=shape)
  described = nao_tf.describe(genotype, CONFIG, input_shape=shape, num_classes=3)
  expected = [part[:4] for part in sorted(model_parts(built.classifier))]
  assert [part[:4] for part in sorted(plain_costs(genotype, 2, shape, 3))] == expected
  assert described.parameters == sum(part[2] for part in expected)


def test_what_such_a_network_does_not_depend_on_is_refused():
  with pytest.raises(ValueError, match="a network of plain layers has no num_cells; it has filters"):
    nao_tf.describe(GENOTYPE, num_cells=2)


def test_a_plain_model_has_the_same_weights_and_gives_probabilities(network, images):
  model = plain_layered_model(network, name="my net")
  np.testing.assert_allclose(model(images), tf.nn.softmax(network(images)), atol=1e-6)
  assert model.name == "my_net" and model.layers[-1].name == "probabilities"


def test_it_is_built_as_a_plain_model_by_its_genotype():
  model = nao_tf.build(GENOTYPE, input_shape=(5, 6, 2), num_classes=3, filters=2)
  assert model.output_shape == (None, 3) and model.count_params() == make_network().classifier.count_params()
  with pytest.raises(
    ValueError, match="expected the genotype of a network of cells, got a LayeredGenotype; .* num_cells"
  ):
    nao_tf.build(GENOTYPE, input_shape=(5, 6, 2), num_classes=3, num_cells=2)
  with pytest.raises(ValueError, match="build needs input_shape and num_classes"):
    nao_tf.build(GENOTYPE)
