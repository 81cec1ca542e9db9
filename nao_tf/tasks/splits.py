"""Splits of image sets, in memory or streamed: batches in random order for training, in a fixed order for evaluation."""

from collections.abc import Callable
from typing import Protocol

import numpy as np
import sklearn.model_selection
import tensorflow as tf

SUBSETS = ("stratified", "random")
SHUFFLE_BUFFER = 10_000

_INSTEAD_OF_ZERO = 2**31 - 2


class Split(Protocol):
  """Labeled images.

  Attributes:
    num_examples: how many there are.
  """

  num_examples: int

  def shuffled(self, batch_size: int, seed: tf.Tensor, skipped: tf.Tensor | int = 0) -> tf.data.Dataset:
    """Returns the full batches (images, labels) of one epoch but the first `skipped` ones.

    Their order is a function of the seed `[2]`. As little as possible is done for what is skipped.
    """

  def ordered(self, batch_size: int) -> tf.data.Dataset:
    """Returns all batches (images, labels) in a fixed order; the last batch may be smaller."""


class MemorySplit:
  """A split in memory: batches are gathered, and the order of an epoch is a permutation of all examples.

  Attributes:
    num_examples: number of examples.
  """

  def __init__(self, images: np.ndarray, labels: np.ndarray, indices: np.ndarray):
    """Initializes with the arrays.

    Args:
      images: `[N, H, W, C]`, of any type. Several splits may share them.
      labels: `[N]` int32.
      indices: indices of the examples that belong to the split.
    """
    self.num_examples = len(indices)
    with tf.device("CPU:0"):
      self._images, self._labels, self._indices = map(tf.convert_to_tensor, (images, labels, indices))

  def shuffled(self, batch_size: int, seed: tf.Tensor, skipped: tf.Tensor | int = 0) -> tf.data.Dataset:
    """Returns the full batches (images, labels) of one epoch; see `Split.shuffled`."""
    steps = self.num_examples // batch_size
    order = tf.random.experimental.stateless_shuffle(self._indices, seed)[: steps * batch_size]
    batches = tf.data.Dataset.from_tensor_slices(tf.reshape(order, [steps, batch_size]))
    return batches.skip(tf.cast(skipped, tf.int64)).map(self._gather)

  def ordered(self, batch_size: int) -> tf.data.Dataset:
    """Returns all batches (images, labels); see `Split.ordered`."""
    return tf.data.Dataset.from_tensor_slices(self._indices).batch(batch_size).map(self._gather)

  def _gather(self, indices: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    return tf.gather(self._images, indices), tf.gather(self._labels, indices)


class StreamedSplit:
  """A split that is read as it is needed, and shuffled through a buffer.

  Encoded images are shuffled, and those of an epoch that are skipped are left out, before the others are decoded. The
  order is that in which decoded ones would come.

  Attributes:
    num_examples: number of examples.
  """

  def __init__(
    self,
    examples: tf.data.Dataset,
    num_examples: int,
    decode: Callable[[tf.Tensor, tf.Tensor], tuple[tf.Tensor, tf.Tensor]] | None = None,
  ):
    """Initializes with the stream.

    Args:
      examples: (image, label) pairs, always in the same order.
      num_examples: number of pairs.
      decode: returns the pair of an image and a label, given one of `examples`; None if they are such pairs.
    """
    self.num_examples = num_examples
    self._examples, self._decode = examples, decode

  def shuffled(self, batch_size: int, seed: tf.Tensor, skipped: tf.Tensor | int = 0) -> tf.data.Dataset:
    """Returns the full batches (images, labels) of one epoch; see `Split.shuffled`. What is skipped is read."""
    shuffled = shuffle_stream(self._examples, min(SHUFFLE_BUFFER, self.num_examples), seed)
    rest = shuffled.skip(tf.cast(skipped, tf.int64) * batch_size)
    return self._decoded(rest).batch(batch_size, drop_remainder=True)

  def ordered(self, batch_size: int) -> tf.data.Dataset:
    """Returns all batches (images, labels); see `Split.ordered`."""
    return self._decoded(self._examples).batch(batch_size)

  def _decoded(self, examples: tf.data.Dataset) -> tf.data.Dataset:
    return examples if self._decode is None else examples.map(self._decode, num_parallel_calls=tf.data.AUTOTUNE)


def shuffle_stream(examples: tf.data.Dataset, buffer: int, seed: tf.Tensor) -> tf.data.Dataset:
  """Returns examples that went through a buffer.

  Args:
    examples: a stream.
    buffer: how many examples are shuffled at a time.
    seed: the order is a function of it, `[2]`.
  """
  number = tf.random.stateless_uniform([], seed, 0, tf.int64.max, dtype=tf.int64)
  _replace_graph_seed_of_zero()
  return examples.shuffle(buffer, seed=number, reshuffle_each_iteration=False)


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
    how: "stratified" holds out random examples of each class, in proportion to the size of the class. "random" holds out
      random examples, and "last" the last ones.
    seed: seed of the choice.

  Returns:
    Indices of the examples to train on and of those held out, in ascending order.
  """
  everything = np.arange(len(labels), dtype=np.int32)
  held_out = round(len(labels) * fraction)
  if held_out in (0, len(labels)) or how == "last":
    return everything[: len(labels) - held_out], everything[len(labels) - held_out :]
  if how == "stratified" and not _every_class_divides(labels, held_out):
    order = np.random.default_rng(seed).permutation(everything)
    valid = order[in_proportion(labels[order], held_out)]
    return np.setdiff1d(everything, valid), np.sort(valid)
  parts = sklearn.model_selection.train_test_split(
    everything, test_size=held_out, random_state=seed, stratify=labels if how == "stratified" else None
  )
  return np.sort(parts[0]), np.sort(parts[1])


def in_proportion(labels: np.ndarray, count: int) -> np.ndarray:
  """Returns which examples to take if each class is to keep its share of them.

  The number of examples of a class is its share of `count`, rounded down or up: up for the largest remainders.

  Args:
    labels: classes, `[N]`.
    count: how many examples to take, at most N.

  Returns:
    Indices of the first examples of each class, in ascending order, `[count]`.
  """
  _, classes, sizes = np.unique(labels, return_inverse=True, return_counts=True)
  shares, remainders = np.divmod(sizes.astype(np.int64) * count, max(1, len(labels)))
  shares[np.argsort(-remainders, kind="stable")[: count - shares.sum()]] += 1
  by_class = np.argsort(classes, kind="stable")
  places = np.empty(len(labels), np.int64)
  places[by_class] = np.arange(len(labels)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
  return np.flatnonzero(places < shares[classes])


def _every_class_divides(labels: np.ndarray, held_out: int) -> bool:
  """Returns whether scikit-learn can stratify: two examples of each class, and room for each class in both parts."""
  _, sizes = np.unique(labels, return_counts=True)
  return bool(sizes.min() > 1 and min(held_out, len(labels) - held_out) >= len(sizes))
