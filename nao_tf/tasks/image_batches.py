"""Batches of images for networks: in random order and augmented for a training, in a fixed order for an evaluation."""

import tensorflow as tf

from nao_tf.tasks import augmentation
from nao_tf.tasks.color_jitter import random_color_jitter
from nao_tf.tasks.pixels import Pixels
from nao_tf.tasks.splits import Split
from nao_tf.training.config import TrainingConfig

_COLOR_SEED = 2
"""Number of the seed of the colors among those of a batch, after those of crop and cutout."""


def training_batches(
  split: Split,
  training_config: TrainingConfig,
  pixels: Pixels,
  *,
  seed: int,
  first_epoch: int,
  first_step: int = 0,
  steps_per_epoch: int,
) -> tf.data.Dataset:
  """Returns (images `[B, H, W, C]` float32, classes `[B]` int32) of all epochs from one to the last.

  Args:
    split: what to train on.
    training_config: how, including the fields that the task fills in.
    pixels: type and range of the raw images.
    seed: seed of the order of the images and of their augmentation.
    first_epoch: number of the epoch to begin with, from 0.
    first_step: how many batches of that epoch to leave out; they are neither read nor augmented.
    steps_per_epoch: how many batches an epoch has.
  """
  seeds = tf.random.experimental.stateless_split(tf.constant([seed, 0], tf.int64), 2)

  def shuffled(epoch: tf.Tensor) -> tf.data.Dataset:
    skipped = tf.where(epoch == first_epoch, tf.constant(first_step, tf.int64), 0)
    order = tf.random.experimental.stateless_fold_in(seeds[0], epoch)
    return split.shuffled(training_config.batch_size, order, skipped)

  def prepared(step: tf.Tensor, example: tuple[tf.Tensor, tf.Tensor]) -> tuple[tf.Tensor, tf.Tensor]:
    images, labels = example
    return augmented(images, pixels, tf.random.experimental.stateless_fold_in(seeds[1], step), training_config), labels

  epochs = tf.data.Dataset.range(first_epoch, training_config.epochs).flat_map(shuffled)
  batches = epochs.enumerate(first_epoch * steps_per_epoch + first_step)
  return batches.map(prepared, num_parallel_calls=tf.data.AUTOTUNE).prefetch(tf.data.AUTOTUNE)


def evaluation_batches(split: Split, batch_size: int, pixels: Pixels) -> tf.data.Dataset:
  """Returns (images `[B, H, W, C]` float32, classes `[B]` int32, weights `[B]`), padded to full batches.

  Args:
    split: what to evaluate on.
    batch_size: batch size of each batch.
    pixels: type and range of the raw images.
  """

  def prepared(images: tf.Tensor, labels: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    weights = tf.ones_like(labels, tf.float32)
    images, labels, weights = (_pad(x, batch_size) for x in (images, labels, weights))
    return augmentation.standardize(pixels.scaled(images)), labels, weights

  return split.ordered(batch_size).map(prepared).prefetch(tf.data.AUTOTUNE)


def augmented(images: tf.Tensor, pixels: Pixels, seed: tf.Tensor, training_config: TrainingConfig) -> tf.Tensor:
  """Returns raw images prepared for training, `[B, H, W, C]` float32.

  Args:
    images: `[B, H, W, C]`, as they are stored.
    pixels: their type and range.
    seed: stateless seed of the batch, `[2]`.
    training_config: says how images are changed.
  """
  seeds = tf.random.experimental.stateless_split(seed, 2)
  padding, flip = training_config.crop_padding or 0, bool(training_config.flip)
  if pixels.low:  # The padding is black, so what is not black at 0 is scaled first. All else is smaller before that.
    images = pixels.scaled(images)
  images = augmentation.random_crop_flip(images, seeds[0], padding=padding, flip=flip)
  images = images if pixels.low else pixels.scaled(images)
  strength, hue = training_config.color_jitter, training_config.hue_jitter
  if strength or hue:
    color_seed = tf.random.experimental.stateless_fold_in(seed, _COLOR_SEED)
    images = random_color_jitter(images, color_seed, strength=strength, hue=hue)
  size, convention = training_config.cutout_size, training_config.cutout_convention
  return augmentation.random_cutout(augmentation.standardize(images), seeds[1], size=size, convention=convention)


def _pad(values: tf.Tensor, batch_size: int) -> tf.Tensor:
  """Appends zeros until there are `batch_size` rows."""
  missing = batch_size - tf.shape(values)[0]
  padded = tf.pad(values, [[0, missing]] + [[0, 0]] * (values.shape.rank - 1))
  return tf.ensure_shape(padded, [batch_size, *values.shape[1:]])
