"""Flags that several binaries share: the task, the networks and their training, and the process that runs them."""

import dataclasses
import os
from collections.abc import Mapping
from typing import Any

import tensorflow as tf
from absl import flags

from nao_tf.runs.settings import RunDirectoryError
from nao_tf.tasks import TASKS, make_task, task_class, task_classes
from nao_tf.tasks.base import Setup, Task
from nao_tf.tasks.text import TextFiles
from nao_tf.tools import flagging
from nao_tf.training.determinism import make_deterministic
from nao_tf.training.distribution import make_distribution

# Options of tasks that determine results.
_TASK_OPTIONS = ("train_examples", "validation_fraction", "image_size", "max_vocabulary")
# What a task computes, and no flag says.
_COMPUTED = ("drop_path_steps",)


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
  flags.DEFINE_boolean("deterministic", True, "compute the same bits in every process with the same seed", **define)
  flags.mark_flag_as_required("workdir", flag_values)


def define_task_flags(flag_values: flags.FlagValues) -> None:
  """Defines what concerns the task and its data."""
  define = {"flag_values": flag_values}
  flags.DEFINE_string("task", "digits", f"{', '.join(TASKS)}, or an image set of TensorFlow Datasets", **define)
  define_data_flags(flag_values)
  flags.DEFINE_boolean("download", False, "download and prepare data that is not there", **define)
  flags.DEFINE_integer(
    "train_examples", None, "train on so many examples (images, or tokens of a text); default: all", 1, **define
  )
  flags.DEFINE_float(
    "validation_fraction", None, "share of the training data held out; default: the task's", 0.0, 1.0, **define
  )
  flags.DEFINE_integer("image_size", None, "resize images to so many pixels a side", lower_bound=1, **define)
  flags.DEFINE_integer("max_vocabulary", None, "know so many words of a text; default: the task's", 3, **define)


def define_data_flags(flag_values: flags.FlagValues) -> None:
  """Defines where data lies."""
  define = {"flag_values": flag_values}
  flags.DEFINE_string("data_dir", None, "where TensorFlow Datasets are; default: its own choice", **define)
  flags.DEFINE_string(
    "text_dir", None, "directory of a text: train, valid and test, each a .txt or .txt.gz in UTF-8", **define
  )


def define_setup_flags(flag_values: flags.FlagValues, stage: str, *, prefix: str = "", unset: str = "") -> None:
  """Defines a flag for each field of the networks' and the recipes' configurations, of all kinds of tasks.

  Args:
    flag_values: where to define.
    stage: "child" or "final": whose defaults the help names.
    prefix: put before each field's name.
    unset: if given, this says in the help where a value that is not given comes from.
  """
  setups = {task.kind: _parts(getattr(task, stage)) for task in task_classes()}
  flagging.define_union(setups, flag_values, prefix=prefix, skip=_COMPUTED, unset=unset)


def setup_of(flag_values: flags.FlagValues, defaults: Setup, *, prefix: str = "") -> Setup:
  """Returns how networks are built and trained: the defaults, changed by the flags with that prefix.

  Raises:
    ValueError: if a flag is given that networks for the task have no use for.
  """
  everything = {f.name for task in task_classes() for part in _parts(task.child) for f in dataclasses.fields(part)}
  known = {field.name for part in _parts(defaults) for field in dataclasses.fields(part)}
  foreign = [prefix + name for name in sorted(everything - known) if prefix + name in flag_values]
  wrong = [name for name in foreign if flag_values[name].value is not None]
  if wrong:
    raise ValueError(f"--task={flag_values.task}: its networks and trainings have no {', '.join(wrong)}")
  return Setup(*(flagging.build(part, flag_values, prefix=prefix) for part in _parts(defaults)))


def task_class_of(flag_values: flags.FlagValues) -> type[Task]:
  """Returns the class of the task that the flags name, without reading any data."""
  return task_class(flag_values.task)


def task_of(flag_values: flags.FlagValues, **overrides: Any) -> Task:
  """Returns the task that the flags name."""
  names = ("data_dir", "download", "text_dir", *_TASK_OPTIONS)
  options = {**{name: flag_values[name].value for name in names}, **overrides}
  return make_task(flag_values.task, **options)


def task_settings(flag_values: flags.FlagValues) -> dict[str, Any]:
  """Returns the flags of the task that determine results. Where the data lies does not, but what a text of one's own is."""
  text = {} if flag_values.text_dir is None else {"text": _fingerprint(flag_values.text_dir)}
  return {**{name: flag_values[name].value for name in ("task", *_TASK_OPTIONS)}, **text}


def recorded_task(settings: Mapping[str, Any], flag_values: flags.FlagValues) -> Task:
  """Returns the task that a run directory's settings record, with its data where the flags say.

  Raises:
    RunDirectoryError: if it was another text.
  """
  text_dir, recorded = flag_values.text_dir, settings.get("text")
  if text_dir is not None and recorded not in (None, _fingerprint(text_dir)):
    raise RunDirectoryError(f"{text_dir}: is not the text of the run, or was changed since")
  options = {name: settings.get(name) for name in _TASK_OPTIONS}
  return make_task(settings["task"], data_dir=flag_values.data_dir, text_dir=text_dir, **options)


def check_workdir(directory: str) -> None:
  """Makes the directory of a run and checks, before any work is done, that files can be written there.

  Raises:
    OSError: if not.
  """
  os.makedirs(directory, exist_ok=True)
  if not os.access(directory, os.W_OK):
    raise PermissionError(f"{directory}: cannot be written")


def prepare_process(flag_values: flags.FlagValues) -> tf.distribute.Strategy:
  """Seeds TensorFlow and returns the process's distribution."""
  distribution = make_distribution(flag_values.num_replicas)
  tf.keras.utils.set_random_seed(flag_values.seed)
  if flag_values.deterministic:
    make_deterministic()
  return distribution


def _parts(setup: Setup) -> tuple[Any, Any]:
  return setup.network, setup.recipe


def _fingerprint(text_dir: str) -> str:
  return TextFiles(text_dir).fingerprint
