"""The status of a search or training, read from its directory without changing it. It may be running."""

import collections
import dataclasses
import json
import os
import socket
from collections.abc import Mapping, Sequence
from typing import Any

from nao_tf import fields
from nao_tf.reports.markup import figure
from nao_tf.runs.attempts import ATTEMPTS_FILE
from nao_tf.runs.journal import TRIALS_FILE, open_trials, read_entries
from nao_tf.runs.json_files import parse_json
from nao_tf.runs.lines import read_lines
from nao_tf.runs.run_lock import LOCK_FILE
from nao_tf.runs.settings import RunDirectoryError, read_settings
from nao_tf.searches.reading import load
from nao_tf.searches.rungs import RungConfig
from nao_tf.searches.search_record import SearchRecord
from nao_tf.searches.stages import RungStages
from nao_tf.searches.winner import BEST_FILE
from nao_tf.trial import Trial

HISTORY_FILE = "history.jsonl"
"""The epochs of a training; see `nao_tf.training.training_directory`."""


@dataclasses.dataclass(frozen=True)
class Status:
  """The status of a search or training.

  Attributes:
    directory: directory of the search or training.
    kind: "search" or "training".
    unit: what is counted, "trial" or "epoch".
    done: number of finished units, including failed ones.
    total: total number of units; None if it is not recorded.
    running: number of started but unfinished units; 0 if no process is running.
    failed: number of failed trials.
    process: description of the running process; None if there is none.
    seconds: mean time per unit, in seconds; None if none is finished.
    seconds_left: estimated remaining time in seconds, with as many units in parallel as are running now; None if
      unknown.
    best: the best so far: for a search its trial, reward and architecture; for a training its latest metrics.
    pareto_set: in a multi-objective search, the trial id and objectives of each non-dominated trial.
    reranked: number of finalists of a search that were evaluated again, including failed ones.
    to_rerank: total number of finalists to evaluate again; None if it is not recorded, 0 if there are none.
  """

  directory: str
  kind: str
  unit: str
  done: int
  total: int | None
  running: int
  failed: int
  process: str | None
  seconds: float | None
  seconds_left: float | None
  best: Mapping[str, Any] | None
  pareto_set: Sequence[Mapping[str, Any]] = ()
  reranked: int = 0
  to_rerank: int | None = None

  @property
  def is_finished(self) -> bool:
    """Whether everything is finished, as far as recorded."""
    return self.total is not None and self.done >= self.total and self.reranked >= (self.to_rerank or 0)

  def to_json(self) -> str:
    """Returns the status as one line of JSON."""
    values = dataclasses.asdict(self)
    return json.dumps(values if self.pareto_set else {k: v for k, v in values.items() if k != "pareto_set"})

  def __str__(self) -> str:
    return "\n".join(f"{name:9} {text}" for name, text in _rows(self) if text)


def status_of(
  directory: str,
  *,
  num_trials: int | None = None,
  num_finalists: int | None = None,
  max_epochs: int | None = None,
) -> Status:
  """Returns the status of the search or training in a directory.

  Args:
    directory: directory of a search or training.
    num_trials: total number of trials of a search, if known.
    num_finalists: number of finalists to evaluate again, if known.
    max_epochs: maximum total number of epochs of a search with rungs, if known. A search that has used them up is
      finished with the trials that it has.

  Raises:
    RunDirectoryError: if it is neither, or its files cannot be read.
  """
  if os.path.exists(os.path.join(directory, TRIALS_FILE)):
    status = _of_search(directory, num_trials, num_finalists)
    is_over = epochs_are_used_up(directory, max_epochs)
    return dataclasses.replace(status, total=status.done, seconds_left=0.0) if is_over else status
  settings = read_settings(directory)
  if "genotype" not in settings:
    raise RunDirectoryError(f"{directory}: expected the directory of a search or a training; no trial was begun here")
  return _of_training(directory, settings)


def holder_of(directory: str) -> str | None:
  """Describes the process that is running in a directory; None if there is none.

  A process on another machine is assumed to be running. Nothing is locked by this call.
  """
  try:
    with open(os.path.join(directory, LOCK_FILE), "rb") as file:
      holder = dict(parse_json(file.read(4096), LOCK_FILE))
    number, host = fields.integer(holder["process"], "process", 1), str(holder["host"])
  except (OSError, ValueError, KeyError, TypeError):
    return None
  if host == socket.gethostname() and not _is_alive(number):
    return None
  return f"process {number} on {host}"


def _of_search(directory: str, num_trials: int | None, num_finalists: int | None) -> Status:
  record, process = load(directory), holder_of(directory)
  closed = [trial for trial in record.trials if not trial.is_open]
  best = record.best
  status = _status(
    directory,
    ("search", "trial"),
    [trial.seconds for trial in closed],
    num_trials or _total_of_one_shot(directory, record.settings, len(closed)),
    process=process,
    running=_num_begun(directory, record.trials) if process else 0,
    failed=sum(trial.reward is None for trial in closed),
    pareto_set=[{"trial": trial.id, **trial.evaluation.objectives} for trial in record.pareto_set if trial.evaluation],
    best=None if best is None else {"trial": best.id, "reward": best.reward, "architecture": list(best.architecture)},
  )
  reranked = sum(not trial.is_open for trial in record.reranked)
  return dataclasses.replace(status, reranked=reranked, to_rerank=_num_to_rerank(record, num_finalists))


