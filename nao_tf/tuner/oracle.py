"""Search strategies as KerasTuner oracles, for any hypermodel.

An oracle of KerasTuner hands out trials and is told how they went, over messages if there are several workers. Here a
strategy decides; everything that KerasTuner's users know keeps its meaning. What is different is what its own oracles
leave open: one seed gives one list of trials, 0 included; a search that was killed goes on as if it had not been;
nothing is tried twice; a score that is no finite number is a failure; state files are complete at any moment; and a
worker that dies does not take the search with it.
"""

import dataclasses
import json
import math
import os
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import keras_tuner
from keras_tuner.engine.trial import Trial, TrialStatus

from nao_tf.spaces.hyperparameters import HyperParameterSpace, parents_first
from nao_tf.strategies import Strategy, make_strategy, strategy_class
from nao_tf.trial import Evaluation
from nao_tf.tuner.messages import with_new_entries
from nao_tf.tuner.projects import Past, past_trials, reward_of, write_json
from nao_tf.tuner.proposals import History, MakeSpace, Proposals
from nao_tf.tuner.workers import Roll

SIGN_OF_LIFE = "sign of life from "
STRATEGY_DIRECTORY = "strategy"
_IDLE_SECONDS = 0.05
_MAX_DEATHS = 3


class StrategyOracle(keras_tuner.Oracle):
  """Lets a registered strategy decide which hyperparameters are tried.

  Example:

      oracle = StrategyOracle("evolution", objective="val_accuracy", max_trials=50, seed=0)
      tuner = StrategyTuner(oracle, build_model)
  """

  def __init__(
    self,
    strategy: str,
    objective: Any = None,
    max_trials: int | None = 10,
    seed: int | None = None,
    *,
    config: Any = None,
    initial_values: Sequence[Mapping[str, Any]] = (),
    past: str | os.PathLike | Sequence[Trial | Past] = (),
    make_space: MakeSpace = HyperParameterSpace,
    worker_timeout: float = 120.0,
    **options: Any,
  ):
    """Args:
      strategy: key in the registry of strategies.
      objective: what is optimized, in any form that KerasTuner knows.
      max_trials: how many trials are started at most; None for no bound.
      seed: of all randomness of the strategy, at least 0; None to draw one.
      config: the strategy's own configuration, a dataclass; None for its default.
      initial_values: configurations that are tried first; what they leave out has its default.
      past: what the strategy is told before it is asked, and not tried again: the directory of another project; or
        trials; or pairs of values and score, None for one that failed.
      make_space: called as `HyperParameterSpace` is, to derive the space.
      worker_timeout: seconds of silence after which a worker counts as dead and its trial is given to another.
      **options: `hyperparameters`, `allow_new_entries`, `tune_new_entries`, `max_retries_per_trial` and
        `max_consecutive_failed_trials`, as `keras_tuner.Oracle` has them.

    Raises:
      ValueError: if there is no such strategy or an option is out of range.
    """
    super().__init__(objective=objective, max_trials=max_trials, seed=seed, **options)
    if seed is not None:
      if seed < 0:
        raise ValueError(f"seed must not be negative, got {seed}")
      self.seed = self._seed_state = seed  # KerasTuner takes 0 for none.
    self._seed_is_given = seed is not None
    strategy_class(strategy)
    self._strategy_name, self._config = strategy, config
    self._initial_values = [dict(values) for values in initial_values]
    self._past = past_trials(past, self.objective)
    self._adopted: set[str] = set()
    self._proposals = Proposals(self.make_strategy, make_space)
    self._roll = Roll(worker_timeout)
    self._deaths: dict[str, int] = {}
    self._gave_up: str | None = None

  @property
  def worker_timeout(self) -> float:
    """Seconds without a sign of life after which a worker counts as dead."""
    return self._roll.timeout

  @property
  def failure(self) -> str | None:
    """Why a search with several workers ended before its time; None if it did not."""
    return self._gave_up

  @property
  def is_over(self) -> bool:
    """Whether there were workers, and none is left, and no trial for another one."""
    is_full = self.max_trials and len(self.end_order) >= self.max_trials
    is_deserted = self._roll.was_called and not self.tuner_ids and not self.ongoing_trials
    return is_deserted and not self._retry_queue and bool(is_full or self._gave_up)

  def make_strategy(self, space: HyperParameterSpace) -> Strategy:
    """Returns a new strategy for a space."""
    options = {} if self._config is None else {"config": self._config}
    return make_strategy(self._strategy_name, space, seed=self.seed, **options)

  def populate_space(self, trial_id: str) -> dict[str, Any]:
    """Returns the values for a new trial, or the news that none are left."""
    del trial_id
    self._adopt_foreign_trials()
    cache = os.path.join(self._project_dir, STRATEGY_DIRECTORY)
    values = self._proposals.next(self.hyperparameters, self._history(), cache=None if "://" in cache else cache)
    return {"status": TrialStatus.STOPPED if values is None else TrialStatus.RUNNING, "values": values}

  def score_trial(self, trial: Trial) -> None:
    """Sets the score of a completed trial; NaN, by which KerasTuner knows a failure, if it is no finite number."""
    try:
      super().score_trial(trial)
    except ValueError as error:  # The objective was never reported.
      trial.message = str(error)
    if trial.score is None or not math.isfinite(trial.score):
      trial.message = trial.message or f"the objective {self.objective.name!r} was {trial.score}"
      trial.score = math.nan

  def create_trial(self, tuner_id: str) -> Trial:
    """Returns a trial to run, or one that says to wait or to stop."""
    trial = self._safely(lambda: self._create_trial(tuner_id))
    if trial.status == TrialStatus.IDLE:
      time.sleep(_IDLE_SECONDS)  # Some tuners ask again at once.
    return trial

  def update_trial(self, trial_id: str, metrics: Mapping[str, float], step: int = 0) -> Trial:
    """Records metrics of a trial, unless it has ended."""
    return self._safely(lambda: self._update_trial(trial_id, metrics, step))

  def end_trial(self, trial: Trial | str, status: str = TrialStatus.COMPLETED) -> None:
    """Ends a trial, or sets it down for another run.

    Args:
      trial: the trial with its status; in the old form its id.
      status: of the trial, in the old form.

    Raises:
      RuntimeError: if as many trials as allowed have failed in a row. This one is recorded before.
    """
    self._safely(lambda: self._end_trial(trial, status))

  def get_trial(self, trial_id: str) -> Trial:
    """Returns a trial; for an id that is a worker's sign of life, an empty one."""
    if not trial_id.startswith(SIGN_OF_LIFE):
      return super().get_trial(trial_id)
    self._safely(lambda: self._roll.hear(trial_id.removeprefix(SIGN_OF_LIFE)))
    return Trial(keras_tuner.HyperParameters(), trial_id, TrialStatus.IDLE)

  def get_best_trials(self, num_trials: int = 1) -> list[Trial]:
    """Returns the best completed trials, best first; fewer if there are fewer."""
    best = super().get_best_trials(len(self.trials))
    return [trial for trial in best if trial.status == TrialStatus.COMPLETED][:num_trials]

  def update_space(self, hyperparameters: keras_tuner.HyperParameters) -> None:
    """Adds new hyperparameters to the space, parents before children."""
    incoming = keras_tuner.HyperParameters()
    incoming.merge(parents_first(hyperparameters.space))
    super().update_space(incoming)

  def release_dead_workers(self) -> None:
    """Takes their trials from workers that have been silent for too long."""
    self._safely(self._release_dead_workers)

  def get_state(self) -> dict:
    """Returns KerasTuner's state and what it takes to repeat the search."""
    return {
      **super().get_state(),
      "settings": self._settings(),
      "proposals": self._proposals.get_state(),
      "past": self._past,
      "deaths": self._deaths,
    }

  def set_state(self, state: Mapping[str, Any]) -> None:
    """Takes up a state.

    Raises:
      ValueError: if the state was made with another strategy, configuration or seed.
    """
    recorded = state["settings"]
    if not self._seed_is_given:
      self.seed = recorded["seed"]
    changed = [
      f"{name} was {recorded.get(name)!r}, is {value!r}"
      for name, value in self._settings().items()
      if value != recorded.get(name)
    ]
    if changed:
      raise ValueError(
        f"the project in {self._project_dir} was made with other settings: {'; '.join(changed)};"
        " go on with those, name another project or pass overwrite=True"
      )
    super().set_state(state)
    self._past = [(values, reward) for values, reward in state["past"]]
    self._deaths = dict(state["deaths"])
    self._proposals.set_state(state["proposals"], len(self.start_order))

  def save(self) -> None:
    """Writes the state; at any moment there is either the old file or the new one."""
    write_json(self._get_oracle_fname(), self.get_state())

  def reload(self) -> None:
    """Takes up the project in its directory. What was running is run again; what had ended has ended."""
    super().reload()
    for trial_id in set(self.trials) - set(self.start_order):  # Killed before the state knew of it.
      del self.trials[trial_id]
    for trial_id in self.start_order:
      trial = self.trials[trial_id]
      if trial_id not in self.end_order and trial.status in (TrialStatus.COMPLETED, TrialStatus.FAILED):
        self.update_space(trial.hyperparameters)
        self.end_order.append(trial_id)
    waiting = set(self._retry_queue) - set(self.end_order)
    self._retry_queue[:] = [trial_id for trial_id in reversed(self.start_order) if trial_id in waiting]

  def _settings(self) -> dict[str, Any]:
    config = None if self._config is None else dataclasses.asdict(self._config)
    settings = {"strategy": self._strategy_name, "config": config, "seed": self.seed}
    return json.loads(json.dumps({**settings, "initial_values": self._initial_values}))

  def _safely(self, call: Callable[[], Any]) -> Any:
    """Calls something under KerasTuner's lock, which would never be released if an exception passed it."""
    result, error = self._locked(call)
    if error is not None:
      raise error
    return result

  @keras_tuner.synchronized
  def _locked(self, call):
    start = time.monotonic()
    try:
      return call(), None
    except BaseException as error:
      return None, error
    finally:
      self._roll.excuse(time.monotonic() - start)

  def _create_trial(self, tuner_id: str) -> Trial:
    self._release_dead_workers()
    if self._gave_up is not None:
      return self._stopped(tuner_id)
    if self._retry_queue and tuner_id not in self.ongoing_trials:
      self._clear(self.trials[self._retry_queue[-1]])
    trial = super().create_trial(tuner_id)
    if trial.status == TrialStatus.STOPPED and any(other in self._roll for other in self.ongoing_trials):
      trial.status = TrialStatus.IDLE  # What others are running may come back or make the space grow.
      self.tuner_ids.add(tuner_id)
    if trial.status == TrialStatus.STOPPED:
      self._roll.strike(tuner_id)
    return trial

  def _stopped(self, tuner_id: str) -> Trial:
    self.tuner_ids.discard(tuner_id)
    self._roll.strike(tuner_id)
    return Trial(self.get_space(), str(len(self.trials)), TrialStatus.STOPPED)

  def _update_trial(self, trial_id: str, metrics: Mapping[str, float], step: int) -> Trial:
    if trial_id in self.end_order:  # Its worker counted as dead, and another one was quicker.
      return self.trials[trial_id]
    return super().update_trial(trial_id, metrics, step=step)

  def _end_trial(self, reported: Trial | str, status: str) -> None:
    trial = self.trials[reported if isinstance(reported, str) else reported.trial_id]
    if trial.trial_id in self.end_order:
      return
    if isinstance(reported, str):
      trial.status = status
    elif reported is not trial:
      trial.status, trial.message = reported.status, reported.message
      trial.hyperparameters = with_new_entries(trial.hyperparameters, reported.hyperparameters)
    tuner_id = next((t for t, ongoing in self.ongoing_trials.items() if ongoing.trial_id == trial.trial_id), None)
    if tuner_id is None:  # Its worker counted as dead, or the chief was started again.
      if trial.trial_id in self._retry_queue:
        self._retry_queue.remove(trial.trial_id)
      self._display.on_trial_begin(trial)
    super().end_trial(trial)
    if trial.status == TrialStatus.FAILED:
      self._stop_after_failures()

  def _stop_after_failures(self) -> None:
    limit = self.max_consecutive_failed_trials
    latest = [self.trials[trial_id] for trial_id in self.end_order[-limit:]] if limit else []
    if not latest or len(latest) < limit or any(trial.status != TrialStatus.FAILED for trial in latest):
      return
    failure = f"Number of consecutive failed trials has reached the limit of {limit}.\n{latest[-1].message or ''}"
    if len(self._roll):
      self._gave_up = failure  # The others have to stop, too.
    raise RuntimeError(failure)

  def _check_consecutive_failures(self) -> None:
    """KerasTuner's own check comes before the trial is saved; see `_stop_after_failures`."""

  def _clear(self, trial: Trial) -> None:
    """Takes from a trial what is left of an earlier run."""
    trial.metrics, trial.score, trial.message = Trial(trial.hyperparameters).metrics, None, None

  def _release_dead_workers(self) -> None:
    for tuner_id in self._roll.silent:
      self._roll.strike(tuner_id)
      self.tuner_ids.discard(tuner_id)
      trial = self.ongoing_trials.pop(tuner_id, None)
      if trial is not None:
        self._retry_or_fail(trial, tuner_id)

  def _retry_or_fail(self, trial: Trial, tuner_id: str) -> None:
    self._deaths[trial.trial_id] = self._deaths.get(trial.trial_id, 0) + 1
    if self._deaths[trial.trial_id] < _MAX_DEATHS:
      self._retry_queue.append(trial.trial_id)
      self.save()
      return
    trial.status = TrialStatus.FAILED
    trial.message = f"{_MAX_DEATHS} workers died over this trial, the last one was {tuner_id}"
    super().end_trial(trial)

  def _adopt_foreign_trials(self) -> None:
    """Takes trials that somebody has put into `trials` for past ones."""
    foreign = [trial_id for trial_id in self.trials if trial_id not in {*self.start_order, *self._adopted}]
    self._past += past_trials([self.trials[trial_id] for trial_id in foreign], self.objective)
    self._adopted.update(foreign)

  def _history(self) -> History:
    numbers = {trial_id: number for number, trial_id in enumerate(self.start_order)}
    started = [self.trials[trial_id].hyperparameters.values for trial_id in self.start_order]
    ended = [(numbers[trial_id], self._evaluation(self.trials[trial_id])) for trial_id in self.end_order]
    return History(started, ended, self._past, self._initial_values)

  def _evaluation(self, trial: Trial) -> Evaluation:
    reward = reward_of(trial.score, self.objective) if trial.status == TrialStatus.COMPLETED else None
    return Evaluation.failed(trial.message or trial.status) if reward is None else Evaluation(reward)

  def _save_trial(self, trial: Trial) -> None:
    if trial.status != TrialStatus.COMPLETED:
      trial.score = None
    write_json(os.path.join(self._get_trial_dir(trial.trial_id), "trial.json"), trial.get_state())
