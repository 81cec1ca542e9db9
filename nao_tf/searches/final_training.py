"""Trains a single network in a directory, resuming the training if it was started there before."""

import collections
import dataclasses
import os
from collections.abc import Mapping
from typing import Any

import tensorflow as tf
from tensorflow import keras

from nao_tf.networks.building import build_network, complete_network_config
from nao_tf.runs.held_signals import held_signals
from nao_tf.runs.json_files import write_json
from nao_tf.runs.run_lock import RunLock
from nao_tf.runs.settings import CONFIG_FILE, check_settings, flat_settings, read_settings
from nao_tf.serving import record_task
from nao_tf.spaces.genotypes import Genotype
from nao_tf.tasks.base import Configs, Task
from nao_tf.tasks.trainers import make_trainer
from nao_tf.training.base import NetworkTrainer
from nao_tf.training.run_options import RunOptions
from nao_tf.training.training_directory import TrainingDirectory, has_begun, restore_latest, restore_network


def training_settings(genotype: Genotype, configs: Configs, seed: int) -> dict[str, Any]:
  """Returns the settings that determine a training, apart from its task, as JSON values."""
  return flat_settings(
    network=configs.network_config, training=configs.training_config, seed=seed, genotype=genotype.to_json()
  )


def train_in_directory(
  directory: str,
  task: Task,
  genotype: Genotype,
  configs: Configs,
  *,
  distribution: tf.distribute.Strategy,
  seed: int,
  lock: RunLock | None,
  settings: Mapping[str, Any],
  progress: bool = False,
  tensorboard: bool = True,
  run_options: RunOptions | None = None,
  writes: bool = True,
) -> NetworkTrainer:
  """Trains a network to the last epoch and returns its trainer.

  Args:
    directory: directory of the training, which is resumed if it was started there before.
    task: the task.
    genotype: genotype of the network.
    configs: how the network is built and trained.
    distribution: the `tf.distribute.Strategy` to train with.
    seed: random seed of the training.
    lock: lock of the directory; None if nothing is written.
    settings: all settings that determine the training.
    progress: whether to show a progress bar.
    tensorboard: whether to write curves for TensorBoard.
    run_options: options of the run, which may differ from one start to the next; None for the defaults.
    writes: whether this process writes to the directory. Of several processes that train one network, only one does.

  Raises:
    RunDirectoryError: if the directory belongs to a training with other settings.
    ValueError: if the network cannot be built or trained as configured, or a file in the directory cannot be read.
    nao_tf.training.base.Diverged: if the loss becomes NaN or infinite.
    OSError: if the directory cannot be written to.
  """
  options = dataclasses.asdict(run_options or RunOptions())
  trainer = make_trainer(
    task,
    genotype,
    configs.network_config,
    configs.training_config,
    distribution=distribution,
    seed=seed,
    jit_compile=options.pop("jit_compile"),
  )
  if not writes:
    restore_latest(directory, trainer)
    with held_signals():  # The chief ends the training, after a step that all make. Then this process cannot go on.
      collections.deque(trainer.fit(), maxlen=0)
    return trainer
  bind_settings(directory, settings)
  record_task(directory, task)
  if isinstance(distribution, tf.distribute.MultiWorkerMirroredStrategy):
    options["nan_rate_factor"] = 0.0  # The processes cannot go back together.
  with (
    TrainingDirectory(directory, trainer, lock=lock, tensorboard=tensorboard, **options) as training,
    task.data_errors(),
  ):
    training.fit(progress=progress)
  return trainer


def finished_network(
  directory: str, task: Task, genotype: Genotype, configs: Configs, trainer: NetworkTrainer, *, seed: int
) -> keras.Model:
  """Returns the network of a finished training in float32, on a single device.

  Args:
    directory: directory of the training.
    task: the task.
    genotype: genotype of the network.
    configs: how the network was built and trained.
    trainer: its trainer.
    seed: random seed of the training.

  Raises:
    ValueError: if its checkpoint cannot be read.
  """
  is_mixed = getattr(configs.training_config, "mixed_precision", "none") != "none"
  is_shared = isinstance(getattr(trainer, "distribution", None), tf.distribute.MultiWorkerMirroredStrategy)
  if not is_mixed and not is_shared:
    return trainer.network
  config = complete_network_config(configs.network_config, num_steps=1, num_replicas=1)  # Both matter only in training.
  network = build_network(genotype, config, input_shape=task.input_shape, num_outputs=task.num_outputs, seed=seed)
  restore_network(directory, network)
  return network


def check_begun(directory: str, settings: Mapping[str, Any]) -> None:
  """Checks the settings of a training that was started in a directory, if there is one.

  Raises:
    RunDirectoryError: if it was started with other settings.
  """
  if _is_bound(directory):
    check_settings(directory, settings)


def bind_settings(directory: str, settings: Mapping[str, Any]) -> None:
  """Records the settings of a new training, or checks those of one that was started before."""
  if not _is_bound(directory):
    write_json(os.path.join(directory, CONFIG_FILE), dict(settings))
  check_settings(directory, settings)


def _is_bound(directory: str) -> bool:
  """Returns whether a directory goes on only with its recorded settings: a search's, or a training's that has begun."""
  if not os.path.exists(os.path.join(directory, CONFIG_FILE)):
    return False
  return "genotype" not in read_settings(directory) or has_begun(directory)
