"""The figures of `nao_tf.benchmarks.rank_metrics` as graph operations on one batch, for a controller's `test_step`."""

import tensorflow as tf


def pairwise_accuracy(predictions: tf.Tensor, targets: tf.Tensor, weights: tf.Tensor) -> tf.Tensor:
  """Returns the share of pairs in the right order, [*prefix].

  Args:
    predictions: [*prefix, B].
    targets: [B] or [*prefix, B].
    weights: 1 for those that count, 0 for the others, like the targets.
  """
  agreement = (_differences(predictions) >= 0) == (_differences(targets) >= 0)
  pairs = _pairs(weights)
  return _mean(tf.cast(agreement, tf.float32), pairs)


def kendall_tau(predictions: tf.Tensor, targets: tf.Tensor, weights: tf.Tensor) -> tf.Tensor:
  """Returns Kendall's tau-b, [*prefix]; 0 if either side is constant. Arguments as in `pairwise_accuracy`."""
  ours, theirs, pairs = tf.sign(_differences(predictions)), tf.sign(_differences(targets)), _pairs(weights)
  untied = _mean(tf.abs(ours), pairs) * _mean(tf.abs(theirs), pairs)
  return tf.math.divide_no_nan(_mean(ours * theirs, pairs), tf.sqrt(untied))


def hamming_distance(tokens: tf.Tensor, other_tokens: tf.Tensor) -> tf.Tensor:
  """Returns the mean number of differing tokens per sequence, [*prefix], of [*prefix, B, L] each."""
  different = tf.cast(tokens != other_tokens, tf.float32)
  return tf.reduce_mean(tf.reduce_sum(different, axis=-1), axis=-1)


def _differences(values: tf.Tensor) -> tf.Tensor:
  return values[..., :, tf.newaxis] - values[..., tf.newaxis, :]


def _pairs(weights: tf.Tensor) -> tf.Tensor:
  """Returns which pairs i < j count, [..., B, B]."""
  both = weights[..., :, tf.newaxis] * weights[..., tf.newaxis, :]
  return tf.linalg.band_part(both, 0, -1) - tf.linalg.band_part(both, 0, 0)


def _mean(values: tf.Tensor, pairs: tf.Tensor) -> tf.Tensor:
  total = tf.reduce_sum(pairs * tf.ones_like(values), axis=[-2, -1])
  return tf.math.divide_no_nan(tf.reduce_sum(values * pairs, axis=[-2, -1]), total)
