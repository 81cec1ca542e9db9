"""What a table is: the figures of architectures that were all trained once, one architecture a row."""

import dataclasses
import functools
from collections.abc import Callable, Mapping

import numpy as np

from nao_tf.spaces.base import SearchSpace
from nao_tf.trial import Architecture


@dataclasses.dataclass(frozen=True, eq=False)
class Table:
  """What is known of the architectures of a space.

  An accuracy is in percent and named by the part of the data and the number of epochs: "val12" was measured on the
  validation part after twelve epochs.

  Attributes:
    path: where it came from.
    space: whose architectures they are.
    figures: accuracies by name, [N] each; NaN where none was measured.
    counts: numbers of parameters ("params") and of multiply-adds ("macs"), [N] each, as far as they are known.
    default_objective: name of the figure to search by if none is named.
    default_report: name of the figure to report if none is named.
    keys: a number for each row that tells architectures apart, [N], no two alike.
    key_of: the same number for any architecture of the space.
    architecture_of: the architecture of a row.
  """

  path: str
  space: SearchSpace
  figures: Mapping[str, np.ndarray]
  counts: Mapping[str, np.ndarray]
  default_objective: str
  default_report: str
  keys: np.ndarray
  key_of: Callable[[Architecture], int]
  architecture_of: Callable[[int], Architecture]

  def __post_init__(self):
    ordered = self.keys[self._order]
    twins = np.flatnonzero(ordered[1:] == ordered[:-1])
    if twins.size:
      first, second = sorted(self._order[twins[0] : twins[0] + 2].tolist())
      raise ValueError(f"{self.path}: rows {first} and {second} are the same architecture")

  def __len__(self) -> int:
    return len(self.keys)

  def row(self, architecture: Architecture) -> int | None:
    """Returns the row of an architecture of the space; None if it has none."""
    key = np.asarray(self.key_of(architecture), self.keys.dtype)
    place = np.searchsorted(self.keys, key, sorter=self._order)
    found = place < len(self) and self.keys[self._order[place]] == key
    return int(self._order[place]) if found else None

  def figure(self, name: str) -> np.ndarray:
    """Returns a figure of all rows, [N].

    Raises:
      ValueError: if there is none of that name.
    """
    if name not in self.figures:
      raise ValueError(f"{self.path}: no figure {name!r}; expected one of {', '.join(self.figures)}")
    return self.figures[name]

  @functools.cached_property
  def _order(self) -> np.ndarray:
    return np.argsort(self.keys, kind="stable")
