"""Checks of the data: it exists, fits the networks, and is large enough for each training.

They run before a command announces its start. An error names the flag to change.
"""

import contextlib
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from absl import flags

from nao_tf.networks.buildable import sample_genotype
from nao_tf.spaces.base import SearchSpace
from nao_tf.spaces.genotypes import Genotype
from nao_tf.supernets import check_supernet
from nao_tf.tasks.base import Configs, Task
from nao_tf.tools import executor_flags, experiment, one_shot, one_shot_flags, search_flags, shared_flags
from nao_tf.training.config import TrainingConfig, check_accumulation, check_divisible
from nao_tf.training.language_config import LanguageTrainingConfig

if TYPE_CHECKING:
  import tensorflow as tf

_SHARED, _TRAINED = "shared_weights", ("inherited", "training")
_INLINE, _ON_THIS_MACHINE = "inline", ("inline", "processes")


def task_of_search(
  flag_values: flags.FlagValues, space: SearchSpace, distribution: "tf.distribute.Strategy"
) -> Task | None:
  """Returns the task of a search that learns from its data in this process, after checks; None of another search.

  If processes on this machine train, the data is checked, too, but not kept: they read it themselves.

  Args:
    flag_values: flag values of the search.
    space: the search space.
    distribution: distribution of the process.

  Raises:
    ValueError: if the data cannot be read, its networks are others, or there is too little of it; the message names the
      flag.
    OSError: if it is missing.
  """
  search, trainings = one_shot_flags.chosen(flag_values), _trainings(flag_values)
  if not trainings:
    return None
  num_replicas = (
    distribution.num_replicas_in_sync if _is_in_this_process(flag_values) else flag_values.num_replicas or 1
  )
  task = task_of_trainings(flag_values, space, trainings, num_replicas)
  if flag_values.evaluator == _SHARED:
    with _blamed(f"--evaluator={_SHARED}"):
      shared = trainings[shared_flags.PREFIX]
      check_supernet(task, space, shared.network_config, shared.training_config, num_replicas=num_replicas)
  if search is not None:
    with _blamed(_batch_flag(shared_flags.PREFIX, trainings[shared_flags.PREFIX])):
      search.check_data(one_shot.context(search, flag_values, space, distribution, task))
  return task if _is_in_this_process(flag_values) else None


def task_of_trainings(
  flag_values: flags.FlagValues, space: SearchSpace, trainings: Mapping[str, Configs], num_replicas: int
) -> Task:
  """Returns the task of the trainings of a search, after checks.

  Args:
    flag_values: flag values of the search.
    space: the search space.
    trainings: how networks are built and trained, by the prefix of the flags that say so.
    num_replicas: number of replicas that share a batch.

  Raises:
    ValueError: as `task_of_search`.
    OSError: if the data is missing.
  """
  task = experiment.task_of(flag_values)
  check_genotype(task, sample_genotype(space), f"--space={flag_values.space}")
  if not task.num_examples("valid"):
    raise ValueError(
      f"--validation_fraction must be above 0: a search needs a validation set, and {task.name} has none"
    )
  task.check_data()
  for prefix, configs in trainings.items():
    check_batches(task, configs, prefix, num_replicas)
  return task


def task_of_training(
  flag_values: flags.FlagValues, genotype: Genotype, configs: Configs, distribution: "tf.distribute.Strategy"
) -> Task:
  """Returns the task of the training of a network, after checks.

  Args:
    flag_values: flag values of the training.
    genotype: genotype of the network.
    configs: how it is built and trained.
    distribution: distribution of the process.

  Raises:
    ValueError: as `task_of_search`.
    OSError: if the data is missing.
  """
  task = experiment.task_of(flag_values)
  check_genotype(task, genotype, f"--architecture={flag_values.architecture}")
  task.check_data()
  task.has_test_data()  # What is wrong with the test set is told before the training, too.
  check_steps(task, configs, distribution.num_replicas_in_sync, flag_values.jit_compile)
  return task


def _trainings(flag_values: flags.FlagValues) -> dict[str, Configs]:
  """Returns the trainings on this machine, by the prefix of their flags.

  There are none with a table or an evaluator from elsewhere, which may need no data, and none with workers of a cluster that
  train: their data may be on other machines.
  """
  is_trained = flag_values.evaluator in _TRAINED and executor_flags.executor_name(flag_values) in _ON_THIS_MACHINE
  children = {"child_": search_flags.children(flag_values)}
  if not _is_shared(flag_values):
    return children if is_trained else {}
  return {shared_flags.PREFIX: shared_flags.configs(flag_values), **(children if flag_values.rerank else {})}


def _is_shared(flag_values: flags.FlagValues) -> bool:
  """Returns whether a search trains shared weights, which it does in this process."""
  return one_shot_flags.chosen(flag_values) is not None or flag_values.evaluator == _SHARED


def _is_in_this_process(flag_values: flags.FlagValues) -> bool:
  """Returns whether the trainings are in this process."""
  return _is_shared(flag_values) or executor_flags.executor_name(flag_values) == _INLINE


def check_genotype(task: Task, genotype: Genotype, flag: str) -> None:
  """Checks that networks of a task are built from such genotypes as a flag asks for.

  Raises:
    ValueError: if they are not; the message names the flag.
  """
  with _blamed(flag):
    task.check_genotype(genotype)


def check_batches(task: Task, configs: Configs, prefix: str, num_replicas: int) -> None:
  """Checks that the training data fills a batch of a training, and that the batch can be divided.

  Args:
    task: the task.
    configs: how the network is built and trained.
    prefix: prefix of the flags that say so.
    num_replicas: number of replicas that share a batch.

  Raises:
    ValueError: if it does not, or cannot; the message names the flag.
  """
  training_config = configs.training_config
  if isinstance(training_config, TrainingConfig | LanguageTrainingConfig):
    with _blamed(_batch_flag(prefix, configs)):
      check_divisible(training_config.batch_size, num_replicas)
      check_accumulation(training_config.batch_size, training_config.accumulate_steps, num_replicas)
      task.steps_per_epoch(task.complete_training_config(training_config))


def check_steps(task: Task, configs: Configs, num_replicas: int, jit_compile: str) -> None:
  """Checks that the steps of the training of a network can be made.

  Args:
    task: the task.
    configs: how the network is built and trained.
    num_replicas: number of replicas that share a batch.
    jit_compile: whether the steps are compiled.

  Raises:
    ValueError: if they cannot.
  """
  from nao_tf.tasks.trainers import check_training

  check_batches(task, configs, "", num_replicas)
  check_training(task, configs.training_config, num_replicas=num_replicas, jit_compile=jit_compile)


def _batch_flag(prefix: str, configs: Configs) -> str:
  """Returns the flag that says how large the batches of a training are."""
  return f"--{prefix}batch_size={configs.training_config.batch_size}"


@contextlib.contextmanager
def _blamed(flag: str) -> Iterator[None]:
  """Puts a flag in front of the message of an error."""
  try:
    yield
  except ValueError as error:
    raise ValueError(f"{flag}: {error}") from error
