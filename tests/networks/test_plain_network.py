"""Plain models: equal outputs for every convention, names, features, what is refused."""

import dataclasses

import numpy as np
import pytest
from tensorflow import keras

from nao_tf.networks.conventions import CONVENTIONS
from nao_tf.networks.drop_path import DropPath
from nao_tf.networks.image_network import auxiliary_cell, image_network
from nao_tf.networks.plain_layers import NotConvertible
from nao_tf.networks.plain_network import plain_model
from nao_tf.spaces import genotypes, make_space
from nao_tf.spaces.published import CELLS
from tests.support.image_cases import GENOTYPE, NETWORK
from tests.support.random_weights import randomize

SHAPE = (9, 8, 3)
_CELL = genotypes.Cell(
  (
    genotypes.Node(genotypes.Branch("conv1x3_3x1", 1), genotypes.Branch("identity", 0)),
    genotypes.Node(genotypes.Branch("avg3x3", 1), genotypes.Branch("dil_sep3x3", 2)),
  )
)
CELLS_THAT_DIFFER = genotypes.CellGenotype(_CELL, _CELL)
"""Operations that conventions make differently, of both inputs; `test_plain_layers` has all the others."""


def random_genotype(space, seed):
  return make_space(space).decode(make_space(space).sample(np.random.default_rng(seed)))


def make(genotype=GENOTYPE, config=NETWORK, shape=SHAPE, seed=0):
  """Returns a network with weights as a training might leave them."""
  network = image_network(genotype, config, num_classes=3, image_shape=shape, seed=seed)
  randomize(network.classifier, seed)
  return network


@pytest.fixture(scope="module")
def network():
  """The tiny network, for tests that change nothing of it."""
  return make()


@pytest.fixture(scope="module")
def model(network):
  """Its plain model."""
  return plain_model(network)


def images(shape=SHAPE, batch=3, seed=0):
  return np.random.default_rng(seed).normal(size=(batch, *shape)).astype(keras.backend.floatx())


def count(weights):
  return sum(int(np.prod(weight.shape)) for weight in weights)


def largest_difference(network, shape=SHAPE):
  """Returns the largest difference of a logit, in units of the largest logit if that is above 1."""
  model = plain_model(network, classifier_activation=None)
  assert all(type(layer).__module__.startswith("keras.") for layer in model.layers)
  x = images(shape)
  expected = np.array(network(x))
  return np.abs(np.array(model(x)) - expected).max() / max(1.0, np.abs(expected).max())


@pytest.mark.parametrize("convention", CONVENTIONS)
def test_the_logits_under_every_convention_are_equal(convention):
  config = dataclasses.replace(NETWORK, convention=convention)
  assert largest_difference(make(CELLS_THAT_DIFFER, config)) <= 1e-5


def test_the_logits_of_a_random_genotype_are_equal():
  config = dataclasses.replace(NETWORK, convention="torch_large")
  assert largest_difference(make(random_genotype("nasnet11", 1), config)) <= 1e-5


@pytest.mark.parametrize("name", ["NASNet-A", "PNASNet-5", "AmoebaNet-B", "DARTS-V2", "SNAS-aggressive"])
def test_the_logits_of_cells_that_state_their_outputs_are_equal(name):
  config = dataclasses.replace(NETWORK, convention=CELLS[name].convention)
  assert largest_difference(make(CELLS[name].genotype, config)) <= 1e-5


# With two stem cells, with none, and with two that are skipped.
@pytest.mark.parametrize("convention", ["nao", "torch", "slim_large"])
def test_the_logits_under_the_imagenet_stem_are_equal(convention):
  config = dataclasses.replace(NETWORK, convention=convention, stem="imagenet")
  assert largest_difference(make(config=config, shape=(35, 36, 3)), (35, 36, 3)) <= 1e-5


@pytest.mark.slow
@pytest.mark.parametrize("space", ["nasnet5", "nasnet11"])
@pytest.mark.parametrize("convention", CONVENTIONS)
def test_the_logits_of_twenty_random_genotypes_are_equal(convention, space):
  config = dataclasses.replace(NETWORK, convention=convention)
  found = [largest_difference(make(random_genotype(space, seed), config, seed=seed)) for seed in range(20)]
  print(f"{space}, {convention}: largest difference {max(found):.3g}")
  assert max(found) <= 1e-5


