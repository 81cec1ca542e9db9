"""What was searched, how, with what, and how far it is."""

import datetime
import json
from collections.abc import Iterator, Mapping
from typing import Any

from nao_tf.reports.markup import NONE, details, duration, escaped, figure, table
from nao_tf.reports.record import Record

_CHOICES = ("space", "strategy", "evaluator", "task", "seed")
"""Settings that say what a search is."""


def title_of(record: Record) -> str:
  """Returns what the page is called, as HTML."""
  name = record.settings.get("space") if record.space is None else record.space.name
  return f"Search in {escaped(name)}" if isinstance(name, str) else "Architecture search"


def summary(record: Record) -> str:
  """Returns the figures of the search."""
  figures = "".join(f"<div><dt>{name}</dt><dd>{value}</dd></div>" for name, value in _figures(record))
  return f'<dl class="figures">{figures}</dl>'


def description(record: Record) -> str:
  """Returns in words what was searched, on which data, and when."""
  names = [name for name in _CHOICES if name in record.settings and not (name == "task" and _is_table(record))]
  words = [f"{name} <b>{escaped(_shown(record.settings[name]))}</b>" for name in names]
  times = [f"Started {moment(record.starts[0].time)}."] if record.starts else []
  times.append(f"Last change of the journal: {moment(record.changed)}.")
  return f"<p>{', '.join(words) or 'No settings are recorded'}.</p><p>{' '.join(times)}</p>"


def moment(seconds: float) -> str:
  """Returns a time, given in seconds since 1970, as text."""
  return datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc).strftime("%Y-%m-%d %H:%M UTC")


def settings_tables(record: Record) -> str:
  """Returns the versions and the settings as tables that fold away."""
  rows = [
    (f"<code>{escaped(name)}</code>", f"<code>{escaped(_shown(value))}</code>")
    for name, value in record.settings.items()
  ]
  parts = [details(f"{len(rows)} settings", table("Settings of the search", ("setting", "value"), rows))]
  if record.starts:
    parts.append(details("Versions and starts", _starts(record)))
  return "".join(parts)


def _starts(record: Record) -> str:
  rows = [(escaped(moment(start.time)), escaped(_versions(start.versions))) for start in record.starts]
  return table("Starts of the search", ("started", "versions"), rows)


def _versions(versions: Mapping[str, str]) -> str:
  return ", ".join(f"{name} {version}" for name, version in versions.items())


def _figures(record: Record) -> Iterator[tuple[str, str]]:
  """Yields names and values, as HTML."""
  seconds = sum(trial.seconds for trial in record.trials)
  best, scored, failed = record.best, len(record.scored), len(record.failed)
  yield "best reward", figure(best.reward if best else None)
  yield "best trial", f"#{best.id}" if best else NONE
  yield "trials", f"{len(record.trials):,}"
  yield "with a reward", f"{scored:,}"
  yield "failed", f"{failed:,}"
  if len(record.trials) > scored + failed:
    yield "open", f"{len(record.trials) - scored - failed:,}"
  yield from _in_rungs(record)
  yield "total evaluation time", duration(seconds)


def _in_rungs(record: Record) -> Iterator[tuple[str, str]]:
  """Yields the figures of a search with rungs; nothing of another one."""
  if record.rungs:
    yield "at the top rung", f"{sum(trial.rung == len(record.rungs) - 1 for trial in record.trials):,}"
    yield "total training epochs", f"{sum(record.epochs_of(trial) or 0 for trial in record.trials):,}"


def _is_table(record: Record) -> bool:
  """Returns whether evaluations were looked up in a table. The task on record was not learned then."""
  return record.settings.get("evaluator") == "tabular"


def _shown(value: Any) -> str:
  """Returns a setting as text."""
  return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
