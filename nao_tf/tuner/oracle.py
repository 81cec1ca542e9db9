"""KerasTuner oracles that use a search strategy, for any hypermodel.

A KerasTuner oracle hands out trials and receives their results; here a strategy decides which hyperparameters to try.
The same seed gives the same trials, also after an interruption, and no configuration is tried twice.
"""

import dataclasses
import json
import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Generic, TypeVar, overload

from keras_tuner.engine.trial import Trial, TrialStatus

from nao_tf import fields
from nao_tf.runs.settings import changed_settings
from nao_tf.spaces.hyperparameters import HyperParameterSpace
from nao_tf.spaces.plain_values import plain_values
from nao_tf.spaces.value_space import MakeSpace, ValueSpace
from nao_tf.strategies import Strategy, make_strategy, strategy_class
from nao_tf.trial import Evaluation
from nao_tf.tuner.cell_space import CellSpace
from nao_tf.tuner.distributed_oracle import DistributedOracle
from nao_tf.tuner.oracle_state import check_order
from nao_tf.tuner.past_trials import PastSource, past_from_json, past_trials, reward_of
from nao_tf.tuner.project_files import is_remote
from nao_tf.tuner.proposals import History, Proposals
from nao_tf.tuner.trial_table import TrialTable, values_in_words

STRATEGY_DIRECTORY = "strategy"
"""Directory within a project for what the strategy has learned."""

_Value = TypeVar("_Value", covariant=True)


