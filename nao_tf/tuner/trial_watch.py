"""Terminates a process whose trial exceeds the time limit.

A training that hangs in TensorFlow, a driver or a file system cannot be interrupted from Python, so the whole process
exits. Its exit code tells the caller, such as a cluster manager or a shell loop, to restart it.
"""

import contextlib
import faulthandler
import os
import sys
import threading
from collections.abc import Callable

EXIT_CODE = 75
"""The exit code of a process whose trial took too long. By the convention of sysexits.h it means: try again."""

_CANCEL_SECONDS = 1.0
_RECORD_SECONDS = 30.0  # What hangs may hold what the record needs.


class TrialWatch:
  """Terminates this process if a trial exceeds its time limit, after printing the stack of each thread."""

  def __init__(self, limit: float, on_overdue: Callable[[str], None]):
    """Initializes a watch that watches nothing yet.

    Args:
      limit: seconds that a trial may take.
      on_overdue: called with the id of the trial before the process ends, in another thread.
    """
    self._limit, self._on_overdue = limit, on_overdue
    self._timer: threading.Timer | None = None

  def start(self, trial_id: str) -> None:
    """Starts watching a trial, instead of the previous one."""
    self.stop()
    self._timer = threading.Timer(self._limit, self._end_process, [trial_id])
    self._timer.daemon = True
    self._timer.start()

  def stop(self) -> None:
    """Stops watching; may be called more than once."""
    if self._timer is not None:
      self._timer.cancel()
      self._timer.join(_CANCEL_SECONDS)
      self._timer = None

  def _end_process(self, trial_id: str) -> None:
    record = threading.Thread(target=self._on_overdue, args=[trial_id], daemon=True)
    record.start()
    record.join(_RECORD_SECONDS)
    with contextlib.suppress(Exception):  # Nothing that is printed may keep the process from ending.
      _print_why(trial_id, self._limit)
    os._exit(EXIT_CODE)


def _print_why(trial_id: str, limit: float) -> None:
  """Prints the reason, and where each thread is, on standard error."""
  sys.stdout.flush()
  print(
    f"error: trial {trial_id} took more than trial_timeout={limit:g} seconds. This process ends with exit code"
    f" {EXIT_CODE}; start it again to continue with other trials. Stack traces:",
    file=sys.__stderr__,
    flush=True,
  )
  if sys.__stderr__ is not None:
    faulthandler.dump_traceback(sys.__stderr__)
