"""The report page: its sections, data, style and script."""

import base64
import functools
import hashlib
import importlib.resources
import time
from typing import Any

from nao_tf.reports import outcomes
from nao_tf.reports.ancestry import ancestors
from nao_tf.reports.calibration import calibration
from nao_tf.reports.cells import Drawings, best_cells
from nao_tf.reports.charts import Chart, finalist_chart, reward_charts, tradeoff_charts
from nao_tf.reports.columns import trial_columns
from nao_tf.reports.embedding import embedding, embedding_charts
from nao_tf.reports.hints import hints_section
from nao_tf.reports.markup import chart, escaped, json_script, section
from nao_tf.reports.pareto import pareto_charts, pareto_section
from nao_tf.reports.ranking import Ranking, rankings
from nao_tf.reports.record import Record
from nao_tf.reports.shares_over_time import shares_over_time
from nao_tf.reports.summary import description, moment, settings_tables, summary, title_of
from nao_tf.reports.trainings import file_links, training_charts, training_sections

_TITLES = {
  "rewards": "Reward by trial",
  "rounds": "Reward by round (one batch of proposals)",
}


def page_of(record: Record, drawings: Drawings) -> str:
  """Returns the HTML page of a search."""
  found, columns = rankings(record), trial_columns(record)
  charts = _charts(record, columns, found)
  sections = _sections(record, drawings, charts, found)
  names = [(name, title) for name, title, body in sections if body]
  links = "".join(f'<a href="#{name}">{title}</a>' for name, title in names)
  body = "".join(section(name, title, part) for name, title, part in sections)
  return (
    f'<!doctype html><html lang="en"><head>{_head(title_of(record))}</head><body><header><h1>{title_of(record)}</h1>'
    f'{description(record)}{_problems(record)}{summary(record)}<nav aria-label="Sections">{links}</nav></header><main>'
    f"<noscript><p>Charts and the table of all trials need JavaScript.</p></noscript>{body}</main>"
    f"<footer><p>Written {moment(time.time())}. Files: {file_links(record.directory)}</p></footer>"
    f"{json_script('data', {'trials': columns, 'charts': charts})}<script>{_asset('page.js')}</script></body></html>\n"
  )


def _problems(record: Record) -> str:
  """Returns what is left out since it cannot be read."""
  if not record.problems:
    return ""
  items = "".join(f"<li>{escaped(problem)}</li>" for problem in record.problems)
  words = "These files cannot be read and are missing from this page:"
  return f'<div class="problems" role="note"><p>{words}</p><ul>{items}</ul></div>'


def _sections(
  record: Record, drawings: Drawings, charts: dict[str, Chart], found: list[Ranking]
) -> list[tuple[str, str, str]]:
  """Returns id, title and body of each section; the body is empty if nothing is recorded for it."""
  return [
    ("reward", "Rewards", "".join(chart(key, title) for key, title in _TITLES.items() if key in charts)),
    ("shares", "Choice probabilities", shares_over_time(record.shares)),
    ("pareto", "Pareto set", pareto_section(record, charts, drawings)),
    ("best", "Best architectures", best_cells(record, drawings)),
    ("training", "Training of the winner", training_sections(record.trainings, record.directory)),
    ("finalists", "Trained from scratch", outcomes.finalists(record)),
    ("predictor", "Predictions and rewards", outcomes.predictor(found, calibration(record))),
    ("hints", "Warm start and proxies", hints_section(record)),
    ("embedding", "Embedding space", embedding(record)),
    ("origin", "Ancestors of the best trial", _origin(record)),
    ("choices", "Frequency of choices", outcomes.choices(record)),
    ("costs", "Reward versus cost", _tradeoffs(charts)),
    ("failures", "Failures", outcomes.failures(record)),
    ("trials", "All trials", '<div id="table"></div>' if record.trials else "<p>No trials yet.</p>"),
    ("settings", "Settings and versions", settings_tables(record)),
  ]


def _origin(record: Record) -> str:
  """Returns the ancestors of the best."""
  if record.best is None:
    return ""
  words = "<p>Rewards are from the search, not from the second evaluation.</p>" if record.finalists else ""
  return words + ancestors(record.by_id()[record.best.id], record.by_id())


def _tradeoffs(charts: dict[str, Chart]) -> str:
  keys = [key for key in charts if key.startswith("against_")]
  places = "".join(chart(key, f"Reward versus {charts[key]['x']}") for key in keys)
  return f'<div class="grid">{places}</div>' if places else ""


def _charts(record: Record, columns: dict[str, list[Any]], found: list[Ranking]) -> dict[str, Chart]:
  charts = {**reward_charts(record), **finalist_chart(record), **tradeoff_charts(record, columns)}
  charts |= pareto_charts(record) | embedding_charts(record)
  if found:
    charts["predicted"] = _predicted(record, found)
  return {**charts, **training_charts(record.trainings)}


def _predicted(record: Record, found: list[Ranking]) -> Chart:
  """Returns the chart of predictions: one series for each predictor, of which one is shown at a time."""
  rows = {trial.id: row for row, trial in enumerate(record.trials)}
  series = [
    {
      "name": f"trained after {ranking.asked_before:,} proposals"
      + ("" if ranking.tau is None else f", tau {ranking.tau:.2f}"),
      "style": "dots",
      "color": 1,
      "x": "predicted",
      "y": "reward",
      "rows": [rows[id_] for id_ in ranking.ids],
    }
    for ranking in found
  ]
  return {"x": "predicted score", "y": "reward", "series": series, "choose": "Round"}


def _head(title: str) -> str:
  script = base64.b64encode(hashlib.sha256(_asset("page.js").encode()).digest()).decode()
  policy = f"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{script}'"
  return (
    f'<meta charset="utf-8"><meta http-equiv="Content-Security-Policy" content="{policy}">'
    '<meta name="viewport" content="width=device-width, initial-scale=1"><meta name="color-scheme" content="light dark">'
    f"<title>{title}</title><style>{_asset('page.css')}</style>"
  )


@functools.lru_cache
def _asset(name: str) -> str:
  """Returns the text of a file beside this module."""
  return importlib.resources.files(__package__).joinpath(name).read_text(encoding="utf-8")