class StrategyOracle(DistributedOracle):
  """A KerasTuner oracle that uses a registered search strategy.

  Attributes:
    table: prints the progress of the trials.

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
    """Initializes the oracle.

    Args:
      strategy: name of a registered strategy.
      objective: the objective to optimize, in any form that KerasTuner accepts.
      max_trials: maximum number of trials; None for no limit.
      seed: random seed of the strategy, at least 0; None for a random one.
      config: settings of the strategy, a dataclass; None for the defaults.
      initial_values: hyperparameter values to try first. Missing hyperparameters take their defaults.
      past: known trials, which are not run again: the directory of another project; trials; or pairs of values and
        score, where the score None marks a failed trial.
      make_space: function that derives the search space from the hyperparameters.
      **options: `worker_timeout`, the time in seconds without a heartbeat after which a worker is considered dead, 120
        by default; and `hyperparameters`, `allow_new_entries`, `tune_new_entries`, `max_retries_per_trial` and
        `max_consecutive_failed_trials` as for `keras_tuner.Oracle`.

    Raises:
      ValueError: if there is no such strategy, or an argument is out of range or no value.
    """
    super().__init__(objective, max_trials, seed, **options)
    strategy_class(strategy)
    self._strategy_name, self._config = strategy, config
    self._seed_is_given = seed is not None
    self._initial_values = [plain_values(v, f"initial_values[{i}]") for i, v in enumerate(initial_values)]
    self._past = past_trials(past, self.objective)
    self._adopted: set[str] = set()
    self._handed_out: dict[str, dict[str, Any]] = {}  # Values of trials that run, or that ran with others in the end.
    self._numbers: dict[str, int] = {}
    self._proposals = Proposals(self.make_strategy, make_space)
    self._make_space = make_space
    self.table = self._display = TrialTable(self, self.describe)

  def make_strategy(self, space: ValueSpace) -> Strategy:
    """Returns a new strategy for a search space."""
    options = {} if self._config is None else {"config": self._config}
    return make_strategy(self._strategy_name, space, seed=self.seed, **options)

  def describe(self, values: Mapping[str, Any]) -> str:
    """Formats values of hyperparameters as text: cells in the format of their space, other values by name."""
    space = self._make_space(self.hyperparameters)
    if not isinstance(space, CellSpace):
      return values_in_words(values)
    try:
      return space.cells.format(space.encode(values))
    except ValueError:  # The trial has failed for that.
      return values_in_words(values)

  def populate_space(self, trial_id: str) -> dict[str, Any]:
    """Returns the values for a new trial with the status RUNNING; the status STOPPED if no configuration is left."""
    self._adopt_foreign_trials()
    cache = None if is_remote(self._project_dir) else os.path.join(self._project_dir, STRATEGY_DIRECTORY)
    values = self._proposals.next(self.hyperparameters, self._history(), cache=cache)
    if values is None:
      return {"status": TrialStatus.STOPPED, "values": None}
    self._handed_out[trial_id] = dict(values)
    return {"status": TrialStatus.RUNNING, "values": values}

  def get_state(self) -> dict[str, Any]:
    """Returns the state, including everything needed to replay the search."""
    return {
      **super().get_state(),
      "settings": self._settings(),
      "proposals": self._proposals.get_state(),
      "past": self._past,
      "handed_out": {trial_id: values for trial_id, values in self._handed_out.items() if trial_id in self.trials},
    }

  def set_state(self, state: Mapping[str, Any]) -> None:
    """Restores a state.

    Raises:
      OtherProject: if the state was created with another strategy, configuration, seed or objective.
      ValueError: if it is not a state of this class.
    """
    self._check_settings(state)
    super().set_state(state)
    self._past = past_from_json(state["past"])
    self._handed_out = {
      trial_id: plain_values(values, f"handed_out: trial {trial_id!r}")
      for trial_id, values in state.get("handed_out", {}).items()
    }
    self._numbers = {}
    self._proposals.set_state(state["proposals"], len(self.start_order))
    check_order(state["proposals"]["told_before"][: len(self.start_order)], self.start_order, self.end_order)

  def _check_settings(self, state: Mapping[str, Any]) -> None:
    """Checks that a state was made with the settings of this oracle, and takes a seed that was drawn from it."""
    recorded = state.get("settings")
    if not isinstance(recorded, dict):
      raise ValueError(
        "expected the settings of a StrategyOracle, found none; pass the trials of another oracle as past="
      )
    seed = fields.integer(recorded["seed"], "seed", 0)
    if not self._seed_is_given:
      self.seed = seed
    changed = changed_settings(recorded, self._settings())
    if changed:
      raise self._other_project(f"was made with other settings: {changed}")

  def _settings(self) -> dict[str, Any]:
    """Returns what decides the trials, as JSON values."""
    config = None if self._config is None else dataclasses.asdict(self._config)
    settings = {"strategy": self._strategy_name, "config": config, "seed": self.seed}
    return json.loads(json.dumps({**settings, "initial_values": self._initial_values}))

  def _record_end(self, trial: Trial) -> None:
    super()._record_end(trial)
    if trial.trial_id in self.end_order and not self._was_changed(trial.trial_id):
      self._handed_out.pop(trial.trial_id, None)

  def _was_changed(self, trial_id: str) -> bool:
    """Returns whether somebody has changed values of a trial after it was handed out."""
    values = self.trials[trial_id].hyperparameters.values
    return any(values.get(name) != value for name, value in self._handed_out.get(trial_id, {}).items())

  def _adopt_foreign_trials(self) -> None:
    """Makes past trials of those that a user has put into `trials`."""
    if len(self.trials) == len(self.start_order) + len(self._adopted):
      return
    known = {*self.start_order, *self._adopted}
    foreign = [trial_id for trial_id in self.trials if trial_id not in known]
    self._past += past_trials([self.trials[trial_id] for trial_id in foreign], self.objective)
    self._adopted.update(foreign)

  def _history(self) -> History:
    new = self.start_order[len(self._numbers) :]
    self._numbers.update((trial_id, number) for number, trial_id in enumerate(new, start=len(self._numbers)))
    changed = {
      self._numbers[trial_id]: self.trials[trial_id].hyperparameters.values
      for trial_id in self._handed_out
      if trial_id in self._numbers and self._was_changed(trial_id)
    }
    started, ended = _Mapped(self.start_order, self._started_with), _Mapped(self.end_order, self._end)
    return History(started, ended, self._past, self._initial_values, changed)

  def _started_with(self, trial_id: str) -> Mapping[str, Any]:
    """Returns the values that a trial was handed out with."""
    return self._handed_out.get(trial_id, self.trials[trial_id].hyperparameters.values)

  def _end(self, trial_id: str) -> tuple[int, Evaluation]:
    """Returns the number of a trial that has ended, and its evaluation."""
    return self._numbers[trial_id], self._evaluation(self.trials[trial_id])

  def _evaluation(self, trial: Trial) -> Evaluation:
    reward = reward_of(trial.score, self.objective) if trial.status == TrialStatus.COMPLETED else None
    return Evaluation.failed(trial.message or trial.status) if reward is None else Evaluation(reward)


class _Mapped(Sequence[_Value], Generic[_Value]):
  """A sequence whose items are made when they are asked for, from those of another one."""

  def __init__(self, items: Sequence[str], make: Callable[[str], _Value]):
    self._items, self._make = items, make

  def __len__(self) -> int:
    return len(self._items)

  @overload
  def __getitem__(self, index: int) -> _Value: ...

  @overload
  def __getitem__(self, index: slice) -> Sequence[_Value]: ...

  def __getitem__(self, index: int | slice) -> _Value | Sequence[_Value]:
    if isinstance(index, slice):
      return [self._make(item) for item in self._items[index]]
    return self._make(self._items[index])
