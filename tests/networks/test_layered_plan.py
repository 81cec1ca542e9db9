"""The layers of a network without cells, before it is built: which fields of a configuration it depends on."""

import dataclasses

import numpy as np

from nao_tf.networks.building import build_network
from nao_tf.networks.image_network_config import ImageNetworkConfig
from nao_tf.networks.layered_plan import unused_fields
from nao_tf.spaces import make_space

OTHERS = {
  **{"num_cells": 2, "convention": "pnas", "stem": "imagenet", "auxiliary": False, "auxiliary_weight": 0.1},
  **{"drop_path_keep": 0.5, "drop_path_steps": 7},
}


def test_the_fields_that_are_not_used_change_nothing():
  space = make_space("autokeras")
  genotype = space.decode(space.sample(np.random.default_rng(0)))
  config = ImageNetworkConfig(filters=4)
  assert set(OTHERS) == set(unused_fields([*dataclasses.asdict(config), "epochs"]))
  other = dataclasses.replace(config, **OTHERS)
  networks = [build_network(genotype, c, input_shape=(8, 8, 1), num_outputs=3, seed=0) for c in (config, other)]
  first, second = ([weight.numpy() for weight in network.weights] for network in networks)
  assert len(first) == len(second) and all(np.array_equal(*pair) for pair in zip(first, second))
