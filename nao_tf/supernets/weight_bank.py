"""The weights of all networks of a space in one vector, and the path that each network's own weights are.

A network is a row of units, its layers, each with the weights it has on the path through the bank that an architecture
is. A unit is made of choices: of each, one candidate is on the path, and which one is said by an integer, a selector,
that is a function of the architecture. Candidates may be empty. Everything about a path is computed from selectors
with a few operations on tensors, so that one graph serves all architectures.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import tensorflow as tf

ALWAYS = 0
"""The selector that is always 0: of choices with one candidate."""


class Candidate(NamedTuple):
  """Weights that a path may have.

  Attributes:
    initial: what they begin with, `[n]`. Candidates with the same array (the same object) share their weights.
    num_statistics: how many statistics come with them.
  """

  initial: np.ndarray
  num_statistics: int = 0


class ChoiceBlock(NamedTuple):
  """A part of a unit.

  Attributes:
    selector: number of the selector that says which candidate is taken.
    candidates: by the selector's value.
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


class WeightBank:
  """Where the weights of all candidates are.

  Attributes:
    num_units: how many units a network has.
    num_weights: how many numbers the bank holds, P.
    max_path: no path has more weights than this.
    max_statistics: no path has more statistics than this.
  """

  def __init__(self, units: Sequence[Sequence[ChoiceBlock]]):
    """Args:
    units: the choices of each unit, in the order in which a path has them.
    """
    arrays, offsets = [], {}
    self.num_weights, rows, bases, selectors, owners = 0, [], [], [], []
    for number, unit in enumerate(units):
      for choice in unit:
        bases.append(len(rows))
        selectors.append(choice.selector)
        owners.append(number)
        for candidate in choice.candidates:
          if id(candidate.initial) not in offsets:
            offsets[id(candidate.initial)] = self.num_weights
            arrays.append(candidate.initial)
            self.num_weights += len(candidate.initial)
          rows.append((offsets[id(candidate.initial)], len(candidate.initial), candidate.num_statistics))
    self.num_units = len(units)
    self._arrays = arrays
    self._rows, self._bases, self._selectors, self._owners = (
      np.asarray(values, np.int32) for values in (rows, bases, selectors, owners)
    )
    ends = np.append(bases[1:], len(rows))
    self.max_path, self.max_statistics = (
      int(sum(self._rows[start:end, column].max() for start, end in zip(bases, ends))) for column in (1, 2)
    )

  def initial(self) -> np.ndarray:
    """Returns what all weights begin with, `[P]`."""
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
    return tf.ensure_shape(tf.math.segment_sum(values, self._owners), [self.num_units])