def epochs_are_used_up(directory: str, max_epochs: int | None) -> bool:
  """Returns whether a search with rungs has ended because whatever it could start would exceed its number of epochs.

  Args:
    directory: directory of the search.
    max_epochs: maximum total number of epochs; None for no limit.

  Raises:
    RunDirectoryError: if its files cannot be read.
  """
  if max_epochs is None:
    return False
  settings, entries = read_entries(directory)
  if "rungs" not in settings:
    return False
  stages = RungStages(RungConfig(tuple(settings["rungs"]), settings["reduction"], settings["promotion"], max_epochs))
  collections.deque(stages.events(entries), maxlen=0)
  return not open_trials(entries) and stages.promoted() is None and not stages.num_new(1)


def _num_to_rerank(record: SearchRecord, num_finalists: int | None) -> int | None:
  """Returns how many finalists a search has or will have, which are no more than its different architectures."""
  begun = len(record.reranked)
  if num_finalists is None:
    return begun or None
  return max(
    begun, min(num_finalists, len({trial.architecture for trial in record.trials if trial.reward is not None}))
  )


def _total_of_one_shot(directory: str, settings: Mapping[str, Any], done: int) -> int | None:
  """Returns how many trials a one-shot search has: one for each epoch, and those drawn at the end; None for another search.

  A search that has named its winner has all that it will have. It may have ended early, or there was less to draw.
  """
  epochs = settings.get("shared_training.epochs", settings.get("training.epochs"))
  if "evaluator" in settings or "strategy" not in settings or not epochs:
    return None
  is_over = os.path.exists(os.path.join(directory, BEST_FILE))
  return done if is_over else int(epochs) + int(settings.get("options.final_count", 0))


def _of_training(directory: str, settings: Mapping[str, Any]) -> Status:
  path, epochs = os.path.join(directory, HISTORY_FILE), settings.get("training.epochs")
  try:
    history = read_lines(path, _epoch, "an epoch") if os.path.exists(path) else []
    seconds = [float(metrics.get("seconds", 0.0)) for metrics in history]
    total = None if epochs is None else fields.integer(epochs, "training.epochs")
  except (ValueError, TypeError) as error:
    raise RunDirectoryError(f"{path}: not the history of a training ({error})") from error
  process, last = holder_of(directory), history[-1] if history else None
  running = int(process is not None and (total is None or len(history) < total))
  return _status(directory, ("training", "epoch"), seconds, total, process=process, running=running, best=last)


def _status(
  directory: str,
  kind_and_unit: tuple[str, str],
  seconds: Sequence[float],
  total: int | None,
  *,
  process: str | None,
  running: int,
  failed: int = 0,
  best: Mapping[str, Any] | None,
  pareto_set: Sequence[Mapping[str, Any]] = (),
) -> Status:
  """Returns a status with the times that follow from those of what is done."""
  done = len(seconds)
  mean = sum(seconds) / done if done else None
  left = None if mean is None or total is None else mean * max(total - done, 0) / max(running, 1)
  return Status(directory, *kind_and_unit, done, total, running, failed, process, mean, left, best, pareto_set)


def _num_begun(directory: str, trials: Sequence[Trial]) -> int:
  """Returns how many open trials are being evaluated."""
  path = os.path.join(directory, ATTEMPTS_FILE)
  still_open = {trial.id for trial in trials if trial.is_open}
  counts: collections.Counter[int] = collections.Counter()
  if os.path.exists(path):
    for trial, change in read_lines(path, _attempt, "an attempt at a trial"):
      counts[trial] += change
  return sum(counts[trial] > 0 for trial in still_open)


def _attempt(record: Any) -> tuple[int, int]:
  trial, change = fields.elements(record, "an attempt", 2)
  return fields.integer(trial, "trial", 0), fields.integer(change, "change")


def _epoch(record: Any) -> dict[str, Any]:
  return dict(fields.mapping(record, "an epoch"))


def _rows(status: Status) -> list[tuple[str, str]]:
  """Returns the lines that people read."""
  of, unit = "" if status.total is None else f" of {status.total}", status.unit
  counts = f"{status.done}{of} {unit}s" + (f", {status.failed} failed" if status.failed else "")
  per_hour = 3600 * max(status.running, 1) / status.seconds if status.seconds else 0.0
  rate = f"{_time(status.seconds)} per {status.unit}, {per_hour:.3g} per hour" if status.seconds else ""
  return [
    (status.kind, status.directory),
    ("state", _state(status)),
    ("done", counts),
    ("reranked", f"{status.reranked} of {status.to_rerank}" if status.to_rerank else ""),
    ("running", str(status.running) if status.running else ""),
    ("rate", rate),
    ("time left", "" if not status.seconds_left else f"about {_time(status.seconds_left)}"),
    ("best" if status.kind == "search" else "last", _figures(status.best)),
    *(("pareto" if not place else "", _member(member)) for place, member in enumerate(status.pareto_set)),
  ]


def _state(status: Status) -> str:
  if status.process is not None:
    return f"running: {status.process}"
  return "finished" if status.is_finished else "not running"


def _figures(figures: Mapping[str, Any] | None) -> str:
  shown = {name: value for name, value in (figures or {}).items() if not isinstance(value, (list, tuple))}
  return ", ".join(
    f"{name} {value:.4g}" if isinstance(value, float) else f"{name} {value}" for name, value in shown.items()
  )


def _member(figures: Mapping[str, Any]) -> str:
  """Returns a trial of the Pareto set in words."""
  return ", ".join(f"{name} {figure(value)}" for name, value in figures.items())


def _time(seconds: float) -> str:
  """Returns a time in words: "42 s", "3 min 5 s", "2 h 10 min"."""
  if seconds < 60:
    return f"{seconds:.3g} s"
  minutes, rest = divmod(round(seconds), 60)
  return f"{minutes} min {rest} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


def _is_alive(process: int) -> bool:
  """Returns whether a process of this machine is there."""
  try:
    os.kill(process, 0)
  except ProcessLookupError:
    return False
  except PermissionError:
    return True
  return True
