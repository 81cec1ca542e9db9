"""Search strategies as KerasTuner oracles, for any hypermodel.

A KerasTuner oracle hands out trials and is told how they went. Here a strategy decides what is tried. One seed gives one
list of trials, a killed search goes on to the same trials, and no configuration is tried twice.
"""

import dataclasses
import json
import os
from collections.abc import Mapping, Sequence
from typing import Any

from keras_tuner.engine.trial import Trial, TrialStatus

from nao_tf.runs.settings import changed_settings
from nao_tf.spaces.hyperparameters import HyperParameterSpace
from nao_tf.spaces.value_space import MakeSpace, ValueSpace
from nao_tf.strategies import Strategy, make_strategy, strategy_class
from nao_tf.trial import Evaluation
from nao_tf.tuner.distributed_oracle import DistributedOracle
from nao_tf.tuner.past_trials import PastSource, PastTrial, past_trials, reward_of
from nao_tf.tuner.project_files import is_remote
from nao_tf.tuner.proposals import History, Proposals

STRATEGY_DIRECTORY = "strategy"
"""Directory within a project for what the strategy has learned."""


class StrategyOracle(DistributedOracle):
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
    past: PastSource = (),
    make_space: MakeSpace = HyperParameterSpace,
    **options: Any,
  ):
    """Sets up the oracle.

    Args:
      strategy: key in the registry of strategies.
      objective: what is optimized, in any form that KerasTuner knows.
      max_trials: how many trials are started at most; None for no limit.
      seed: of all randomness of the strategy, at least 0; None to draw one.
      config: the strategy's own configuration, a dataclass; None for its default.
      initial_values: configurations that are tried first. What they leave out has its default.
      past: trials that the strategy knows from the start and does not try again: the directory of another project; or
        trials; or pairs of values and score, where None as a score means that the trial failed.
      make_space: derives the space from the hyperparameters.
      **options: `worker_timeout`, the seconds without a heartbeat after which a worker counts as dead, 120 by default;
        and `hyperparameters`, `allow_new_entries`, `tune_new_entries`, `max_retries_per_trial` and
        `max_consecutive_failed_trials`, as `keras_tuner.Oracle` has them.

    Raises:
      ValueError: if there is no such strategy, or an argument is out of range.
    """
    super().__init__(objective, max_trials, seed, **options)
    strategy_class(strategy)
    self._strategy_name, self._config = strategy, config
    self._seed_is_given = seed is not None
    self._initial_values = [dict(values) for values in initial_values]
    self._past = past_trials(past, self.objective)
    self._adopted: set[str] = set()
    self._proposals = Proposals(self.make_strategy, make_space)

  def make_strategy(self, space: ValueSpace) -> Strategy:
    """Returns a new strategy for a space."""
    options = {} if self._config is None else {"config": self._config}
    return make_strategy(self._strategy_name, space, seed=self.seed, **options)

  def populate_space(self, trial_id: str) -> dict[str, Any]:
    """Returns the values for a new trial and the status RUNNING; the status STOPPED if no configuration is left."""
    del trial_id
    self._adopt_foreign_trials()
    cache = None if is_remote(self._project_dir) else os.path.join(self._project_dir, STRATEGY_DIRECTORY)
    values = self._proposals.next(self.hyperparameters, self._history(), cache=cache)
    return {"status": TrialStatus.STOPPED if values is None else TrialStatus.RUNNING, "values": values}

  def get_state(self) -> dict[str, Any]:
    """Returns the state, with what it takes to repeat the search."""
    return {
      **super().get_state(),
      "settings": self._settings(),
      "proposals": self._proposals.get_state(),
      "past": self._past,
    }

  def set_state(self, state: Mapping[str, Any]) -> None:
    """Goes on from a state.

    Raises:
      ValueError: if the state was made with another strategy, configuration or seed.
    """
    if not self._seed_is_given:
      self.seed = state["settings"]["seed"]
    changed = changed_settings(state["settings"], self._settings())
    if changed:
      raise ValueError(
        f"the project in {self._project_dir} was made with other settings: {changed};"
        " go on with those, name another project or pass overwrite=True"
      )
    super().set_state(state)
    self._past = [PastTrial(values, reward) for values, reward in state["past"]]
    self._proposals.set_state(state["proposals"], len(self.start_order))

  def _settings(self) -> dict[str, Any]:
    """Returns what decides the trials, as JSON values."""
    config = None if self._config is None else dataclasses.asdict(self._config)
    settings = {"strategy": self._strategy_name, "config": config, "seed": self.seed}
    return json.loads(json.dumps({**settings, "initial_values": self._initial_values}))

  def _adopt_foreign_trials(self) -> None:
    """Makes past trials of those that a user has put into `trials`."""
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
