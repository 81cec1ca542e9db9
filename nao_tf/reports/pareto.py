"""The Pareto set of a multi-objective search: a chart of all trials, a table, and pictures of its cells."""

from collections.abc import Sequence

from nao_tf.objectives import Objective, Objectives
from nao_tf.reports.cells import Drawings, cell
from nao_tf.reports.charts import Chart, make_chart, make_series, shown_range
from nao_tf.reports.columns import short
from nao_tf.reports.markup import chart, escaped, figure, table
from nao_tf.reports.record import Record
from nao_tf.trial import Trial

_MOST_DRAWN = 12
_DOMINATED, _FRONT = 0, 2
"""Numbers of colors."""


def pareto_charts(record: Record) -> dict[str, Chart]:
  """Returns charts of the first objective against each other one; none in a search for the reward alone."""
  if record.objectives is None or not record.pareto_set:
    return {}
  first, *others = record.objectives.members
  return {f"pareto_{number}": _chart(record, other, first) for number, other in enumerate(others)}


def pareto_section(record: Record, charts: dict[str, Chart], drawings: Drawings) -> str:
  """Returns what the page shows of the Pareto set; an empty text in a search for the reward alone."""
  if record.objectives is None or not record.pareto_set:
    return ""
  names = [key for key in charts if key.startswith("pareto_")]
  places = "".join(
    chart(name, f"{charts[name]['y']} against {charts[name]['x']}{_outside(charts[name])}") for name in names
  )
  cells = "".join(cell(record, trial, drawings, is_open=False) for trial in record.pareto_set[:_MOST_DRAWN])
  words = f"<p>{escaped(_words(record.objectives, record.pareto_set))}</p>"
  return f'{words}<div class="grid">{places}</div>{_table(record, record.objectives)}{cells}'


def _outside(drawn: Chart) -> str:
  """Returns in words how many points lie outside of a chart."""
  count = drawn.get("outside", 0)
  return f" ({count:,} {'point is' if count == 1 else 'points are'} outside the chart)" if count else ""


def _words(objectives: Objectives, pareto_set: Sequence[Trial]) -> str:
  aims = " and ".join(f"{'maximize' if one.is_maximized else 'minimize'} {_title(one)}" for one in objectives.members)
  count = "One trial is" if len(pareto_set) == 1 else f"{len(pareto_set)} trials are"
  return (
    f"Objectives: {aims}. {count} in the Pareto set: no other trial is at least as good in every objective and better in"
    " one."
  )


def _table(record: Record, objectives: Objectives) -> str:
  heads = ("trial", *(_title(objective) for objective in objectives.members), "architecture")
  rows = [
    (
      f"#{trial.id}",
      *(figure(_value(trial, objective)) for objective in objectives.members),
      f"<code>{escaped(record.text_of(trial))}</code>",
    )
    for trial in record.pareto_set
  ]
  return table("The Pareto set", heads, rows, numbers=range(1, len(heads) - 1))


def _chart(record: Record, x: Objective, y: Objective) -> Chart:
  members = {trial.id for trial in record.pareto_set}
  front = sorted(record.pareto_set, key=lambda trial: _value(trial, x))
  dominated = [trial for trial in record.scored if trial.id not in members]
  series = [
    _series(record, "dominated", "dots", _DOMINATED, dominated, x, y),
    *([_series(record, "front", "step", _FRONT, front, x, y)] if _is_staircase(record, x, y) else []),
    _series(record, "Pareto set", "dots", _FRONT, front, x, y),
  ]
  values = [_value(trial, y) for trial in record.scored]
  return {**make_chart(_title(x), _title(y), series), **shown_range(values, [_value(trial, y) for trial in front])}


def _is_staircase(record: Record, x: Objective, y: Objective) -> bool:
  """Returns whether a line that goes right and then up separates what is dominated."""
  is_plane = record.objectives is not None and len(record.objectives.members) == 2
  return is_plane and y.is_maximized and not x.is_maximized


def _series(
  record: Record, name: str, style: str, color: int, trials: Sequence[Trial], x: Objective, y: Objective
) -> dict[str, object]:
  xs, ys = ([short(_value(trial, one)) for trial in trials] for one in (x, y))
  more = {} if style == "step" else {"texts": [_text(record, trial) for trial in trials]}
  return make_series(name, style, color, xs, ys, ids=[trial.id for trial in trials], **more)


def _text(record: Record, trial: Trial) -> str:
  """Returns what is shown of a trial where the pointer is."""
  values = trial.evaluation.objectives if trial.evaluation else {}
  shown = ", ".join(f"{name.replace('_', '-')} {figure(value)}" for name, value in values.items())
  return f"Trial #{trial.id} · {shown} · {trial.origin} · {record.text_of(trial)}"


def _value(trial: Trial, objective: Objective) -> float:
  return trial.evaluation.objectives[objective.name] if trial.evaluation else float("nan")


def _title(objective: Objective) -> str:
  unit = f", {objective.unit}" if objective.unit else ""
  return objective.name.replace("_", "-") + unit
