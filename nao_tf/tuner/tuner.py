"""KerasTuner tuners that search with a strategy, such as NAO, in one process or in many.

They tune whatever KerasTuner's own tuner does: a function that builds a model, a `HyperModel` with its own `fit`, or a
subclass with its own `run_trial`.
"""

import contextlib
import dataclasses
import functools
import os
import time
from collections.abc import Mapping, Sequence
from typing import Any

import grpc
import keras_tuner
from keras_tuner.engine.trial import Trial

from nao_tf.spaces.hyperparameters import HyperParameterSpace, parents_first
from nao_tf.strategies import Strategy, make_strategy
from nao_tf.strategies.nao import PRESETS, NaoConfig
from nao_tf.tuner.connection import PersistentStub
from nao_tf.tuner.messages import tidied
from nao_tf.tuner.oracle import SIGN_OF_LIFE, StrategyOracle
from nao_tf.tuner.projects import Past, write_json
from nao_tf.tuner.proposals import MakeSpace
from nao_tf.tuner.workers import BEATS_PER_TIMEOUT, repeating

IDLE_SECONDS = 0.5


class StrategyTuner(keras_tuner.Tuner):
  """Tunes with a `StrategyOracle`.

  With KerasTuner's environment variables `KERASTUNER_ORACLE_IP`, `KERASTUNER_ORACLE_PORT` and `KERASTUNER_TUNER_ID`
  it is the chief or a worker of a distributed search. A worker sends signs of life while it searches, and the chief
  gives the trial of a silent one to another.
  """

  def __init__(self, oracle: StrategyOracle, hypermodel: Any = None, **kwargs: Any):
    """Args:
      oracle: decides what is tried.
      hypermodel: what is tuned; may be None if `run_trial` is overridden.
      **kwargs: of `keras_tuner.Tuner`, such as `directory`, `executions_per_trial` and `distribution_strategy`.

    Raises:
      ValueError: if the oracle is another one, or the directory holds a project with other settings.
    """
    if not isinstance(oracle, StrategyOracle):
      raise ValueError(f"expected a StrategyOracle, got {oracle!r}")
    self._pause = oracle.worker_timeout / BEATS_PER_TIMEOUT
    self._is_waiting = False
    super().__init__(oracle, hypermodel, **kwargs)

  def search(self, *fit_args: Any, **fit_kwargs: Any) -> None:
    """Searches until the oracle says that it is over; as a chief, lets workers do so.

    Args:
      *fit_args: passed on to `run_trial`, for example the training data.
      **fit_kwargs: likewise.

    Raises:
      RuntimeError: if as many trials as allowed have failed in a row.
    """
    self._is_waiting = False
    if "KERASTUNER_ORACLE_IP" not in os.environ:
      self.save()  # From here on the project exists, and is taken up again.
      super().search(*fit_args, **fit_kwargs)
    elif isinstance(self.oracle, keras_tuner.Oracle):
      self._search_as_chief(*fit_args, **fit_kwargs)
    else:
      self._search_as_worker(*fit_args, **fit_kwargs)

  def pre_create_trial(self) -> None:
    """Waits a little if there was no trial to run the last time."""
    if self._is_waiting:
      time.sleep(IDLE_SECONDS)
    self._is_waiting = True

  def on_trial_begin(self, trial: Any) -> None:
    self._is_waiting = False
    if self._is_worker():
      trial.hyperparameters = tidied(trial.hyperparameters)
    super().on_trial_begin(trial)

  def save(self) -> None:
    """Writes the project's state; at any moment each file is the old one or the new one."""
    if not self._is_worker():
      self.oracle.save()
    write_json(self._get_tuner_fname(), self.get_state())

  def _search_as_chief(self, *fit_args: Any, **fit_kwargs: Any) -> None:
    oracle = self.oracle
    with repeating(self._look_after_workers, self._pause, ignored=(grpc.RpcError,)):
      super().search(*fit_args, **fit_kwargs)
    if oracle.failure:
      raise RuntimeError(oracle.failure)

  def _search_as_worker(self, *fit_args: Any, **fit_kwargs: Any) -> None:
    client = self._client()  # A connection of its own: a sign of life need not arrive.
    send_sign_of_life = functools.partial(client.get_trial, SIGN_OF_LIFE + self.tuner_id)
    self.oracle.stub = PersistentStub(self.oracle.stub)
    with repeating(send_sign_of_life, self._pause, ignored=(grpc.RpcError,)):
      super().search(*fit_args, **fit_kwargs)

  def _look_after_workers(self) -> None:
    self.oracle.release_dead_workers()
    if self.oracle.is_over:
      self._client().create_trial(self.tuner_id)  # The server ends when it has told somebody to stop.

  def _client(self) -> Any:
    from keras_tuner.src.distribute.oracle_client import OracleClient  # Brings grpc's generated code.

    return OracleClient(self.oracle)

  def _populate_initial_space(self) -> None:
    """Builds with the defaults, and once with each conditional scope active, to get to know the hyperparameters.

    KerasTuner sets what else becomes active to unseeded random values, so its spaces may differ from run to run.
    """
    if self.hypermodel is None:
      return
    hp = self.oracle.get_space()
    self.hypermodel.declare_hyperparameters(hp)
    self.oracle.update_space(hp)
    scopes: list[list] = []
    waiting: list[list] = [[]]
    while waiting:
      for scope in self._explore(waiting.pop(0)):
        if scope not in scopes:
          scopes.append(scope)
          waiting.append(scope)

  def _explore(self, scope: list) -> list:
    """Builds with a conditional scope active; returns the scopes met that were not."""
    hp = self.oracle.get_space()
    hp.values.update((condition.name, condition.values[0]) for condition in scope)
    for entry in parents_first(hp.space):
      if hp.is_active(entry):
        hp.values.setdefault(entry.name, entry.default)
      elif not any(hp.is_active(other) for other in hp.space if other.name == entry.name):
        hp.values.pop(entry.name, None)
    with contextlib.suppress(keras_tuner.errors.FailedTrialError):  # What came up before that counts.
      self.hypermodel.build(hp)
    self.oracle.update_space(hp)
    return hp.inactive_scopes


