"""Data augmentation of image batches: pad, crop, flip and cutout, as gathers and masks.

`crop_flip` and `erase` are deterministic. `random_crop_flip` and `random_cutout` sample their arguments from a
stateless seed, so an image is the same in every run that reaches the same epoch and step.

Sources: the augmentation of CIFAR in Luo et al., NeurIPS 2018, section 4.1; cutout: DeVries and Taylor,
arXiv:1708.04552.
"""

import tensorflow as tf


def crop_flip(images: tf.Tensor, offsets: tf.Tensor, flipped: tf.Tensor, padding: int) -> tf.Tensor:
  """Pads images with zeros, crops each to a window of the original size, and mirrors some.

  Args:
    images: `[B, H, W, C]`.
    offsets: top-left corners of the windows in the padded images, `[B, 2]` in `[0, 2 * padding]`.
    flipped: whether to mirror left to right, `[B]` booleans.
    padding: pixels on each side.

  Returns:
    Images of the same shape and type.
  """
  if not padding:
    return _mirror(images, flipped)
  height, width = images.shape[1], images.shape[2]
  padded = tf.pad(images, [[0, 0], [padding, padding], [padding, padding], [0, 0]])
  rows = offsets[:, :1] + tf.range(height)  # [B, H]
  columns = tf.where(flipped[:, tf.newaxis], tf.range(width)[::-1], tf.range(width)) + offsets[:, 1:]  # [B, W]
  return tf.gather(tf.gather(padded, rows, axis=1, batch_dims=1), columns, axis=2, batch_dims=1)


def _mirror(images: tf.Tensor, flipped: tf.Tensor) -> tf.Tensor:
  """Returns images of which some are mirrored; the others are not touched."""
  kept, turned = tf.dynamic_partition(tf.range(tf.shape(images)[0]), tf.cast(flipped, tf.int32), 2)
  parts = [tf.gather(images, kept), tf.reverse(tf.gather(images, turned), [2])]
  return tf.ensure_shape(tf.dynamic_stitch([kept, turned], parts), images.shape)


def erase(images: tf.Tensor, corners: tf.Tensor, size: int) -> tf.Tensor:
  """Sets a square of each image to zero. Parts of the square that lie outside the image are ignored.

  Args:
    images: `[B, H, W, C]`.
    corners: top-left corners of the squares, `[B, 2]`.
    size: side of the squares in pixels.

  Returns:
    Images of the same shape and type.
  """
  rows = tf.range(images.shape[1]) - corners[:, :1]  # [B, H]
  columns = tf.range(images.shape[2]) - corners[:, 1:]  # [B, W]
  in_rows, in_columns = (rows >= 0) & (rows < size), (columns >= 0) & (columns < size)
  kept = ~(in_rows[:, :, tf.newaxis] & in_columns[:, tf.newaxis, :])
  return images * tf.cast(kept[..., tf.newaxis], images.dtype)


def random_crop_flip(images: tf.Tensor, seed: tf.Tensor, *, padding: int, flip: bool) -> tf.Tensor:
  """Crops each image to a random window and, if `flip`, mirrors it with probability 1/2.

  Args:
    images: `[B, H, W, C]`.
    seed: stateless seed, `[2]`.
    padding: pixels on each side before the crop. All windows are equally likely.
    flip: whether to mirror at all.

  Returns:
    Images of the same shape and type.
  """
  if not padding and not flip:
    return images
  seeds = tf.random.experimental.stateless_split(seed, 2)
  batch = tf.shape(images)[0]
  offsets = tf.random.stateless_uniform([batch, 2], seeds[0], 0, 2 * padding + 1, dtype=tf.int32)
  flipped = (tf.random.stateless_uniform([batch], seeds[1]) < 0.5) if flip else tf.zeros([batch], tf.bool)
  return crop_flip(images, offsets, flipped, padding)


def random_cutout(images: tf.Tensor, seed: tf.Tensor, *, size: int, convention: str = "corner") -> tf.Tensor:
  """Sets a square at a random place of each image to zero.

  Args:
    images: `[B, H, W, C]`.
    seed: stateless seed, `[2]`.
    size: side of the square; 0 leaves the images as they are.
    convention: "corner" draws the top-left corner uniformly from the pixels of the image, so squares are cut off only at
      the right and at the bottom; "center" draws the center.

  Returns:
    Images of the same shape and type.
  """
  if not size:
    return images
  uniform = tf.random.stateless_uniform([tf.shape(images)[0], 2], seed)
  places = tf.cast(uniform * [images.shape[1], images.shape[2]], tf.int32)
  return erase(images, places - size // 2 if convention == "center" else places, size)


def standardize(images: tf.Tensor) -> tf.Tensor:
  """Returns float32 images, each with zero mean and unit variance (`tf.image.per_image_standardization`)."""
  return tf.image.per_image_standardization(tf.cast(images, tf.float32))
