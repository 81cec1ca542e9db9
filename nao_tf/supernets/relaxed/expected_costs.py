"""What the mixtures of a relaxed network cost: an expectation over the operations that they stand for.

Source: Xie et al., ICLR 2019, section 2.4: the cost is linear in the mixture, so its gradient is exact.
"""

from collections.abc import Sequence

import numpy as np

from nao_tf.networks.conventions import Convention
from nao_tf.networks.image_network_config import CellPlan
from nao_tf.networks.layer_costs import Shape, strided
from nao_tf.networks.operation_costs import operation_cost
from nao_tf.spaces.genotypes import NUM_CELL_INPUTS


def cost_table(
  plans: Sequence[CellPlan],
  shapes: Sequence[Shape],
  operations: Sequence[str],
  num_nodes: int,
  convention: Convention,
  *,
  cost: str,
) -> np.ndarray:
  """Returns the cost of each operation on each edge, added up over all cells, `[2, edges, operations]` in millions.

  Args:
    plans: of the cells.
    shapes: of the map that each cell reads as input 1.
    operations: names of the operations.
    num_nodes: computed nodes of a cell.
    convention: of the network.
    cost: "parameters" or "multiply_adds".
  """
  sources = [source for node in range(num_nodes) for source in range(NUM_CELL_INPUTS + node)]
  table = np.zeros((2, len(sources), len(operations)))
  for plan, shape in zip(plans, shapes):
    for edge, source in enumerate(sources):
      stride = 2 if plan.reduction and source < NUM_CELL_INPUTS else 1
      state = _state_shape(plan, shape, source)
      costs = [operation_cost(name, state, plan.filters, stride, convention) for name in operations]
      table[int(plan.reduction), edge] += [getattr(found, cost) for found in costs]
  return table / 1e6


def _state_shape(plan: CellPlan, shape: Shape, source: int) -> Shape:
  """Returns the shape of a state of a cell: an input after calibration, or a node."""
  stride = 2 if plan.reduction and source >= NUM_CELL_INPUTS else 1
  return strided(shape, (stride, stride), plan.filters)
