"""Flags that several binaries share: the task, the networks and their training, and the process that runs them."""

import os
from typing import Any

import tensorflow as tf
from absl import flags

from nao_tf import distribution
from nao_tf.networks.image_network import ImageNetworkConfig
from nao_tf.tasks import make_task
from nao_tf.tasks.base import Task
from nao_tf.tools import flagging


def define_process_flags(flag_values: flags.FlagValues) -> None:
  """Defines what concerns the process: where it writes, its seed, its devices."""
  define = {"flag_values": flag_values}
  flags.DEFINE_string(
    "workdir", None, "directory of this run; made if it does not exist, continued if it does", **define
  )
  flags.DEFINE_integer("seed", 0, "seed of all randomness", lower_bound=0, **define)
  flags.DEFINE_integer(
    "num_replicas",
    None,
    "devices to train on; without GPUs the CPU is split; default: all GPUs",
    lower_bound=1,
    **define,
  )
  flags.DEFINE_boolean(
    "deterministic", True, "let TensorFlow use only operations that give the same bits each time", **define
  )
  flags.mark_flag_as_required("workdir", flag_values)


def define_task_flags(flag_values: flags.FlagValues) -> None:
  """Defines what concerns the task and its data."""
  define = {"flag_values": flag_values}
  flags.DEFINE_string(
    "task", "digits", "digits, cifar10, cifar100, fashion_mnist, or an image set of TensorFlow Datasets", **define
  )
  flags.DEFINE_string("data_dir", None, "where TensorFlow Datasets are; default: its own choice", **define)
  flags.DEFINE_boolean("download", False, "download and prepare data that is not there", **define)
  flags.DEFINE_integer("train_examples", None, "train on so many examples; default: all", lower_bound=1, **define)
  flags.DEFINE_float(
    "validation_fraction", None, "share of the training data held out; default: the task's", 0.0, 1.0, **define
  )
  flags.DEFINE_integer("image_size", None, "resize images to so many pixels a side", lower_bound=1, **define)


def define_network_flags(
  flag_values: flags.FlagValues, config: ImageNetworkConfig, *, prefix: str = "", unset: str = ""
) -> None:
  """Defines a flag for each field of an image network's configuration; the task sets the steps of its schedule."""
  flagging.define(config, flag_values, prefix=prefix, unset=unset, skip=("drop_path_steps",))


def task_of(flag_values: flags.FlagValues, **overrides: Any) -> Task:
  """Returns the task that the flags name."""
  names = ("data_dir", "download", "train_examples", "validation_fraction", "image_size")
  options = {**{name: flag_values[name].value for name in names}, **overrides}
  return make_task(flag_values.task, **options)


def task_settings(flag_values: flags.FlagValues) -> dict[str, Any]:
  """Returns the flags of the task that determine results; where the data lies does not."""
  return {name: flag_values[name].value for name in ("task", "train_examples", "validation_fraction", "image_size")}


def check_workdir(directory: str) -> None:
  """Makes the directory of a run and checks, before any work is done, that files can be written there.

  Raises:
    OSError: if not.
  """
  os.makedirs(directory, exist_ok=True)
  if not os.access(directory, os.W_OK):
    raise PermissionError(f"{directory}: cannot be written")


def prepare_process(flag_values: flags.FlagValues) -> tf.distribute.Strategy:
  """Seeds TensorFlow and returns the process's distribution strategy."""
  strategy = distribution.make_strategy(flag_values.num_replicas)
  tf.keras.utils.set_random_seed(flag_values.seed)
  if flag_values.deterministic:
    tf.config.experimental.enable_op_determinism()
  return strategy
