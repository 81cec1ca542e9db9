import numpy as np
import pytest
import tensorflow as tf

from nao_tf.networks.image_network import ImageNetworkConfig
from nao_tf.spaces.nasnet import DARTS, NasnetSpace
from nao_tf.supernets.relaxed.expected_costs import CellCosts, log_costs
from nao_tf.supernets.relaxed.relaxations import CellRelaxation

CELLS = [CellCosts(0, np.array([[0.0, 4.0], [0.0, 8.0]])), CellCosts(1, np.array([[0.0, 2.0], [0.0, 0.0]]))]


def test_the_logarithms_of_the_costs_of_all_edges_are_added_up():
  mixture = tf.constant([[[0.5, 0.5], [0.25, 0.75]], [[0.0, 1.0], [0.5, 0.5]]])
  assert float(log_costs(mixture, CELLS)) == pytest.approx(np.log(2.0) + np.log(6.0) + np.log(2.0) + np.log(1.0))


def test_the_gradient_is_that_of_a_cost_that_is_linear_in_the_mixture_and_a_free_edge_has_none():
  mixture = tf.constant([[[0.5, 0.5], [1.0, 0.0]], [[0.0, 1.0], [0.5, 0.5]]])
  with tf.GradientTape() as tape:
    tape.watch(mixture)
    value = log_costs(mixture, CELLS)
  np.testing.assert_allclose(tape.gradient(value, mixture), [[[0, 2.0], [0, 0]], [[0, 1.0], [0, 0]]])


def test_costs_are_the_parameters_of_the_operations_with_a_norm_that_has_scale_and_offset():
  space = NasnetSpace("small", (DARTS[0], DARTS[5]), 1, concatenates_nodes=True)
  config = ImageNetworkConfig(num_cells=1, filters=4, convention="darts", auxiliary=False)
  relaxation = CellRelaxation(space)
  network = relaxation.network(config, num_classes=2, image_shape=(8, 8, 3), seed=0)
  cells = relaxation.cell_costs(network, cost="parameters")
  assert [cell.kind for cell in cells] == [int(plan.reduction) for plan in network.plans]
  for number, name in enumerate(("zero", *(operation.name for operation in space.operations))):
    for found, cell in zip(cells, network.cells):
      norms = {"zero": 0, "max3x3": 0}.get(name, 1)  # A dilated convolution has one, of 2 numbers a channel.
      weights = cell.edges[0].operation(number).trainable_weights
      expected = sum(int(np.prod(weight.shape)) for weight in weights) + 2 * norms * cell.plan.filters
      assert found.costs[0, number] == expected
  more = relaxation.cell_costs(network, cost="multiply_adds")
  assert all(one.costs[0, -1] > other.costs[0, -1] > 0 for one, other in zip(more, cells))
