"""The trials as columns, for the table and the charts of the page."""

import math
from collections.abc import Callable, Sequence
from typing import Any

from nao_tf.reports.record import Record
from nao_tf.trial import RANDOM, Trial

COSTS = {
  "parameters": ("parameters", ("parameters", "params")),
  "multiply_adds": ("multiply-adds", ("multiply_adds", "macs")),
}
"""Columns of costs: how they are called on the page, and in the metrics of evaluations."""
_DIGITS = 6


def trial_columns(record: Record) -> dict[str, list[Any]]:
  """Returns the columns: ids, rounds, rewards and so on. Those that would be empty are left out."""
  trials, round_of = record.trials, rounds_by_id(record)
  columns: dict[str, list[Any]] = {
    "id": [trial.id for trial in trials],
    "round": [round_of.get(trial.id) for trial in trials],
    "reward": [short(trial.reward) for trial in trials],
    "epochs": [record.epochs_of(trial) for trial in trials],
    "predicted": [short(p.score) if (p := record.predictions.get(trial.id)) else None for trial in trials],
    **{name: _metric(trials, keys) for name, (_, keys) in COSTS.items()},
    "seconds": [short(t.seconds) if t.evaluation else None for t in trials],
    "state": [state_of(trial) for trial in trials],
    "origin": [str(trial.origin) for trial in trials],
    "reason": [reason_of(trial) for trial in trials],
    "architecture": [record.text_of(trial) for trial in trials],
  }
  return {name: column for name, column in columns.items() if any(value not in (None, "", 0.0) for value in column)}


def rounds_by_id(record: Record) -> dict[int, int]:
  """Returns the number of the round, from 0, of each trial."""
  return {id_: number for number, ids in enumerate(record.rounds) for id_ in ids}


def rows_where(trials: Sequence[Trial], holds: Callable[[Trial], bool]) -> list[int]:
  """Returns the numbers of the rows for which something holds."""
  return [row for row, trial in enumerate(trials) if holds(trial)]


def is_random(trial: Trial) -> bool:
  """Whether a trial was drawn at random."""
  return trial.origin.kind == RANDOM.kind


def state_of(trial: Trial) -> str:
  """Returns how a trial went, in a word."""
  if trial.is_open:
    return "open"
  return "failed" if trial.reward is None else "done"


def reason_of(trial: Trial) -> str:
  """Returns why a trial failed; an empty text if it did not."""
  if trial.evaluation is None or trial.reward is not None:
    return ""
  return str(trial.evaluation.metrics.get("reason", "no reason given"))


def short(value: float | None) -> float | None:
  """Returns a number with as many digits as can be seen."""
  return None if value is None else float(f"{value:.{_DIGITS}g}")


def _metric(trials: Sequence[Trial], keys: Sequence[str]) -> list[float | None]:
  """Returns a metric of each trial, under the first of its names that is there; None if it is not a number."""
  return [_number(trial.evaluation.metrics, keys) if trial.evaluation else None for trial in trials]


def _number(metrics: Any, keys: Sequence[str]) -> float | None:
  value = next((metrics[key] for key in keys if key in metrics), None)
  is_number = isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
  return value if is_number else None
