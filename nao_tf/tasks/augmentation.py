"""Image augmentation on whole batches: pad-crop-flip and cutout as gathers and masks.

Each function is deterministic given what it is told to do; `random_crop_flip` and `random_cutout` draw that from a
stateless seed, so an image is the same in every run that reaches the same epoch and step.
Sources: the CIFAR recipe of Luo et al., NeurIPS 2018, section 4.1; cutout: DeVries and Taylor, arXiv:1708.04552.
"""

import tensorflow as tf


def crop_flip(images: tf.Tensor, offsets: tf.Tensor, flipped: tf.Tensor, padding: int) -> tf.Tensor:
  """Pads with zeros, cuts a window of the original size out of each image and mirrors some.

  Args:
    images: `[B, H, W, C]`.
    offsets: top-left corners of the windows in the padded images, `[B, 2]` in `[0, 2 * padding]`.
    flipped: whether to mirror left to right, `[B]` booleans.
    padding: pixels on each side.

  Returns:
    Images of the same shape and type.
  """
  height, width = images.shape[1], images.shape[2]
  padded = tf.pad(images, [[0, 0], [padding, padding], [padding, padding], [0, 0]])
  rows = offsets[:, :1] + tf.range(height)  # [B, H]
  columns = tf.where(flipped[:, tf.newaxis], tf.range(width)[::-1], tf.range(width)) + offsets[:, 1:]  # [B, W]
  return tf.gather(tf.gather(padded, rows, axis=1, batch_dims=1), columns, axis=2, batch_dims=1)


def erase(images: tf.Tensor, corners: tf.Tensor, size: int) -> tf.Tensor:
  """Sets a square of each image to zero; what of it lies outside the image is cut off.

  Args:
    images: `[B, H, W, C]`.
    corners: top-left corners of the squares, `[B, 2]`.
    size: side of the squares in pixels.
  """
  rows = tf.range(images.shape[1]) - corners[:, :1]  # [B, H]
  columns = tf.range(images.shape[2]) - corners[:, 1:]  # [B, W]
  in_rows, in_columns = (rows >= 0) & (rows < size), (columns >= 0) & (columns < size)
  kept = ~(in_rows[:, :, tf.newaxis] & in_columns[:, tf.newaxis, :])
  return images * tf.cast(kept[..., tf.newaxis], images.dtype)


def random_crop_flip(images: tf.Tensor, seed: tf.Tensor, *, padding: int, flip: bool) -> tf.Tensor:
  """Crops uniformly among all windows and, if `flip`, mirrors every second image on average.

  Args:
    images: `[B, H, W, C]`.
    seed: stateless seed, `[2]`.
    padding: pixels on each side before the crop.
    flip: whether to mirror at all.
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
    convention: "corner" draws the top-left corner uniformly from the image's pixels, so squares are cut off at the
      right and bottom only; "center" draws the center.
  """
  if not size:
    return images
  uniform = tf.random.stateless_uniform([tf.shape(images)[0], 2], seed)
  places = tf.cast(uniform * [images.shape[1], images.shape[2]], tf.int32)
  return erase(images, places - size // 2 if convention == "center" else places, size)


def standardize(images: tf.Tensor) -> tf.Tensor:
  """Returns float32 images, each with zero mean and unit variance (`tf.image.per_image_standardization`)."""
  return tf.image.per_image_standardization(tf.cast(images, tf.float32))
