"""Shows the status of workers on a terminal, with one line per worker below the progress bar."""

import sys
from collections.abc import Sequence
from typing import Any

import tqdm

from nao_tf.searches.executors.base import WorkerStatus


class WorkerLines:
  """Status lines below a progress bar; a context manager that removes them at the end.

  They are not shown in log files, where the progress bar prints a line per trial.

  Attributes:
    is_shown: whether the lines may be shown.
  """

  def __init__(self, *, shown: bool = True) -> None:
    """Finds out whether there is a terminal.

    Args:
      shown: whether to show anything.
    """
    self.is_shown, self._is_terminal = shown, sys.stderr.isatty()
    self._lines: list[tqdm.tqdm[Any]] = []

  @property
  def are_shown(self) -> bool:
    """Whether lines are currently shown."""
    return bool(self._lines)

  def show(self, workers: Sequence[WorkerStatus]) -> None:
    """Shows the status of each worker; pass it to `run_search` as `on_workers`."""
    if not (self.is_shown and self._is_terminal):
      return
    while len(self._lines) < len(workers):
      position = len(self._lines) + 1
      self._lines.append(tqdm.tqdm(total=0, position=position, bar_format="{desc}", leave=False))
    for line, worker in zip(self._lines, workers):
      line.set_description_str(in_words(worker))

  def show_times(self, times: object) -> None:
    """Shows the times of a search at its end; pass it to `run_search` as `on_end`."""
    if self.is_shown and self._is_terminal:
      tqdm.tqdm.write(str(times), file=sys.stderr)
    elif self.is_shown:
      print(times, file=sys.stderr)

  def __enter__(self) -> "WorkerLines":
    return self

  def __exit__(self, *_: object) -> None:
    for line in self._lines:
      line.close()


def in_words(worker: WorkerStatus) -> str:
  """Returns the status of a worker as text."""
  trial = "" if worker.trial is None else f" trial {worker.trial}"
  epoch = "" if worker.epoch is None else f", epoch {worker.epoch.number} of {worker.epoch.total}"
  return f"worker {worker.worker}: {worker.state}{trial}{epoch}, {worker.seconds:.0f} s"
