"""A split of photographs: encoded images in a random order become crops for a training, or centers for an evaluation."""

import numpy as np
import tensorflow as tf

from nao_tf.tasks.photograph_decoding import center_crop, random_crop
from nao_tf.tasks.photograph_sources import PhotographSource


class PhotographSplit:
  """Photographs that are decoded as they are needed; a `nao_tf.tasks.splits.Split`.

  Attributes:
    num_examples: how many there are.
  """

  def __init__(self, source: PhotographSource, part: str, chosen: np.ndarray | None = None):
    """Initializes with the source.

    Args:
      source: source of the photographs.
      part: "train" or "test", those of its photographs that the split is made of.
      chosen: numbers of the photographs that belong to the split; None for all.
    """
    self._source, self._part, self._chosen = source, part, chosen
    self._size = source.image_shape[0]
    self.num_examples = source.num_examples(part) if chosen is None else len(chosen)

  def shuffled(self, batch_size: int, seed: tf.Tensor, skipped: tf.Tensor | int = 0) -> tf.data.Dataset:
    """Returns the full batches of one epoch, of a random crop of each photograph; see `Split.shuffled`."""
    seeds = tf.random.experimental.stateless_split(seed, 2)
    first, steps = tf.cast(skipped, tf.int64) * batch_size, self.num_examples // batch_size
    contents = self._source.contents(self._part, self._chosen, seeds[0], first)
    full = contents.take(steps * batch_size - first).enumerate(first)

    def crop(number: tf.Tensor, example: tuple[tf.Tensor, tf.Tensor, tf.Tensor]) -> tuple[tf.Tensor, tf.Tensor]:
      content, label, place = example
      return random_crop(content, place, self._size, tf.random.experimental.stateless_fold_in(seeds[1], number)), label

    return full.map(crop, num_parallel_calls=tf.data.AUTOTUNE).batch(batch_size, drop_remainder=True)

  def ordered(self, batch_size: int) -> tf.data.Dataset:
    """Returns all batches, of the center of each photograph; see `Split.ordered`."""

    def crop(content: tf.Tensor, label: tf.Tensor, place: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
      return center_crop(content, place, self._size), label

    contents = self._source.contents(self._part, self._chosen, None)
    return contents.map(crop, num_parallel_calls=tf.data.AUTOTUNE).batch(batch_size)
