"""An evaluator that looks up results in a table of pretrained architectures, such as a NAS benchmark."""

import math
import string
from collections.abc import Iterator, Sequence
from typing import Any

from nao_tf.evaluators.context import EvaluatorContext
from nao_tf.spaces.base import SearchSpace
from nao_tf.tables import read_table
from nao_tf.tables.base import Table
from nao_tf.trial import Architecture, Evaluation

_DIGITS = string.digits
ACCURACY = "accuracy"


class TabularEvaluator:
  """Looks up architectures in a table. The reward is an accuracy in percent.

  The metrics of an evaluation are `row`, the row in the table; `test`, the result to report; and `params` and `macs` if
  the table has them. An evaluation fails if the architecture is not in the table or has no result there.

  Attributes:
    table: the table.
    objective: name of the column that is the reward.
    report: name of the column that is reported as `test`.
  """

  def __init__(
    self, table: Table, *, objective: str | None = None, report: str | None = None, with_accuracy: bool = False
  ):
    """Initializes the evaluator.

    Args:
      table: the table.
      objective: name of the column that is the reward; None for the default of the table.
      report: name of the column to report; None for the default of the table.
      with_accuracy: whether to report the reward also as the metric `accuracy`, as a multi-objective search requires.
    """
    self.table = table
    self.objective = objective or table.default_objective
    self.report = report or table.default_report
    table.figure(self.objective)  # It must be there.
    self._reports = table.figure(self.report)
    self._with_accuracy = with_accuracy

  @classmethod
  def from_context(cls, context: EvaluatorContext) -> "TabularEvaluator":
    """Returns the evaluator of a search.

    Raises:
      ValueError: if the context has no table, or one of another space.
      OSError: if the table cannot be read.
    """
    if context.table is None:
      raise ValueError("this evaluator needs a table file; pass `table`")
    table = table_of(context.table, context.space)
    return cls(table, with_accuracy=ACCURACY in context.objectives)

  def evaluate(self, architectures: Sequence[Architecture]) -> Iterator[Evaluation]:
    """Yields the evaluation of each architecture."""
    return (self._look_up(architecture, self.objective) for architecture in architectures)

  def check_epochs(self, epochs: Sequence[int]) -> None:
    """Checks that the table has a figure for each rung of a search; see `nao_tf.evaluators.rung_evaluator.Resumable`.

    Raises:
      ValueError: if it has not; the message says which there are.
    """
    part = self.objective.rstrip(_DIGITS)
    known = sorted(int(name[len(part) :]) for name in self.table.figures if name.rstrip(_DIGITS) == part)
    if epochs[-1] != int(self.objective[len(part) :]) or not set(epochs) <= set(known):
      raise ValueError(
        f"{self.table.path}: expected rungs among {', '.join(map(str, known))} epochs, the last one as in"
        f" {self.objective}, got {', '.join(map(str, epochs))}"
      )

  def evaluate_until(self, architecture: Architecture, epochs: int) -> Evaluation:
    """Returns the evaluation of an architecture after so many epochs, of the same part of the data as the objective."""
    return self._look_up(architecture, self.objective.rstrip(_DIGITS) + str(epochs))

  def _look_up(self, architecture: Architecture, objective: str) -> Evaluation:
    row = self.table.row(architecture)
    if row is None:
      return Evaluation.failed(f"not in the table: {self.table.space.format(architecture)}")
    metrics: dict[str, Any] = {"row": row, **{name: int(count[row]) for name, count in self.table.counts.items()}}
    if not math.isnan(self._reports[row]):
      metrics["test"] = float(self._reports[row])
    reward = float(self.table.figure(objective)[row])
    if math.isnan(reward):
      return Evaluation.failed(f"the table has no {objective} for row {row}", **metrics)
    return Evaluation(reward, metrics={**metrics, **({ACCURACY: reward} if self._with_accuracy else {})})


def table_of(path: str, space: SearchSpace) -> Table:
  """Reads a table file of a space.

  Raises:
    ValueError: if the file is not a table, or is one of another space.
    OSError: if it cannot be read.
  """
  table = read_table(path)
  if table.space.name != space.name:
    raise ValueError(f"{path}: is a table of {table.space.name}, but the space is {space.name}")
  return table
