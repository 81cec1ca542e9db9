"""Splits of image sets, in memory or streamed: batches in random order for training, in a fixed order for evaluation."""

from typing import Protocol

import numpy as np
import sklearn.model_selection
import tensorflow as tf

HOLD_OUTS = ("last", "random", "stratified")
SHUFFLE_BUFFER = 10_000

_INSTEAD_OF_ZERO = 2**31 - 2


class Split(Protocol):
  """Labeled images.

  Attributes:
    num_examples: how many there are.
  """

  num_examples: int

  def shuffled(self, batch_size: int, seed: tf.Tensor) -> tf.data.Dataset:
    """Returns the full batches (images, labels) of one epoch, in an order that is a function of the seed `[2]`."""

  def ordered(self, batch_size: int) -> tf.data.Dataset:
    """Returns all batches (images, labels) in a fixed order; the last batch may be smaller."""


class MemorySplit:
  """A split in memory: batches are gathered, and the order of an epoch is a permutation of all examples.

  Attributes:
    num_examples: how many examples there are.
  """

  def __init__(self, images: np.ndarray, labels: np.ndarray, indices: np.ndarray):
    """Holds the arrays.

    Args:
      images: `[N, H, W, C]` uint8. Several splits may share them.
      labels: `[N]` int32.
      indices: indices of the examples that belong to the split.
    """
    self.num_examples = len(indices)
    with tf.device("CPU:0"):
      self._images, self._labels, self._indices = map(tf.convert_to_tensor, (images, labels, indices))

  def shuffled(self, batch_size: int, seed: tf.Tensor) -> tf.data.Dataset:
    """Returns the full batches (images, labels) of one epoch; see `Split.shuffled`."""
    steps = self.num_examples // batch_size
    order = tf.random.experimental.stateless_shuffle(self._indices, seed)[: steps * batch_size]
    return tf.data.Dataset.from_tensor_slices(tf.reshape(order, [steps, batch_size])).map(self._gather)

  def ordered(self, batch_size: int) -> tf.data.Dataset:
    """Returns all batches (images, labels); see `Split.ordered`."""
    return tf.data.Dataset.from_tensor_slices(self._indices).batch(batch_size).map(self._gather)

  def _gather(self, indices: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    return tf.gather(self._images, indices), tf.gather(self._labels, indices)


class StreamedSplit:
  """A split that is read as it is needed, and shuffled through a buffer.

  Attributes:
    num_examples: how many examples there are.
  """

  def __init__(self, examples: tf.data.Dataset, num_examples: int):
    """Holds the stream.

    Args:
      examples: (image, label) pairs, always in the same order.
      num_examples: how many pairs there are.
    """
    self.num_examples = num_examples
    self._examples = examples

  def shuffled(self, batch_size: int, seed: tf.Tensor) -> tf.data.Dataset:
    """Returns the full batches (images, labels) of one epoch; see `Split.shuffled`."""
    buffer = min(SHUFFLE_BUFFER, self.num_examples)
    number = tf.random.stateless_uniform([], seed, 0, tf.int64.max, dtype=tf.int64)
    _replace_graph_seed_of_zero()
    shuffled = self._examples.shuffle(buffer, seed=number, reshuffle_each_iteration=False)
    return shuffled.batch(batch_size, drop_remainder=True)

  def ordered(self, batch_size: int) -> tf.data.Dataset:
    """Returns all batches (images, labels); see `Split.ordered`."""
    return self._examples.batch(batch_size)


def _replace_graph_seed_of_zero() -> None:
  """Gives the graph that is being traced another seed if its seed is 0.

  TensorFlow asks whether the seeds of a shuffle are both 0. With a graph's seed of 0, it would have to know the value of
  the other one, which is a tensor, and fail.
  """
  if not tf.executing_eagerly() and tf.compat.v1.get_default_graph().seed == 0:
    tf.compat.v1.set_random_seed(_INSTEAD_OF_ZERO)


def hold_out(labels: np.ndarray, fraction: float, *, how: str, seed: int) -> tuple[np.ndarray, np.ndarray]:
  """Divides examples into those to train on and those held out for validation.

  Args:
    labels: classes, `[N]`.
    fraction: share held out, in [0, 1); rounded to whole examples.
    how: "last" holds out the last examples, "random" holds out random ones, and "stratified" holds out random ones of
      each class in proportion.
    seed: seed of the choice.

  Returns:
    Indices of the examples to train on and of those held out, in ascending order.
  """
  everything = np.arange(len(labels), dtype=np.int32)
  held_out = round(len(labels) * fraction)
  if not held_out or how == "last":
    return everything[: len(labels) - held_out], everything[len(labels) - held_out :]
  parts = sklearn.model_selection.train_test_split(
    everything, test_size=held_out, random_state=seed, stratify=labels if how == "stratified" else None
  )
  return np.sort(parts[0]), np.sort(parts[1])
