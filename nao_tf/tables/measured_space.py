"""The part of a search space that a table has a figure for, as a space to propose from."""

import numpy as np

from nao_tf.spaces.base import SearchSpace
from nao_tf.spaces.bounded import BoundedSpace
from nao_tf.tables.base import Table
from nao_tf.trial import Architecture


class MeasuredSpace(BoundedSpace):
  """A space whose strategies propose only what a table has a figure for. Random architectures are random rows."""

  def __init__(self, table: Table, figure: str):
    """Looks at which rows have the figure.

    Args:
      table: the table.
      figure: name of the figure.

    Raises:
      ValueError: if the table has no such figure, or it was measured for no architecture.
    """
    measured = ~np.isnan(table.figure(figure))
    if not measured.any():
      raise ValueError(f"{table.path}: no architecture has the figure {figure}")
    self._table, self._measured, self._rows = table, measured, np.flatnonzero(measured)
    super().__init__(table.space, self._is_measured)

  def sample(self, rng: np.random.Generator) -> Architecture:
    """Returns the architecture of a random row that has the figure."""
    return self._table.architecture_of(int(rng.choice(self._rows)))

  def _is_measured(self, architecture: Architecture) -> bool:
    row = self._table.row(architecture)
    return row is not None and bool(self._measured[row])


def measured_space(table: Table, figure: str) -> SearchSpace:
  """Returns the space of a table, or the part of it that has a figure if that is not the whole space.

  Raises:
    ValueError: if the table has no such figure, or it was measured for no architecture.
  """
  is_whole = len(table) == table.space.size and not np.isnan(table.figure(figure)).any()
  return table.space if is_whole else MeasuredSpace(table, figure)
