"""The journal of a search: `trials.jsonl`, append-only, and `config.json` beside it.

The journal is the truth about a search; everything else in its directory can be made again from it. There is one line
for each batch of architectures that was asked and one for each trial that was closed. A line reaches the disk before
work goes on. A process that dies while it writes leaves a torn last line, which is dropped when the journal is opened.
"""

import fcntl
import json
import os
from collections.abc import Mapping, Sequence
from typing import Any

from nao_tf.trial import Evaluation, Trial
from nao_tf.runs.settings import CONFIG_FILE, RunDirectoryError, check_settings, write_json

TRIALS_FILE = "trials.jsonl"


class JournalError(RunDirectoryError):
  """The journal cannot be used: corrupt or in use."""


class Journal:
  """An open run directory.

  Attributes:
    directory: where it is.
    entries: what it held when it was opened and what was appended since: lists of open trials (a batch that was asked)
      and closed trials, in the order in which they happened.
  """

  def __init__(self, directory: str, settings: Mapping[str, Any]):
    """Opens the journal in a directory, or starts one.

    Args:
      directory: made if it does not exist.
      settings: what determines the course of the search, as JSON values. They may change until something was asked.

    Raises:
      RunDirectoryError: if it is corrupt, was made with other settings (the message names them), or is in use.
      OSError: if the directory cannot be made or written.
    """
    self.directory = directory
    os.makedirs(directory, exist_ok=True)
    self._path = os.path.join(directory, TRIALS_FILE)
    begun = os.path.exists(self._path)
    self._file = open(self._path, "a+b", buffering=0)
    try:
      self._lock()
      self.entries: list[list[Trial] | Trial] = self._read()
      if begun and not self.entries:
        write_json(os.path.join(directory, CONFIG_FILE), settings)
      check_settings(directory, settings)
    except BaseException:
      self._file.close()
      raise

  def append_asked(self, trials: Sequence[Trial]) -> None:
    """Records a batch of open trials."""
    rows = [{"id": t.id, "architecture": list(t.architecture), "origin": t.origin} for t in trials]
    self._append({"asked": rows})
    self.entries.append(list(trials))

  def append_closed(self, trial: Trial) -> None:
    """Records a closed trial."""
    self._append({"closed": trial.id, **trial.evaluation.to_json()})
    self.entries.append(trial)

  @property
  def trials(self) -> list[Trial]:
    """All trials by id, those that are still open among them."""
    trials: dict[int, Trial] = {}
    for entry in self.entries:
      trials.update((trial.id, trial) for trial in (entry if isinstance(entry, list) else [entry]))
    return [trials[i] for i in sorted(trials)]

  def close(self) -> None:
    """Closes the file and gives up the lock."""
    self._file.close()

  def __enter__(self) -> "Journal":
    return self

  def __exit__(self, *_) -> None:
    self.close()

  def _lock(self) -> None:
    try:
      fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
      raise JournalError(f"{self.directory}: another process is searching in this directory") from error

  def _append(self, record: dict) -> None:
    line = json.dumps(record, allow_nan=False).encode() + b"\n"
    start = os.fstat(self._file.fileno()).st_size
    if self._file.write(line) != len(line):
      os.ftruncate(self._file.fileno(), start)
      raise OSError(f"{self._path}: could not write a whole line, is the disk full?")
    os.fsync(self._file.fileno())

  def _read(self) -> list[list[Trial] | Trial]:
    self._file.seek(0)
    data = self._file.read()
    whole = data.rfind(b"\n") + 1
    if whole < len(data):
      self._file.truncate(whole)
    entries, open_trials = [], {}
    for number, line in enumerate(data[:whole].splitlines(), start=1):
      entries.append(_entry(line, open_trials, f"{self._path}, line {number}"))
    return entries


def read_trials(directory: str) -> list[Trial]:
  """Returns the trials of a run directory without opening its journal for writing: for reports and later use.

  Raises:
    JournalError: if the directory has no journal or it is corrupt.
  """
  path = os.path.join(directory, TRIALS_FILE)
  if not os.path.exists(path):
    raise JournalError(f"{directory}: no {TRIALS_FILE} here; expected the work directory of a search")
  with open(path, "rb") as file:
    data = file.read()
  trials: dict[int, Trial] = {}
  for number, line in enumerate(data[: data.rfind(b"\n") + 1].splitlines(), start=1):
    _entry(line, trials, f"{path}, line {number}")
  return [trials[i] for i in sorted(trials)]


def _entry(line: bytes, trials: dict[int, Trial], where: str) -> list[Trial] | Trial:
  """Returns what a line says; enters the trials it asks or closes into `trials`."""
  try:
    record = json.loads(line)
    if "asked" in record:
      batch = [Trial(row["id"], tuple(row["architecture"]), row["origin"]) for row in record["asked"]]
      trials.update((trial.id, trial) for trial in batch)
      return batch
    trials[record["closed"]] = trials[record["closed"]].close(Evaluation.from_json(record))
    return trials[record["closed"]]
  except (ValueError, KeyError, TypeError) as error:
    raise JournalError(f"{where}: not a line of a journal ({error!r}): {line[:80]!r}") from error
