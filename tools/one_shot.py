"""One-shot searches with `nao-search`: invalid flags, recorded settings, and running the search."""

from typing import TYPE_CHECKING, Any

from absl import flags

from nao_tf.searches.one_shot import OneShotSearch
from nao_tf.searches.one_shot.base import OneShotContext
from nao_tf.searches.search_directory import Reranking
from nao_tf.spaces import make_space
from nao_tf.spaces.base import SearchSpace
from nao_tf.supernets.full_size import check_one_shot_training
from nao_tf.tasks.base import Task
from nao_tf.tools import experiment, flagging, one_shot_flags, search_flags, shared_flags
from nao_tf.trial import Trial

if TYPE_CHECKING:
  import tensorflow as tf


def check(flag_values: flags.FlagValues) -> None:
  """Checks that a one-shot search can begin, as far as that is known before the data is read.

  Raises:
    ValueError: if it is not for the task or the space, or a setting is out of range.
  """
  search, defaults = one_shot_flags.chosen(flag_values), one_shot_flags.defaults(flag_values)
  if search is None or defaults is None:
    return
  configs, config = shared_flags.configs(flag_values), one_shot_flags.config(search, flag_values)
  try:
    check_one_shot_training(configs.training_config, config)
  except ValueError as error:
    raise ValueError(f"--strategy={flag_values.strategy} --task={flag_values.task}: {error}") from error
  try:
    defaults.check_space(make_space(flag_values.space))
  except ValueError as error:
    raise ValueError(f"--strategy={flag_values.strategy} --space={flag_values.space}: {error}") from error


def settings(search: OneShotSearch, flag_values: flags.FlagValues) -> dict[str, Any]:
  """Returns the settings that determine the course of a one-shot search."""
  configs = shared_flags.configs(flag_values)
  sharing = {"sharing": shared_flags.sharing_config(flag_values)} if search.samples_paths else {}
  return {
    **search_flags.settings(flag_values),
    **flagging.settings(shared_network=configs.network_config, shared_training=configs.training_config, **sharing),
  }


def context(
  search: OneShotSearch,
  flag_values: flags.FlagValues,
  space: SearchSpace,
  distribution: "tf.distribute.Strategy",
  task: Task,
) -> OneShotContext:
  """Returns what the trainer of a one-shot search is made from.

  Args:
    search: what the flags name.
    flag_values: the flags.
    space: the search space.
    distribution: the `tf.distribute.Strategy` of the process.
    task: the task.
  """
  return OneShotContext(
    task=task,
    space=space,
    configs=shared_flags.configs(flag_values),
    config=one_shot_flags.config(search, flag_values),
    sharing_config=shared_flags.sharing_config(flag_values),
    distribution=distribution,
    seed=flag_values.seed,
  )


def run(
  search: OneShotSearch,
  flag_values: flags.FlagValues,
  space: SearchSpace,
  distribution: "tf.distribute.Strategy",
  reranking: Reranking | None,
  task: Task,
) -> Trial:
  """Searches, trains the latest architectures from scratch if asked to, and returns the winner.

  Args:
    search: what the flags name.
    flag_values: the flags.
    space: the search space.
    distribution: the `tf.distribute.Strategy` of the process.
    reranking: how derived architectures are trained from scratch.
    task: the task.
  """
  from nao_tf.searches.one_shot.running import run_one_shot_search

  return run_one_shot_search(
    flag_values.workdir,
    settings(search, flag_values),
    space,
    search.make_trainer(context(search, flag_values, space, distribution, task)),
    reranking=reranking,
    progress=True,
    tensorboard=experiment.wants_tensorboard(flag_values),
  )
