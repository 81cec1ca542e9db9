"""Shows what the workers of a search do: a line for each on a terminal, or else a line for each trial."""

import sys
from collections.abc import Sequence
from typing import Any

import tqdm

from nao_tf.searches.executors.base import WorkerStatus
from nao_tf.trial import Trial


class WorkerLines:
  """Lines below a progress bar. It is a context manager that takes them away.

  Without workers, because trials are evaluated in this process, there are none.
  """

  def __init__(self, *, shown: bool = True) -> None:
    """Finds out whether there is a terminal.

    Args:
      shown: whether to show anything.
    """
    self._is_shown, self._is_terminal = shown, sys.stderr.isatty()
    self._lines: list[tqdm.tqdm[Any]] = []
    self._has_workers = False

  def show(self, workers: Sequence[WorkerStatus]) -> None:
    """Shows what each worker does; to be given to `run_search` as `on_workers`."""
    self._has_workers = self._is_shown and bool(workers)
    if not self._has_workers or not self._is_terminal:
      return
    while len(self._lines) < len(workers):
      position = len(self._lines) + 1
      self._lines.append(tqdm.tqdm(total=0, position=position, bar_format="{desc}", leave=False))
    for line, worker in zip(self._lines, workers):
      line.set_description_str(in_words(worker))

  def show_trial(self, trial: Trial) -> None:
    """Shows a trial that has closed, where there is no terminal."""
    if self._has_workers and not self._is_terminal and trial.evaluation is not None:
      result = "failed" if trial.reward is None else f"{trial.reward:.4f}"
      seconds = trial.evaluation.cost_seconds
      tqdm.tqdm.write(f"trial {trial.id}: {result}, {seconds:.0f} s", file=sys.stderr)

  def show_times(self, times: object) -> None:
    """Shows the times of a search, at its end."""
    if self._has_workers:
      tqdm.tqdm.write(str(times), file=sys.stderr)

  def __enter__(self) -> "WorkerLines":
    return self

  def __exit__(self, *_: object) -> None:
    for line in self._lines:
      line.close()


def in_words(worker: WorkerStatus) -> str:
  """Returns in words what a worker does."""
  trial = "" if worker.trial is None else f" trial {worker.trial}"
  return f"worker {worker.worker}: {worker.state}{trial}, {worker.seconds:.0f} s"
