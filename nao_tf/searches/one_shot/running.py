"""Runs a one-shot search, such as DARTS, SNAS or GDAS, in a directory, epoch by epoch.

Each epoch is recorded as a trial in the journal: the currently derived architecture, with its validation reward. So the
report, `nao-status` and TensorBoard show it like any other search. The winner is the architecture of the last epoch, as
in the papers, or the best of several after training from scratch.
"""

import contextlib
import itertools
import math
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from absl import logging

from nao_tf.reports import ReportWriter
from nao_tf.reports.board import SearchBoard
from nao_tf.runs.journal import Journal
from nao_tf.runs.json_files import write_json
from nao_tf.runs.settings import CONFIG_FILE, check_settings
from nao_tf.runs.shares import SharesFile
from nao_tf.runs.starts import record_start
from nao_tf.searches.one_shot.base import TRAINING, OneShotTrainer
from nao_tf.searches.search_directory import NothingFound, Reranking
from nao_tf.searches.watchers import Watchers
from nao_tf.searches.winner import evaluate_finalists, write_winner
from nao_tf.spaces.base import SearchSpace
from nao_tf.training.base import BaseTrainingConfig, Diverged, Metrics, Trainer
from nao_tf.training.training_directory import TrainingDirectory, has_begun
from nao_tf.trial import DERIVED, DRAWN, Architecture, Evaluation, Origin, Trial, top_trials, winning_trial

_VALID = "valid_"


def run_one_shot_search(
  directory: str,
  settings: Mapping[str, Any],
  space: SearchSpace,
  trainer: OneShotTrainer,
  *,
  reranking: Reranking | None = None,
  callbacks: Iterable[Callable[[Trial], None]] = (),
  progress: bool = False,
  tensorboard: bool = True,
) -> Trial:
  """Trains a supernet, derives an architecture after each epoch, and writes the description of the winner.

  An interrupted search resumes when this is called again with the same arguments.

  Args:
    directory: directory of the search; created if it does not exist.
    settings: settings that determine the course of the search, as JSON values.
    space: the search space, the same as that of the trainer.
    trainer: a fresh trainer.
    reranking: how the latest distinct architectures are trained from scratch; None: see `winning_trial`.
    callbacks: functions that are called with every trial, including those of an interrupted search.
    progress: whether to show a progress bar.
    tensorboard: whether to write curves for TensorBoard.

  Returns:
    The winning trial.

  Raises:
    NothingFound: if the training diverged in the first epoch, or no finalist has a reward.
    RunDirectoryError: if the directory is in use, or belongs to a search with other settings.
    ValueError: if an argument is out of range, or a file in the directory cannot be read.
  """
  place = os.path.join(directory, TRAINING)
  if has_begun(place):  # In its first epoch, when no trial binds the search yet.
    check_settings(place, settings)
  with contextlib.ExitStack() as stack:
    journal = stack.enter_context(Journal(directory, settings))
    reranker = stack.enter_context(reranking.open_evaluator()) if reranking else None
    record_start(directory)
    shares = stack.enter_context(contextlib.closing(SharesFile(directory)))
    board = [stack.enter_context(contextlib.closing(SearchBoard(journal, space, with_hyperparameters=False)))]
    report = ReportWriter(journal, space)
    watchers = Watchers(board if tensorboard else [], [report, *callbacks])
    for trial in journal.trials:
      watchers.on_trial(trial)
    recording = _Recording(trainer, journal, shares, watchers.on_trial)
    with trainer.task.data_errors():
      _train(directory, settings, recording, progress=progress, tensorboard=tensorboard)
    report.write()
    winner = winning_trial(journal.trials)
    if winner is None:
      raise NothingFound(f"{directory}: the training ended before its first epoch was complete")
    if reranking and reranker:
      chosen = finalists(journal.trials, space, reranking.count)
      winner = evaluate_finalists(chosen, journal.trials, space, reranker, directory, reranking.settings)
      if winner is None:
        raise NothingFound(f"{directory}: none of {len(chosen)} finalists has a reward")
    write_winner(directory, winner, space)
    report.write()  # With a link to the description of the winner.
    return winner


