"""A KerasTuner oracle without the traps of its base class, for subclasses that choose what is tried."""

import math
import os
from collections.abc import Mapping
from typing import Any

import keras_tuner
from keras_tuner.engine.trial import Trial, TrialStatus

from nao_tf.spaces.hyperparameters import parents_first
from nao_tf.tuner.locking import locked
from nao_tf.tuner.messages import with_new_entries
from nao_tf.tuner.project_files import write_project_file


class SafeOracle(keras_tuner.Oracle):
  """An oracle that can be killed, that no exception blocks, and for which only finite scores count.

  It differs from `keras_tuner.Oracle` in this:

  * A seed of 0 is a seed like any other.
  * No exception leaves the lock held.
  * State files are complete at any moment, and a killed project goes on where it was.
  * A trial whose score is missing, NaN or infinite has failed.
  * What is reported about a trial that has ended changes nothing, so reports may be repeated.
  * The last of too many failed trials is recorded before the search is given up.
  * The best trials are completed ones only.
  * Hyperparameters come after those that their conditions name.
  """

  def __init__(self, objective: Any = None, max_trials: int | None = None, seed: int | None = None, **options: Any):
    """Sets up the oracle.

    Args:
      objective: what is optimized, in any form that KerasTuner knows.
      max_trials: how many trials are started at most; None for no limit.
      seed: at least 0; None to draw one.
      **options: further arguments of `keras_tuner.Oracle`.

    Raises:
      ValueError: if the seed is negative.
    """
    if seed is not None and seed < 0:
      raise ValueError(f"seed must not be negative, got {seed}")
    super().__init__(objective=objective, max_trials=max_trials, seed=seed, **options)
    if seed is not None:
      self.seed = self._seed_state = seed  # KerasTuner draws another one in place of 0.

  @locked
  def create_trial(self, tuner_id: str) -> Trial:
    """Returns a trial to run, or one whose status says to wait or to stop."""
    if self._retry_queue and tuner_id not in self.ongoing_trials:
      _clear(self.trials[self._retry_queue[-1]])  # The one that comes next.
    return super().create_trial(tuner_id)

  @locked
  def update_trial(self, trial_id: str, metrics: Mapping[str, float], step: int = 0) -> Trial:
    """Records metrics of a trial, unless it has ended."""
    if trial_id in self.end_order:
      return self.trials[trial_id]
    return super().update_trial(trial_id, metrics, step=step)

  @locked
  def end_trial(self, trial: Trial | str, status: str = TrialStatus.COMPLETED) -> None:
    """Ends a trial or queues it for another run, unless it has ended.

    Args:
      trial: the trial with its status; in KerasTuner's old form, its id.
      status: status of the trial, in the old form.

    Raises:
      RuntimeError: if as many trials in a row have failed as are allowed. This one has been recorded before.
    """
    known = self.trials[trial if isinstance(trial, str) else trial.trial_id]
    if known.trial_id in self.end_order:
      return
    if isinstance(trial, str):
      known.status = status
    elif trial is not known:
      _take_over(known, trial)
    if not self._is_ongoing(known):  # The oracle has been started again, or has given the trial up.
      self._begin_again(known)
    self._record_end(known)
    if known.status == TrialStatus.FAILED:
      self._check_latest_trials()

  def score_trial(self, trial: Trial) -> None:
    """Sets the score of a completed trial: NaN, KerasTuner's mark of a failure, if there is no finite one."""
    try:
      super().score_trial(trial)
    except ValueError as error:  # The objective was never reported.
      trial.message = str(error)
    if trial.score is None or not math.isfinite(trial.score):
      trial.message = trial.message or f"the objective {self.objective.name!r} was {trial.score}"
      trial.score = math.nan

  def get_best_trials(self, num_trials: int = 1) -> list[Trial]:
    """Returns the best completed trials, the best one first; fewer than `num_trials` if there are fewer."""
    best = super().get_best_trials(len(self.trials))
    return [trial for trial in best if trial.status == TrialStatus.COMPLETED][:num_trials]

  def update_space(self, hyperparameters: keras_tuner.HyperParameters) -> None:
    """Adds new hyperparameters to the space, parents before children."""
    ordered = keras_tuner.HyperParameters()
    ordered.merge(parents_first(hyperparameters.space))
    super().update_space(ordered)

  def save(self) -> None:
    """Writes the state. At any moment there is either the old file or the new one."""
    write_project_file(self._get_oracle_fname(), self.get_state())

  def reload(self) -> None:
    """Goes on with the project in its directory. Trials that were running will run again.

    A kill may come between the writing of a trial and that of the oracle's state. A trial that the state does not know
    is dropped and will be created again. One that has ended without the state knowing has ended.
    """
    super().reload()
    for trial_id in set(self.trials) - set(self.start_order):
      del self.trials[trial_id]
    for trial_id in self.start_order:
      trial = self.trials[trial_id]
      if trial_id not in self.end_order and trial.status in (TrialStatus.COMPLETED, TrialStatus.FAILED):
        self.update_space(trial.hyperparameters)
        self.end_order.append(trial_id)
    waiting = set(self._retry_queue) - set(self.end_order)
    self._retry_queue[:] = [trial_id for trial_id in reversed(self.start_order) if trial_id in waiting]

  def _is_ongoing(self, trial: Trial) -> bool:
    return any(ongoing.trial_id == trial.trial_id for ongoing in self.ongoing_trials.values())

  def _begin_again(self, trial: Trial) -> None:
    """Prepares the end of a trial that no worker is known to run."""
    if trial.trial_id in self._retry_queue:
      self._retry_queue.remove(trial.trial_id)
    self._display.on_trial_begin(trial)

  def _record_end(self, trial: Trial) -> None:
    super().end_trial(trial)

  def _check_latest_trials(self) -> None:
    """Gives the search up if too many trials in a row have failed."""
    limit = self.max_consecutive_failed_trials
    latest = [self.trials[trial_id] for trial_id in self.end_order[-limit:]] if limit else []
    if not latest or len(latest) < limit or any(trial.status != TrialStatus.FAILED for trial in latest):
      return
    self._give_up(f"Number of consecutive failed trials has reached the limit of {limit}.\n{latest[-1].message or ''}")

  def _give_up(self, reason: str) -> None:
    raise RuntimeError(reason)

  def _check_consecutive_failures(self) -> None:
    """Does nothing: KerasTuner calls it before it saves the trial. See `_check_latest_trials`."""

  def _save_trial(self, trial: Trial) -> None:
    if trial.status != TrialStatus.COMPLETED:
      trial.score = None
    write_project_file(os.path.join(self._get_trial_dir(trial.trial_id), "trial.json"), trial.get_state())


def _take_over(known: Trial, reported: Trial) -> None:
  """Copies into a known trial what a worker has reported about it."""
  known.status, known.message = reported.status, reported.message
  known.hyperparameters = with_new_entries(known.hyperparameters, reported.hyperparameters)


def _clear(trial: Trial) -> None:
  """Removes from a trial what an earlier run has left."""
  trial.metrics, trial.score, trial.message = Trial(trial.hyperparameters).metrics, None, None
