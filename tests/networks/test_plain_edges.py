"""Plain models of cells of edges: equal outputs, names, drop-path."""

import dataclasses

import numpy as np
import pytest

from nao_tf.networks.drop_path import DropPath
from nao_tf.networks.image_network import image_network
from nao_tf.networks.image_network_config import ImageNetworkConfig
from nao_tf.networks.plain_network import plain_model
from nao_tf.spaces import make_space
from tests.support.random_weights import randomize

SPACE = make_space("nasbench201")
CONFIG = ImageNetworkConfig(num_cells=1, filters=4, convention="nasbench201", auxiliary=False, dropout_keep=1.0)
SHAPE = (9, 8, 3)


def make(edges, config=CONFIG):
  network = image_network(SPACE.decode(edges), config, num_classes=3, image_shape=SHAPE, seed=0)
  randomize(network.classifier, 0)
  return network


@pytest.mark.parametrize("edges", [(3, 1, 2, 4, 0, 3), (0, 0, 0, 0, 0, 0), (1, 1, 1, 1, 1, 1)])
def test_the_logits_are_equal(edges):
  network, images = make(edges), np.random.default_rng(0).normal(size=(3, *SHAPE)).astype(np.float32)
  model = plain_model(network, classifier_activation=None)
  assert all(type(layer).__module__.startswith("keras.") for layer in model.layers)
  np.testing.assert_allclose(model(images), network(images), atol=1e-4)


def test_layers_have_readable_names_and_zeros_have_none():
  names = {layer.name for layer in plain_model(make((3, 1, 2, 4, 0, 3))).layers}
  assert {"cell_0", "cell_0-node_3", "cell_0-node_1-from_0-nor_conv_3x3-conv", "cell_1-shortcut"} <= names
  assert not [name for name in names if "zero" in name or "none" in name]


def test_a_training_graph_drops_paths():
  config = dataclasses.replace(CONFIG, drop_path_keep=0.8, drop_path_steps=10)
  model = plain_model(make((3, 1, 2, 4, 0, 3), config), training_graph=True)
  assert any(isinstance(layer, DropPath) for layer in model.layers)
