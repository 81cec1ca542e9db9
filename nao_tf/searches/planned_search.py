"""A search that is planned: the choices of a user, with the data that they are for, checked before anything is done."""

import contextlib
import dataclasses
import functools
import os
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from nao_tf import fields
from nao_tf.evaluators import EvaluatorContext
from nao_tf.evaluators.base import Evaluator
from nao_tf.networks.cost_bounds import CostBounds
from nao_tf.networks.edge_convention import check_networks, settings_for_space
from nao_tf.networks.layered_plan import check_used
from nao_tf.objectives import Objectives
from nao_tf.runs.settings import RunDirectoryError
from nao_tf.searches import known_costs
from nao_tf.searches.choices import (
  AnyEvaluator,
  AnySpace,
  AnyStrategy,
  check_evaluator,
  check_learns,
  check_strategy,
  check_takes,
  preferred,
  recorded_name,
  space_of,
  strategy_of,
)
from nao_tf.searches.component_settings import settings_on_record
from nao_tf.searches.cost_proxies import with_network_proxies
from nao_tf.searches.data_settings import settings_for_data
from nao_tf.searches.executors import Executor
from nao_tf.searches.found import Found
from nao_tf.searches.known_costs import settings_of
from nao_tf.searches.memory import check_memory
from nao_tf.searches.overrides import overridden, sharing_settings
from nao_tf.searches.planned import Planned
from nao_tf.searches.proposals import fitting_space
from nao_tf.searches.rungs import RungConfig
from nao_tf.searches.same_data import check_same_data
from nao_tf.searches.search_directory import Budget, search_in_directory
from nao_tf.searches.workers import Workers, is_shared
from nao_tf.spaces.base import SearchSpace
from nao_tf.spaces.genotypes import PLAIN_GENOTYPES
from nao_tf.strategies import Strategy
from nao_tf.strategies.earlier_search import EarlierSearch, read_earlier_search, warm_start_of
from nao_tf.supernets import check_supernet
from nao_tf.supernets.config import SharingConfig
from nao_tf.tasks.base import Configs, Task
from nao_tf.trial import Trial

if TYPE_CHECKING:
  from nao_tf.tasks.given_task import TaskInput


@dataclasses.dataclass(frozen=True)
class Choices:
  """The choices of a user, independent of the data.

  Attributes:
    space: the search space; None for that of the strategy, or of the kind of data.
    strategy: the search strategy.
    evaluator: how to evaluate architectures.
    seed: random seed.
    bounds: size limits of proposed networks.
    workers: where to evaluate trials.
    batch_size: number of architectures to request at a time.
    rungs: settings of a search with rungs; None to train every candidate in full.
    objectives: names of the objectives of a multi-objective search; empty to maximize the reward.
    latency_batch_size: batch size at which latency is measured.
    warm_start: directory of an earlier search to learn from; None for none.
    proxies: names of training-free proxies that the strategy learns from.
    strategy_config: settings of a newly created strategy; None for its defaults.
    evaluator_config: settings of a newly created evaluator; None for its defaults.
  """

  space: AnySpace | None
  strategy: AnyStrategy
  evaluator: AnyEvaluator
  seed: int
  bounds: CostBounds
  workers: Workers
  batch_size: int
  rungs: RungConfig | None = None
  objectives: tuple[str, ...] = ()
  latency_batch_size: int = 1
  warm_start: str | None = None
  proxies: tuple[str, ...] = ()
  strategy_config: Any = None
  evaluator_config: Any = None

  @property
  def known_space(self) -> AnySpace | None:
    """What is searched, if that is known before the data are."""
    if self.space is not None:
      return self.space
    return self.strategy.space if isinstance(self.strategy, Strategy) else preferred(self.strategy, "preferred_space")

  @property
  def is_bounded(self) -> bool:
    """Whether there are bounds on what may be proposed."""
    return self.bounds != CostBounds()

  def check(self, x: Any) -> None:
    """Checks what can be checked before the data are read.

    Args:
      x: what to learn from.

    Raises:
      ValueError: if something is unknown, or the choices do not fit together.
    """
    fields.integer(self.seed, "seed", 0)
    check_evaluator(self.evaluator)
    known_costs.check_evaluator(self.objectives, recorded_name(self.evaluator))
    if self.known_space is not None:
      check_strategy(self.strategy, space_of(self.known_space), bounded=self.is_bounded)
    self.workers.check(
      self.evaluator, in_rungs=self.rungs is not None, space=self.known_space, x=x if isinstance(x, Task) else None
    )
    check_takes(self.strategy, self.objectives)
    self._check_learns()
    if self.objectives and self.rungs is not None:
      raise ValueError("a search with rungs promotes trials by their rewards: pass either rungs or objectives")
    if self.objectives and (self.warm_start is not None or self.proxies):
      raise ValueError(
        "a warm start and proxies help NAO to predict one reward; they cannot be combined with objectives"
      )

  def _check_learns(self) -> None:
    """Checks that the strategy can learn from what is known before the first trial."""
    config = getattr(self.strategy, "config", None) if isinstance(self.strategy, Strategy) else self.strategy_config
    for name in (name for name in ("warm_start", "proxies") if getattr(self, name)):
      check_learns(config, name, "nao_gaussian_share")

  def space_for(self, task: Task) -> AnySpace:
    """Returns what is searched: what is given, or what the strategy searches, or what the task has networks for."""
    return task.space if self.known_space is None else self.known_space


