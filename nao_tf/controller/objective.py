"""The joint loss of a controller, and the regularization of its gradient (Luo et al., NeurIPS 2018, equation 1).

loss = lambda * mean squared error of the score + (1 - lambda) * mean cross-entropy of the tokens. The controllers of an
ensemble are independent: the gradient of the sum of their losses is the gradient of each controller's own loss. Each
gradient is clipped by its own norm.
"""

from collections.abc import Sequence

import tensorflow as tf


def score_loss(predictions: tf.Tensor, targets: tf.Tensor, weights: tf.Tensor) -> tf.Tensor:
  """Returns the weighted mean squared error of scores, [*prefix]; 0 if all weights are 0.

  Args:
    predictions: predicted scores in (0, 1), [*prefix, B].
    targets: scores to predict, in [0, 1], [B] or [*prefix, B].
    weights: 0 for architectures without a score, 1 for the others. Same shape as `targets`.
  """
  errors = tf.math.squared_difference(predictions, targets)
  total = tf.reduce_sum(weights * tf.ones_like(errors), axis=-1)
  return tf.math.divide_no_nan(tf.reduce_sum(weights * errors, axis=-1), total)


def token_loss(logits: tf.Tensor, tokens: tf.Tensor) -> tf.Tensor:
  """Returns the cross-entropy of tokens, averaged over tokens and sequences, [*prefix].

  Args:
    logits: masked logits, [*prefix, B, L, V].
    tokens: the right tokens, [*prefix, B, L].
  """
  losses = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=tokens, logits=logits)
  return tf.reduce_mean(losses, axis=[-2, -1])


def regularized(
  gradients: Sequence[tf.Tensor],
  variables: Sequence[tf.Variable],
  prefix: tuple[int, ...],
  *,
  clip_norm: float,
  l2: float = 0.0,
  weight_decay: float = 0.0,
) -> list[tf.Tensor]:
  """Returns clip(gradients + l2 * weights) + weight_decay * weights.

  Args:
    gradients: one for each variable, [*prefix, ...].
    variables: the weights.
    prefix: () or (ensemble_size,).
    clip_norm: maximum global norm of the gradients of one controller.
    l2: see `ControllerConfig`.
    weight_decay: see `ControllerConfig`.
  """
  weights = [tf.convert_to_tensor(variable) for variable in variables]
  if l2:
    gradients = [gradient + l2 * weight for gradient, weight in zip(gradients, weights)]
  clipped = clip_by_norm(gradients, clip_norm, prefix)
  if weight_decay:
    return [gradient + weight_decay * weight for gradient, weight in zip(clipped, weights)]
  return clipped


def clip_by_norm(gradients: Sequence[tf.Tensor], clip_norm: float, prefix: tuple[int, ...]) -> list[tf.Tensor]:
  """Scales the gradients of each controller down to the norm `clip_norm` if theirs is larger.

  Args:
    gradients: one for each variable, [*prefix, ...].
    clip_norm: maximum global norm of the gradients of one controller.
    prefix: () or (ensemble_size,).
  """
  num_prefix = len(prefix)
  squares = [tf.reduce_sum(tf.square(g), axis=list(range(num_prefix, g.shape.rank))) for g in gradients]
  scale = clip_norm / tf.maximum(tf.sqrt(tf.add_n(squares)), clip_norm)
  return [g * tf.reshape(scale, [*prefix, *(g.shape.rank - num_prefix) * [1]]) for g in gradients]
