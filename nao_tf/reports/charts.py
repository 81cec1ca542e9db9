"""What the charts of the page show. The script of the page draws them from these values.

A series has its values, or the name of a column of the trials and the rows to take from it.
"""

import statistics
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from nao_tf.reports.columns import COSTS, is_random, rows_where, short, state_of
from nao_tf.reports.record import Record
from nao_tf.trial import Trial, best_trial

_FEWEST_WITH_OUTLIERS = 8
_REACH = 1.5
"""In interquartile ranges: what lies farther from the quartiles is an outlier (Tukey)."""

Chart = dict[str, Any]
Columns = Mapping[str, Sequence[Any]]


def reward_charts(record: Record) -> dict[str, Chart]:
  """Returns the rewards by trial, and by round if rounds have several trials. None if there is no reward."""
  if not record.scored:
    return {}
  charts = {"rewards": make_chart("trial", "reward", [*_by_kind(record.trials, "id"), _best_so_far(record.scored)])}
  rounds = rewards_of_rounds(record)
  if len(rounds) > 1 and max(map(len, rounds.values())) > 1:
    charts["rounds"] = make_chart(
      "round", "reward", [_line("best", rounds, max), _line("median", rounds, statistics.median)]
    )
  return charts


def rewards_of_rounds(record: Record) -> dict[int, list[float]]:
  """Returns the rewards of each round that has any."""
  trials = record.by_id()
  rewards = {n: [r for i in ids if (r := trials[i].reward) is not None] for n, ids in enumerate(record.rounds)}
  return {number: values for number, values in rewards.items() if values}


def tradeoff_charts(record: Record, columns: Columns) -> dict[str, Chart]:
  """Returns the rewards against each cost that is recorded, with the Pareto front."""
  names = {**{name: label for name, (label, _) in COSTS.items()}, "seconds": "evaluation time, s"}
  charts = {}
  for name, label in names.items():
    rows = [
      row for row, x in enumerate(columns.get(name, ())) if x is not None and record.trials[row].reward is not None
    ]
    if len({columns[name][row] for row in rows}) > 1:
      front = pareto_rows([(columns[name][row], columns["reward"][row], row) for row in rows])
      series = [
        *_by_kind(record.trials, name, set(rows)),
        make_series("Pareto front", "step", 2, name, "reward", rows=front),
      ]
      charts[f"against_{name}"] = make_chart(label, "reward", series)
  return charts


def pareto_rows(points: Sequence[tuple[float, float, int]]) -> list[int]:
  """Returns the rows that no other one betters at no higher cost.

  Args:
    points: cost, reward and row of each.
  """
  front: list[int] = []
  best = float("-inf")
  for _, reward, row in sorted(points, key=lambda point: (point[0], -point[1])):
    if reward > best:
      best = reward
      front.append(row)
  return front


def finalist_chart(record: Record) -> dict[str, Chart]:
  """Returns the rewards of the finalists in the search against those of their second evaluation."""
  before = record.by_id()
  pairs = [(before[t.id].reward, t.reward, t.id) for t in record.finalists]
  whole = [(x, y, id_) for x, y, id_ in pairs if x is not None and y is not None]
  if not whole:
    return {}
  xs, ys, ids = (list(values) for values in zip(*whole))
  series = make_series("finalist", "dots", 1, [short(x) for x in xs], [short(y) for y in ys], ids=ids)
  return {"finalists": make_chart("reward in the search", "reward when trained from scratch", [series])}


def history_charts(name: str, history: Sequence[Mapping[str, float]]) -> dict[str, Chart]:
  """Returns the curves of a training: one chart for its losses, and one for each further kind of metric.

  Args:
    name: what the keys of the charts begin with.
    history: metrics of each epoch.
  """
  metrics = dict.fromkeys(key for row in history for key in row if key not in ("epoch", "seconds"))
  kinds: dict[str, list[str]] = {}
  for metric in metrics:
    kinds.setdefault("loss" if "loss" in metric else metric.rpartition("_")[2] or metric, []).append(metric)
  return {
    f"{name}_{number}": make_chart("epoch", kind, [_curve(metric, i, history) for i, metric in enumerate(members)])
    for number, (kind, members) in enumerate(kinds.items())
  }