class NAOOracle(StrategyOracle):
  """Neural Architecture Optimization over hyperparameters (Luo et al., NeurIPS 2018)."""

  def __init__(
    self,
    objective: Any = None,
    max_trials: int | None = 10,
    num_initial_points: int | None = None,
    seed: int | None = None,
    *,
    config: NaoConfig = PRESETS["hyperparameters"],
    **options: Any,
  ):
    """Args:
      objective: what is optimized, in any form that KerasTuner knows.
      max_trials: how many trials are started at most; None for no bound.
      num_initial_points: random trials before the controller is first trained; None: thrice the number of
        hyperparameters, at least 3, as KerasTuner's Bayesian oracle has it.
      seed: of all randomness, at least 0; None to draw one.
      config: how to search; its `num_initial` is not used.
      **options: of `StrategyOracle`.

    Raises:
      ValueError: if an option is out of range.
    """
    if num_initial_points is not None and num_initial_points < 1:
      raise ValueError(f"num_initial_points must be at least 1, got {num_initial_points}")
    super().__init__("nao", objective, max_trials, seed, config=config, **options)
    self.num_initial_points = num_initial_points

  def make_strategy(self, space: HyperParameterSpace) -> Strategy:
    num_initial = self.num_initial_points or max(3, 3 * space.num_parameters)
    config = dataclasses.replace(self._config, num_initial=num_initial)
    return make_strategy(self._strategy_name, space, seed=self.seed, config=config)

  def _settings(self) -> dict[str, Any]:
    return {**super()._settings(), "num_initial_points": self.num_initial_points}


class NAOTuner(StrategyTuner):
  """Tunes with Neural Architecture Optimization, over any hypermodel.

  Example:

      tuner = NAOTuner(build_model, objective="val_accuracy", max_trials=50, directory="runs", project_name="digits")
      tuner.search(x, y, validation_split=0.2, epochs=5)
      best = tuner.get_best_hyperparameters()[0]
  """

  def __init__(
    self,
    hypermodel: Any = None,
    objective: Any = None,
    max_trials: int | None = 10,
    num_initial_points: int | None = None,
    seed: int | None = None,
    hyperparameters: keras_tuner.HyperParameters | None = None,
    tune_new_entries: bool = True,
    allow_new_entries: bool = True,
    max_retries_per_trial: int = 0,
    max_consecutive_failed_trials: int = 3,
    *,
    config: NaoConfig = PRESETS["hyperparameters"],
    initial_values: Sequence[Mapping[str, Any]] = (),
    past: str | os.PathLike | Sequence[Trial | Past] = (),
    make_space: MakeSpace = HyperParameterSpace,
    worker_timeout: float = 120.0,
    **kwargs: Any,
  ):
    """Args:
      hypermodel: what is tuned; may be None if `run_trial` is overridden.
      objective: what is optimized, in any form that KerasTuner knows.
      max_trials: how many trials are started at most; None for no bound.
      num_initial_points: random trials before the controller is first trained; None: thrice the number of
        hyperparameters, at least 3.
      seed: of all randomness, at least 0; None to draw one.
      hyperparameters: override or register in advance what the hypermodel asks for.
      tune_new_entries: whether those that it asks for beyond them are tuned.
      allow_new_entries: whether it may ask for more.
      max_retries_per_trial: further runs of a trial that was interrupted or gave no score.
      max_consecutive_failed_trials: failed trials in a row after which the search is given up.
      config: how to search.
      initial_values: configurations that are tried first; what they leave out has its default.
      past: what is known before: the directory of another project; or trials; or pairs of values and score.
      make_space: called as `HyperParameterSpace` is, to derive the space.
      worker_timeout: seconds of silence after which a worker counts as dead and its trial is given to another.
      **kwargs: of `keras_tuner.Tuner`, such as `directory`, `executions_per_trial` and `distribution_strategy`.

    Raises:
      ValueError: if an option is out of range, or the directory holds a project with other settings.
    """
    oracle = NAOOracle(
      objective,
      max_trials,
      num_initial_points,
      seed,
      hyperparameters=hyperparameters,
      tune_new_entries=tune_new_entries,
      allow_new_entries=allow_new_entries,
      max_retries_per_trial=max_retries_per_trial,
      max_consecutive_failed_trials=max_consecutive_failed_trials,
      config=config,
      initial_values=initial_values,
      past=past,
      make_space=make_space,
      worker_timeout=worker_timeout,
    )
    super().__init__(oracle, hypermodel, **kwargs)
