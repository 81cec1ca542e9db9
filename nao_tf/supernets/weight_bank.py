"""The weights of all networks of a space in one vector, and the path of each network through it.

A network is a list of units, its layers. Each unit consists of choice blocks. Of the candidates of a choice block, one is
on the path; which one is said by an integer, a selector, that is a function of the architecture. Candidates may be empty.
The weights on a path are those of its candidates, unit after unit. Everything about a path is computed from selectors
with a few operations on tensors, so that one graph serves all architectures.
"""

from collections.abc import Hashable, Sequence
from typing import NamedTuple

import numpy as np
import tensorflow as tf

ALWAYS = 0
"""The selector that is always 0: of choice blocks with one candidate."""


class Candidate(NamedTuple):
  """Weights that a path may have.

  Attributes:
    initial: their initial values, `[n]`.
    num_statistics: how many statistics come with them.
    key: candidates with the same key share their weights, which begin with the values of the first of them. A candidate
      without a key shares with no other.
  """

  initial: np.ndarray
  num_statistics: int = 0
  key: Hashable | None = None


class ChoiceBlock(NamedTuple):
  """A part of a unit.

  Attributes:
    selector: number of the selector that says which candidate is taken.
    candidates: by the value of the selector.
  """

  selector: int
  candidates: Sequence[Candidate]


class Path(NamedTuple):
  """The weights of one architecture.

  Attributes:
    positions: where they are in the bank, int32 `[A]`, unit after unit.
    sizes: how many each unit has, int32 `[units]`; they add up to A.
    statistic_sizes: how many statistics each unit has, int32 `[units]`.
  """

  positions: tf.Tensor
  sizes: tf.Tensor
  statistic_sizes: tf.Tensor


EMPTY = Candidate(np.zeros(0, np.float32))
"""No weights."""


class _Storage:
  """Hands out places for the weights of candidates.

  Attributes:
    size: how many numbers have a place so far.
    arrays: their initial values.
  """

  def __init__(self) -> None:
    self.size = 0
    self.arrays: list[np.ndarray] = []
    self._shared: dict[Hashable, tuple[int, int]] = {}

  def place(self, candidate: Candidate) -> int:
    """Returns where the weights of a candidate begin.

    Raises:
      ValueError: if a candidate of the same key has another number of weights.
    """
    length = len(candidate.initial)
    if candidate.key in self._shared:
      offset, expected = self._shared[candidate.key]
      if length != expected:
        raise ValueError(f"candidates of the key {candidate.key!r} have {expected} and {length} weights")
      return offset
    if candidate.key is not None:
      self._shared[candidate.key] = self.size, length
    self.arrays.append(candidate.initial)
    self.size += length
    return self.size - length


class WeightBank:
  """Where the weights of all candidates are.

  Attributes:
    num_units: how many units a network has.
    num_weights: how many numbers the bank holds, P.
    max_path: no path has more weights than this.
    max_statistics: no path has more statistics than this.
  """

  def __init__(self, units: Sequence[Sequence[ChoiceBlock]]) -> None:
    """Gives all candidates a place.

    Args:
      units: the choice blocks of each unit, in the order of a path.

    Raises:
      ValueError: if candidates of the same key have different numbers of weights.
    """
    storage = _Storage()
    blocks = [(number, block) for number, unit in enumerate(units) for block in unit]
    tables = [
      [(storage.place(candidate), len(candidate.initial), candidate.num_statistics) for candidate in block.candidates]
      for _, block in blocks
    ]
    self.num_units, self.num_weights, self._arrays = len(units), storage.size, storage.arrays
    self.max_path, self.max_statistics = (
      sum(max(row[column] for row in table) for table in tables) for column in (1, 2)
    )
    self._rows = np.asarray([row for table in tables for row in table], np.int32)
    self._bases = np.cumsum([0] + [len(table) for table in tables[:-1]], dtype=np.int32)
    self._selectors = np.asarray([block.selector for _, block in blocks], np.int32)
    self._owners = np.asarray([number for number, _ in blocks], np.int32)

  def initial(self) -> np.ndarray:
    """Returns the initial values of all weights, `[P]`."""
    return np.concatenate(self._arrays)

  def path(self, selectors: tf.Tensor) -> Path:
    """Returns the path of an architecture.

    Args:
      selectors: int32 `[number of selectors]`; the first is 0.
    """
    rows = tf.gather(self._rows, self._bases + tf.gather(selectors, self._selectors))
    offsets, sizes, statistics = tf.unstack(rows, axis=1)
    positions = tf.ragged.range(offsets, offsets + sizes).flat_values
    return Path(positions, self._per_unit(sizes), self._per_unit(statistics))

  def _per_unit(self, values: tf.Tensor) -> tf.Tensor:
    """Returns the sum of the values of each unit, given a value for each choice block."""
    return tf.ensure_shape(tf.math.segment_sum(values, self._owners), [self.num_units])