def _curve(metric: str, number: int, history: Sequence[Mapping[str, float]]) -> dict[str, Any]:
  rows = [(row["epoch"], value) for row in history if (value := row.get(metric)) is not None and abs(value) < 1e300]
  return make_series(metric, "line", 1 + number % 4, [epoch for epoch, _ in rows], [short(value) for _, value in rows])


def make_chart(x: str, y: str, series: Sequence[dict[str, Any]]) -> Chart:
  """Returns a chart with the names of its axes and those of its series that are not empty."""
  return {"x": x, "y": y, "series": [one for one in series if one["x"] if "rows" not in one or one["rows"]]}


def shown_range(values: Sequence[float], front: Sequence[float]) -> Chart:
  """Returns what a chart shows of its second axis if points far away would squeeze the others; nothing if none would.

  Shown is the front, and what lies within one and a half interquartile ranges of the quartiles.

  Args:
    values: values of all points.
    front: those of the Pareto set.

  Returns:
    `y_range`, the lowest and the highest value, and `outside`, how many points lie beyond.
  """
  if len(values) < _FEWEST_WITH_OUTLIERS or not front:
    return {}
  lower, _, upper = statistics.quantiles(values, n=4, method="inclusive")
  reach = _REACH * (upper - lower)
  inside = [value for value in values if lower - reach <= value <= upper + reach]
  low, high = min(*inside, *front), max(*inside, *front)
  outside = sum(not low <= value <= high for value in values)
  return {"y_range": [short(low), short(high)], "outside": outside} if outside else {}


def make_series(name: str, style: str, color: int, x: Any, y: Any, **more: Any) -> dict[str, Any]:
  """Returns a series.

  Args:
    name: for the legend.
    style: "dots", "crosses", "line" or "step".
    color: number of its color.
    x: values, or the name of a column.
    y: values, or the name of a column.
    **more: the rows of the columns, or ids of trials.
  """
  return {"name": name, "style": style, "color": color, "x": x, "y": y, **more}


def _by_kind(trials: Sequence[Trial], x: str, among: set[int] | None = None) -> list[dict[str, Any]]:
  """Returns the random trials and the proposed ones as two series, and the failed ones if all are wanted."""

  def rows(holds: Callable[[Trial], bool]) -> list[int]:
    found = rows_where(trials, holds)
    return found if among is None else [row for row in found if row in among]

  series = [
    make_series("random", "dots", 0, x, "reward", rows=rows(lambda t: t.reward is not None and is_random(t))),
    make_series("proposed", "dots", 1, x, "reward", rows=rows(lambda t: t.reward is not None and not is_random(t))),
  ]
  failed = rows_where(trials, lambda t: state_of(t) == "failed") if among is None else []
  return [*series, make_series("failed (no reward)", "crosses", 3, x, "reward", rows=failed)]


def _best_so_far(scored: Sequence[Trial]) -> dict[str, Any]:
  """Returns the trials that were better than all before, and the last one, as a step line."""
  better: list[Trial] = []
  for trial in scored:
    if best_trial([*better[-1:], trial]) is trial:
      better.append(trial)
  xs = [*(trial.id for trial in better), scored[-1].id]
  ys = [trial.reward for trial in (*better, better[-1])]
  return make_series("best so far", "step", 2, xs, [short(y) for y in ys])


def _line(
  name: str, rounds: Mapping[int, Sequence[float]], value: Callable[[Sequence[float]], float]
) -> dict[str, Any]:
  color = 2 if name == "best" else 1
  return make_series(name, "line", color, list(rounds), [short(value(rewards)) for rewards in rounds.values()])
