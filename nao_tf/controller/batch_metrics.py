"""The metrics of `nao_tf.benchmarks.rank_metrics` as TensorFlow operations on one batch.

A controller's `test_step` reports them.
"""

import tensorflow as tf


def pairwise_accuracy(predictions: tf.Tensor, targets: tf.Tensor, weights: tf.Tensor) -> tf.Tensor:
  """Returns the fraction of pairs in the right order, in [0, 1], shape [*prefix]; higher is better.

  Args:
    predictions: predicted scores, [*prefix, B].
    targets: true scores, [B] or [*prefix, B].
    weights: 1 for architectures that count, 0 for the others. Same shape as `targets`.
  """
  agreement = (_differences(predictions) >= 0) == (_differences(targets) >= 0)
  return _mean(tf.cast(agreement, tf.float32), _pairs(weights))


def kendall_tau(predictions: tf.Tensor, targets: tf.Tensor, weights: tf.Tensor) -> tf.Tensor:
  """Returns Kendall's tau-b, in [-1, 1], shape [*prefix]; 0 if either side is constant.

  Args:
    predictions: predicted scores, [*prefix, B].
    targets: true scores, [B] or [*prefix, B].
    weights: 1 for architectures that count, 0 for the others. Same shape as `targets`.
  """
  predicted, true = tf.sign(_differences(predictions)), tf.sign(_differences(targets))
  pairs = _pairs(weights)
  untied = _mean(tf.abs(predicted), pairs) * _mean(tf.abs(true), pairs)
  return tf.math.divide_no_nan(_mean(predicted * true, pairs), tf.sqrt(untied))


def hamming_distance(tokens: tf.Tensor, other_tokens: tf.Tensor) -> tf.Tensor:
  """Returns the mean number of positions per sequence at which two batches differ, shape [*prefix].

  Args:
    tokens: [*prefix, B, L].
    other_tokens: [*prefix, B, L].
  """
  different = tf.cast(tokens != other_tokens, tf.float32)
  return tf.reduce_mean(tf.reduce_sum(different, axis=-1), axis=-1)


def _differences(values: tf.Tensor) -> tf.Tensor:
  return values[..., :, tf.newaxis] - values[..., tf.newaxis, :]


def _pairs(weights: tf.Tensor) -> tf.Tensor:
  """Returns 1 for each pair i < j that counts and 0 elsewhere, [..., B, B]."""
  both = weights[..., :, tf.newaxis] * weights[..., tf.newaxis, :]
  return tf.linalg.band_part(both, 0, -1) - tf.linalg.band_part(both, 0, 0)


def _mean(values: tf.Tensor, pairs: tf.Tensor) -> tf.Tensor:
  total = tf.reduce_sum(pairs * tf.ones_like(values), axis=[-2, -1])
  return tf.math.divide_no_nan(tf.reduce_sum(values * pairs, axis=[-2, -1]), total)
