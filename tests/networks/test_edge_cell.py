import numpy as np
import pytest

from nao_tf.networks.building import build_network
from nao_tf.networks.image_network import ImageNetworkConfig, count_parameters
from nao_tf.spaces import make_space

SPACE = make_space("nasbench201")
CONFIG = ImageNetworkConfig(num_cells=1, filters=4, convention="nasbench201", auxiliary=False, dropout_keep=1.0)


# Two cells of the benchmark's table on CIFAR-10, with their numbers of parameters.
@pytest.mark.parametrize(
  ("edges", "expected"),
  [
    ((0, 0, 0, 0, 0, 0), 73306),
    ((3, 3, 3, 3, 3, 3), 1531546),
  ],
)
def test_networks_have_the_numbers_of_parameters_of_the_benchmark(edges, expected):
  config = ImageNetworkConfig(num_cells=5, filters=16, convention="nasbench201", auxiliary=False)
  assert count_parameters(SPACE.decode(edges), config) == expected


def test_a_network_is_built_from_a_genotype_and_halves_the_image_twice():
  network = build_network(SPACE.decode((3, 1, 2, 4, 0, 1)), CONFIG, input_shape=(8, 8, 3), num_outputs=5, seed=0)
  images = np.random.default_rng(0).normal(size=(2, 8, 8, 3)).astype(np.float32)
  assert network(images, training=True, step=1).shape == (2, 5)
  assert [shape[1:] for shape in network.classifier.cell_shapes] == [
    (8, 8, 4),
    (4, 4, 8),
    (4, 4, 8),
    (2, 2, 16),
    (2, 2, 16),
  ]


def test_another_convention_is_refused():
  config = ImageNetworkConfig(num_cells=1, filters=4)
  with pytest.raises(ValueError, match="need --convention=nasbench201"):
    build_network(SPACE.decode((1,) * 6), config, input_shape=(8, 8, 3), num_outputs=2, seed=0)
