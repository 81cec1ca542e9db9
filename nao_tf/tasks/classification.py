"""Losses and scores of a classifier: cross-entropy and accuracy."""

import tensorflow as tf

TOP = 5
"""How many classes are looked at by the score that ImageNet is reported with, beside the accuracy."""


def cross_entropy(logits: tf.Tensor, targets: tf.Tensor, smoothing: float = 0.0) -> tf.Tensor:
  """Returns the cross-entropies of logits `[B, C]` and classes `[B]`, in nats, `[B]`.

  Args:
    logits: logits of the classes.
    targets: the correct classes.
    smoothing: fraction of the target that is spread evenly over all classes.
  """
  logits = logits if logits.dtype == tf.float64 else tf.cast(logits, tf.float32)
  if not smoothing:
    return tf.nn.sparse_softmax_cross_entropy_with_logits(targets, logits)
  classes = logits.shape[-1]
  smoothed = tf.one_hot(targets, classes, on_value=1 - smoothing + smoothing / classes, off_value=smoothing / classes)
  return tf.nn.softmax_cross_entropy_with_logits(smoothed, logits)


def classification_scores(logits: tf.Tensor, targets: tf.Tensor) -> dict[str, tf.Tensor]:
  """Returns `accuracy` (1 where the highest logit is that of the class) and `loss` (cross-entropy), each `[B]`."""
  found = tf.argmax(logits, -1, output_type=targets.dtype) == targets
  return {"accuracy": tf.cast(found, tf.float32), "loss": cross_entropy(logits, targets)}


def top_accuracy(logits: tf.Tensor, targets: tf.Tensor) -> tf.Tensor:
  """Returns 1 where the class is among the five with the highest logits, else 0, `[B]`.

  A class whose logit is NaN or infinite is not among them.
  """
  return tf.cast(tf.math.in_top_k(targets, tf.cast(logits, tf.float32), TOP), tf.float32)