@dataclasses.dataclass(frozen=True)
class PlannedSearch(Planned):
  """A fully specified search.

  Attributes:
    choices: the choices of the user.
    objectives: the objectives of a multi-objective search; None to maximize the reward.
  """

  choices: Choices
  objectives: Objectives | None

  def run(
    self, budget: Budget, callbacks: Sequence[Callable[[Trial], None]], *, progress: bool, tensorboard: bool = True
  ) -> Found:
    """Runs or resumes the search.

    Args:
      budget: how long.
      callbacks: each is called with every trial that has been evaluated.
      progress: whether to show a progress bar.
      tensorboard: whether to write curves for TensorBoard.

    Raises:
      ValueError: if no network is within the bounds.
      RunDirectoryError: if the directory is in use, or was made with other data or settings.
      NothingFound: if no trial has a reward.
    """
    strategy = self._strategy()
    check_same_data(self.directory, self.data.settings)
    best = search_in_directory(
      self.directory,
      self.settings,
      self.space,
      strategy,
      lambda: self._opened_evaluator(tensorboard=tensorboard),
      budget=budget,
      objectives=self.objectives,
      earlier=self._earlier,
      callbacks=callbacks,
      progress=progress,
      tensorboard=tensorboard,
    )
    return self._found(best, self.choices.seed)

  @property
  def settings(self) -> dict[str, Any]:
    """The settings that determine the course of the search, as JSON values."""
    own = {
      "strategy": recorded_name(self.choices.strategy),
      "evaluator": self.choices.workers.recorded_evaluator(self.choices.evaluator),
      "seed": self.choices.seed,
      "batch_size": self.choices.batch_size,
      **dataclasses.asdict(self.choices.bounds),
      **({} if self.choices.rungs is None else self.choices.rungs.settings),
      **settings_of(self.objectives, self.choices.latency_batch_size),
      **self._hint_settings,
    }
    options = settings_on_record(self.choices.strategy, self.choices.strategy_config)
    configs = {"options": options, "evaluator_config": self.choices.evaluator_config}
    return self._settings(own, **{name: config for name, config in configs.items() if config is not None})

  @property
  def _hint_settings(self) -> dict[str, Any]:
    earlier, proxies = self._earlier, self.choices.proxies
    return {
      **({} if earlier is None else {"warm_start": earlier.digest}),
      **({"proxies": list(proxies)} if proxies else {}),
    }

  @functools.cached_property
  def _earlier(self) -> EarlierSearch | None:
    """The earlier search to learn from, which may go on while this one begins; None for none."""
    directory = self.choices.warm_start
    try:
      return None if directory is None else read_earlier_search(directory, self.space, workdir=self.directory)
    except (ValueError, RunDirectoryError) as error:
      kind = RunDirectoryError if isinstance(error, RunDirectoryError) else ValueError
      raise kind(f"warm_start={error}") from error

  def _strategy(self) -> Strategy:
    network_config = self.configs.network_config
    proposals = fitting_space(self.space, self.choices.bounds, network_config, lambda: self.task)
    strategy = strategy_of(self.choices.strategy, proposals, self.choices.seed, self.choices.strategy_config)
    if self.choices.warm_start is not None:
      warm_start = warm_start_of(strategy)  # Refuses other strategies before anything is read.
      if self._earlier is not None:
        warm_start(self._earlier)
    if proxies := self.choices.proxies:
      with_network_proxies(strategy, proxies, self.space, network_config, lambda: self.task)
    return strategy

  def _opened_evaluator(self, *, tensorboard: bool) -> contextlib.AbstractContextManager[Evaluator | Executor]:
    context = EvaluatorContext(
      self.space,
      seed=self.choices.seed,
      make_task=lambda: self.task,
      configs=self.configs,
      sharing_config=self.sharing,
      directory=self.directory,
      max_parameters=self.choices.bounds.max_parameters,
      tensorboard=tensorboard,
      rungs=() if self.choices.rungs is None else self.choices.rungs.epochs,
      objectives=() if self.objectives is None else self.objectives.names,
      latency_batch_size=self.choices.latency_batch_size,
      config=self.choices.evaluator_config,
    )
    make_task = functools.partial(self.data.make_task, self.validation_fraction)
    sent = dataclasses.replace(context, make_task=make_task, directory=os.path.abspath(self.directory))
    return self.choices.workers.opened(self.choices.evaluator, context, sent)


