"""What cells of motifs cost, computed by arithmetic. Does not import TensorFlow. See `nao_tf.networks.motif_cell`."""

import functools
from collections.abc import Callable, Mapping

from nao_tf.networks.cell_costs import CellCost
from nao_tf.networks.edge_memory import Term, peak_values
from nao_tf.networks.image_network_config import CellPlan
from nao_tf.networks.layer_costs import (
  NORM_PARAMETERS,
  Cost,
  LayerCost,
  Shape,
  conv_norm,
  in_sequence,
  num_values,
  strided,
)
from nao_tf.spaces.motif_genotypes import Motif, MotifGenotype

_WINDOW_VALUES = 9
"""Of a 3x3 kernel, for each channel."""


def motif_cell_cost(genotype: MotifGenotype, plan: CellPlan, inputs: tuple[Shape, Shape]) -> CellCost:
  """Returns what a cell costs.

  Args:
    genotype: genotype of the cell.
    plan: its place.
    inputs: the shapes of the outputs of the two cells before; only the second is read.

  Raises:
    ValueError: if the cost of an operation is not known.
  """
  shape = inputs[1]
  entry = _entry_cost(shape, plan)
  costs: dict[str, Cost] = {}
  for level in genotype.levels:
    costs = {motif.name: motif_cost(motif, costs, entry.shape) for motif in level}
  body = costs[genotype.cell.name]
  total = in_sequence(shape, [lambda _: entry, lambda _: body])
  return CellCost(total.shape, total.parameters, total.multiply_adds, _peak(num_values(shape), entry, body))


def motif_cost(motif: Motif, below: Mapping[str, Cost], shape: Shape) -> Cost:
  """Returns what a motif costs in one place.

  Args:
    motif: the motif.
    below: what the motifs of the level below cost; empty if the operations are primitive ones.
    shape: shape of its input and of all its nodes.

  Raises:
    ValueError: if the cost of an operation is not known.
  """
  costs = [below[edge.operation] if below else primitive_cost(edge.operation, shape) for edge in motif.edges]
  merges = [_merge_cost(shape, count) for node in motif.live_nodes if (count := len(motif.into(node))) > 1]
  by_edge = dict(zip(motif.edges, costs))
  terms = {node: [Term(edge.source, by_edge[edge]) for edge in motif.into(node)] for node in motif.live_nodes}
  written = peak_values(terms, num_values(shape), concatenated=True)
  layers = [*costs, *merges]
  return Cost(
    shape, sum(cost.parameters for cost in layers), sum(cost.multiply_adds for cost in layers), written=written
  )


def primitive_cost(name: str, shape: Shape) -> Cost:
  """Returns what a primitive operation costs.

  Raises:
    ValueError: if that is not known.
  """
  if name not in PRIMITIVE_COSTS:
    raise ValueError(f"operation {name!r}: its cost is not known; known are those of {', '.join(PRIMITIVE_COSTS)}")
  return PRIMITIVE_COSTS[name](shape)


def depthwise_cost(shape: Shape, stride: int = 1) -> Cost:
  """Returns what a depthwise 3x3 convolution without norm costs."""
  output = strided(shape, (stride, stride), shape[-1])
  return Cost(output, _WINDOW_VALUES * shape[-1], _WINDOW_VALUES * num_values(output), num_values(output))


def separable_cost(shape: Shape, filters: int, stride: int = 1) -> Cost:
  """Returns what a depthwise 3x3 convolution, a 1x1 convolution and a norm cost."""
  layers: list[LayerCost] = [
    functools.partial(depthwise_cost, stride=stride),
    functools.partial(conv_norm, filters=filters),
  ]
  return in_sequence(shape, layers)


def _pointwise(shape: Shape) -> Cost:
  return conv_norm(shape, shape[-1])


def _depthwise(shape: Shape) -> Cost:
  cost = depthwise_cost(shape)
  return cost._replace(parameters=cost.parameters + NORM_PARAMETERS * shape[-1])


def _separable(shape: Shape) -> Cost:
  return separable_cost(shape, shape[-1])


def _pool(shape: Shape) -> Cost:
  return Cost(shape, written=num_values(shape))


def _identity(shape: Shape) -> Cost:
  return Cost(shape)


PRIMITIVE_COSTS: dict[str, Callable[[Shape], Cost]] = {
  "conv1x1": _pointwise,
  "depthwise3x3": _depthwise,
  "sep3x3": _separable,
  "max3x3": _pool,
  "avg3x3": _pool,
  "identity": _identity,
}
"""A row for each row of `nao_tf.networks.motif_operations.PRIMITIVES`."""


def _entry_cost(shape: Shape, plan: CellPlan) -> Cost:
  """Returns what the layers before a cell cost; see `MotifCell`."""
  if plan.index == 0 and not plan.reduction and shape[-1] == plan.filters:
    return Cost(shape)
  return separable_cost(shape, plan.filters, 2 if plan.reduction else 1)


def _merge_cost(shape: Shape, count: int) -> Cost:
  height, width, filters = shape
  return conv_norm((height, width, count * filters), filters)


def _peak(values: int, entry: Cost, body: Cost) -> int:
  """Returns the largest number of values in memory, given those of the input, which is free after the entry."""
  return max(values + entry.written, (entry.output_values or values) + body.written)
