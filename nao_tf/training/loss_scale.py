"""Loss scaling: in half precision small gradients would become zero, so they are those of a loss times a large factor.

The factor is as large as it can be: it is halved if a gradient is not finite, and doubled after many steps in which all
were. A step with a gradient that is not finite changes no weight (Micikevicius et al., "Mixed precision training", ICLR
2018, section 3.2).
"""

from collections.abc import Sequence
from typing import Any

import tensorflow as tf
from tensorflow import keras

from nao_tf.training.variables import assign_in_replica, tf_variable

_INITIAL = 2.0**15
_STEPS_TO_GROW = 2000


def make_loss_scale(mixed_precision: str) -> "LossScale | NoLossScale":
  """Returns what scales the losses of a training.

  Args:
    mixed_precision: `"float16"` needs a scaled loss; other precisions have the range of float32.
  """
  return LossScale() if mixed_precision == "float16" else UNSCALED


class NoLossScale:
  """The counterpart of `LossScale` for a loss that is not scaled: each update is made."""

  @property
  def state(self) -> dict[str, Any]:
    """What a checkpoint must hold of it: nothing."""
    return {}

  def scaled(self, loss: tf.Tensor) -> tf.Tensor:
    """Returns the loss."""
    return loss

  def unscaled(self, gradients: Sequence[tf.Tensor]) -> list[tf.Tensor]:
    """Returns the gradients."""
    return list(gradients)

  def apply(
    self, optimizer: keras.optimizers.Optimizer, gradients: Sequence[tf.Tensor], variables: Sequence[Any]
  ) -> tf.Tensor:
    """Applies an update; returns that it was made."""
    optimizer.apply_gradients(zip(gradients, variables))
    return tf.constant(True)

  def follow(self, distribution: tf.distribute.Strategy, made: Any) -> None:
    """Does nothing: there is no factor that follows the steps."""


UNSCALED = NoLossScale()
"""What leaves a loss as it is; it has no state."""


class LossScale(tf.Module):
  """The factor of a loss, and the updates of an optimizer that are made only if all gradients are finite.

  Attributes:
    factor: a variable, what the loss is multiplied with.
    good_steps: a variable, how many steps have had finite gradients since the factor was changed.
  """

  def __init__(self, *, initial: float = _INITIAL, steps_to_grow: int = _STEPS_TO_GROW) -> None:
    """Creates the variables.

    Args:
      initial: the factor to begin with.
      steps_to_grow: after so many steps with finite gradients the factor is doubled.
    """
    super().__init__()
    self.factor = tf.Variable(initial, trainable=False)
    self.good_steps = tf.Variable(0, trainable=False)
    self._steps_to_grow = steps_to_grow

  @property
  def state(self) -> dict[str, Any]:
    """What a checkpoint must hold of it."""
    return {"loss_scale": self}

  def scaled(self, loss: tf.Tensor) -> tf.Tensor:
    """Returns the loss times the factor."""
    return loss * self.factor

  def unscaled(self, gradients: Sequence[tf.Tensor]) -> list[tf.Tensor]:
    """Returns the gradients of the loss, given those of the loss times the factor."""
    return [tf.convert_to_tensor(gradient) / self.factor for gradient in gradients]

  def apply(
    self, optimizer: keras.optimizers.Optimizer, gradients: Sequence[tf.Tensor], variables: Sequence[Any]
  ) -> tf.Tensor:
    """Applies an update if all gradients are finite, and otherwise only counts the step. Call it in a replica's context.

    Args:
      optimizer: with all its slots made.
      gradients: the same on all replicas.
      variables: that the gradients belong to.

    Returns:
      Whether all gradients are finite.
    """
    finite = tf.reduce_all([tf.reduce_all(tf.math.is_finite(gradient)) for gradient in gradients])
    changed = [tf_variable(v) for v in (*variables, *optimizer.variables)]
    changed = [variable for variable in changed if variable.dtype.is_floating]
    before = [tf.identity(variable) for variable in changed]
    safe = [tf.where(finite, gradient, tf.zeros_like(gradient)) for gradient in gradients]
    with tf.control_dependencies(before):
      optimizer.apply_gradients(zip(safe, variables))
    assign_in_replica(changed, [tf.where(finite, now, was) for now, was in zip(map(tf.identity, changed), before)])
    return finite

  def follow(self, distribution: tf.distribute.Strategy, made: Any) -> None:
    """Changes the factor after a step of all replicas. Call it outside of their contexts.

    Args:
      distribution: distribution of the replicas.
      made: whether each replica made the update, as `apply` says.
    """
    shares = distribution.run(tf.cast, (made, tf.float32))
    self.update(distribution.reduce(tf.distribute.ReduceOp.MEAN, shares, axis=None) == 1.0)

  def update(self, finite: tf.Tensor) -> None:
    """Changes the factor after a step.

    Args:
      finite: whether its gradients were.
    """
    good = tf.where(finite, self.good_steps + 1, 0)
    grows = good >= self._steps_to_grow
    growth = tf.where(grows, 2.0, tf.where(finite, 1.0, 0.5))
    self.factor.assign(tf.maximum(1.0, self.factor * growth))
    self.good_steps.assign(tf.where(grows, 0, good))
