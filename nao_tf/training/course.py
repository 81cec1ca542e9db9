"""What a training remembers of its course, besides weights and optimizer: its loss so far, and how often it went back."""

from collections.abc import Mapping
from typing import Any

import tensorflow as tf


class Course(tf.Module):
  """The course of a training, as variables of its checkpoints.

  Attributes:
    loss: a variable, the sum of the losses of the steps of the present epoch.
    rate_factor: a variable, what the learning rate of the configuration is multiplied with.
    setbacks: a variable, how often the training has gone back to a checkpoint because its loss was not finite.
  """

  def __init__(self) -> None:
    """Creates the variables, for the beginning of a training."""
    super().__init__()
    self.loss = tf.Variable(0.0, dtype=tf.float64, trainable=False)
    self.rate_factor = tf.Variable(1.0, trainable=False)
    self.setbacks = tf.Variable(0, trainable=False)

  def add(self, loss: tf.Tensor) -> None:
    """Adds the loss of a step."""
    self.loss.assign_add(tf.cast(loss, tf.float64))

  def start_epoch(self) -> None:
    """Begins a new epoch."""
    self.loss.assign(0.0)

  def may_go_back(self, rate_factor: float) -> bool:
    """Returns whether to go back with a factor: once, and again with one smaller than the factor of the last time.

    Args:
      rate_factor: what the learning rate of the configuration is to be multiplied with; 0 for never.
    """
    is_smaller = rate_factor < float(self.rate_factor.numpy()) * (1 - 1e-6)
    return rate_factor > 0 and (is_smaller or not int(self.setbacks.numpy()))

  def set_back(self, rate_factor: float) -> None:
    """Records that the training has gone back, and multiplies its learning rate with a factor from now on."""
    self.setbacks.assign_add(1)
    self.rate_factor.assign(self.rate_factor * rate_factor)


def weights_are_finite(state: Mapping[str, Any]) -> bool:
  """Returns whether no weight of a training is NaN or infinite.

  Args:
    state: state of a trainer: its weights are the variable "weights", or else those of the "network". Others are not
      checked.
  """
  vector, network = state.get("weights"), state.get("network")
  variables = [vector] if vector is not None else getattr(network, "trainable_variables", [])
  return all(bool(tf.reduce_all(tf.math.is_finite(tf.convert_to_tensor(variable)))) for variable in variables)
