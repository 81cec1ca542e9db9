"""The journal of a search: the append-only file `trials.jsonl`, and a copy of the settings in `config.json`.

The journal is the single source of truth about a search; everything else in its directory can be regenerated from it.
It has one line per batch of requested architectures and one per finished trial. In a search with rungs, each promotion
of a trial to the next rung adds a line, and so does its result there. The first line also contains the settings of the
search.
"""

import contextlib
import dataclasses
import os
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from absl import logging

from nao_tf import fields
from nao_tf.runs.json_files import write_json
from nao_tf.runs.lines import LinesFile, read_lines
from nao_tf.runs.old_origins import read_origin
from nao_tf.runs.run_lock import RunLock
from nao_tf.runs.settings import (
  CONFIG_FILE,
  RunDirectoryError,
  changed_settings,
  json_settings,
  read_settings,
  refuse_changes,
  renamed,
)
from nao_tf.trial import Evaluation, Trial

TRIALS_FILE = "trials.jsonl"
_LINE = "a line of a journal"
_OPTIONAL = ("rung",)
_ADDED = (*_OPTIONAL, "objectives")
_EVALUATION = tuple(field.name for field in dataclasses.fields(Evaluation) if field.name not in _ADDED)


@dataclasses.dataclass(frozen=True)
class Promotion:
  """The promotion of a trial to the next rung.

  Attributes:
    trial: the trial, started at its new rung.
  """

  trial: Trial


Entry = list[Trial] | Trial | Promotion
"""A batch of requested, still open trials, a closed trial, or the promotion of a trial to its next rung."""


class JournalError(RunDirectoryError):
  """Raised if a journal cannot be used because it is corrupt, missing or in use."""


class Journal:
  """The journal of a search, which locks the directory of the search while it is open. Use it as a context manager.

  Attributes:
    directory: directory of the search.
    entries: all entries in chronological order, those read from disk and those appended since: batches of open trials,
      closed trials and promotions.
  """

  def __init__(self, directory: str, settings: Mapping[str, Any]):
    """Opens the journal in a directory, or creates a new one.

    Args:
      directory: directory of the search; created if it does not exist.
      settings: JSON values that determine the course of the search. They may still change before the first trial is
        closed; the search then starts over.

    Raises:
      RunDirectoryError: if the directory is corrupt, in use, or was created with other settings, which the message
        names.
      ValueError: if a setting is not a JSON value.
      OSError: if the directory cannot be created or written to.
    """
    self.directory = directory
    self._settings = json_settings(settings)
    with contextlib.ExitStack() as stack:
      stack.enter_context(RunLock(directory))
      self._lines = _open(os.path.join(directory, TRIALS_FILE))
      stack.callback(self._lines.close)
      reader = _Reader()
      self.entries = reader.read(self._lines)
      self._has_settings = reader.settings is not None
      self._bind(reader.settings)
      self._open = stack.pop_all()

  def _bind(self, recorded: dict[str, Any] | None) -> None:
    """Compares the settings with the recorded ones, and writes `config.json` if it is missing or differs.

    Args:
      recorded: the settings in the journal; None for journals of version 0.1.0, which have none.
    """
    if any(isinstance(entry, Trial) for entry in self.entries):
      bound = self._recorded_elsewhere() if recorded is None else recorded
      refuse_changes(self.directory, bound, self._settings)
    else:
      bound = self._settings
      self._begin_anew_if_changed(recorded)
    if _settings_of(self.directory) != bound:
      write_json(os.path.join(self.directory, CONFIG_FILE), bound)

  def _begin_anew_if_changed(self, recorded: dict[str, Any] | None) -> None:
    recorded = _settings_of(self.directory) if recorded is None else recorded
    if not self.entries or (recorded is not None and not changed_settings(recorded, self._settings)):
      return
    logging.warning("%s: no trial was finished, so the search starts over with the new settings", self.directory)
    self._lines.clear()
    self.entries, self._has_settings = [], False

  def _recorded_elsewhere(self) -> dict[str, Any]:
    """Returns the settings in `config.json`, for a journal that has none."""
    try:
      return read_settings(self.directory)
    except RunDirectoryError as error:
      raise RunDirectoryError(
        f"{error}; the journal has {fields.counted(len(self.trials), 'trial')}, but not their settings; restore"
        f" {CONFIG_FILE} or choose another directory"
      ) from error

  def append_asked(self, trials: Sequence[Trial]) -> None:
    """Records a batch of requested, still open trials."""
    rows = [_row(trial) for trial in trials]
    settings = {} if self._has_settings else {"settings": self._settings}
    self._lines.append({"asked": rows, **settings})
    self._has_settings = True
    self.entries.append(list(trials))

  def append_promoted(self, trial: Trial) -> None:
    """Records the promotion of a trial, given as started at its new rung."""
    self._lines.append({"promoted": trial.id, "rung": trial.rung})
    self.entries.append(Promotion(trial))

  def append_closed(self, trial: Trial) -> None:
    """Records a closed trial.

    Raises:
      ValueError: if the trial has no evaluation.
    """
    if trial.evaluation is None:
      raise ValueError(f"trial {trial.id} has no evaluation")
    self._lines.append({"closed": trial.id, **trial.evaluation.to_json()})
    self.entries.append(trial)

  @property
  def trials(self) -> list[Trial]:
    """All trials ordered by id, including open ones."""
    return trials_of(self.entries)

  def close(self) -> None:
    """Closes the journal and releases the lock."""
    self._open.close()

  def __enter__(self) -> "Journal":
    return self

  def __exit__(self, *_: object) -> None:
    self.close()


