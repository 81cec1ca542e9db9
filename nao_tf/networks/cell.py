"""Cells: the directed graphs that image networks repeat (Luo et al., NeurIPS 2018, section 3.1).

A cell reads the outputs of the two cells before it. Both are brought to `filters` channels and one resolution (input
calibration), every node adds two operations on earlier states, and the loose ends, states that no node reads, are
concatenated. In a reduction cell the operations on the two inputs have stride 2, and so have loose inputs.
"""

import tensorflow as tf
from tensorflow import keras

from nao_tf.networks.conventions import Convention, derive_seeds
from nao_tf.networks.layers import Chain, ConvNorm, FactorizedReduction, hold, strided_shape
from nao_tf.networks.operations import OPERATIONS
from nao_tf.spaces import genotypes


class Cell(keras.layers.Layer):
  """A cell of a genotype as a layer.

  Args:
    cell: its nodes.
    filters: channels of every node.
    convention: how it is calibrated and what its operations are like.
    seed: of its weights.
    reduction: whether it halves the resolution.
    raw_previous: leave input 0 as it is.
    name: of the layer.

  Raises:
    ValueError: if an operation is unknown.
  """

  def __init__(
    self,
    cell: genotypes.Cell,
    filters: int,
    convention: Convention,
    seed: int,
    *,
    reduction: bool = False,
    raw_previous: bool = False,
    name: str | None = None,
  ):
    super().__init__(name=name)
    self.cell, self.filters, self.convention, self.seed = cell, filters, convention, seed
    self.reduction, self.raw_previous = reduction, raw_previous
    _check_operations(self.branches)

  @property
  def branches(self) -> list[genotypes.Branch]:
    """The branches of all nodes, two for each."""
    return [branch for node in self.cell.nodes for branch in node]

  def build(self, input_shape):
    """Makes the weights.

    Args:
      input_shape: the shapes [B, H0, W0, C0] and [B, H, W, C1] of the two inputs, the first as large or larger.
    """
    inputs = [tuple(shape) for shape in input_shape]
    calibration_seed, branch_seed, tail_seed = derive_seeds(self.seed, 3)
    calibrations = calibration_layers(
      *inputs, self.filters, self.convention, calibration_seed, raw_previous=self.raw_previous
    )
    hold(self, "calibrations", [Chain(layers) for layers in calibrations])
    shapes = [_build(layer, shape) for layer, shape in zip(self.calibrations, inputs)]
    shapes += [strided_shape(inputs[1], self._strides(0), self.filters)] * len(self.cell.nodes)
    hold(self, "operations", [self._operation(*row) for row in _seeded(self.branches, branch_seed)])
    hold(self, "tails", [self._tail(i, shapes[i], key) for i, key in _seeded(self.cell.loose_ends, tail_seed)])
    for branch, layer in zip(self.branches, self.operations):
      layer.build(shapes[branch.source])
    for source, layer in zip(self.cell.loose_ends, self.tails):
      layer.build(shapes[source])
    self.built = True

  def call(self, inputs, training=None, masks=None):
    """Computes the cell.

    Args:
      inputs: the outputs of cell k-2 [B, H0, W0, C0] and cell k-1 [B, H, W, C1].
      training: whether batch norm takes the batch's statistics.
      masks: drop-path's factors [num_branches, B, 1, 1, 1], or None.

    Returns:
      [B, H / stride, W / stride, num_loose_ends * filters].
    """
    masks = [None] * len(self.branches) if masks is None else tf.unstack(masks)
    rows = list(zip(self.branches, self.operations, masks))
    states = [layer(x, training=training) for layer, x in zip(self.calibrations, inputs)]
    for left, right in zip(rows[::2], rows[1::2]):
      states.append(self._branch(*left, states, training) + self._branch(*right, states, training))
    return tf.concat([layer(states[i], training=training) for i, layer in zip(self.cell.loose_ends, self.tails)], -1)

  def compute_output_shape(self, input_shape):
    """Returns [B, H / stride, W / stride, num_loose_ends * filters]."""
    return strided_shape(input_shape[1], self._strides(0), self.filters * len(self.cell.loose_ends))

  def _branch(self, branch: genotypes.Branch, operation, mask, states, training):
    output = operation(states[branch.source], training=training)
    kept = mask is None or (branch.operation == "identity" and not self.convention.drop_identity)
    return output if kept else output * mask

  def _strides(self, source: int) -> tuple[int, int]:
    return (2, 2) if self.reduction and source < genotypes.NUM_CELL_INPUTS else (1, 1)

  def _operation(self, branch: genotypes.Branch, seed: int):
    return OPERATIONS[branch.operation](self.filters, self._strides(branch.source)[0], self.convention, seed)

  def _tail(self, source: int, shape, seed: int) -> Chain:
    return Chain(tail_layers(shape, self.filters, self._strides(source)[0], self.convention, seed))


def calibration_layers(
  previous, current, filters: int, convention: Convention, seed: int, *, raw_previous: bool
) -> tuple[list[keras.layers.Layer], list[keras.layers.Layer]]:
  """Returns the layers that input 0 of a cell goes through before its nodes read it, and those of input 1.

  Args:
    previous: shape [B, H0, W0, C0] of input 0.
    current: shape [B, H, W, C1] of input 1.
    filters: channels of every node.
    convention: which inputs are projected.
    seed: of the weights.
    raw_previous: leave input 0 as it is.
  """
  seeds = derive_seeds(seed, 3)
  project: list[keras.layers.Layer] = [ConvNorm(filters, 1, convention, key) for key in seeds]
  larger = previous[1:3] != current[1:3]
  if larger:
    project[0] = FactorizedReduction(filters, 2, convention, seeds[0], relu=True)
  first = not raw_previous and (larger or previous[-1] != filters)
  second = current[-1] != filters or convention.project_equal_current
  return project[:1] * first, project[1:2] * second + project[2:] * convention.layer_base


def tail_layers(shape, filters: int, stride: int, convention: Convention, seed: int) -> list[keras.layers.Layer]:
  """Returns the layers between a loose end and the concatenation.

  Args:
    shape: of the state, [B, H, W, C].
    filters: channels of every node.
    stride: of the operations on that state.
    convention: of the layers.
    seed: of the weights.
  """
  if stride == 1 and shape[-1] == filters:
    return []
  return [FactorizedReduction(filters, stride, convention, seed)]


def drop_path_masks(num_branches: int, batch_size, keep, seed) -> tf.Tensor:
  """Draws the factors of drop-path: each sample's branch is dropped, or kept and divided by the keep probability.

  Args:
    num_branches: of the cell.
    batch_size: B.
    keep: keep probability, a scalar in (0, 1].
    seed: two integers; the masks are a function of them.

  Returns:
    [num_branches, B, 1, 1, 1], each 0 or 1 / keep; their expectation is 1.
  """
  uniform = tf.random.stateless_uniform((num_branches, batch_size, 1, 1, 1), seed)
  return tf.floor(uniform + keep) / keep


def _check_operations(branches) -> None:
  for branch in branches:
    if branch.operation not in OPERATIONS:
      raise ValueError(f"unknown operation {branch.operation!r} in {branch}; known are {', '.join(OPERATIONS)}")


def _build(layer, shape) -> tuple:
  layer.build(shape)
  return layer.compute_output_shape(shape)


def _seeded(items, seed: int):
  return zip(items, derive_seeds(seed, len(items)))
