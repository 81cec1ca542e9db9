"""Averages of the weights of a network over its training, which are evaluated and exported instead of the weights.

* "ema": the exponential moving average over steps; at the start, the mean of all steps so far.
* "swa": the mean of the weights at the ends of epochs (Izmailov et al., "Averaging weights leads to wider optima and
  better generalization", UAI 2018).

Averaged batch normalization statistics would not be those of the averaged weights. So they are recomputed from batches
of training examples each time before the averages are evaluated.
"""

import contextlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import tensorflow as tf
from tensorflow import keras

from nao_tf.training.variables import tf_variable

STATISTICS_BATCHES = 50
"""Batches that the batch statistics are taken from. The moving averages of batch norm then owe 0.5 % to those before."""


class AveragedNetwork(tf.Module):
  """Averages of the weights of a network, and the batch statistics that belong to them.

  Attributes:
    count: a variable, how many values have been averaged.
    epoch: a variable, the last epoch whose end was included.
    weights: a variable, the averages, one after another, `[P]`.
    statistics: a variable, the batch statistics, one after another, `[S]`.
  """

  def __init__(self, network: keras.Model) -> None:
    """Creates the variables.

    Args:
      network: built.
    """
    super().__init__(name="averaged_network")
    self._trainable = [tf_variable(variable) for variable in network.trainable_variables]
    others = [tf_variable(variable) for variable in network.non_trainable_variables]
    self._others = [variable for variable in others if variable.dtype.is_floating]
    self.count = tf.Variable(0.0, trainable=False)
    self.epoch = tf.Variable(0, dtype=tf.int64, trainable=False)
    self.weights = tf.Variable(_packed(self._trainable), trainable=False)
    self.statistics = tf.Variable(_packed(self._others), trainable=False)

  def update(self, least_share: float = 0.0, *, when: tf.Tensor | bool = True) -> None:
    """Includes the present weights: average += share * (weight - average).

    Args:
      least_share: the share is that of a mean, 1 / count, and at least this.
      when: whether to do so; otherwise nothing is changed.
    """
    acts = tf.cast(when, tf.float32)
    self.count.assign_add(acts)
    share = tf.cast(acts * tf.maximum(1.0 / tf.maximum(self.count, 1.0), least_share), self.weights.dtype)
    self.weights.assign_add(share * (_packed(self._trainable) - self.weights))

  def include(self, epoch: int) -> None:
    """Includes the weights at the end of an epoch, unless they are already.

    Args:
      epoch: its number.
    """
    if epoch > int(self.epoch.numpy()):
      self.update()
      self.epoch.assign(epoch)

  @property
  def usable(self) -> bool:
    """Whether there has been an update."""
    return bool(self.count.numpy() > 0)

  def restore(self) -> None:
    """Gives the network the averages and their batch statistics, if there has been an update."""
    if self.usable:
      _unpack(self.weights, self._trainable)
      _unpack(self.statistics, self._others)

  @contextlib.contextmanager
  def in_use(self, take_statistics: Callable[[], None]) -> Iterator[None]:
    """Gives the network the averages as long as the context is open, if there has been an update.

    Args:
      take_statistics: calls the network in training with some batches, without changing its weights.
    """
    if not self.usable:
      yield
      return
    before = [variable.read_value() for variable in (*self._trainable, *self._others)]
    try:
      _unpack(self.weights, self._trainable)
      take_statistics()
      self.statistics.assign(_packed(self._others))
      yield
    finally:
      for variable, value in zip((*self._trainable, *self._others), before):
        variable.assign(value)


def _packed(variables: Sequence[tf.Variable]) -> tf.Tensor:
  """Returns the values of variables as one vector."""
  values = [tf.reshape(variable.read_value(), [-1]) for variable in variables]
  return tf.concat(values, 0) if values else tf.zeros([0])


def _unpack(vector: Any, variables: Sequence[tf.Variable]) -> None:
  """Gives variables their parts of a vector."""
  pieces = tf.split(tf.convert_to_tensor(vector), [variable.shape.num_elements() for variable in variables])
  for variable, piece in zip(variables, pieces):
    variable.assign(tf.reshape(piece, variable.shape))
