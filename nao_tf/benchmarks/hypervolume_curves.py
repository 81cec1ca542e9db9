"""Curves of a multi-objective benchmark: the hypervolume of the architectures found after each query.

Values are fractions of the hypervolume of the true Pareto front of the table. The reference point is worse than the
worst value of that front in each objective, by a tenth of the range of the front.
"""

from __future__ import annotations

import csv
import dataclasses
import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from nao_tf.benchmarks.curves import CHECKPOINTS, mean_and_error
from nao_tf.benchmarks.strategy_benchmark import Record
from nao_tf.fields import counted
from nao_tf.objectives import Objectives
from nao_tf.objectives.dominance import first_front
from nao_tf.objectives.hypervolume import hypervolume, hypervolumes
from nao_tf.runs.json_files import write_json
from nao_tf.tables import Table

if TYPE_CHECKING:
  import matplotlib.figure

_COUNTS = {"parameters": "params", "multiply_adds": "macs"}
_MARGIN = 0.1
COLUMNS = ("strategy", "seed", "query", "hypervolume")


@dataclasses.dataclass(frozen=True, eq=False)
class TableFront:
  """The true Pareto front of a table.

  Attributes:
    objectives: objectives of the searches.
    points: objectives of all rows of the table [N, M], with signs such that higher is better; NaN where none was
      measured.
    front: those of the rows that none dominates [F, M].
    reference: reference point [M].
  """

  objectives: Objectives
  points: np.ndarray
  front: np.ndarray
  reference: np.ndarray

  @classmethod
  def of(cls, table: Table, objectives: Objectives, figure: str) -> TableFront:
    """Returns the front of a table.

    Args:
      table: the table.
      objectives: objectives of the searches.
      figure: name of the figure that is the accuracy.
    """
    columns = [table.counts[_COUNTS[name]] if name in _COUNTS else table.figure(figure) for name in objectives.names]
    points = np.stack(columns, axis=1).astype(np.float64) * objectives.signs
    measured = points[~np.isnan(points).any(axis=1)]
    front = measured[first_front(measured)]
    return cls(objectives, points, front, front.min(axis=0) - _MARGIN * np.ptp(front, axis=0))

  def curve(self, record: Record) -> np.ndarray:
    """Returns the hypervolume after each query of a search [num_trials], the front of the table being 1.

    If a search ended early, its last hypervolume fills the rest.
    """
    found = [None if value is None else row for row, value in zip(record.rows, record.objectives)]
    points = np.array([np.full(len(self.reference), -np.inf) if row is None else self.points[row] for row in found])
    volumes = hypervolumes(points, self.reference) / hypervolume(self.front, self.reference)
    return np.pad(volumes, (0, record.settings["num_trials"] - len(volumes)), mode="edge")

  def to_json(self) -> dict[str, Any]:
    """Returns the front and the reference point, in the figures of the table."""
    signs, names = self.objectives.signs, self.objectives.names
    rows = sorted((self.front * signs).tolist())
    return {"objectives": list(names), "reference": (self.reference * signs).tolist(), "front": rows}


def label_of(record: Record) -> str:
  """Returns what the strategy of a search is called: its name, with the sampler of Optuna."""
  name, sampler = record.settings["strategy"], record.settings.get("options.config.sampler")
  return str(name) if sampler is None else f"{name}, {sampler}"


def by_label(records: Sequence[Record], front: TableFront) -> dict[str, np.ndarray]:
  """Returns the curves of each strategy [num_seeds, num_trials], in order of first appearance."""
  groups: dict[str, list[np.ndarray]] = {}
  for record in records:
    groups.setdefault(label_of(record), []).append(front.curve(record))
  return {label: np.stack(curves) for label, curves in groups.items()}


def summarize(
  curves: Mapping[str, np.ndarray], *, checkpoints: Sequence[int] = (20, *CHECKPOINTS)
) -> dict[str, dict[str, Any]]:
  """Returns the mean and the standard error of the hypervolume after some numbers of queries, by strategy."""
  return {label: _summary(values, checkpoints) for label, values in curves.items()}


def report(directory: str, records: Sequence[Record], front: TableFront) -> str:
  """Writes curves.csv, summary.json and curves.png, and returns the summary as text."""
  curves = by_label(records, front)
  summary = summarize(curves)
  _write_curves(os.path.join(directory, "curves.csv"), records, front)
  write_json(os.path.join(directory, "summary.json"), {**front.to_json(), "strategies": summary})
  plot(curves).savefig(os.path.join(directory, "curves.png"), dpi=120)
  return as_text(summary)


def plot(curves: Mapping[str, np.ndarray]) -> matplotlib.figure.Figure:
  """Draws the mean of each strategy [num_seeds, num_trials] with a band of one standard error."""
  import matplotlib.figure

  figure = matplotlib.figure.Figure(figsize=(7, 4.5), layout="constrained")
  axes = figure.subplots()
  for label, values in curves.items():
    queries, mean = np.arange(1, values.shape[1] + 1), values.mean(axis=0)
    error = values.std(axis=0, ddof=1) / len(values) ** 0.5 if len(values) > 1 else 0 * mean
    (line,) = axes.plot(queries, mean, label=f"{label} ({counted(len(values), 'seed')})")
    axes.fill_between(queries, mean - error, mean + error, alpha=0.2, color=line.get_color(), linewidth=0)
  axes.set(
    xlabel="number of evaluated architectures", ylabel="hypervolume, relative to the true front", ylim=(None, 1.005)
  )
  axes.grid(alpha=0.3)
  axes.legend(loc="lower right")
  return figure


def as_text(summary: Mapping[str, Mapping[str, Any]]) -> str:
  """Returns a summary as text, one line for each strategy."""
  width = max(map(len, summary))
  lines = []
  for label, entry in summary.items():
    cells = (f"{query}: {_shown(values)}" for query, values in entry["checkpoints"].items())
    lines.append(f"{label:<{width}}  {'  '.join(cells)}  ({counted(entry['num_seeds'], 'seed')})")
  return "\n".join(lines)


def _summary(values: np.ndarray, checkpoints: Sequence[int]) -> dict[str, Any]:
  queries = sorted({*(query for query in checkpoints if query < values.shape[1]), values.shape[1]})
  at = {str(query): mean_and_error(values[:, query - 1]) for query in queries}
  return {"num_seeds": len(values), "checkpoints": at}


def _write_curves(path: str, records: Sequence[Record], front: TableFront) -> None:
  temporary = f"{path}.tmp"
  with open(temporary, "w", newline="", encoding="utf-8") as file:
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(COLUMNS)
    for record in records:
      rows = enumerate(front.curve(record), start=1)
      writer.writerows([label_of(record), record.settings["seed"], query, f"{value:.6f}"] for query, value in rows)
  os.replace(temporary, path)


def _shown(values: Mapping[str, float | None]) -> str:
  mean, error = ("-" if values[name] is None else f"{values[name]:.4f}" for name in ("mean", "stderr"))
  return f"{mean} ± {error}"
