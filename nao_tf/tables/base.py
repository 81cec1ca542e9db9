"""Tables of results of pretrained architectures, with one architecture per row."""

import dataclasses
import functools
from collections.abc import Callable, Mapping

import numpy as np

from nao_tf.spaces.base import SearchSpace
from nao_tf.trial import Architecture

LARGEST_COUNT = 10**15
"""Parameters or multiply-adds of a network."""


@dataclasses.dataclass(frozen=True, eq=False)
class Rows:
  """Which architecture is in which row of a table.

  Attributes:
    keys: a number for each row, [N]. It identifies the architecture.
    key_of: returns the number of any architecture of the space.
    architecture_of: returns the architecture of a row.
  """

  keys: np.ndarray
  key_of: Callable[[Architecture], int]
  architecture_of: Callable[[int], Architecture]

  def __len__(self) -> int:
    return len(self.keys)

  def find(self, architecture: Architecture) -> int | None:
    """Returns the row of an architecture; None if it has none."""
    key = np.asarray(self.key_of(architecture), self.keys.dtype)
    place = np.searchsorted(self.keys, key, sorter=self._order)
    found = place < len(self) and self.keys[self._order[place]] == key
    return int(self._order[place]) if found else None

  def duplicates(self) -> list[int]:
    """Returns two rows with the same architecture, ascending; none if there are no such rows."""
    ordered = self.keys[self._order]
    twins = np.flatnonzero(ordered[1:] == ordered[:-1])
    return sorted(self._order[twins[0] : twins[0] + 2].tolist()) if twins.size else []

  @functools.cached_property
  def _order(self) -> np.ndarray:
    return np.argsort(self.keys, kind="stable")


@dataclasses.dataclass(frozen=True, eq=False)
class Table:
  """Results of the architectures of a search space.

  Accuracies are in percent. They are named after the part of the data and the number of epochs: "val12" is the
  validation accuracy after twelve epochs of training.

  Attributes:
    path: path of its file.
    space: search space of its architectures.
    rows: which architecture is in which row.
    figures: accuracies by name, [N] each; NaN where there is none.
    counts: numbers of parameters ("params") and of multiply-adds ("macs"), [N] each, if they are known.
    default_objective: name of the default column to search by.
    default_report: name of the default column to report.
  """

  path: str
  space: SearchSpace
  rows: Rows
  figures: Mapping[str, np.ndarray]
  counts: Mapping[str, np.ndarray]
  default_objective: str
  default_report: str

  def __post_init__(self) -> None:
    if duplicates := self.rows.duplicates():
      raise ValueError(f"{self.path}: rows {duplicates[0]} and {duplicates[1]} are the same architecture")

  def __len__(self) -> int:
    return len(self.rows)

  def row(self, architecture: Architecture) -> int | None:
    """Returns the row of an architecture of the space; None if it has none."""
    return self.rows.find(architecture)

  def architecture_of(self, row: int) -> Architecture:
    """Returns the architecture of a row."""
    return self.rows.architecture_of(row)

  def figure(self, name: str) -> np.ndarray:
    """Returns a figure of all rows, [N].

    Raises:
      ValueError: if there is none of that name.
    """
    if name not in self.figures:
      raise ValueError(f"{self.path}: no figure {name!r}; expected one of {', '.join(self.figures)}")
    return self.figures[name]


@dataclasses.dataclass(frozen=True)
class TableFormat:
  """A format of table files.

  Attributes:
    pattern: regular expression for names of arrays that only files of this format have.
    table_of: returns the table of a file, given its path and its arrays by name. It raises a ValueError if the arrays
      do not fit the format.
  """

  pattern: str
  table_of: Callable[[str, Mapping[str, np.ndarray]], Table]
