"""Cells: the directed graphs that image networks repeat (Luo et al., NeurIPS 2018, section 3.1).

A cell reads the outputs of the two cells before it. Both are projected to `filters` channels and the same resolution
(input calibration), each node adds two operations on earlier states, and some states are concatenated: those given by
the genotype, or the loose ends, which no node reads. In a reduction cell the operations on the two inputs have stride
2, and so do inputs that are concatenated.
"""

from collections.abc import Iterable, Sequence
from typing import TypeVar

import tensorflow as tf
from tensorflow import keras

from nao_tf.networks.conventions import Convention, derive_seeds
from nao_tf.networks.layers import Chain, ConvNorm, FactorizedReduction, ImageShape, strided_shape, track_each
from nao_tf.networks.operations import OPERATIONS, is_dropped
from nao_tf.spaces import genotypes

_T = TypeVar("_T")


class Cell(keras.layers.Layer):
  """A cell of a genotype as a layer.

  Args:
    cell: its nodes.
    filters: channels of every node.
    convention: how it is calibrated and what its operations are like.
    seed: random seed of its weights.
    reduction: whether it halves the resolution.
    raw_previous: leave input 0 as it is.
    name: name of the layer.

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
  ) -> None:
    super().__init__(name=name)
    self.cell, self.filters, self.convention, self.seed = cell, filters, convention, seed
    self.reduction, self.raw_previous = reduction, raw_previous
    _check_operations(self.branches)

  @property
  def branches(self) -> list[genotypes.Branch]:
    """The branches of all nodes, two for each."""
    return [branch for node in self.cell.nodes for branch in node]

  def build(self, input_shape: Sequence[ImageShape]) -> None:
    """Creates the weights.

    Args:
      input_shape: the shapes [B, H0, W0, C0] and [B, H, W, C1] of the two inputs, the first as large or larger.
    """
    previous, current = input_shape
    calibration_seed, branch_seed, tail_seed = derive_seeds(self.seed, 3)
    layers = calibration_layers(
      previous, current, self.filters, self.convention, calibration_seed, raw_previous=self.raw_previous
    )
    self.calibrations = [Chain(chain) for chain in layers]
    track_each(self, "calibrations", self.calibrations)
    shapes = [_build(layer, shape) for layer, shape in zip(self.calibrations, (previous, current))]
    shapes += [strided_shape(current, self._strides, self.filters)] * len(self.cell.nodes)
    self.operations = [self._make_operation(branch, key) for branch, key in _seeded(self.branches, branch_seed)]
    track_each(self, "operations", self.operations)
    self.tails = [self._make_tail(i, shapes[i], key) for i, key in _seeded(self.cell.concatenated, tail_seed)]
    track_each(self, "tails", self.tails)
    for branch, layer in zip(self.branches, self.operations):
      layer.build(shapes[branch.source])
    for source, layer in zip(self.cell.concatenated, self.tails):
      layer.build(shapes[source])
    self.built = True

  def call(
    self, inputs: Sequence[tf.Tensor], training: bool | None = None, masks: tf.Tensor | None = None
  ) -> tf.Tensor:
    """Computes the cell.

    Args:
      inputs: the outputs of cell k-2 [B, H0, W0, C0] and cell k-1 [B, H, W, C1].
      training: whether batch normalization takes the statistics of the batch.
      masks: the factors of drop-path [num_branches, B, 1, 1, 1], or None.

    Returns:
      [B, H / stride, W / stride, num_outputs * filters].
    """
    branch_masks = [None] * len(self.branches) if masks is None else tf.unstack(masks)
    states = [layer(x, training=training) for layer, x in zip(self.calibrations, inputs)]
    for node in range(len(self.cell.nodes)):
      left, right = (self._branch(i, states, branch_masks[i], training) for i in (2 * node, 2 * node + 1))
      states.append(left + right)
    outputs = zip(self.cell.concatenated, self.tails)
    return tf.concat([layer(states[i], training=training) for i, layer in outputs], -1)

  def compute_output_shape(self, input_shape: Sequence[ImageShape]) -> ImageShape:
    """Returns [B, H / stride, W / stride, num_outputs * filters]."""
    return strided_shape(input_shape[1], self._strides, self.filters * len(self.cell.concatenated))

  @property
  def _strides(self) -> tuple[int, int]:
    """Strides of the operations on the inputs."""
    return (2, 2) if self.reduction else (1, 1)

  def _branch(
    self, index: int, states: Sequence[tf.Tensor], mask: tf.Tensor | None, training: bool | None
  ) -> tf.Tensor:
    branch = self.branches[index]
    output = self.operations[index](states[branch.source], training=training)
    return output if mask is None or not self.is_dropped(branch) else output * tf.cast(mask, output.dtype)

  def is_dropped(self, branch: genotypes.Branch) -> bool:
    """Returns whether drop-path acts on a branch."""
    return is_dropped(branch.operation, self._stride(branch.source), self.convention)

  def _stride(self, source: int) -> int:
    return 2 if self.reduction and source < genotypes.NUM_CELL_INPUTS else 1

  def _make_operation(self, branch: genotypes.Branch, seed: int) -> keras.layers.Layer:
    return OPERATIONS[branch.operation](self.filters, self._stride(branch.source), self.convention, seed)

  def _make_tail(self, source: int, shape: ImageShape, seed: int) -> Chain:
    return Chain(tail_layers(shape, self.filters, self._stride(source), self.convention, seed))


def calibration_layers(
  previous: ImageShape,
  current: ImageShape,
  filters: int,
  convention: Convention,
  seed: int,
  *,
  raw_previous: bool,
) -> tuple[list[keras.layers.Layer], list[keras.layers.Layer]]:
  """Returns the layers that input 0 of a cell goes through before its nodes read it, and those of input 1.

  Args:
    previous: shape [B, H0, W0, C0] of input 0.
    current: shape [B, H, W, C1] of input 1.
    filters: channels of every node.
    convention: which inputs are projected.
    seed: random seed of the weights.
    raw_previous: leave input 0 as it is.
  """
  seeds = derive_seeds(seed, 3)
  larger = previous[1:3] != current[1:3]
  first: list[keras.layers.Layer] = []
  if larger and not raw_previous:
    first.append(FactorizedReduction(filters, 2, convention, seeds[0], relu=True))
  elif (previous[-1] != filters or convention.project_equal_previous) and not raw_previous:
    first.append(ConvNorm(filters, 1, convention, seeds[0]))
  second: list[keras.layers.Layer] = []
  if current[-1] != filters or convention.project_equal_current:
    second.append(ConvNorm(filters, 1, convention, seeds[1]))
  if convention.layer_base:
    second.append(ConvNorm(filters, 1, convention, seeds[2]))
  return first, second


def tail_layers(
  shape: ImageShape, filters: int, stride: int, convention: Convention, seed: int
) -> list[keras.layers.Layer]:
  """Returns the layers between a state and the concatenation.

  Args:
    shape: shape of the state, [B, H, W, C].
    filters: channels of every node.
    stride: stride of the operations on that state.
    convention: convention of the layers.
    seed: random seed of the weights.
  """
  if stride == 1 and shape[-1] == filters:
    return []
  return [FactorizedReduction(filters, stride, convention, seed)]


def drop_path_masks(
  num_branches: int, batch_size: tf.Tensor | int, keep: tf.Tensor | float, seed: tf.Tensor | tuple[int, int]
) -> tf.Tensor:
  """Draws the factors of drop-path: each sample's branch is dropped, or kept and divided by the keep probability.

  Args:
    num_branches: number of branches of the cell.
    batch_size: B.
    keep: keep probability, a scalar in (0, 1].
    seed: two integers; the masks are a function of them.

  Returns:
    [num_branches, B, 1, 1, 1], each 0 or 1 / keep; their expectation is 1.
  """
  uniform = tf.random.stateless_uniform((num_branches, batch_size, 1, 1, 1), seed)
  return tf.floor(uniform + keep) / keep


def _check_operations(branches: Iterable[genotypes.Branch]) -> None:
  for branch in branches:
    if branch.operation not in OPERATIONS:
      raise ValueError(f"unknown operation {branch.operation!r} in {branch}; known are {', '.join(OPERATIONS)}")


def _build(layer: Chain, shape: ImageShape) -> ImageShape:
  """Builds a layer and returns the shape of its output."""
  layer.build(shape)
  return layer.compute_output_shape(shape)


def _seeded(items: Sequence[_T], seed: int) -> Iterable[tuple[_T, int]]:
  """Returns each item with a seed of its own."""
  return zip(items, derive_seeds(seed, len(items)))
