"""Curves of a benchmark: the best architecture so far after each query, averaged over seeds.

The incumbent after a query is the architecture with the best objective so far; ties go to the earlier one. "test" is
its value to report, which is hidden from the search.
"""

from __future__ import annotations

import csv
import math
import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from nao_tf.benchmarks.strategy_benchmark import SCORE, Record
from nao_tf.fields import counted

if TYPE_CHECKING:
  import matplotlib.axes
  import matplotlib.figure

CHECKPOINTS = (50, 100, 150, 300, 500, 1000, 2000)
COLUMNS = ("strategy", "seed", "query", "objective", "test")
FIGURES = ("objective", "test")
_FIRST_SHOWN = 10  # The y-axis does not have to show the mean before this query.


def incumbents(record: Record) -> dict[str, np.ndarray]:
  """Returns "objective" and "test" of the incumbent after each query, [num_trials] each; NaN while there is none.

  If a search ended early, its last incumbent fills the rest.
  """
  objectives = np.array([-math.inf if value is None else value for value in record.objectives])
  tests = np.array([math.nan if value is None else value for value in record.tests])
  highest = np.maximum.accumulate(objectives)
  improved = objectives > np.concatenate([[-math.inf], highest[:-1]])
  holder = np.maximum.accumulate(np.where(improved, np.arange(len(objectives)), 0))
  rest = (0, record.settings["num_trials"] - len(objectives))
  found = np.isfinite(highest)
  curves = {"objective": np.where(found, highest, math.nan), "test": np.where(found, tests[holder], math.nan)}
  return {name: np.pad(curve, rest, mode="edge") for name, curve in curves.items()}


def write_curves(path: str, records: Sequence[Record]) -> None:
  """Writes the incumbents of all searches as CSV, one row for each query. A missing figure is left empty."""
  temporary = f"{path}.tmp"
  with open(temporary, "w", newline="", encoding="utf-8") as file:
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(COLUMNS)
    for record in records:
      curves = incumbents(record)
      for query, values in enumerate(zip(*(curves[name] for name in FIGURES)), start=1):
        shown = ("" if math.isnan(value) else f"{value:.5f}" for value in values)
        writer.writerow([record.settings["strategy"], record.settings["seed"], query, *shown])
  os.replace(temporary, path)


def summarize(
  records: Sequence[Record], best_objective: float, *, checkpoints: Sequence[int] = CHECKPOINTS
) -> dict[str, dict[str, Any]]:
  """Returns a summary of each strategy, as JSON values.

  Args:
    records: records of all searches.
    best_objective: highest objective in the table.
    checkpoints: numbers of queries to report. Those beyond the end of a search are left out.

  Returns:
    For each strategy a dict with these keys:

    * `num_seeds`: number of searches.
    * `seconds`: mean wall time of a search.
    * `checkpoints`: for some numbers of queries, including the last one, the "mean" and "stderr" (standard error) of
      the incumbent's "objective" and "test".
    * `queries_to_best`: "mean", "median" and "stderr" of the number of queries until an architecture with the best
      objective was evaluated, and "num_not_found". A search that did not find one counts with its number of trials, so
      the mean is then a lower bound.
  """
  return {name: _summary(group, best_objective, checkpoints) for name, group in by_strategy(records).items()}


def _summary(records: Sequence[Record], best_objective: float, checkpoints: Sequence[int]) -> dict[str, Any]:
  curves = stacked(records)
  num_trials = records[0].settings["num_trials"]
  return {
    "num_seeds": len(records),
    "seconds": round(float(np.mean([record.seconds for record in records])), 3),
    "checkpoints": {
      str(query): {name: mean_and_error(curves[name][:, query - 1]) for name in FIGURES}
      for query in (*(query for query in checkpoints if query < num_trials), num_trials)
    },
    "queries_to_best": _queries_to_best(records, best_objective),
  }


def _queries_to_best(records: Sequence[Record], best_objective: float) -> dict[str, Any]:
  queries = [_queries_to(record, best_objective) for record in records]
  capped = [
    record.settings["num_trials"] if query is None else query for record, query in zip(records, queries, strict=True)
  ]
  median = float(np.median(capped))
  return {**mean_and_error(capped), "median": median, "num_not_found": queries.count(None)}


def best_score(records: Sequence[Record]) -> float:
  """Returns the highest score that any of the searches found.

  Raises:
    ValueError: if none found one.
  """
  found = [score for record in records for score in record.objectives if score is not None]
  if not found:
    raise ValueError("none of the proposed architectures has a score")
  return max(found)


