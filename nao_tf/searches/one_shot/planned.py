"""One-shot search as a single call: `nao_tf.search(x, y, strategy="darts", workdir=...)`."""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from nao_tf.networks.edge_convention import check_networks, settings_for_space
from nao_tf.searches.choices import AnySpace, space_of
from nao_tf.searches.data_settings import settings_for_data
from nao_tf.searches.found import Found
from nao_tf.searches.one_shot import OneShotSearch, one_shot_search
from nao_tf.searches.one_shot.base import OneShotContext
from nao_tf.searches.overrides import overridden, prefixed_settings, sharing_settings
from nao_tf.searches.planned import Planned
from nao_tf.searches.same_data import check_same_data
from nao_tf.supernets.config import SharingConfig
from nao_tf.supernets.full_size import check_one_shot_training
from nao_tf.trial import Trial

if TYPE_CHECKING:
  from nao_tf.tasks.given_task import TaskInput


def check_arguments(strategy: str, **given: Any) -> None:
  """Checks that no argument is given that does not apply to a one-shot search.

  Args:
    strategy: name of the search.
    **given: arguments by name; None for those that are not given.

  Raises:
    ValueError: if there is one.
  """
  foreign = [name for name, value in given.items() if value is not None]
  if foreign:
    raise ValueError(
      f"strategy={strategy!r} trains one supernet and evaluates no architecture by itself, so it has no"
      f" {', '.join(foreign)}; set the length of the training with epochs"
    )


@dataclasses.dataclass(frozen=True)
class PlannedOneShotSearch(Planned):
  """A fully specified one-shot search; `configs` are those of the supernet.

  Attributes:
    strategy: name of the search.
    search: declaration of the search.
    config: settings of the search.
    seed: random seed.
  """

  strategy: str
  search: OneShotSearch
  config: Any
  seed: int

  def run(self, callbacks: Sequence[Callable[[Trial], None]], *, progress: bool, tensorboard: bool = True) -> Found:
    """Runs or resumes the search.

    Args:
      callbacks: each is called with every trial.
      progress: whether to show a progress bar.
      tensorboard: whether to write curves for TensorBoard.

    Raises:
      ValueError: if the network cannot be trained so.
      RunDirectoryError: if the directory is in use, or was made with other data or settings.
      NothingFound: if no trial has a reward.
    """
    import tensorflow as tf

    from nao_tf.searches.one_shot.running import run_one_shot_search

    check_same_data(self.directory, self.data.settings)
    context = OneShotContext(
      self.task,
      self.space,
      self.configs,
      config=self.config,
      sharing_config=self.sharing,
      distribution=tf.distribute.get_strategy(),
      seed=self.seed,
    )
    trainer = self.search.make_trainer(context)
    best = run_one_shot_search(
      self.directory,
      self.settings,
      self.space,
      trainer,
      callbacks=callbacks,
      progress=progress,
      tensorboard=tensorboard,
    )
    return self._found(best, self.seed)

  @property
  def settings(self) -> dict[str, Any]:
    """The settings that determine the course of the search, as JSON values."""
    return self._settings({"strategy": self.strategy, "seed": self.seed}, options=self.config)


def planned_one_shot_search(
  directory: str,
  strategy: str,
  space: AnySpace | None,
  read_data: Callable[[], "TaskInput"],
  validation_fraction: float | None,
  overrides: Mapping[str, Any],
  *,
  seed: int,
) -> PlannedOneShotSearch:
  """Returns a one-shot search, after checking that it is for the data.

  Args:
    directory: directory of the search.
    strategy: its name.
    space: the search space; None for what it searches on such data.
    read_data: returns what is learned from.
    validation_fraction: fraction of the data that is held out; None for that of the search, or what a task that is made
      already holds out.
    overrides: fields of the configurations of the network with other values than the search has; and its own settings,
      with the prefix that their flags have, such as `relaxed_cost_weight`.
    seed: random seed.

  Raises:
    ValueError: if it is not, or an override is unknown.
  """
  search, data = one_shot_search(strategy), read_data()
  task = data.make_task(validation_fraction)
  defaults = search.defaults_for(task.kind)
  named = defaults.space if space is None else space
  made = space_of(named)
  defaults.check_space(made)
  config, sharing, overrides = _own_settings(search, task.kind, overrides)
  configs = overridden(defaults.configs, {**settings_for_space(made), **overrides})
  check_one_shot_training(configs.training_config, config)
  fraction = validation_fraction
  if fraction is None and defaults.validation_fraction is not None and not data.is_ready:
    fraction = defaults.validation_fraction
    task = data.make_task(fraction)
  configs = overridden(configs, settings_for_data(task, overrides))
  check_networks(made, [("convention", configs.network_config)])
  own = {"strategy": strategy, "search": search, "config": config, "seed": seed}
  return PlannedOneShotSearch(directory, data, fraction, task, named, made, configs, sharing, **own)


def _own_settings(
  search: OneShotSearch, kind: str, overrides: Mapping[str, Any]
) -> tuple[Any, SharingConfig, Mapping[str, Any]]:
  """Returns the settings of a search, how its paths share weights, and what is left to override."""
  config, overrides = prefixed_settings(search.config_for(kind), search.prefix, overrides)
  if not search.samples_paths:
    return config, SharingConfig(), overrides
  return config, *sharing_settings(overrides, in_rounds=False)