def planned_search(
  directory: str,
  choices: Choices,
  data: "TaskInput",
  validation_fraction: float | None,
  overrides: Mapping[str, Any],
) -> PlannedSearch:
  """Returns a search, after checking that the choices are for the data.

  Args:
    directory: directory of the search.
    choices: what was chosen.
    data: what is learned from.
    validation_fraction: fraction of the data that networks are compared on; None for that of the task.
    overrides: fields of the configurations of networks and trainings with other values than the task has.

  Raises:
    ValueError: if they are not, an override is unknown, or the networks need more memory than there is.
  """
  task = data.make_task(validation_fraction)
  named = choices.space_for(task)
  space = space_of(named)
  if choices.rungs is not None:
    overrides = {**overrides, "epochs": choices.rungs.epochs[-1]}
  sharing = SharingConfig()
  if is_shared(choices.evaluator):
    sharing, overrides = sharing_settings(overrides, in_rounds=True)
  configs = overridden(task.child, {**settings_for_space(space), **overrides})
  if is_shared(choices.evaluator):
    check_supernet(task, space, configs.network_config, configs.training_config)
  configs = overridden(configs, settings_for_data(task, overrides))
  check_strategy(choices.strategy, space, bounded=choices.is_bounded)
  _check_networks(space, task, configs, choices.seed, overrides)
  known = known_costs.known_of_networks(space, configs.network_config, task) if choices.objectives else {}
  objectives = known_costs.sought(choices.objectives, known, recorded_name(choices.evaluator), task)
  return PlannedSearch(directory, data, validation_fraction, task, named, space, configs, sharing, choices, objectives)


def _check_networks(space: SearchSpace, task: Task, configs: Configs, seed: int, overrides: Mapping[str, Any]) -> None:
  """Checks that the networks of a space are for a task, and that this machine has the memory to train them.

  Raises:
    ValueError: if they are not, it has not, or they do not depend on an override.
  """
  genotype = space.decode(space.sample(np.random.default_rng(seed)))
  task.check_genotype(genotype)
  check_networks(space, [("convention", configs.network_config)])
  if isinstance(genotype, PLAIN_GENOTYPES):
    check_used(overrides)
  check_memory(space, task, configs)