def by_strategy(records: Sequence[Record]) -> dict[str, list[Record]]:
  """Returns the records grouped by strategy, in order of first appearance."""
  groups: dict[str, list[Record]] = {}
  for record in records:
    groups.setdefault(record.settings["strategy"], []).append(record)
  return groups


def stacked(records: Sequence[Record]) -> dict[str, np.ndarray]:
  """Returns "objective" and "test" of the incumbents of several searches, [num_searches, num_trials] each."""
  curves = [incumbents(record) for record in records]
  return {name: np.stack([curve[name] for curve in curves]) for name in FIGURES}


def mean_and_error(values: npt.ArrayLike) -> dict[str, float | None]:
  """Returns the "mean" of a sample and its standard error "stderr"; None where it is undefined."""
  sample = np.asarray(values, np.float64)
  error = sample.std(ddof=1) / math.sqrt(len(sample)) if len(sample) > 1 else math.nan
  figures = {"mean": float(sample.mean()), "stderr": float(error)}
  return {name: round(figure, 5) if math.isfinite(figure) else None for name, figure in figures.items()}


def _queries_to(record: Record, best_objective: float) -> int | None:
  """Returns the number of the first query that reached the best objective."""
  return next((i for i, value in enumerate(record.objectives, start=1) if value == best_objective), None)


def plot(records: Sequence[Record]) -> matplotlib.figure.Figure:
  """Draws the mean of each strategy with a band of one standard error. The axis of queries is logarithmic."""
  settings = records[0].settings
  names = FIGURES if settings["objective"] != settings["report"] else FIGURES[:1]
  import matplotlib.figure

  figure = matplotlib.figure.Figure(figsize=(7 * len(names), 4.5), layout="constrained")
  for axes, name in zip(figure.subplots(1, len(names), squeeze=False)[0], names):
    curves = {strategy: stacked(group)[name] for strategy, group in by_strategy(records).items()}
    _draw_curves(axes, curves)
    label = settings["objective" if name == "objective" else "report"]
    axes.set(xlabel="number of evaluated architectures", ylabel=_label(label, settings["objective"]))
    axes.set(xscale="log", xlim=(min(_FIRST_SHOWN, settings["num_trials"]), None))
    axes.grid(alpha=0.3)
    axes.legend(loc="lower right")
  return figure


def _label(figure: str, objective: str) -> str:
  """Returns what a figure is that is drawn."""
  return "score of the best architecture" if figure == SCORE else f"{figure} of the best architecture by {objective}, %"


def _draw_curves(axes: matplotlib.axes.Axes, curves: Mapping[str, np.ndarray]) -> None:
  """Draws the curves of each strategy, [num_searches, num_trials] each."""
  lows = []
  for strategy, values in curves.items():
    queries, mean, error = np.arange(1, values.shape[1] + 1), values.mean(axis=0), _errors(values)
    (line,) = axes.plot(queries, mean, label=f"{strategy} ({counted(len(values), 'seed')})")
    axes.fill_between(queries, mean - error, mean + error, alpha=0.2, color=line.get_color(), linewidth=0)
    lows.append(float((mean - error)[min(_FIRST_SHOWN, len(mean)) - 1]))
  if np.isfinite(lows).all():
    axes.set(ylim=(min(lows), None))


def _errors(curves: np.ndarray) -> np.ndarray:
  """Returns the standard errors of curves [num_searches, num_trials], [num_trials]; 0 for a single search."""
  if len(curves) < 2:
    return np.zeros(curves.shape[1])
  return curves.std(axis=0, ddof=1) / math.sqrt(len(curves))


def as_text(summary: Mapping[str, Mapping[str, Any]], figures: Sequence[str] = FIGURES) -> str:
  """Returns a summary as text: means and standard errors at the checkpoints, and the queries to the best objective.

  Args:
    summary: see `summarize`.
    figures: which to show.
  """
  lines = []
  for name in figures:
    for strategy, entry in summary.items():
      cells = (f"{query}: {_shown(values[name], 3)}" for query, values in entry["checkpoints"].items())
      lines.append(f"{name:<10} {strategy:<10} {'  '.join(cells)}  ({counted(entry['num_seeds'], 'seed')})")
  for strategy, entry in summary.items():
    best = entry["queries_to_best"]
    rest = f"median {best['median']:g}, not found in {best['num_not_found']} of {entry['num_seeds']} searches"
    lines.append(f"{'to best':<10} {strategy:<10} {_shown(best, 1)} queries, {rest}")
  return "\n".join(lines)


def _shown(entry: Mapping[str, float | None], digits: int) -> str:
  mean, error = ("-" if entry[name] is None else f"{entry[name]:.{digits}f}" for name in ("mean", "stderr"))
  return f"{mean} ± {error}"
