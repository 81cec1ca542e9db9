"""A KerasTuner oracle without the pitfalls of its base class, for subclasses that choose what is tried."""

import math
import os
from collections.abc import Mapping
from typing import Any

import keras_tuner
from keras_tuner.engine.trial import Trial, TrialStatus

from nao_tf.spaces.hyperparameters import check_namesakes, definition, parents_first, with_active_values
from nao_tf.spaces.plain_values import (
  plain_hyperparameter,
  plain_hyperparameters,
  plain_value,
  plain_values,
  with_entries,
)
from nao_tf.tuner.locking import locked
from nao_tf.tuner.messages import with_new_entries
from nao_tf.tuner.objectives import directions, in_words
from nao_tf.tuner.oracle_state import OtherProject, check_oracle_state
from nao_tf.tuner.project_files import absolute_path, read_project_file, write_project_file
from nao_tf.tuner.trial_files import TRIAL_FILE, read_trial, trial_paths

_ENDED = (TrialStatus.COMPLETED, TrialStatus.INVALID, TrialStatus.FAILED)
"""What a trial can be when it is reported as ended."""


class SafeOracle(keras_tuner.Oracle):
  """A KerasTuner oracle that survives being killed, never deadlocks after exceptions, and only counts finite scores.

  It differs from `keras_tuner.Oracle` in this:

  * A seed of 0 is a seed like any other.
  * No exception leaves the lock held.
  * State files are complete at any moment, and a killed project resumes where it stopped.
  * A trial whose score is missing, NaN or infinite has failed.
  * What is reported about a trial that has ended changes nothing, so reports may be repeated.
  * The last of too many failed trials is recorded before the search is given up.
  * The best trials are completed ones only; ties go to the earlier one.
  * Hyperparameters come after those that their conditions name. Two of one name may have different values if their
    conditions exclude each other, and are refused otherwise.
  * What is recorded is what a trial ran with, in plain values, also if the trial's hyperparameters were changed.
  * A project is gone on with for the objective that it was made for, and refused for another one.
  * A damaged project is refused with the name of the file.
  """

  def __init__(self, objective: Any = None, max_trials: int | None = None, seed: int | None = None, **options: Any):
    """Initializes the oracle.

    Args:
      objective: the objective to optimize, in any form that KerasTuner accepts.
      max_trials: maximum number of trials; None for no limit.
      seed: random seed, at least 0; None for a random one.
      **options: further arguments of `keras_tuner.Oracle`.

    Raises:
      ValueError: if the seed is negative, a hyperparameter has NaN or infinity among its values, or two of the same
        name can be active at the same time and have different values.
    """
    if seed is not None and seed < 0:
      raise ValueError(f"seed must not be negative, got {seed}")
    super().__init__(objective=objective, max_trials=max_trials, seed=seed, **options)
    check_namesakes(plain_hyperparameters(self.hyperparameters).space)
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
    """Records metrics of a trial; does nothing if it has ended."""
    if trial_id in self.end_order:
      return self.trials[trial_id]
    return super().update_trial(trial_id, metrics, step=plain_value(step, "step"))

  @locked
  def end_trial(self, trial: Trial | str, status: str = TrialStatus.COMPLETED) -> None:
    """Ends a trial or queues it for another run; does nothing if it has ended already.

    Args:
      trial: the trial with its status; in KerasTuner's old form, its id.
      status: status of the trial, in the old form.

    Raises:
      RuntimeError: if the maximum number of consecutive failed trials is reached. This trial has been recorded before.
      ValueError: if the status is not that of an ended trial, or a value that the trial ran with is not a finite
        number, a string or a bool.
    """
    known = self.trials[trial if isinstance(trial, str) else trial.trial_id]
    if known.trial_id in self.end_order:
      return
    if isinstance(trial, str):
      known.status = status
    elif trial is not known:
      _take_over(known, trial)
    self.update_space(known.hyperparameters)
    _check_end(known)
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
    trial.score = float(trial.score)

  def get_best_trials(self, num_trials: int = 1) -> list[Trial]:
    """Returns the best completed trials, best first; fewer than `num_trials` if there are fewer.

    Of trials with the same score the one that was started first comes first.
    """
    completed = [t for t in self.trials.values() if t.status == TrialStatus.COMPLETED and t.score is not None]
    is_max = self.objective.direction == "max"
    return sorted(completed, key=lambda trial: trial.score, reverse=is_max)[:num_trials]

  def update_space(self, hyperparameters: keras_tuner.HyperParameters) -> None:
    """Adds new hyperparameters to the space, parents before children.

    Raises:
      ValueError: if one has NaN or infinity among its values, or can be active at the same time as another one of its
        name that has different values.
    """
    known = self.hyperparameters
    new = [plain_hyperparameter(hp) for hp in hyperparameters.space if not known._exists(hp.name, hp.conditions)]
    if new:
      check_namesakes([*known.space, *new])
    super().update_space(with_entries(parents_first(new), {}))

  def get_state(self) -> dict[str, Any]:
    """Returns the state, with the objective."""
    config = plain_hyperparameters(self.hyperparameters).get_config()
    return {**super().get_state(), "hyperparameters": config, "objective": directions(self.objective)}

  def set_state(self, state: Mapping[str, Any]) -> None:
    """Restores a state.

    Raises:
      OtherProject: if the state was made for another objective, or one of the hyperparameters that the oracle was given
        had other values.
    """
    given = self.hyperparameters
    self._check_objective(state.get("objective"))
    super().set_state(dict(state))
    self._check_given(given)
    self.hyperparameters.merge(given, overwrite=False)
    check_namesakes(plain_hyperparameters(self.hyperparameters).space)

  def save(self) -> None:
    """Writes the state atomically."""
    write_project_file(self._get_oracle_fname(), self.get_state())

  def reload(self) -> None:
    """Resumes the project in its directory. Trials that were running will run again.

    The process may have been killed between writing a trial and writing the state of the oracle. A trial unknown to the
    state is dropped and will be created again. A trial that has ended counts as ended, even if the state does not say
    so.

    Raises:
      ValueError: if a file of the project is damaged or was written by another program; the message names the file.
      OtherProject: if the project was created with other settings; it is a ValueError.
    """
    path = self._get_oracle_fname()
    state, paths = read_project_file(path), trial_paths(self._project_dir)
    try:
      check_oracle_state(state, paths)
      self.trials = {trial_id: self._read_trial(trial_id, paths[trial_id]) for trial_id in state["start_order"]}
      self.set_state(state)
    except OtherProject:
      raise
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
      raise ValueError(
        f"{path}: cannot resume this project ({type(error).__name__}: {error}); repair it, choose another"
        " project name or pass overwrite=True"
      ) from error
    self._note_unrecorded_ends()
    waiting = {*self._retry_queue, *(t.trial_id for t in self.ongoing_trials.values())} - set(self.end_order)
    self._retry_queue[:] = [trial_id for trial_id in reversed(self.start_order) if trial_id in waiting]
    self.ongoing_trials.clear()

  def _set_project_dir(self, directory: str, project_name: str) -> None:
    """Takes the directory of the project. It stays the same if the process goes to another directory."""
    super()._set_project_dir(absolute_path(directory), project_name)

  def _read_trial(self, trial_id: str, path: str) -> Trial:
    trial = read_trial(path)
    if trial.trial_id != trial_id:
      raise ValueError(f"{path}: expected trial {trial_id!r}, got {trial.trial_id!r}")
    return trial

  def _note_unrecorded_ends(self) -> None:
    """Notes the ends of trials that were written before the oracle's state was."""
    ended = set(self.end_order)
    for trial_id in self.start_order:
      trial = self.trials[trial_id]
      if trial_id not in ended and trial.status in (TrialStatus.COMPLETED, TrialStatus.FAILED):
        self.update_space(trial.hyperparameters)
        self.end_order.append(trial_id)

  def _check_objective(self, recorded: Mapping[str, str] | None) -> None:
    """Checks that a state was made for the objective; earlier versions did not record it, but metrics tell."""
    now = directions(self.objective)
    if recorded is None:
      completed = (trial for trial in self.trials.values() if trial.status == TrialStatus.COMPLETED)
      metrics = next((trial.metrics.metrics for trial in completed if trial.metrics.metrics), None)
      recorded = now if metrics is None else {name: history.direction for name, history in metrics.items()}
      recorded = now if now.items() <= recorded.items() else recorded
    if recorded != now:
      raise self._other_project(
        f"was created for the objective {in_words(dict(recorded))}, but is resumed for {in_words(now)}"
      )

  def _check_given(self, given: keras_tuner.HyperParameters) -> None:
    """Checks that hyperparameters that the oracle was given have the values that they have in its state."""
    for hp in plain_hyperparameters(given).space:
      for recorded in self.hyperparameters.space:
        if (hp.name, hp.conditions) == (recorded.name, recorded.conditions) and definition(hp) != definition(recorded):
          raise self._other_project(f"was created with another hyperparameter {hp.name!r}: it was {recorded}, is {hp}")

  def _other_project(self, what: str) -> OtherProject:
    return OtherProject(
      f"{self._get_oracle_fname()}: the project {what}; use the old definition, choose another project name or pass"
      " overwrite=True"
    )

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

  def _record_values(self, trial: Trial) -> None:
    """Takes what a trial runs with as its values. KerasTuner also notes which values were tried; strategies know that."""
    trial.hyperparameters = with_active_values(trial.hyperparameters)

  def _save_trial(self, trial: Trial) -> None:
    if trial.status != TrialStatus.COMPLETED:
      trial.score = None
    state = {**trial.get_state(), "hyperparameters": plain_hyperparameters(trial.hyperparameters).get_config()}
    write_project_file(os.path.join(self._get_trial_dir(trial.trial_id), TRIAL_FILE), state)


def _take_over(known: Trial, reported: Trial) -> None:
  """Copies into a known trial what a worker has reported about it, with the values that the worker has changed."""
  known.status, known.message = reported.status, reported.message
  before = known.hyperparameters.values
  known.hyperparameters = with_new_entries(known.hyperparameters, reported.hyperparameters)
  changed = {
    name: value for name, value in reported.hyperparameters.values.items() if name in before and before[name] != value
  }
  known.hyperparameters.values.update(changed)


def _check_end(trial: Trial) -> None:
  """Checks that a trial can be recorded as ended. If it cannot be, it is still running.

  Raises:
    ValueError: if the status is none of an ended trial, or a value is not a finite number, a string or a bool.
  """
  status = trial.status
  if status not in _ENDED:
    trial.status = TrialStatus.RUNNING
    raise ValueError(f"trial {trial.trial_id}: expected one of {_ENDED} as its status, got {status!r}")
  plain_values(trial.hyperparameters.values, f"trial {trial.trial_id}")


def _clear(trial: Trial) -> None:
  """Removes from a trial what an earlier run has left."""
  trial.metrics, trial.score, trial.message = Trial(trial.hyperparameters).metrics, None, None
