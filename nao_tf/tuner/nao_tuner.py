"""Neural Architecture Optimization (Luo et al., NeurIPS 2018) as a KerasTuner oracle and tuner."""

import dataclasses
import json
from collections.abc import Mapping, Sequence
from typing import Any

import keras_tuner

from nao_tf.runs.settings import changed_settings
from nao_tf.spaces.hyperparameters import HyperParameterSpace
from nao_tf.spaces.value_space import MakeSpace, ValueSpace
from nao_tf.strategies import Strategy, make_strategy
from nao_tf.strategies.nao_config import PRESETS, NaoConfig
from nao_tf.tuner.oracle import StrategyOracle
from nao_tf.tuner.past_trials import PastSource
from nao_tf.tuner.tuner import StrategyTuner


class NAOOracle(StrategyOracle):
  """A KerasTuner oracle that proposes hyperparameters with Neural Architecture Optimization."""

  def __init__(
    self,
    objective: Any = None,
    max_trials: int | None = 10,
    num_initial_points: int | None = None,
    seed: int | None = None,
    *,
    config: NaoConfig | None = None,
    **options: Any,
  ):
    """Initializes the oracle.

    Args:
      objective: the objective to optimize, in any form that KerasTuner accepts.
      max_trials: maximum number of trials; None for no limit.
      num_initial_points: number of random trials before the controller is first trained. None: three times the number
        of hyperparameters, but at least 3, as in KerasTuner's Bayesian oracle.
      seed: random seed, at least 0; None for a random one.
      config: settings of the strategy; its `num_initial` is ignored. None: the defaults of the strategy `nao`. A project
        that an earlier version began with its own defaults continues with those.
      **options: further arguments of `StrategyOracle`.

    Raises:
      ValueError: if an argument is out of range.
    """
    if num_initial_points is not None and num_initial_points < 1:
      raise ValueError(f"num_initial_points must be at least 1, got {num_initial_points}")
    self._config_is_given = config is not None
    super().__init__("nao", objective, max_trials, seed, config=config or PRESETS["default"], **options)
    self.num_initial_points = num_initial_points

  def make_strategy(self, space: ValueSpace) -> Strategy:
    """Returns a new NAO strategy for a search space."""
    num_initial = self.num_initial_points or max(3, 3 * space.num_parameters)
    config = dataclasses.replace(self._config, num_initial=num_initial)
    return make_strategy(self._strategy_name, space, seed=self.seed, config=config)

  def _settings(self) -> dict[str, Any]:
    return {**super()._settings(), "num_initial_points": self.num_initial_points}

  def _check_settings(self, state: Mapping[str, Any]) -> None:
    recorded = state.get("settings")
    if not self._config_is_given and isinstance(recorded, dict):
      self._config = _default_in(recorded)
    super()._check_settings(state)


def _default_in(recorded: Mapping[str, Any]) -> NaoConfig:
  """Returns the defaults that a project was begun with: those of this version, or of an earlier one."""
  config, former = recorded.get("config"), PRESETS["hyperparameters"]
  settings = json.loads(json.dumps(dataclasses.asdict(former)))
  return former if isinstance(config, dict) and not changed_settings(config, settings) else PRESETS["default"]


class NAOTuner(StrategyTuner):
  """A KerasTuner tuner that searches with Neural Architecture Optimization, for any hypermodel.

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
    config: NaoConfig | None = None,
    initial_values: Sequence[Mapping[str, Any]] = (),
    past: PastSource = (),
    make_space: MakeSpace = HyperParameterSpace,
    worker_timeout: float = 120.0,
    **kwargs: Any,
  ):
    """Initializes the tuner, and resumes the project in its directory if there is one.

    Args:
      hypermodel: the hypermodel to tune: a `keras_tuner.HyperModel` or a model-building function; may be None if
        `run_trial` is overridden.
      objective: the objective to optimize, in any form that KerasTuner accepts.
      max_trials: maximum number of trials; None for no limit.
      num_initial_points: number of random trials before the controller is first trained. None: three times the number
        of hyperparameters, but at least 3.
      seed: random seed, at least 0; None for a random one.
      hyperparameters: hyperparameters that override or predefine those of the hypermodel.
      tune_new_entries: whether to tune hyperparameters of the hypermodel that are not in `hyperparameters`.
      allow_new_entries: whether the hypermodel may request hyperparameters that are not in `hyperparameters`.
      max_retries_per_trial: number of times to rerun a trial that was interrupted or gave no score.
      max_consecutive_failed_trials: number of consecutive failed trials after which the search is aborted.
      config: settings of the strategy; its `num_initial` is ignored. None: the defaults of the strategy `nao`. A project
        that an earlier version began with its own defaults continues with those.
      initial_values: hyperparameter values to try first. Missing hyperparameters take their defaults.
      past: known trials, which are not run again: the directory of another project; trials; or pairs of values and
        score, where the score None marks a failed trial.
      make_space: function that derives the search space from the hyperparameters.
      worker_timeout: time without a heartbeat after which a worker is considered dead, in seconds.
      **kwargs: arguments of `keras_tuner.Tuner`, such as `directory`, `executions_per_trial` and
        `distribution_strategy`.

    Raises:
      ValueError: if an argument is out of range, or the directory holds a project with other settings.
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
