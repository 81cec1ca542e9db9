"""A search by gradients in a directory of its own: DARTS, SNAS or GDAS, an epoch at a time.

After each epoch of the relaxed network the journal gets a trial: the architecture that its strengths stand for, with the
reward of the relaxed network on the validation set. So the report, `nao-status` and TensorBoard show such a search as they
show others. The winner is the architecture of the last epoch, as in the papers, or the best of some after training from
scratch.
"""

import contextlib
import os
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from absl import logging

from nao_tf.reports import ReportWriter
from nao_tf.runs.journal import Journal
from nao_tf.runs.starts import record_start
from nao_tf.searches.search_directory import NothingFound, Reranking
from nao_tf.searches.watchers import Watchers
from nao_tf.searches.winner import evaluate_finalists, write_winner
from nao_tf.spaces.nasnet import NasnetSpace
from nao_tf.supernets.relaxed.relaxed_trainer import RelaxedTrainer
from nao_tf.training.base import Diverged, Metrics
from nao_tf.training.training_directory import TrainingDirectory
from nao_tf.trial import Evaluation, Origin, Trial

RELAXED_DIRECTORY = "relaxed"
DERIVED = "derived"
"""Kind of the origin of the trials: derived from strengths."""
_VALID = "valid_"


class _Derivation(NamedTuple):
  """What an epoch has led to."""

  number: int
  metrics: Metrics


def search_by_gradients(
  directory: str,
  settings: Mapping[str, Any],
  space: NasnetSpace,
  trainer: RelaxedTrainer,
  *,
  reranking: Reranking | None = None,
  on_trial: Callable[[Trial], None] = lambda trial: None,
  progress: bool = False,
  tensorboard: bool = True,
) -> Trial:
  """Trains a relaxed network, derives an architecture after each epoch, and describes the winner.

  Killed at any moment and called again with the same arguments, it goes on where it was.

  Args:
    directory: of the search; made if it does not exist.
    settings: what determines the course of the search, as JSON values.
    space: what is searched; that of the trainer.
    trainer: of the relaxed network, fresh.
    reranking: how the latest different architectures are trained from scratch; None: the last one wins.
    on_trial: called with each trial, those of an interrupted search included.
    progress: whether to show a progress bar.
    tensorboard: whether to write the curves of the training for TensorBoard.

  Returns:
    The winner.

  Raises:
    NothingFound: if the training diverged before an epoch was done, or no finalist has a reward.
    RunDirectoryError: if the directory is in use, or was made with other settings.
    ValueError: if an argument is out of range, or what is in the directory cannot be read.
  """
  with contextlib.ExitStack() as stack:
    journal = stack.enter_context(Journal(directory, settings))
    reranker = stack.enter_context(reranking.open_evaluator()) if reranking else None
    record_start(directory)
    report = ReportWriter(journal, space)
    for trial in journal.trials:
      on_trial(trial)
    watchers = Watchers([], [report, on_trial])
    recording = _Recording(trainer, space, journal, watchers.on_trial)
    training = TrainingDirectory(os.path.join(directory, RELAXED_DIRECTORY), recording, tensorboard=tensorboard)
    with training:
      recording.catch_up(training.history)
      try:
        training.fit(progress=progress)
      except Diverged as error:
        logging.warning("%s: %s; the last whole epoch decides", directory, error)
    report.write()
    winner = _last(journal)
    if reranking and reranker:
      chosen = latest_different(journal.trials, space, reranking.count)
      best = evaluate_finalists(chosen, journal.trials, space, reranker, directory, reranking.settings)
      if best is None:
        raise NothingFound(f"{directory}: none of {len(chosen)} finalists has a reward")
      winner = best
    write_winner(directory, winner, space)
    return winner


def latest_different(trials: list[Trial], space: NasnetSpace, count: int) -> list[Trial]:
  """Returns the latest trials whose architectures differ, the last one first.

  Args:
    trials: of a search by gradients.
    space: says which architectures are the same.
    count: how many to return.
  """
  different = {space.canonical(trial.architecture): trial for trial in trials if trial.reward is not None}
  return sorted(different.values(), key=lambda trial: -trial.id)[:count]


def _last(journal: Journal) -> Trial:
  trials = [trial for trial in journal.trials if trial.reward is not None]
  if not trials:
    raise NothingFound(f"{journal.directory}: the training ended before an epoch was done")
  return trials[-1]


class _Recording:
  """The training of a relaxed network, with a trial in the journal for each epoch."""

  resumes_within_epochs = True

  def __init__(
    self, trainer: RelaxedTrainer, space: NasnetSpace, journal: Journal, on_trial: Callable[[Trial], Any]
  ) -> None:
    self._trainer, self._space, self._journal, self._on_trial = trainer, space, journal, on_trial
    self.epoch, self.training_config = trainer.epoch, trainer.training_config

  @property
  def steps_per_epoch(self) -> int:
    return self._trainer.steps_per_epoch

  @property
  def num_steps_done(self) -> int:
    return self._trainer.num_steps_done

  @property
  def learning_rate(self) -> float:
    return self._trainer.learning_rate

  @property
  def state(self) -> dict[str, Any]:
    return self._trainer.state

  def fit(self, *, on_step: Callable[[], None] = lambda: None) -> Iterator[Metrics]:
    """Trains; an epoch is in the journal once it is in the history and in a checkpoint."""
    for metrics in self._trainer.fit(on_step=on_step):
      yield metrics
      self._record(_Derivation(int(metrics["epoch"]), metrics))

  def catch_up(self, history: list[Metrics]) -> None:
    """Records the last epoch if the process was killed before it was in the journal.

    The strengths are still those of its end then: a checkpoint within the next epoch comes later.
    """
    if history and len(self._journal.trials) < len(history):
      self._record(_Derivation(int(history[-1]["epoch"]), history[-1]))

  def _record(self, derivation: _Derivation) -> None:
    if derivation.number <= len(self._journal.trials):  # The training has gone back to a checkpoint from before.
      return
    metrics = derivation.metrics
    valid = {name.removeprefix(_VALID): value for name, value in metrics.items() if name.startswith(_VALID)}
    others = {name: value for name, value in metrics.items() if not name.startswith(_VALID)}
    reward = self._trainer.task.reward(valid)
    architecture = self._space.encode(self._trainer.derived())
    asked = Trial(derivation.number - 1, architecture, Origin(DERIVED))
    self._journal.append_asked([asked])
    closed = asked.close(Evaluation(reward, metrics.get("seconds", 0.0), {**others, **valid}))
    self._journal.append_closed(closed)
    self._on_trial(closed)