def finalists(trials: Iterable[Trial], space: SearchSpace, count: int) -> list[Trial]:
  """Returns the trials to train from scratch: the best of those drawn at the end, or else the latest distinct ones.

  Args:
    trials: trials of a one-shot search.
    space: the search space, which defines which architectures are the same.
    count: number of finalists.
  """
  scored = [trial for trial in trials if trial.reward is not None]
  drawn = [trial for trial in scored if trial.origin.kind == DRAWN]
  ranked = top_trials(drawn, len(drawn)) if drawn else scored[::-1]
  different: dict[Architecture, Trial] = {}
  for trial in ranked:
    different.setdefault(space.canonical(trial.architecture), trial)
  return list(different.values())[:count]


def _train(
  directory: str, settings: Mapping[str, Any], recording: "_Recording", *, progress: bool, tensorboard: bool
) -> None:
  """Trains to the last epoch, or until the loss is not a number."""
  place = os.path.join(directory, TRAINING)
  if not has_begun(place):
    os.makedirs(place, exist_ok=True)
    write_json(os.path.join(place, CONFIG_FILE), dict(settings))
  check_settings(place, settings)
  with TrainingDirectory(place, recording, tensorboard=tensorboard) as training:
    recording.catch_up(training.history)
    try:
      training.fit(progress=progress)
    except Diverged as error:
      logging.warning("%s: %s; the result is that of the last complete epoch", directory, error)
    else:
      recording.close()


class _Recording(Trainer):
  """The training of a one-shot search, with a trial in the journal for each epoch."""

  def __init__(
    self, trainer: OneShotTrainer, journal: Journal, shares: SharesFile, on_trial: Callable[[Trial], Any]
  ) -> None:
    self._trainer, self._journal, self._shares, self._on_trial = trainer, journal, shares, on_trial
    self.epoch, self.resumes_within_epochs = trainer.epoch, trainer.resumes_within_epochs

  @property
  def training_config(self) -> BaseTrainingConfig:
    return self._trainer.training_config

  @property
  def steps_per_epoch(self) -> int:
    return self._trainer.steps_per_epoch

  @property
  def num_steps_done(self) -> int:
    return self._trainer.num_steps_done

  @property
  def learning_rate(self) -> float | None:
    return getattr(self._trainer, "learning_rate", None)

  @property
  def state(self) -> dict[str, Any]:
    return self._trainer.state

  def fit(self, *, on_step: Callable[[], None] = lambda: None) -> Iterator[Metrics]:
    """Trains; an epoch is in the journal once it is in the history and in a checkpoint."""
    for metrics in self._trainer.fit(on_step=on_step):
      yield metrics
      self._record(metrics)

  def catch_up(self, history: list[Metrics]) -> None:
    """Records the last epoch if the process was killed before it was in the journal.

    The trainer still is as it was at its end then: a checkpoint within the next epoch comes later.
    """
    if history:
      self._record(history[-1])

  def close(self) -> None:
    """Records what is drawn when the training has ended, as far as it is not on record."""
    known = sum(trial.origin.kind == DRAWN for trial in self._closed())
    for architecture, metrics in itertools.islice(self._trainer.drawn(), known, None):
      self._append(architecture, DRAWN, metrics)

  def _closed(self) -> list[Trial]:
    return [trial for trial in self._journal.trials if trial.evaluation is not None]

  def _record(self, metrics: Metrics) -> None:
    number = int(metrics["epoch"])
    if number <= len(self._closed()):  # The training has gone back to a checkpoint from before.
      return
    self._shares.add(number, self._trainer.shares())
    self._append(self._trainer.architecture(), DERIVED, metrics)

  def _append(self, architecture: Architecture, kind: str, metrics: Metrics) -> None:
    """Records a trial, or closes the one that was open when the process was killed."""
    number = len(self._closed())
    if number == len(self._journal.trials):
      self._journal.append_asked([Trial(number, architecture, Origin(kind))])
    closed = self._journal.trials[number].close(self._evaluation(metrics))
    self._journal.append_closed(closed)
    self._on_trial(closed)

  def _evaluation(self, metrics: Metrics) -> Evaluation:
    valid = {name.removeprefix(_VALID): value for name, value in metrics.items() if name.startswith(_VALID)}
    others = {name: value for name, value in metrics.items() if not name.startswith(_VALID)}
    reward, seconds = self._trainer.task.reward(valid), metrics.get("seconds", 0.0)
    if not math.isfinite(reward):
      return Evaluation.failed(f"the reward is {reward}", seconds, **others, **valid)
    return Evaluation(reward, seconds, {**others, **valid})
