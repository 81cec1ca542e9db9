"""Batches that a signature answers: of any number of rows, none included, and of no other shape."""

from collections.abc import Callable, Mapping

import tensorflow as tf

Answers = dict[str, tf.Tensor]


def answer_rows(
  answer: Callable[..., Answers], inputs: Mapping[str, tf.Tensor], specs: Mapping[str, tf.TensorSpec]
) -> Answers:
  """Returns the answers to a batch, one row for each row of it.

  Some operations cannot work on no rows at all. A row of zeros stands in for them, and its answer is dropped.

  Args:
    answer: returns the answers to a batch of at least one row, given the inputs by name.
    inputs: the inputs by name, each `[B, ...]`. They are checked when the graph runs: TensorFlow itself does not check
      the inputs of a signature that was loaded.
    specs: what each input must be.
  """
  checked = {name: tf.ensure_shape(inputs[name], spec.shape) for name, spec in specs.items()}
  count = tf.shape(next(iter(checked.values())))[0]
  for value in checked.values():
    tf.debugging.assert_equal(tf.shape(value)[0], count, f"{' and '.join(checked)} must have the same number of rows")
  missing = tf.cast(tf.equal(count, 0), tf.int32)
  answers = answer(**{name: _with_zeros(value, missing) for name, value in checked.items()})
  return {name: value[:count] for name, value in answers.items()}


def _with_zeros(value: tf.Tensor, num_rows: tf.Tensor) -> tf.Tensor:
  """Returns a batch with rows of zeros, or of empty strings, at its end."""
  return tf.concat([value, tf.zeros(tf.concat([[num_rows], tf.shape(value)[1:]], 0), value.dtype)], 0)