def read_trials(directory: str) -> list[Trial]:
  """Reads the trials of a search without locking or changing its journal.

  Raises:
    JournalError: if the directory has no journal, or it is corrupt.
  """
  return trials_of(_Reader().read(_path(directory)))


def read_search(directory: str) -> tuple[dict[str, Any], list[Trial]]:
  """Reads the settings and the trials of a search in a single pass over its journal; see `read_entries`."""
  settings, entries = read_entries(directory)
  return settings, trials_of(entries)


def read_entries(directory: str) -> tuple[dict[str, Any], list[Entry]]:
  """Reads the settings and the chronological entries of a search in a single pass over its journal.

  The settings are read from the journal, or from `config.json` if the journal has none.

  Raises:
    RunDirectoryError: if the journal or the settings are missing or corrupt.
  """
  reader = _Reader()
  entries = reader.read(_path(directory))
  return read_settings(directory) if reader.settings is None else renamed(reader.settings), entries


class _Reader:
  """Parses the lines of a journal into entries.

  Attributes:
    settings: the recorded settings of the search; None if the journal has none.
  """

  def __init__(self) -> None:
    self.settings: dict[str, Any] | None = None
    self._trials: dict[int, Trial] = {}

  def read(self, source: LinesFile | str) -> list[Entry]:
    """Reads the entries of an open journal file, or of the file at a path."""
    try:
      if isinstance(source, str):
        return read_lines(source, self._entry, _LINE, allow_nan=False)
      return source.read(self._entry, _LINE, allow_nan=False)
    except ValueError as error:
      raise JournalError(str(error)) from error

  def _entry(self, record: Any) -> Entry:
    if "asked" in fields.mapping(record, "a line"):
      batch = fields.members(record, "a batch", ("asked",), ("settings",))
      if "settings" in batch:
        self.settings = dict(fields.mapping(batch["settings"], "settings"))
      return [self._asked(row) for row in fields.elements(batch["asked"], "asked")]
    if "promoted" in record:
      return self._promoted(fields.members(record, "a promotion", ("promoted", "rung")))
    return self._closed(fields.members(record, "a closed trial", ("closed", *_EVALUATION), _ADDED))

  def _asked(self, row: Any) -> Trial:
    fields.members(row, "a trial", ("id", "architecture", "origin"), _OPTIONAL)
    number = fields.integer(row["id"], "id", 0)
    if number in self._trials:
      raise ValueError(f"trial {number} is asked for twice")
    rung = fields.integer(row.get("rung", 0), "rung", 0)
    trial = Trial(number, fields.integers(row["architecture"], "architecture"), read_origin(row["origin"]), rung=rung)
    self._trials[number] = trial
    return trial

  def _promoted(self, record: Mapping[str, Any]) -> Promotion:
    number, rung = fields.integer(record["promoted"], "promoted"), fields.integer(record["rung"], "rung", 1)
    trial = self._trials.get(number)
    if trial is None or trial.is_open or trial.rung != rung - 1:
      raise ValueError(f"expected the number of a trial closed at rung {rung - 1} for 'promoted', got {number}")
    self._trials[number] = trial.promote()
    return Promotion(self._trials[number])

  def _closed(self, record: Mapping[str, Any]) -> Trial:
    number = fields.integer(record["closed"], "closed")
    trial = self._trials.get(number)
    if trial is None or not trial.is_open:
      raise ValueError(f"expected the number of an open trial for 'closed', got {number}")
    evaluation = Evaluation.from_json({name: value for name, value in record.items() if name != "closed"})
    if evaluation.rung != trial.rung:
      raise ValueError(f"trial {number} was begun at rung {trial.rung}, and closed at rung {evaluation.rung}")
    closed = trial.close(evaluation)
    self._trials[number] = closed
    return closed


def _path(directory: str) -> str:
  """Returns the path of the journal in a directory."""
  path = os.path.join(directory, TRIALS_FILE)
  if not os.path.exists(path):
    raise JournalError(f"{directory}: no {TRIALS_FILE} here; expected the work directory of a search")
  return path


def _settings_of(directory: str) -> dict[str, Any] | None:
  """Returns the settings in `config.json`; None if it is missing or cannot be read."""
  try:
    return read_settings(directory)
  except RunDirectoryError:
    return None


def _open(path: str) -> LinesFile:
  try:
    return LinesFile(path, locked=True)
  except BlockingIOError as error:  # By a process of version 0.1.0, which locks the journal itself.
    raise JournalError(f"{os.path.dirname(path)}: another process is searching in this directory") from error


def _row(trial: Trial) -> dict[str, Any]:
  row = {"id": trial.id, "architecture": list(trial.architecture), "origin": trial.origin.to_json()}
  return {**row, "rung": trial.rung} if trial.rung else row


def _trials_in(entry: Entry) -> Sequence[Trial]:
  if isinstance(entry, Promotion):
    return [entry.trial]
  return entry if isinstance(entry, list) else [entry]


def open_trials(entries: Iterable[Entry]) -> list[Trial]:
  """Returns the trials that were started but have no result yet, in the order in which they were started."""
  still_open: dict[int, Trial] = {}
  for entry in entries:
    for trial in _trials_in(entry):
      still_open.pop(trial.id, None)
      if trial.is_open:
        still_open[trial.id] = trial
  return list(still_open.values())


def trials_of(entries: Iterable[Entry]) -> list[Trial]:
  """Returns the trials of journal entries ordered by id, including open ones."""
  trials: dict[int, Trial] = {}
  for entry in entries:
    trials.update((trial.id, trial) for trial in _trials_in(entry))
  return [trials[i] for i in sorted(trials)]
