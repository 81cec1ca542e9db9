"""The weights of a supernet as a single variable, of which the optimizer updates one path at a time.

Before a step, the weights on the path and their optimizer slots (such as momenta) are gathered into variables as long
as the longest path. The optimizer updates these, and they are written back. So a step leaves everything off its path
unchanged: no gradient, no weight decay, no momentum.

This works for any elementwise optimizer. The optimizer counts the steps of all paths together, which learning rate
schedules and the bias correction of Adam depend on. So Adam's first updates of a weight that is rarely on a path are
larger than they would be if it were on all paths.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import tensorflow as tf
from tensorflow import keras

from nao_tf.training.loss_scale import UNSCALED, LossScale, NoLossScale
from nao_tf.training.variables import tf_variable

_PATH_NAME = "weights_on_path"
"""Name of the variable with the weights on the path. Keras names the slots of a variable after it."""


class PathWeights:
  """Weights, and the optimizer that changes those on a path.

  Attributes:
    vector: all weights, a variable `[P]`.
    optimizer: the optimizer.
  """

  def __init__(
    self,
    initial: np.ndarray,
    max_path: int,
    make_optimizer: Callable[[], keras.optimizers.Optimizer],
    others: Sequence[Any] = (),
  ) -> None:
    """Creates the variables. Call it in the scope of their distribution.

    Args:
      initial: initial values of the weights, `[P]`.
      max_path: length of the longest path.
      make_optimizer: makes an optimizer that updates each weight independently.
      others: variables that are on every path and optimized as they are.
    """
    self._others, self._length = list(others), max_path
    self.vector = tf.Variable(initial, name="shared_weights")
    self._path = tf.Variable(tf.zeros([max_path]), name=_PATH_NAME)
    self.optimizer = make_optimizer()
    self.optimizer.build([self._path, *self._others])
    self._slots = [tf_variable(slot) for slot in self.optimizer.variables if _PATH_NAME in slot.name]
    self._kept = [_spread(slot, len(initial)) for slot in self._slots]

  @property
  def state(self) -> dict[str, Any]:
    """What a checkpoint must hold of the weights and the optimizer, without the other variables."""
    return {"weights": self.vector, "optimizer": self.optimizer, "slots": self._kept}

  def read(self, positions: tf.Tensor) -> tf.Tensor:
    """Returns the weights at the positions of a path, `[A]`."""
    return tf.gather(tf.convert_to_tensor(self.vector), positions)

  def apply(
    self,
    positions: tf.Tensor,
    weights: tf.Tensor,
    gradient: tf.Tensor,
    others: Sequence[tf.Tensor] = (),
    *,
    loss_scale: LossScale | NoLossScale = UNSCALED,
  ) -> tf.Tensor:
    """Lets the optimizer change the weights on a path, and the other variables. Call it in the context of a replica.

    Args:
      positions: positions of the path, `[A]`.
      weights: the present weights there, `[A]`.
      gradient: their gradient, `[A]`.
      others: gradients of the other variables.
      loss_scale: what the loss was scaled with. If it was, gradients that are not finite change nothing.

    Returns:
      Whether the update was made.
    """
    replica = tf.distribute.get_replica_context()
    replica.merge_call(self._load, args=(positions, weights))
    gradients, variables = [self._padded(gradient), *others], [self._path, *self._others]
    made = loss_scale.apply(self.optimizer, gradients, variables)
    replica.merge_call(self._store, args=(positions,))
    return made

  def _load(self, distribution: tf.distribute.Strategy, positions: tf.Tensor, weights: tf.Tensor) -> None:
    update = distribution.extended.update
    update(self._path, self._assign_padded, args=(weights,), group=False)
    for slot, kept in zip(self._slots, self._kept):
      update(slot, self._assign_gathered, args=(kept, positions), group=False)

  def _store(self, distribution: tf.distribute.Strategy, positions: tf.Tensor) -> None:
    for whole, part in zip((self.vector, *self._kept), (self._path, *self._slots)):
      distribution.extended.update(whole, _scatter, args=(part, positions), group=False)

  def _assign_padded(self, variable: tf.Variable, values: tf.Tensor) -> None:
    variable.assign(self._padded(values))

  def _assign_gathered(self, slot: tf.Variable, kept: tf.Variable, positions: tf.Tensor) -> None:
    slot.assign(self._padded(tf.gather(tf.convert_to_tensor(kept), positions)))

  def _padded(self, values: tf.Tensor) -> tf.Tensor:
    return tf.ensure_shape(tf.pad(values, [[0, self._length - tf.size(values)]]), [self._length])


def _scatter(whole: tf.Variable, part: tf.Variable, positions: tf.Tensor) -> None:
  values = tf.convert_to_tensor(part)[: tf.size(positions)]
  whole.scatter_update(tf.IndexedSlices(values, positions))


def _spread(slot: tf.Variable, length: int) -> tf.Variable:
  """Returns a variable of another length that has the initial value of a slot, the same for all numbers, everywhere."""
  return tf.Variable(tf.fill([length], slot.read_value()[0]), trainable=False)
