"""Which settings of image networks say something about networks of plain layers."""

import dataclasses

import numpy as np
import pytest

from nao_tf.networks.building import build_network
from nao_tf.networks.image_network_config import ImageNetworkConfig
from nao_tf.networks.plain_plans import UNUSED_SETTINGS, unused_settings
from nao_tf.spaces import make_space

OTHERS = {
  **{"num_cells": 2, "convention": "pnas", "stem": "imagenet", "auxiliary": False, "auxiliary_weight": 0.1},
  **{"drop_path_keep": 0.5, "drop_path_steps": 7},
}


@pytest.mark.parametrize(
  ("space", "unused"), [("autokeras", UNUSED_SETTINGS), ("nas_rl", UNUSED_SETTINGS), ("nasnet5", ())]
)
def test_networks_without_cells_have_no_use_for_settings_of_cells(space, unused):
  space = make_space(space)
  assert unused_settings(space.decode(space.sample(np.random.default_rng(0)))) == unused


def test_these_settings_change_nothing():
  space = make_space("autokeras")
  genotype = space.decode(space.sample(np.random.default_rng(0)))
  config = ImageNetworkConfig(filters=4)
  assert set(OTHERS) == set(UNUSED_SETTINGS)
  other = dataclasses.replace(config, **OTHERS)
  networks = [build_network(genotype, c, input_shape=(8, 8, 1), num_outputs=3, seed=0) for c in (config, other)]
  first, second = ([weight.numpy() for weight in network.weights] for network in networks)
  assert len(first) == len(second) and all(np.array_equal(*pair) for pair in zip(first, second))
