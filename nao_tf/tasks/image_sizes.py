"""Sizes of images: images of one size or several become one array, resized if a size is given."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf

ImageSize = int | tuple[int, int]
"""Height and width in pixels; a single number is both."""


def height_and_width(image_size: ImageSize) -> tuple[int, int]:
  """Returns the height and the width that a size stands for.

  Raises:
    ValueError: if it is neither an integer from 1 nor two of them.
  """
  sizes = tuple(image_size) if isinstance(image_size, (tuple, list)) else (image_size, image_size)
  whole = all(isinstance(size, (int, np.integer)) and not isinstance(size, bool) and size >= 1 for size in sizes)
  if len(sizes) != 2 or not whole:
    raise ValueError(f"image_size must be a number of pixels, or height and width, at least 1, got {image_size!r}")
  return int(sizes[0]), int(sizes[1])


def resized(image: tf.Tensor, image_size: ImageSize) -> tf.Tensor:
  """Returns an image `[H, W, C]`, or a batch of images, of another size and of the same type."""
  image = tf.convert_to_tensor(image)
  resized_image = tf.image.resize(tf.cast(image, tf.float32), height_and_width(image_size), antialias=True)
  if image.dtype == tf.bool:
    return resized_image >= 0.5
  if image.dtype.is_floating:
    return tf.cast(resized_image, image.dtype)
  return tf.cast(tf.clip_by_value(tf.round(resized_image), image.dtype.min, image.dtype.max), image.dtype)


def stacked(images: Sequence[Any], place: str) -> np.ndarray:
  """Returns images `[H, W, C]` as one array `[N, H, W, C]`.

  Args:
    images: at least one.
    place: description of the images, for error messages.

  Raises:
    ValueError: if they differ in size; the message has the two most frequent sizes.
  """
  shapes = [np.shape(image) for image in images]
  if len(set(shapes)) > 1:
    frequent = sorted(set(shapes), key=lambda shape: (-shapes.count(shape), shape))[:2]
    found = " and ".join(f"{shapes.count(shape)} of {list(shape)}" for shape in frequent)
    sizes = {shape[:2] for shape in shapes}
    advice = "set image_size to resize them" if len(sizes) > 1 else "convert them to the same number of channels"
    raise ValueError(f"{place}: expected images of one size, got {found}, {len(set(shapes))} sizes in all; {advice}")
  return np.stack([np.asarray(image) for image in images])
