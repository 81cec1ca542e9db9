"""Counts the attempts to evaluate each open trial: `attempts.jsonl` in the directory of a search.

An evaluation that crashes its process, for example by running out of memory, leaves no result. Without this file it
would be started again after every restart.
"""

import collections
import os
from collections.abc import Collection
from typing import Any

from nao_tf import fields
from nao_tf.runs.journal import JournalError
from nao_tf.runs.lines import LinesFile, read_lines, write_lines

ATTEMPTS_FILE = "attempts.jsonl"


class Attempts:
  """The attempts to evaluate open trials."""

  def __init__(self, directory: str, open_trials: Collection[int]):
    """Opens the file of a directory, or starts one. The caller holds the lock of the directory.

    Args:
      directory: directory of the search.
      open_trials: ids of the trials that are open. What is recorded about others is dropped.

    Raises:
      JournalError: if the file is corrupt.
      OSError: if it cannot be read or written.
    """
    path = os.path.join(directory, ATTEMPTS_FILE)
    self._counts: collections.Counter[int] = collections.Counter()
    for trial, change in _read(path):
      self._counts[trial] += change if trial in open_trials else 0
    write_lines(path, [[trial, count] for trial, count in self._counts.items() if count])
    self._lines = LinesFile(path)

  def count(self, trial: int) -> int:
    """Returns the number of evaluations of a trial that were started, but neither finished nor interrupted."""
    return self._counts[trial]

  def begin(self, trial: int) -> None:
    """Records the start of an evaluation."""
    self._append(trial, 1)

  def interrupt(self, trial: int) -> None:
    """Records that an evaluation was interrupted from outside, for example by Ctrl-C. It does not count."""
    self._append(trial, -1)

  def finish(self, trial: int) -> None:
    """Records that a trial has a result, which resets its count for an evaluation at a higher rung."""
    if self._counts[trial]:
      self._append(trial, -self._counts[trial])

  def close(self) -> None:
    """Closes the file."""
    self._lines.close()

  def _append(self, trial: int, change: int) -> None:
    self._lines.append([trial, change], to_disk=False)
    self._counts[trial] += change


def _read(path: str) -> list[tuple[int, int]]:
  if not os.path.exists(path):
    return []
  try:
    return read_lines(path, _attempt, "an attempt at a trial")
  except ValueError as error:
    raise JournalError(f"{error}; the file can be deleted; attempts are then counted from zero") from error


def _attempt(record: Any) -> tuple[int, int]:
  trial, change = fields.elements(record, "an attempt", 2)
  return fields.integer(trial, "trial", 0), fields.integer(change, "change")
