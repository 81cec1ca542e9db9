"""Reads the trained network in the directory of a training: its last checkpoint, and what its task was."""

import dataclasses
import os
from typing import Any

from absl import logging
from tensorflow import keras

from nao_tf.networks.building import build_network, complete_network_config
from nao_tf.runs.recorded_configs import from_settings
from nao_tf.runs.settings import CONFIG_FILE, RunDirectoryError, read_settings
from nao_tf.serving import read_exporter
from nao_tf.spaces.genotypes import Genotype, genotype_from_json
from nao_tf.tasks import task_class
from nao_tf.tasks.base import Task
from nao_tf.training.training_directory import restore_network

BEST_DIRECTORY = "best"
"""The directory of the winner's training, in the directory of a search."""


@dataclasses.dataclass(frozen=True)
class TrainedNetwork:
  """A network with the weights of the last checkpoint of its training.

  Attributes:
    directory: directory of the training.
    network: the network.
    genotype: its genotype.
    task: what it was trained on; it may have no data.
    epochs: how many epochs the training has completed.
  """

  directory: str
  network: keras.Model
  genotype: Genotype
  task: Task
  epochs: int


def read_trained_network(
  directory: str | os.PathLike[str], task: Task | None = None, *, best: bool = False
) -> TrainedNetwork:
  """Builds the network of a training and gives it the weights of the last checkpoint.

  Args:
    directory: directory of the training; or of a search whose winner was trained.
    task: what it was trained on; None for what the directory records.
    best: whether to take the checkpoint of the epoch with the lowest validation loss instead of the last one.

  Raises:
    RunDirectoryError: if it is not the directory of a training, or has no such checkpoint yet.
    ValueError: if a file in it cannot be read, or it records no task and none is given.
  """
  directory = training_directory(os.fspath(directory))
  settings = training_settings(directory)
  genotype, task = genotype_from_json(settings["genotype"]), task or _recorded_task(directory)
  network = fresh_network(task, genotype, settings)
  epochs = restore_network(directory, network, best=best)
  if epochs is None:
    reason = "no checkpoint of a best epoch: nothing was validated" if best else "no checkpoint yet"
    raise RunDirectoryError(f"{directory}: has {reason}")
  _warn_if_unfinished(directory, settings, epochs)
  return TrainedNetwork(directory, network, genotype, task, epochs)


def training_directory(directory: str) -> str:
  """Returns the directory of the winner's training if one of a search is given, otherwise the directory itself."""
  best = os.path.join(directory, BEST_DIRECTORY)
  is_search = os.path.exists(os.path.join(best, CONFIG_FILE)) and "genotype" not in read_settings(directory)
  return best if is_search else directory


def training_settings(directory: str) -> dict[str, Any]:
  """Returns the settings of a training.

  Raises:
    RunDirectoryError: if the directory is not that of a training.
  """
  settings = read_settings(directory)
  missing = [name for name in ("genotype", "task", "seed") if name not in settings]
  if missing:
    raise RunDirectoryError(f"{directory}: is not the directory of a training; its settings have no {missing[0]}")
  return settings


def fresh_network(task: Task, genotype: Genotype, settings: dict[str, Any]) -> keras.Model:
  """Returns the network of a training, before any step.

  Args:
    task: as recorded.
    genotype: as recorded.
    settings: settings of the training.
  """
  config = from_settings(task_class(settings["task"]).final.network_config, settings, "network")
  return build_network(
    genotype,
    complete_network_config(config, num_steps=1, num_replicas=1),  # Both matter only in training.
    input_shape=task.input_shape,
    num_outputs=task.num_outputs,
    seed=settings["seed"],
  )


def _recorded_task(directory: str) -> Task:
  exporter = read_exporter(directory)
  if exporter is None:
    raise ValueError(f"{directory}: does not record its task, as trainings of version 0.1 do not; pass the task")
  return exporter.task


def _warn_if_unfinished(directory: str, settings: dict[str, Any], epochs: int) -> None:
  planned = settings.get("training.epochs", epochs)
  if epochs < planned:
    logging.warning("%s: the training has completed %d of %d epochs", directory, epochs, planned)
