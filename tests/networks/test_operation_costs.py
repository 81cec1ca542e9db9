"""What operations cost: exactly what their layers have once they are built."""

import pytest

from nao_tf.networks import layers, operation_costs, operations
from nao_tf.networks.conventions import CONVENTIONS
from nao_tf.networks.operation_costs import OPERATION_COSTS, operation_cost
from nao_tf.networks.operations import OPERATIONS
from tests.support.built_costs import called, num_parameters
from tests.support.distinct_conventions import distinct_conventions

FILTERS = 4
PLACES = [((7, 6, 4), 1), ((5, 8, 9), 1), ((5, 8, 9), 2)]
"""Shapes of inputs, of as many channels as filters and of more, with a stride."""


def test_every_operation_states_its_cost():
  assert list(OPERATION_COSTS) == list(OPERATIONS)


@pytest.mark.parametrize("convention", distinct_conventions(layers, operations, operation_costs))
@pytest.mark.parametrize("name", OPERATIONS)
def test_an_operation_costs_what_its_layer_has(name, convention):
  facts = CONVENTIONS[convention]
  for shape, stride in PLACES:
    layer, multiply_adds = called(lambda: OPERATIONS[name](FILTERS, stride, facts, 0), shape)
    cost = operation_cost(name, shape, FILTERS, stride, facts)
    assert (cost.parameters, cost.multiply_adds) == (num_parameters(layer), multiply_adds)
    assert cost.shape == layer.compute_output_shape((None, *shape))[1:]


def test_what_an_operation_writes():
  nao, same = CONVENTIONS["nao"], (8, 8, 4)
  values = 8 * 8 * 4
  assert operation_cost("identity", same, 4, 1, nao).written == 0
  assert operation_cost("conv3x3", same, 4, 1, nao).written == values
  assert operation_cost("conv1x3_3x1", same, 4, 1, nao).written == 2 * values  # What is between, and the output.
  assert operation_cost("sep3x3", same, 4, 1, nao).written == 3 * values  # The first output and both of the second.
  assert operation_cost("max3x3", (8, 8, 12), 4, 1, nao).written == 3 * values + values  # Pool, projection.
  assert operation_cost("max3x3", same, 4, 2, nao).written == values // 4


def test_an_operation_without_a_cost_is_named():
  with pytest.raises(ValueError, match="operation 'conv9x9': its cost is not known; known are those of identity, zero"):
    operation_cost("conv9x9", (8, 8, 4), 4, 1, CONVENTIONS["nao"])
