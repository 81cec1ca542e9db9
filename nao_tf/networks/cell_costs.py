"""Computes the costs of cells: their layers, and the memory of their states. See `nao_tf.networks.cell`.

Branches are computed in the order of the nodes. A state is kept until the last node that reads it has been computed, or
until the concatenation. Identities that change nothing write nothing, and sums overwrite one of their terms.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from nao_tf.networks.conventions import Convention
from nao_tf.networks.image_network_config import CellPlan
from nao_tf.networks.layer_costs import (
  Cost,
  Shape,
  conv_norm,
  factorized_reduction,
  in_sequence,
  num_values,
  strided,
)
from nao_tf.spaces.genotypes import NUM_CELL_INPUTS, Cell

BranchCost = Callable[[str, Shape, int, int], Cost]
"""Returns what an operation costs, given its name, the shape of its input, its filters and its stride."""


class CellDraft:
  """What is the same wherever a cell of a genotype is placed.

  Attributes:
    branches: operation and source of each branch, two for each node.
    num_nodes: number of nodes.
    outputs: the states that are concatenated.
    released: for each node, the states that it is the last to read and that are not concatenated.
  """

  def __init__(self, cell: Cell):
    """Reads a cell of a genotype."""
    self.branches = [branch for node in cell.nodes for branch in node]
    self.num_nodes = len(cell.nodes)
    last_readers = {branch.source: number // 2 for number, branch in enumerate(self.branches)}
    self.outputs = list(cell.concatenated)
    inner = {state: reader for state, reader in last_readers.items() if state not in self.outputs}
    self.released = [[state for state, reader in inner.items() if reader == node] for node in range(self.num_nodes)]


class CellCost(NamedTuple):
  """What a cell costs in one place.

  Attributes:
    shape: shape of its output.
    parameters: trainable parameters.
    multiply_adds: those of one example.
    values: the largest number of values in memory while it is computed, its inputs included.
  """

  shape: Shape
  parameters: int
  multiply_adds: int
  values: int


class _Layers(NamedTuple):
  """The costs of the layers of a cell."""

  calibrations: Sequence[Cost]
  branches: Sequence[Cost]
  tails: Sequence[Cost]


def cell_cost(
  draft: CellDraft,
  plan: CellPlan,
  convention: Convention,
  inputs: tuple[Shape, Shape],
  branch_cost: BranchCost,
  *,
  frees: tuple[bool, bool],
) -> CellCost:
  """Returns what a cell costs.

  Args:
    draft: draft of the cell.
    plan: its place.
    convention: how it is calibrated.
    inputs: the shapes of the outputs of cell k-2 and cell k-1. They are one map for the first cell after a stem that
      has one output.
    branch_cost: what operations cost.
    frees: for each input, whether no later cell reads it, too.

  Raises:
    ValueError: if an operation is unknown.
  """
  strides = [2 if plan.reduction else 1] * NUM_CELL_INPUTS + [1] * draft.num_nodes
  node_shape = strided(inputs[1], (strides[0], strides[0]), plan.filters)
  calibrations = _calibrations(inputs, plan, convention)
  shapes = [cost.shape for cost in calibrations] + [node_shape] * draft.num_nodes
  branches = [branch_cost(name, shapes[i], plan.filters, strides[i]) for name, i in draft.branches]
  tails = [_tail(shapes[i], plan.filters, strides[i]) for i in draft.outputs]
  output = (node_shape[0], node_shape[1], plan.filters * len(tails))
  layers = [*calibrations, *branches, *tails]
  return CellCost(
    output,
    sum([cost.parameters for cost in layers]),
    sum([cost.multiply_adds for cost in layers]),
    _peak(draft, _Layers(calibrations, branches, tails), inputs, first=plan.index == 0, frees=frees),
  )


def _calibrations(inputs: tuple[Shape, Shape], plan: CellPlan, convention: Convention) -> list[Cost]:
  """Returns what the layers between the inputs of a cell and its nodes cost; see `cell.calibration_layers`."""
  previous, current = inputs
  first = Cost(previous)
  if previous[:2] != current[:2] and not plan.raw_previous:
    first = factorized_reduction(previous, plan.filters, 2)
  elif (previous[-1] != plan.filters or convention.project_equal_previous) and not plan.raw_previous:
    first = conv_norm(previous, plan.filters)
  projected = current[-1] != plan.filters or convention.project_equal_current
  layers = [lambda shape: conv_norm(shape, plan.filters)] * (projected + convention.layer_base)
  return [first, in_sequence(current, layers)]


def _tail(shape: Shape, filters: int, stride: int) -> Cost:
  """Returns what the layers between a state and the concatenation cost; see `cell.tail_layers`."""
  return Cost(shape) if stride == 1 and shape[-1] == filters else factorized_reduction(shape, filters, stride)


def _peak(
  draft: CellDraft, layers: _Layers, inputs: tuple[Shape, Shape], *, first: bool, frees: tuple[bool, bool]
) -> int:
  """Returns the largest number of values in memory."""
  memory = _Memory()
  own = _calibrate(memory, layers.calibrations, inputs, first=first, frees=frees)
  for node, released in enumerate(draft.released):
    left, right = layers.branches[2 * node : 2 * node + 2]
    size = num_values(left.shape)
    memory.need(left.written)
    memory.need(left.output_values + (right.written or size * (not left.written)))
    memory.held += size - sum([own[state] for state in released])
    own.append(size)
  for state, tail in zip(draft.outputs, layers.tails):
    memory.need(tail.written)
    memory.held += tail.output_values - (own[state] if tail.written else 0)
  if len(layers.tails) > 1:
    memory.need(sum([num_values(tail.shape) for tail in layers.tails]))
  return memory.peak


def _calibrate(
  memory: "_Memory", calibrations: Sequence[Cost], inputs: tuple[Shape, Shape], *, first: bool, frees: tuple[bool, bool]
) -> list[int]:
  """Counts the inputs and their calibration; returns the number of values that become free with each of both states."""
  previous, current = (num_values(shape) for shape in inputs)
  previous = 0 if first and inputs[0] == inputs[1] else previous  # Both are the one output of a stem.
  memory.need(previous + current)
  memory.held = previous + current
  own = []
  for cost, size, is_free in zip(calibrations, (previous, current), frees):
    freed = size if is_free else 0
    memory.need(cost.written)
    memory.held += cost.output_values - (freed if cost.written else 0)
    own.append(cost.output_values if cost.written else freed)
  return own


class _Memory:
  """Counts values.

  Attributes:
    held: how many are in memory.
    peak: how many were at most.
  """

  def __init__(self) -> None:
    self.held = self.peak = 0

  def need(self, values: int) -> None:
    """Takes note that there are so many beyond what is held."""
    self.peak = max(self.peak, self.held + values)
