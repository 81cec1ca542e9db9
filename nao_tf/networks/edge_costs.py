"""What cells of edges cost, and the residual blocks between their stages. Does not import TensorFlow.

See `nao_tf.networks.edge_cell`.
"""

import functools

from nao_tf.networks.cell_costs import BranchCost, CellCost
from nao_tf.networks.edge_convention import LAYER_NAMES
from nao_tf.networks.edge_memory import Term, peak_values
from nao_tf.networks.image_network_config import CellPlan
from nao_tf.networks.layer_costs import NORM_PARAMETERS, Cost, LayerCost, Shape, conv_norm, in_sequence, num_values
from nao_tf.spaces.edge_genotypes import EdgeGenotype

_WINDOW = (3, 3)


def edge_place_cost(
  genotype: EdgeGenotype, plan: CellPlan, shape: Shape, branch_cost: BranchCost, *, is_last: bool
) -> CellCost:
  """Returns the cost of a position in the stack: a cell, or the residual block instead of a reduction cell.

  Args:
    genotype: the edges of the cell.
    plan: the place.
    shape: shape of its input.
    branch_cost: what operations cost.
    is_last: whether it is the last place, which a norm comes after.

  Raises:
    ValueError: if an operation is unknown.
  """
  body = (
    residual_reduction_cost(shape, plan.filters) if plan.reduction else edge_cell_cost(genotype, shape, branch_cost)
  )
  norm = NORM_PARAMETERS * plan.filters if is_last else 0
  return CellCost(body.shape, body.parameters + norm, body.multiply_adds, num_values(shape) + body.written)


def edge_cell_cost(genotype: EdgeGenotype, shape: Shape, branch_cost: BranchCost) -> Cost:
  """Returns what a cell costs on a map of some shape, which is that of all its nodes.

  Raises:
    ValueError: if an operation is unknown.
  """
  terms: dict[int, list[Term]] = {}
  for node, source, operation in genotype.edges:
    cost = branch_cost(LAYER_NAMES.get(operation, operation), shape, shape[-1], 1)
    terms.setdefault(node, []).append(Term(source, cost))
  costs = [term.cost for edges in terms.values() for term in edges]
  return Cost(
    shape,
    sum(cost.parameters for cost in costs),
    sum(cost.multiply_adds for cost in costs),
    written=peak_values(terms, num_values(shape), concatenated=False),
  )


def residual_reduction_cost(shape: Shape, filters: int) -> Cost:
  """Returns what the residual block costs; see `nao_tf.networks.edge_cell.ResidualReduction`."""
  layers: list[LayerCost] = [
    functools.partial(conv_norm, filters=filters, strides=(2, 2), size=_WINDOW),
    functools.partial(conv_norm, filters=filters, size=_WINDOW),
  ]
  main = in_sequence(shape, layers)
  height, width, channels = main.shape
  pooled, kernel = height * width * shape[-1], shape[-1] * channels
  return Cost(
    main.shape,
    main.parameters + kernel,
    main.multiply_adds + height * width * kernel,
    written=max(main.written, num_values(main.shape) + pooled + num_values(main.shape)),
  )
