"""A network of a single convolution, for tests that need an image network of any kind: all of it takes little time."""

import pathlib

from nao_tf.networks.building import build_network
from nao_tf.networks.image_network_config import ImageNetworkConfig
from nao_tf.spaces.layered_genotypes import Convolution, LayeredGenotype

GENOTYPE = LayeredGenotype(((Convolution(3, 1),),))
GENOTYPE_FILE = str(pathlib.Path(__file__).parent.parent / "data" / "one_convolution.json")
"""The same network, for flags."""


def make_network(task, seed=3):
  """Returns the network for a task, untrained."""
  config = ImageNetworkConfig(filters=4)
  return build_network(GENOTYPE, config, input_shape=task.input_shape, num_outputs=task.num_outputs, seed=seed)
