"""Evaluation by looking up: every architecture of the space was trained before, and a table holds what came out."""

import math
from collections.abc import Iterator, Sequence
from typing import Any

from nao_tf.tables.base import Table
from nao_tf.trial import Architecture, Evaluation


class TabularEvaluator:
  """Looks architectures up in a table. The reward is an accuracy in percent.

  Metrics of an evaluation: `row`, its row in the table; `test`, the figure to report; `params` and `macs` if the table
  has them. An architecture that is not in the table, or has no figure there, has failed.

  Attributes:
    table: where to look.
    objective: name of the figure that is the reward.
    report: name of the figure that is reported beside it.
  """

  def __init__(self, table: Table, *, objective: str | None = None, report: str | None = None):
    """Args:
    table: where to look.
    objective: name of the figure to search by; None for the table's default.
    report: name of the figure to report; None for the table's default.
    """
    self.table = table
    self.objective = objective or table.default_objective
    self.report = report or table.default_report
    self._rewards = table.figure(self.objective)
    self._reports = table.figure(self.report)

  def evaluate(self, architectures: Sequence[Architecture]) -> Iterator[Evaluation]:
    """Yields the evaluation of each architecture."""
    return map(self._look_up, architectures)

  def _look_up(self, architecture: Architecture) -> Evaluation:
    row = self.table.row(architecture)
    if row is None:
      return Evaluation.failed(f"not in the table: {self.table.space.format(architecture)}")
    metrics: dict[str, Any] = {"row": row, **{name: int(count[row]) for name, count in self.table.counts.items()}}
    if not math.isnan(self._reports[row]):
      metrics["test"] = float(self._reports[row])
    if math.isnan(self._rewards[row]):
      return Evaluation.failed(f"the table has no {self.objective} for row {row}", **metrics)
    return Evaluation(float(self._rewards[row]), metrics=metrics)
