"""Logs a search for TensorBoard: its own run in `tensorboard` in its directory, and the runs of its trials.

The x axis of its curves is the number of closed trials, so they continue when a search is resumed.
"""

import contextlib
import os
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from absl import logging

from nao_tf.reports.board import hyperparameters
from nao_tf.reports.board.best_cells import BestCells
from nao_tf.reports.board.search_figures import SearchFigures
from nao_tf.reports.board.trial_runs import TrialRuns
from nao_tf.runs.event_files import EventFiles
from nao_tf.runs.journal import Journal
from nao_tf.runs.predictions import Prediction
from nao_tf.spaces.base import SearchSpace
from nao_tf.training.base import Epoch
from nao_tf.trial import Architecture, Trial

BOARD_DIRECTORY = "tensorboard"


class SearchBoard:
  """Logs a search while it runs. It is called with each closed trial, recorded ones first.

  A failure to write does not end a search: it is logged as a warning, and nothing more is written.
  """

  def __init__(
    self,
    journal: Journal,
    space: SearchSpace,
    *,
    prediction: Callable[[Architecture], Prediction | None] = lambda architecture: None,
    strategy_figures: Callable[[], Mapping[str, float]] = dict,
    with_hyperparameters: bool = True,
    clock: Callable[[], float] = time.monotonic,
  ):
    """Reads what is recorded.

    Args:
      journal: journal of the search, open.
      space: the search space.
      prediction: returns what the strategy has predicted for an architecture.
      strategy_figures: returns what the strategy reports about itself, by name.
      with_hyperparameters: whether the trials are to be in the tab HParams.
      clock: returns seconds.
    """
    self._with_hyperparameters = with_hyperparameters
    self._journal, self._space = journal, space
    self._is_broken, self._num_closed = False, 0
    closed = [entry.id for entry in journal.entries if isinstance(entry, Trial)]
    self._trials = TrialRuns(journal.directory, space, known=set(closed), with_hyperparameters=with_hyperparameters)
    self._figures = SearchFigures(journal.entries, prediction=prediction, strategy_figures=strategy_figures)
    with self._guarded():
      self._files = EventFiles(os.path.join(journal.directory, BOARD_DIRECTORY), anew=not closed, clock=clock)
      if (self._files.last_step or 0) > len(closed):  # Somebody has put an older journal in its place.
        self._files.rewind(len(closed) + 1)
      self._num_known = self._files.last_step or 0
      self._cells = BestCells(space, self._files.last_steps, clock=clock)

  def on_trial(self, trial: Trial) -> None:
    """Shows a trial that has closed, unless it is recorded."""
    if self._is_broken:
      return
    with self._guarded():
      self._num_closed += 1
      figures = self._figures.add(trial)
      self._cells.add(trial, self._num_closed)
      if self._num_closed > self._num_known:
        self._trials.on_trial(trial)
        self._show(figures)

  def on_epoch(self, trial: int, epoch: Epoch) -> None:
    """Shows an epoch of the training of a trial."""
    if self._is_broken:
      return
    with self._guarded():
      self._trials.on_epoch(trial, self._architecture(trial), epoch)

  def close(self) -> None:
    """Draws the best cells if that is still to be done, and closes all files."""
    if self._is_broken:
      return
    with self._guarded():
      if self._num_closed >= max(self._num_known, 1):
        self._add({}, self._cells.changed())
      self._trials.close()
      self._files.close()

  def _show(self, figures: Mapping[str, float]) -> None:
    others = self._cells.due()
    if self._with_hyperparameters and self._num_closed == 1:
      others = [hyperparameters.experiment(self._space), *others]
    self._add(figures, others)
    self._files.flush_now_and_then()

  def _add(self, figures: Mapping[str, float], others: list[Any]) -> None:
    if figures or others:
      self._files.add(self._num_closed, figures, others)

  def _architecture(self, trial: int) -> Architecture:
    """Returns the architecture of a trial that was asked for, one of the latest."""
    for entry in reversed(self._journal.entries):
      for asked in entry if isinstance(entry, list) else []:
        if asked.id == trial:
          return asked.architecture
    raise KeyError(f"trial {trial} was not asked for")

  @contextlib.contextmanager
  def _guarded(self) -> Iterator[None]:
    """Keeps a search from ending with its board."""
    try:
      yield
    except Exception as error:  # A space of somebody else's may raise anything, and the search is worth more.
      self._is_broken = True
      logging.warning(
        "%s: logging for TensorBoard stopped (%s: %s)", self._journal.directory, type(error).__name__, error
      )
