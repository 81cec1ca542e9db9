"""Drop-path as Keras layers that are saved and loaded with the models they are in.

A schedule counts the steps of training, so a model that is saved and loaded resumes where it stopped. Its output says
how far the schedule is. Every branch has a layer that reads it and drops the branch of some samples.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import tensorflow as tf
from tensorflow import keras

from nao_tf.training.keras_version import IS_KERAS_3


class DropPaths(NamedTuple):
  """Drop-path in a cell.

  Attributes:
    progress: how far the schedule is, symbolic.
    rate: fraction of the samples at its end.
  """

  progress: Any
  rate: float


_COUNTS_ONCE: Any = "only_first_replica" if IS_KERAS_3 else tf.VariableAggregation.ONLY_FIRST_REPLICA
"""How Keras 3 and Keras 2 say that replicas count a step once."""


@keras.utils.register_keras_serializable(package="nao_tf")
class DropPathSchedule(keras.layers.Layer):
  """Counts training steps; returns the fraction of the schedule that is over, `[B, 1, 1, 1]`, for inputs of any shape."""

  def __init__(self, steps: int, **kwargs: Any) -> None:
    """Creates the layer.

    Args:
      steps: training steps over which the rates grow linearly to their final values; 0: they have them at once.
      **kwargs: keyword arguments of `keras.layers.Layer`.

    Raises:
      ValueError: if there are less than 0 steps.
    """
    super().__init__(**kwargs)
    if steps < 0:
      raise ValueError(f"steps must be at least 0, got {steps}")
    self.steps = steps

  def build(self, input_shape: tuple[int | None, ...]) -> None:
    """Creates the counter."""
    del input_shape
    self.count = self.add_weight(
      name="count", shape=(), dtype="int64", initializer="zeros", trainable=False, aggregation=_COUNTS_ONCE
    )
    self.built = True

  def call(self, inputs: tf.Tensor, training: bool = False) -> tf.Tensor:
    """Returns how far the schedule is; in training, counts a step."""
    count = tf.convert_to_tensor(self.count)
    progress = tf.minimum(1.0, tf.cast(count, tf.float32) / self.steps) if self.steps else tf.constant(1.0)
    if training:
      self.count.assign(count + 1)
    return tf.fill([tf.shape(inputs)[0], 1, 1, 1], progress)

  def get_config(self) -> dict[str, Any]:
    """Returns the arguments of an equal layer, as JSON values."""
    return {**super().get_config(), "steps": self.steps}


@keras.utils.register_keras_serializable(package="nao_tf")
class DropPath(keras.layers.Layer):
  """Sets a branch to zero for some samples in training, and divides it by the fraction of the others."""

  def __init__(self, rate: float, **kwargs: Any) -> None:
    """Creates the layer.

    Args:
      rate: fraction of the samples at the end of the schedule.
      **kwargs: keyword arguments of `keras.layers.Layer`.

    Raises:
      ValueError: if the rate is not in [0, 1).
    """
    super().__init__(**kwargs)
    if not 0.0 <= rate < 1.0:
      raise ValueError(f"rate must be in [0, 1), got {rate}")
    self.rate = rate

  def call(self, inputs: Sequence[tf.Tensor], training: bool = False) -> tf.Tensor:
    """Drops a branch.

    Args:
      inputs: the output of the branch `[B, H, W, C]`, and how far the schedule is `[B, 1, 1, 1]`.
      training: whether anything is dropped.
    """
    branch, progress = inputs
    if not training:
      return branch
    keep = 1.0 - progress * self.rate
    factors = tf.floor(tf.random.uniform(tf.shape(keep)) + keep) / keep
    return branch * tf.cast(factors, branch.dtype)

  def get_config(self) -> dict[str, Any]:
    """Returns the arguments of an equal layer, as JSON values."""
    return {**super().get_config(), "rate": self.rate}
