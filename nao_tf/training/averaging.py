"""Non-monotonically triggered averaged stochastic gradient descent (NT-ASGD).

Merity, Keskar, Socher, "Regularizing and Optimizing LSTM Language Models", ICLR 2018, algorithm 1. Gradient descent
itself is unchanged. Once averaging has been triggered, the mean of the iterates is evaluated and kept instead of the
iterates.
"""

import contextlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import tensorflow as tf

from nao_tf.training.variables import tf_variable


class WeightAverage(tf.Module):
  """The mean of all values that variables have had since averaging began, one value for each update.

  Attributes:
    active: a variable, whether averaging has begun.
    count: a variable, how many values have been averaged.
    averages: variables with the means.
  """

  def __init__(self, variables: Sequence[Any]):
    """Creates the variables with the means. Call it in the scope of the distribution that `variables` belong to.

    Args:
      variables: the variables to average.
    """
    super().__init__()
    self._distribution = tf.distribute.get_strategy()
    self._variables = [tf_variable(variable) for variable in variables]
    self.active = tf.Variable(False, trainable=False)
    self.count = tf.Variable(0.0, trainable=False)
    self.averages = [tf.Variable(variable.read_value(), trainable=False) for variable in self._variables]

  def start(self) -> None:
    """Begins to average; the next update is the first one."""
    self.active.assign(True)

  def update(self) -> None:
    """Includes the present values in the means: a += (w - a) / count."""
    self.count.assign_add(1.0)
    self._for_each(_move_towards, 1.0 / self.count)

  @property
  def usable(self) -> bool:
    """Whether there has been an update."""
    return bool(self.count.numpy() > 0)

  def swap(self) -> None:
    """Exchanges the values of the variables and their means."""
    self._for_each(_exchange)

  @contextlib.contextmanager
  def in_use(self) -> Iterator[None]:
    """Gives the variables their means as long as the context is open, if there has been an update."""
    if not self.usable:
      yield
      return
    self.swap()
    try:
      yield
    finally:
      self.swap()

  def _for_each(self, function: Callable[..., None], *args: tf.Tensor) -> None:
    with self._distribution.scope():
      for average, variable in zip(self.averages, self._variables):
        self._distribution.extended.update(average, function, args=(variable, *args), group=False)


class NonMonotonicTrigger(tf.Module):
  """Detects that a loss has stalled: it exceeds the lowest loss before the most recent ones."""

  def __init__(self, patience: int):
    """Creates the variables that hold the losses.

    Args:
      patience: how many of the last losses are left out of account.
    """
    super().__init__()
    self.recent = tf.Variable(tf.fill([patience], float("inf")), trainable=False)
    self.best_before = tf.Variable(float("inf"), trainable=False)

  def pull(self, loss: float) -> bool:
    """Records a loss; returns whether it exceeds the lowest of all earlier losses except the last `patience`."""
    stalled = loss > float(self.best_before.numpy())
    queue = [*self.recent.numpy(), loss]
    self.best_before.assign(min(float(self.best_before.numpy()), queue[0]))
    self.recent.assign(queue[1:])
    return stalled


class BestWeights(tf.Module):
  """The values that variables had when their loss was lowest.

  Attributes:
    loss: a variable, the lowest loss so far; infinite if there is none.
    kept: variables with the values.
  """

  def __init__(self, variables: Sequence[Any]):
    """Creates the variables with the values. Call it in the scope of the distribution that `variables` belong to.

    Args:
      variables: the variables whose values to keep.
    """
    super().__init__()
    self._variables = [tf_variable(variable) for variable in variables]
    self.loss = tf.Variable(float("inf"), trainable=False)
    self.kept = [tf.Variable(variable.read_value(), trainable=False) for variable in self._variables]

  def offer(self, loss: float) -> None:
    """Keeps the present values if their loss is the lowest so far."""
    if loss < self.loss.numpy():
      self.loss.assign(loss)
      for kept, variable in zip(self.kept, self._variables):
        kept.assign(variable.read_value())

  def restore(self) -> None:
    """Gives the variables the kept values, if there are any."""
    if self.loss.numpy() < float("inf"):
      for kept, variable in zip(self.kept, self._variables):
        variable.assign(kept.read_value())


def _move_towards(average: tf.Variable, value: tf.Tensor, share: tf.Tensor) -> None:
  average.assign_add((value - average) * share)


def _exchange(average: tf.Variable, variable: tf.Variable) -> None:
  value = tf.identity(variable)
  variable.assign(average)
  average.assign(value)