def test_features_are_the_last_cell_and_may_be_pooled(network):
  features = plain_model(network, include_top=False)(images())
  expected = np.maximum(network.classifier.cell_outputs(images())[-1], 0.0)
  np.testing.assert_allclose(features, expected, atol=1e-5)
  pooled = plain_model(network, include_top=False, pooling="avg")(images())
  np.testing.assert_allclose(pooled, expected.mean((1, 2)), atol=1e-5)


def test_layers_have_readable_names_and_the_output_of_a_cell_has_the_name_of_the_cell(network, model):
  names = {layer.name for layer in model.layers}
  assert {
    "stem-first-conv",
    "cell_0-node_0",
    "cell_2-node_0-left-sep3x3-1-depthwise",
    "logits",
    "probabilities",
  } <= names
  assert not any("." in name for name in names)  # PyTorch refuses to load these.
  cells = keras.Model(model.input, [model.get_layer(f"cell_{i}").output for i in range(5)])(images())
  for found, expected in zip(cells, network.classifier.cell_outputs(images())):
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_the_top_gives_probabilities(network, model):
  np.testing.assert_allclose(model(images()), keras.activations.softmax(network(images())), atol=1e-5)


def test_parameters_are_those_of_the_classifier_and_can_be_trained(no_graphs):
  network = make(config=dataclasses.replace(NETWORK, dropout_keep=0.5, auxiliary=True))
  model = plain_model(network)
  assert count(model.trainable_weights) == count(network.classifier.trainable_weights)
  assert count(model.non_trainable_weights) >= count(network.classifier.non_trainable_weights)
  assert model.get_layer("head-dropout").rate == 0.5
  model.compile("sgd", "sparse_categorical_crossentropy")
  before = np.array(model.get_layer("stem-first-conv").kernel)
  model.fit(images(), np.arange(3), verbose=0)
  assert np.abs(np.array(model.get_layer("stem-first-conv").kernel) - before).max() > 0


@pytest.mark.parametrize("stem", ["cifar", "imagenet"])
def test_a_training_graph_has_the_auxiliary_logits_of_the_network(stem):
  config = dataclasses.replace(NETWORK, stem=stem, auxiliary=True, drop_path_keep=0.6, drop_path_steps=7)
  shape = SHAPE if stem == "cifar" else (35, 36, 3)
  network = make(config=config, shape=shape)
  randomize(network.auxiliary_head)
  model = plain_model(network, training_graph=True, classifier_activation=None)
  logits, auxiliary = model(images(shape))
  outputs = network.classifier.cell_outputs(images(shape))
  np.testing.assert_allclose(logits, network.classifier.classify(outputs[-1]), atol=1e-5)
  place = auxiliary_cell(config, len(outputs))
  np.testing.assert_allclose(auxiliary, network.auxiliary_head(outputs[place]), atol=1e-4, rtol=1e-4)
  rates = {layer.name: layer.rate for layer in model.layers if isinstance(layer, DropPath)}
  last = len(outputs) - 1
  assert rates[f"cell_{last}-node_0-left-drop_path"] == pytest.approx(0.4)
  assert rates["cell_0-node_0-left-drop_path"] == pytest.approx(0.4 / len(outputs))
  dropped = [c.is_dropped(b) for c in network.classifier.cells for b in c.branches]
  assert len(rates) == sum(dropped) and model.get_layer("drop_path").steps == 7
  assert count(model.trainable_weights) == count(network.trainable_weights)


class OtherNetwork(keras.Model):
  pass


def test_another_network_is_refused():
  with pytest.raises(NotConvertible, match="a OtherNetwork cannot be converted to standard layers of Keras"):
    plain_model(OtherNetwork())


def test_a_network_that_computes_something_else_is_refused(monkeypatch):
  network = make()
  head = network.classifier.head
  monkeypatch.setattr(head, "convention", dataclasses.replace(head.convention, head_relu=False))
  original = type(head).call
  monkeypatch.setattr(type(head), "call", lambda self, features, **rest: original(self, features, **rest) + 1.0)
  with pytest.raises(NotConvertible, match="the network was not converted correctly: its logits differ by"):
    plain_model(network)


def test_a_pooling_that_is_unknown_or_of_no_use_is_refused(network):
  for options in ({"include_top": False, "pooling": "sum"}, {"pooling": "avg"}):
    with pytest.raises(ValueError, match="pooling must be None, or with include_top=False one of avg, max, got"):
      plain_model(network, **options)


def test_published_size_is_kept(network, model):
  assert model.count_params() == network.classifier.count_params()
