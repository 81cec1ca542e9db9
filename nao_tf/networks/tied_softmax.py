"""The softmax over a vocabulary, whose kernel is the embedding table, together with its cross-entropy.

A small language model spends most of its time here. Written as one operation, it touches the large matrix of the scores
three times less than a softmax followed by a loss. Of that matrix, the gradient needs only exp(scores - max).
Everything else (the normalization, the share of the targets) is done on the small factors of the two products.
"""

from collections.abc import Callable

import tensorflow as tf


@tf.custom_gradient
def cross_entropies(
  hidden: tf.Tensor, table: tf.Tensor, bias: tf.Tensor, targets: tf.Tensor
) -> tuple[tf.Tensor, Callable[[tf.Tensor], tuple[tf.Tensor, tf.Tensor, tf.Tensor, None]]]:
  """Returns -log softmax(hidden table^T + bias)[target].

  Args:
    hidden: `[N, H]`.
    table: `[V, H]`.
    bias: `[V]`.
    targets: `[N]`, integers in [0, V).

  Returns:
    Cross-entropies, `[N]`, in nats. The gradient goes to TensorFlow; callers do not see it.
  """
  scores = logits(hidden, table, bias)
  largest = tf.reduce_max(scores, axis=1, keepdims=True)
  exponentials = tf.exp(scores - largest)
  total = tf.reduce_sum(exponentials, axis=1)
  target_rows = tf.gather(table, targets)
  target_scores = tf.reduce_sum(hidden * target_rows, axis=1) + tf.gather(bias, targets)

  def gradient(upstream: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor, None]:
    weights, rows = (upstream / total)[:, None], targets[:, None]
    d_hidden = weights * tf.matmul(exponentials, table) - upstream[:, None] * target_rows
    d_table = tf.matmul(exponentials, weights * hidden, transpose_a=True)
    d_bias = tf.linalg.matvec(exponentials, weights[:, 0], transpose_a=True)
    d_table = tf.tensor_scatter_nd_sub(d_table, rows, upstream[:, None] * hidden)
    return d_hidden, d_table, tf.tensor_scatter_nd_sub(d_bias, rows, upstream), None

  return largest[:, 0] + tf.math.log(total) - target_scores, gradient


def logits(hidden: tf.Tensor, table: tf.Tensor, bias: tf.Tensor) -> tf.Tensor:
  """Returns the scores of all words, `[N, V]`, for `hidden` `[N, H]`."""
  return tf.nn.bias_add(tf.matmul(hidden, table, transpose_b=True), bias)
