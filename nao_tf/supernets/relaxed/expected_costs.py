"""The expected cost of a relaxed supernet, over the operations of its mixtures.

Source: Xie et al., ICLR 2019, section 2.4: the cost is linear in the mixture, so its gradient is exact. As in their
release, the loss contains the logarithm of the cost of each edge, summed over all edges of all cells.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from nao_tf.networks.conventions import Convention
from nao_tf.networks.image_network_config import CellPlan
from nao_tf.networks.layer_costs import Shape, strided
from nao_tf.networks.operation_costs import operation_cost
from nao_tf.spaces.genotypes import NUM_CELL_INPUTS


class CellCosts(NamedTuple):
  """What the operations of a relaxed cell cost.

  Attributes:
    kind: which row of the mixtures the cell has: 0, or 1 for a reduction cell with a mixture of its own.
    costs: costs of each operation on each edge, `[edges, operations]`, in parameters or multiply-adds.
  """

  kind: int
  costs: np.ndarray


def log_costs(mixture: tf.Tensor, cells: Sequence[CellCosts]) -> tf.Tensor:
  """Returns the logarithms of the expected costs of all edges, added up. A free edge costs as much as one parameter.

  Args:
    mixture: weights of the operations, `[kinds, edges, operations]`.
    cells: all cells of the network.
  """
  costs = [tf.reduce_sum(mixture[cell.kind] * tf.constant(cell.costs, mixture.dtype), -1) for cell in cells]
  return tf.reduce_sum(tf.math.log(tf.maximum(tf.stack(costs), 1.0)))


def cell_costs(
  plans: Sequence[CellPlan],
  shapes: Sequence[Shape],
  operations: Sequence[str],
  num_nodes: int,
  convention: Convention,
  *,
  cost: str,
) -> list[CellCosts]:
  """Returns what the operations of each cell cost.

  Args:
    plans: plans of the cells.
    shapes: shapes of the map that each cell reads as input 1.
    operations: names of the operations.
    num_nodes: computed nodes of a cell.
    convention: convention of the network.
    cost: "parameters" or "multiply_adds".
  """
  sources = [source for node in range(num_nodes) for source in range(NUM_CELL_INPUTS + node)]
  found = []
  for plan, shape in zip(plans, shapes):
    states = [(_state_shape(plan, shape, source), _stride(plan, source)) for source in sources]
    rows = [operation_costs(operations, state, plan.filters, stride, convention, cost=cost) for state, stride in states]
    found.append(CellCosts(int(plan.reduction), np.array(rows)))
  return found


def operation_costs(
  operations: Sequence[str], state: Shape, filters: int, stride: int, convention: Convention, *, cost: str
) -> list[float]:
  """Returns what operations cost on one edge.

  Args:
    operations: their names.
    state: shape of the map that they read.
    filters: channels of what they compute.
    stride: stride of all operations.
    convention: convention of the network.
    cost: "parameters" or "multiply_adds".
  """
  costs = [operation_cost(name, state, filters, stride, convention) for name in operations]
  return [float(getattr(found, cost)) for found in costs]


def _stride(plan: CellPlan, source: int) -> int:
  """Returns the stride of an edge from a state."""
  return 2 if plan.reduction and source < NUM_CELL_INPUTS else 1


def _state_shape(plan: CellPlan, shape: Shape, source: int) -> Shape:
  """Returns the shape of a state of a cell: an input after calibration, or a node."""
  stride = 2 if plan.reduction and source >= NUM_CELL_INPUTS else 1
  return strided(shape, (stride, stride), plan.filters)
