"""Default settings of networks and trainings adapted to the data."""

from collections.abc import Mapping
from typing import Any

from absl import logging

from nao_tf.tasks.base import Task

_STEPS_PER_EPOCH = 8
_LARGE_IMAGE = 96


def settings_for_data(task: Task, overrides: Mapping[str, Any]) -> dict[str, Any]:
  """Returns adapted values for settings that were not given explicitly.

  Small data sets get smaller batches, so that an epoch has a few steps. Large images get a stem that reduces their
  resolution. The changes are logged.

  Args:
    task: the task.
    overrides: settings that were given explicitly.
  """
  fitting = {name: value for name, value in _all(task).items() if name not in overrides}
  count, size = task.num_examples("train"), "x".join(map(str, task.input_shape)) or "one word"
  for name, value in fitting.items():
    logging.warning("%s: %s is %s, which fits its %d examples of %s better", task.name, name, value, count, size)
  return fitting


def _all(task: Task) -> dict[str, Any]:
  fitting: dict[str, Any] = {}
  largest = _largest_batch(task)
  if largest < task.child.training_config.batch_size:
    fitting["batch_size"] = largest
  if len(task.input_shape) == 3 and min(task.input_shape[:2]) >= _LARGE_IMAGE:
    fitting["stem"] = "imagenet"
  return fitting


def _largest_batch(task: Task) -> int:
  """Returns the largest power of two that is a size of batches with which an epoch has a few steps."""
  per_step = getattr(task.child.training_config, "segment_length", 1)
  return 1 << max(0, (task.num_examples("train") // (_STEPS_PER_EPOCH * per_step)).bit_length() - 1)
