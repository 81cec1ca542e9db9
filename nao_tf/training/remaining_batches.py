"""The batches of a training from a step on: those before it are skipped, at best before anything is read or decoded."""

import inspect
from typing import Any

import tensorflow as tf

from nao_tf.training.base import BatchProblem
from nao_tf.training.config import TrainingConfig

_FIRST_STEP = "first_step"


def remaining_batches(task: BatchProblem, training_config: TrainingConfig, *, seed: int, step: int) -> tf.data.Dataset:
  """Returns the batches of a training from a step on.

  If `task.training_batches` takes `first_step`, the number of steps of its first epoch that are done, it skips them itself.
  Otherwise they are read and then skipped.

  Args:
    task: has the data.
    training_config: how the network is trained.
    seed: seed of the order of the examples and of their augmentation.
    step: how many steps have been made, in all epochs.
  """
  epoch, done = divmod(step, task.steps_per_epoch(training_config))
  batches: Any = task.training_batches
  if not done:
    return batches(training_config, seed=seed, first_epoch=epoch)
  if _FIRST_STEP in inspect.signature(batches).parameters:
    return batches(training_config, seed=seed, first_epoch=epoch, first_step=done)
  return batches(training_config, seed=seed, first_epoch=epoch).skip(done)
