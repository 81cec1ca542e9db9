"""The decisions of a pair of cells as tensors: what each branch reads and does, and which states are loose ends.

An architecture here is a pair (input, operation) for each branch, with two branches for each node and the normal cell
first: the published form of NAO's spaces of cells.
"""

from collections.abc import Collection
from typing import NamedTuple

import tensorflow as tf

from nao_tf.spaces.genotypes import NUM_CELL_INPUTS
from nao_tf.supernets.weight_bank import ALWAYS

NUM_CELLS = 2


class CellChoices(NamedTuple):
  """What an architecture chooses, for the normal and the reduction cell.

  Attributes:
    sources: the state that each branch reads, int32 `[2, branches]`.
    operations: the operation of each branch, int32 `[2, branches]`.
    loose: 1 for each state that the output has, else 0; int32 `[2, states]`. They are the loose ends, or all nodes.
  """

  sources: tf.Tensor
  operations: tf.Tensor
  loose: tf.Tensor


class CellSelectors:
  """Numbers the selectors of a space of cells, and computes their values.

  There is a selector for each branch: its source and operation as one number. The others say whether a cell is present,
  which it may not be with certain numbers of loose ends, and whether it is present and a certain state is a loose end.

  Attributes:
    num_nodes: computed nodes of a cell.
    num_operations: how many operations a branch can choose from.
  """

  def __init__(self, num_nodes: int, num_operations: int, *, concatenates_nodes: bool = False) -> None:
    """Sets the sizes of the space.

    Args:
      num_nodes: computed nodes of a cell.
      num_operations: how many operations a branch can choose from.
      concatenates_nodes: whether the output of a cell has all nodes; otherwise it has the states that no branch reads.
    """
    self.num_nodes, self.num_operations = num_nodes, num_operations
    self._concatenates_nodes = concatenates_nodes
    self._conditions: list[tuple[int, frozenset[int]]] = []

  @property
  def num_branches(self) -> int:
    """Branches of a cell."""
    return 2 * self.num_nodes

  @property
  def num_states(self) -> int:
    """States of a cell, its inputs included."""
    return NUM_CELL_INPUTS + self.num_nodes

  @property
  def part_counts(self) -> range:
    """How many states the output of a cell may have."""
    if self._concatenates_nodes:
      return range(self.num_nodes, self.num_nodes + 1)
    return range(1, self.num_states + 1)

  def read(self, architecture: tf.Tensor) -> CellChoices:
    """Returns the choices of an architecture, int32 `[decisions]`."""
    pairs = tf.reshape(architecture, [NUM_CELLS, self.num_branches, 2])
    sources = pairs[..., 0]
    if self._concatenates_nodes:
      nodes = [0] * NUM_CELL_INPUTS + [1] * self.num_nodes
      return CellChoices(sources, pairs[..., 1], tf.constant([nodes] * NUM_CELLS, tf.int32))
    reads = tf.equal(sources[:, tf.newaxis, :], tf.range(self.num_states)[:, tf.newaxis])
    return CellChoices(sources, pairs[..., 1], tf.cast(~tf.reduce_any(reads, axis=2), tf.int32))

  def branch(self, cell: int, branch: int) -> int:
    """Returns the number of the selector of a branch; its value is source * num_operations + operation."""
    return ALWAYS + 1 + cell * self.num_branches + branch

  def present(self, cell: int, unless: Collection[int] = ()) -> int:
    """Returns the number of a selector: 0 if the number of loose ends of the cell is among `unless`, otherwise 1."""
    condition = (cell, frozenset(unless))
    if condition not in self._conditions:
      self._conditions.append(condition)
    return self.branch(NUM_CELLS, 0) + self._conditions.index(condition) * (1 + self.num_states)

  def loose(self, cell: int, state: int, unless: Collection[int] = ()) -> int:
    """Returns the number of a selector: 1 if the state is a loose end and `present` is 1, otherwise 0."""
    return self.present(cell, unless) + 1 + state

  def values(self, choices: CellChoices) -> tf.Tensor:
    """Returns the values of all selectors asked for so far, int32 `[selectors]`."""
    codes = tf.reshape(choices.sources * self.num_operations + choices.operations, [-1])
    values = [tf.constant([0]), codes]
    for cell, unless in self._conditions:
      present = tf.cast(is_present(choices, cell, unless), tf.int32)
      values += [present[tf.newaxis], choices.loose[cell] * present]
    return tf.concat(values, 0)


def is_present(choices: CellChoices, cell: int, unless: Collection[int]) -> tf.Tensor:
  """Returns whether the number of loose ends of a cell is not among `unless`."""
  if not unless:
    return tf.constant(True)
  return ~tf.reduce_any(tf.equal(tf.reduce_sum(choices.loose[cell]), sorted(unless)))
