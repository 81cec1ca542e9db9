"""What networks of cells of edges cost: what they have once they are built, and what the benchmark's table says."""

import dataclasses

import pytest

from nao_tf.networks.descriptions import describe
from nao_tf.networks.edge_costs import residual_reduction_cost
from nao_tf.networks.image_network import ImageClassifier
from nao_tf.networks.image_network_config import ImageNetworkConfig
from nao_tf.spaces import make_space
from nao_tf.spaces.edge_genotypes import EdgeGenotype
from tests.support.built_costs import called, num_parameters

SPACE = make_space("nasbench201")
FULL = ImageNetworkConfig(num_cells=5, filters=16, convention="nasbench201", auxiliary=False)
SMALL = dataclasses.replace(FULL, num_cells=1, filters=4)
SHAPE = (9, 7, 2)


# Rows of the benchmark's table on CIFAR-10. All 15,625 were compared once: they are equal.
@pytest.mark.parametrize(
  ("edges", "parameters", "multiply_adds"),
  [
    ((0, 0, 0, 0, 0, 0), 73_306, 7_783_040),
    ((3, 3, 3, 3, 3, 3), 1_531_546, 220_119_680),
  ],
)
def test_the_costs_are_those_of_the_benchmark(edges, parameters, multiply_adds):
  costs = describe(SPACE.decode(edges), FULL)
  assert (costs.parameters, costs.multiply_adds) == (parameters, multiply_adds)


def test_a_network_costs_what_it_has_part_by_part():
  genotype = SPACE.decode((3, 1, 2, 4, 0, 3))
  costs = describe(genotype, SMALL, input_shape=SHAPE, num_classes=3)
  network, multiply_adds = called(lambda: ImageClassifier(genotype, SMALL, 3, SHAPE, 0), SHAPE)
  assert costs.multiply_adds == multiply_adds
  layers = [network.stem, *network.cells, network.head]
  assert [part.parameters for part in costs.parts] == [num_parameters(layer) for layer in layers]
  shapes = [part.output_shape for part in costs.parts if part.name.startswith("cell")]
  assert shapes == [tuple(shape[1:]) for shape in network.cell_shapes]


def test_a_cell_of_identities_keeps_its_sums_alone():
  identities, convolutions = (describe(SPACE.decode((index,) * 6), FULL).parts[1] for index in (1, 3))
  map_bytes = 4 * 32 * 32 * 16
  assert identities.activation_bytes == 3 * map_bytes  # The input, node 2 and node 3: node 1 is the input.
  assert convolutions.activation_bytes == 6 * map_bytes  # The input, two nodes, and the three terms of the last.


def test_a_residual_block_keeps_what_its_sum_needs():
  cost = residual_reduction_cost((8, 8, 4), 8)
  assert cost.shape == (4, 4, 8)
  assert cost.written == 4 * 4 * (8 + 4 + 8)  # One branch, and the pool and the convolution of the other.


def test_another_convention_is_refused():
  with pytest.raises(ValueError, match="need --convention=nasbench201"):
    describe(SPACE.decode((1,) * 6), dataclasses.replace(FULL, convention="nao"))


def test_an_unknown_operation_is_refused():
  with pytest.raises(ValueError, match="operation 'attention': its cost is not known"):
    describe(EdgeGenotype(((1, 0, "attention"),)), FULL)
