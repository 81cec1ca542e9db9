"""Writes the report page, atomically, during a search or from its directory."""

import os
import time
from collections.abc import Callable

from absl import logging

from nao_tf.reports.cells import Drawings
from nao_tf.reports.page import page_of
from nao_tf.reports.record import Record, make_record
from nao_tf.runs.journal import Journal, Promotion, read_entries
from nao_tf.runs.settings import read_settings
from nao_tf.spaces import make_space
from nao_tf.spaces.base import SearchSpace
from nao_tf.trial import Trial

REPORT_FILE = "report.html"
_SECONDS = 30.0
_LARGEST_SHARE = 20
"""At most one part in so many of the time of a search goes into its report."""


def write_report(directory: str, space: SearchSpace | None) -> str:
  """Writes the report of a search from its directory. The search may be running.

  Args:
    directory: directory of the search, and of the page, `report.html`.
    space: the search space; None if it is not known, in which case architectures are shown as numbers.

  Returns:
    The path of the page.

  Raises:
    RunDirectoryError: if it is not the directory of a search, or the journal is corrupt. Other files that cannot be
      read are left out, and the page says so.
    OSError: if the page cannot be written.
  """
  settings, entries = read_entries(directory)
  return _write(make_record(directory, settings, entries, space), Drawings())


def rewrite_report(directory: str) -> str:
  """Writes the report of a search from its directory alone; see `write_report`.

  The space is constructed from the settings of the search. If that fails, architectures are shown as numbers.
  """
  settings, entries = read_entries(directory)
  record = make_record(directory, settings, entries, _space_of(settings.get("space")))
  for problem in record.problems:
    logging.warning("left out of the report: %s", problem)
  return _write(record, Drawings())


class ReportWriter:
  """Updates the report while a search runs; to be called with each closed trial.

  The page is written at most every 30 seconds and when a round is complete, and never so often that it takes more than
  a twentieth of the time. A page that cannot be written does not end a search.
  """

  def __init__(self, journal: Journal, space: SearchSpace, *, clock: Callable[[], float] = time.monotonic):
    """Takes what the page is about.

    Args:
      journal: journal of the search, open.
      space: the search space.
      clock: returns seconds.
    """
    self._journal, self._space, self._clock = journal, space, clock
    self._drawings = Drawings()
    self._written_at, self._cost = clock(), 0.0
    self._num_open = self._num_read = 0

  def __call__(self, trial: Trial) -> None:
    """Writes the page if it is time."""
    del trial
    elapsed = self._clock() - self._written_at
    needed = self._cost * _LARGEST_SHARE
    if elapsed >= max(needed, 0.0 if self._is_complete() else _SECONDS) and elapsed > 0:
      self.write()

  def write(self) -> None:
    """Writes the page; a warning says why if that fails."""
    start = self._clock()
    try:
      settings = read_settings(self._journal.directory)
      record = make_record(self._journal.directory, settings, self._journal.entries, self._space)
      _write(record, self._drawings)
    except Exception as error:  # A space of somebody else's may raise anything, and the search is worth more.
      logging.warning(
        "%s: the report could not be written (%s: %s)", self._journal.directory, type(error).__name__, error
      )
    self._written_at = self._clock()
    self._cost = self._written_at - start

  def _is_complete(self) -> bool:
    """Returns whether all trials that were asked for are closed."""
    for entry in self._journal.entries[self._num_read :]:
      self._num_open += len(entry) if isinstance(entry, list) else 1 if isinstance(entry, Promotion) else -1
    self._num_read = len(self._journal.entries)
    return self._num_open == 0


def _space_of(name: object) -> SearchSpace | None:
  """Returns the space that the settings of a search name; None if it cannot be created."""
  try:
    return make_space(name) if isinstance(name, str) else None
  except ValueError as error:
    logging.warning("the space %s cannot be created, so the report shows architectures as numbers (%s)", name, error)
    return None


def _write(record: Record, drawings: Drawings) -> str:
  """Writes the page, or leaves the old one."""
  path = os.path.join(record.directory, REPORT_FILE)
  temporary = f"{path}.{os.getpid()}.tmp"
  try:
    with open(temporary, "w", encoding="utf-8", errors="replace") as file:
      file.write(page_of(record, drawings))
    os.replace(temporary, path)
  finally:
    if os.path.exists(temporary):
      os.remove(temporary)
  return path
