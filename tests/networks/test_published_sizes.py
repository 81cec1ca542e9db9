"""The published cells of other methods have as many parameters as their published networks.

The numbers are trainable parameters without the auxiliary head, unless it says otherwise, as measured on the networks.
"""

import pytest

from nao_tf.networks.image_costs import AUXILIARY_HEAD, ImageCosts
from nao_tf.networks.image_network_config import ImageNetworkConfig
from nao_tf.spaces.published import CELLS

CIFAR = [
  ("NASNet-A", 6, 32, 3_346_538),
  ("NASNet-A", 6, 128, 49_734_026),
  ("PNASNet-5", 3, 48, 3_189_082),
  ("AmoebaNet-A", 6, 32, 2_567_754),
  ("AmoebaNet-A", 6, 36, 3_218_266),
  ("AmoebaNet-B", 6, 36, 2_839_186),
  ("AmoebaNet-B", 6, 80, 13_716_250),
  ("AmoebaNet-B", 6, 128, 34_874_506),
  ("ENAS", 5, 36, 3_894_372),
  ("DARTS-V1", 6, 36, 3_169_414),
  ("DARTS-V2", 6, 36, 3_349_342),
  ("SNAS-mild", 6, 36, 2_661_382),
  ("SNAS-moderate", 6, 36, 2_847_358),
  ("SNAS-aggressive", 6, 36, 2_313_622),
]
IMAGENET = [
  ("NASNet-A", "slim", 4, 44, 5_289_978),
  ("NASNet-A", "slim_large", 6, 168, 88_753_150),
  ("PNASNet-5", "pnas", 3, 54, 5_064_487),
  ("PNASNet-5", "pnas_large", 4, 216, 86_057_668),
  ("AmoebaNet-A", "tpu_amoeba", 4, 50, 5_086_930),
  ("AmoebaNet-C", "tpu_amoeba", 4, 50, 6_353_815),
  ("DARTS-V1", "darts", 4, 48, 4_510_432),
  ("DARTS-V2", "darts", 4, 48, 4_718_752),
]


def count_parameters(genotype, config, *, num_classes=10, image_shape=(32, 32, 3), auxiliary=False):
  """Returns the parameters by arithmetic; `test_image_costs` holds it against networks that are built."""
  parts = ImageCosts(config, image_shape, num_classes).parts(genotype)
  return sum(part.parameters for part in parts if auxiliary or part.name != AUXILIARY_HEAD)


@pytest.mark.parametrize(("name", "num_cells", "filters", "size"), CIFAR)
def test_cifar_sizes(name, num_cells, filters, size):
  config = ImageNetworkConfig(num_cells, filters, CELLS[name].convention)
  assert count_parameters(CELLS[name].genotype, config) == size


def test_cifar_100_has_a_larger_classifier():
  config = ImageNetworkConfig(6, 32, "slim")
  assert count_parameters(CELLS["NASNet-A"].genotype, config, num_classes=100) == 3_415_748


@pytest.mark.parametrize(("name", "convention", "num_cells", "filters", "size"), IMAGENET)
def test_imagenet_sizes(name, convention, num_cells, filters, size):
  config = ImageNetworkConfig(num_cells, filters, convention, stem="imagenet")
  assert count_parameters(CELLS[name].genotype, config, num_classes=1000, image_shape=(224, 224, 3)) == size


@pytest.mark.parametrize(("name", "num_cells", "size"), [("ENAS", 5, 4_389_220), ("DARTS-V1", 6, 3_169_414 + 476_426)])
def test_sizes_with_the_auxiliary_head(name, num_cells, size):
  config = ImageNetworkConfig(num_cells, 36, CELLS[name].convention)
  assert count_parameters(CELLS[name].genotype, config, auxiliary=True) == size
