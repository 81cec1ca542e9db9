"""The gradient of the validation loss with respect to architecture parameters (Liu et al., ICLR 2019, section 2.3).

The loss is that after one step of the weights on training data. Its gradient has a first part, with the weights after the
step held fixed, and a second: the step size times the product of a matrix of second derivatives with the gradient of the
weights. That product is a difference of two gradients at weights that are moved a little to either side. Where the step of
the weights clips its gradient, as on a text, so does the product: the authors' search for recurrent cells does so.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import tensorflow as tf

Tensors = Sequence[tf.Tensor]
Loss = Callable[[Tensors, tf.Tensor], tf.Tensor]
"""Returns a loss, given the weights and the architecture parameters."""

Summed = Callable[[Tensors], list[tf.Tensor]]
"""Returns gradients of this replica's share of a loss, summed over all replicas."""

DIFFERENCE = 0.01
"""The published length of the two moves, all weights together."""


class WeightStep(NamedTuple):
  """How the weights will be moved: by stochastic gradient descent with momentum and weight decay.

  Attributes:
    rate: learning rate; 0 for the first-order approximation.
    momentum: fraction of the last move that is made again.
    last: the last move of each weight.
    decay: factor of the weights in their gradient.
    clip_norm: bound on the norm of the gradients without the decay, and of the gradient of the validation loss where it
      is the direction of the second part; 0 for none.
  """

  rate: tf.Tensor | float
  momentum: float = 0.0
  last: Tensors = ()
  decay: float = 0.0
  clip_norm: float = 0.0

  def moved(self, weights: Tensors, gradients: Tensors) -> list[tf.Tensor]:
    """Returns the weights after the step."""
    last = self.last or [tf.zeros_like(weight) for weight in weights]
    return [
      weight + self.momentum * move - self.rate * (gradient + self.decay * weight)
      for weight, move, gradient in zip(weights, last, self.clipped(gradients))
    ]

  def clipped(self, gradients: Tensors) -> list[tf.Tensor]:
    """Returns gradients whose norm, all weights together, is at most `clip_norm`."""
    return tf.clip_by_global_norm(list(gradients), self.clip_norm)[0] if self.clip_norm else list(gradients)


def first_order_gradient(
  parameters: tf.Tensor, weights: Tensors, validation: Loss, *, summed: Summed = list
) -> tf.Tensor:
  """Returns the gradient of the validation loss at the present weights.

  Args:
    parameters: parameters of the architecture.
    weights: weights of the network.
    validation: the loss that the parameters are to lower.
    summed: sums gradients over the replicas.
  """
  return _gradients(validation, weights, parameters, summed)[1]


def second_order_gradient(
  parameters: tf.Tensor,
  weights: Tensors,
  step: WeightStep,
  *,
  training: Loss,
  validation: Loss,
  summed: Summed = list,
) -> tf.Tensor:
  """Returns the gradient of the validation loss after one step of the weights.

  Args:
    parameters: parameters of the architecture.
    weights: before the step.
    step: how the weights are moved.
    training: the loss that moves the weights.
    validation: the loss that the parameters are to lower.
    summed: sums gradients over the replicas.
  """
  gradients, _ = _gradients(training, weights, parameters, summed)
  direction, direct = _gradients(validation, step.moved(weights, gradients), parameters, summed)
  return direct - step.rate * mixed_product(parameters, weights, step.clipped(direction), training, summed=summed)


def mixed_product(
  parameters: tf.Tensor, weights: Tensors, direction: Tensors, training: Loss, *, summed: Summed = list
) -> tf.Tensor:
  """Returns the mixed second derivatives of the training loss times a direction of the weights.

  The difference quotient is central, with moves of the length `DIFFERENCE`.

  Args:
    parameters: parameters of the architecture.
    weights: where the derivatives are taken.
    direction: direction of the weights.
    training: the loss.
    summed: sums gradients over the replicas.
  """
  length = tf.linalg.global_norm(direction)
  step = tf.math.divide_no_nan(tf.constant(DIFFERENCE, length.dtype), length)
  ahead, behind = (
    _gradients(training, [w + sign * step * d for w, d in zip(weights, direction)], parameters, summed)[1]
    for sign in (1.0, -1.0)
  )
  return tf.math.divide_no_nan(ahead - behind, 2.0 * step)


def _gradients(
  loss: Loss, weights: Tensors, parameters: tf.Tensor, summed: Summed
) -> tuple[list[tf.Tensor], tf.Tensor]:
  """Returns the gradients of a loss with respect to weights and to parameters."""
  weights = [tf.convert_to_tensor(weight) for weight in weights]
  parameters = tf.convert_to_tensor(parameters)
  with tf.GradientTape() as tape:
    tape.watch([*weights, parameters])
    value = loss(weights, parameters)
  *of_weights, of_parameters = summed(tape.gradient(value, [*weights, parameters], unconnected_gradients="zero"))
  return of_weights, of_parameters
