"""The journal of a search: `trials.jsonl`, append-only, and `config.json` beside it.

The journal is the truth about a search. Everything else in its directory can be made again from it. There is one line
for each batch of architectures that was asked for and one for each trial that was closed.
"""

import os
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from nao_tf.runs.json_files import write_json
from nao_tf.runs.lines import LinesFile, read_lines
from nao_tf.runs.old_origins import read_origin
from nao_tf.runs.settings import CONFIG_FILE, RunDirectoryError, check_settings
from nao_tf.trial import Evaluation, Trial

TRIALS_FILE = "trials.jsonl"
_LINE = "a line of a journal"

Entry = list[Trial] | Trial
"""A batch of open trials that was asked for, or one closed trial."""


class JournalError(RunDirectoryError):
  """The journal cannot be used: it is corrupt or in use."""


class Journal:
  """An open run directory.

  Attributes:
    directory: where it is.
    entries: what it held when it was opened and what was appended since, in the order in which it happened: batches of
      open trials and closed trials.
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
    path = os.path.join(directory, TRIALS_FILE)
    begun = os.path.exists(path)
    self._lines = _open(path)
    try:
      self.entries = _Reader().read(self._lines)
      if begun and not self.entries:
        write_json(os.path.join(directory, CONFIG_FILE), settings)
      check_settings(directory, settings)
    except BaseException:
      self._lines.close()
      raise

  def append_asked(self, trials: Sequence[Trial]) -> None:
    """Records a batch of open trials."""
    rows = [{"id": t.id, "architecture": list(t.architecture), "origin": t.origin.to_json()} for t in trials]
    self._lines.append({"asked": rows})
    self.entries.append(list(trials))

  def append_closed(self, trial: Trial) -> None:
    """Records a closed trial.

    Raises:
      ValueError: if the trial is open.
    """
    if trial.evaluation is None:
      raise ValueError(f"trial {trial.id} has no evaluation")
    self._lines.append({"closed": trial.id, **trial.evaluation.to_json()})
    self.entries.append(trial)

  @property
  def trials(self) -> list[Trial]:
    """All trials by id, those that are still open among them."""
    return _trials(self.entries)

  def close(self) -> None:
    """Closes the file and gives up the lock."""
    self._lines.close()

  def __enter__(self) -> "Journal":
    return self

  def __exit__(self, *_: object) -> None:
    self.close()


def read_trials(directory: str) -> list[Trial]:
  """Returns the trials of a run directory without opening its journal for writing: for reports and later use.

  Raises:
    JournalError: if the directory has no journal or it is corrupt.
  """
  path = os.path.join(directory, TRIALS_FILE)
  if not os.path.exists(path):
    raise JournalError(f"{directory}: no {TRIALS_FILE} here; expected the work directory of a search")
  return _trials(_Reader().read(path))


class _Reader:
  """Turns the lines of a journal into entries."""

  def __init__(self) -> None:
    self._trials: dict[int, Trial] = {}

  def read(self, source: LinesFile | str) -> list[Entry]:
    """Returns the entries of a file that is open for writing, or of the one at a path."""
    try:
      if isinstance(source, str):
        return read_lines(source, self._entry, _LINE)
      return source.read(self._entry, _LINE)
    except ValueError as error:
      raise JournalError(str(error)) from error

  def _entry(self, record: Any) -> Entry:
    if "asked" in record:
      batch = [Trial(row["id"], tuple(row["architecture"]), read_origin(row["origin"])) for row in record["asked"]]
      self._trials.update((trial.id, trial) for trial in batch)
      return batch
    closed = self._trials[record["closed"]].close(Evaluation.from_json(record))
    self._trials[closed.id] = closed
    return closed


def _open(path: str) -> LinesFile:
  try:
    return LinesFile(path, locked=True)
  except BlockingIOError as error:
    raise JournalError(f"{os.path.dirname(path)}: another process is searching in this directory") from error


def _trials(entries: Iterable[Entry]) -> list[Trial]:
  trials: dict[int, Trial] = {}
  for entry in entries:
    trials.update((trial.id, trial) for trial in (entry if isinstance(entry, list) else [entry]))
  return [trials[i] for i in sorted(trials)]
