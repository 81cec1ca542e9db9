"""Checks of labeled images before they are learned from: their type, their shape, their numbers, their classes."""

from typing import Any

import numpy as np

_KINDS = "buif"


def checked_images(images: Any, image_shape: tuple[int, ...], place: str) -> np.ndarray:
  """Returns images as an array that can be learned from.

  Args:
    images: what a source has loaded.
    image_shape: height, width and channels that each image must have.
    place: description of the images, for error messages.

  Returns:
    The images themselves, `[N, H, W, C]`; floats of more than 32 bits get 32.

  Raises:
    ValueError: if they are not numbers, have another shape, or one of them has a pixel that is NaN or infinite.
  """
  array = np.asarray(images)
  if array.dtype.kind not in _KINDS:
    raise ValueError(f"{place}: expected images of numbers in one array [N, H, W, C], got {array.dtype}")
  if array.ndim != 4 or array.shape[1:] != tuple(image_shape):
    raise ValueError(f"{place}: expected images of the shape {tuple(image_shape)}, got an array {list(array.shape)}")
  wide = array.dtype.kind == "f" and array.dtype.itemsize > 4
  array = array.astype(np.float32 if wide else array.dtype.newbyteorder("="), copy=False)
  check_finite(array, place)
  return array


def check_finite(images: np.ndarray, place: str, *, first: int = 0) -> None:
  """Checks that no pixel is NaN or infinite.

  Args:
    images: `[N, H, W, C]`.
    place: description of the images, for error messages.
    first: number of the first of them.

  Raises:
    ValueError: if one is; the message has the number of its image.
  """
  if images.dtype.kind != "f" or not images.size or np.isfinite([images.min(), images.max()]).all():
    return
  wrong = ~np.isfinite(images).all(axis=(1, 2, 3))
  raise ValueError(
    f"{place}: image {first + int(np.argmax(wrong))} has a pixel that is NaN or infinite ({int(wrong.sum())} such images)"
  )


def checked_labels(labels: Any, num_classes: int, place: str) -> np.ndarray:
  """Returns labels as int32 `[N]`.

  Args:
    labels: what a source has loaded.
    num_classes: the number of classes; they are numbered from 0.
    place: description of the labels, for error messages.

  Raises:
    ValueError: if they are not integers, or one of them does not belong to a class.
  """
  array = np.asarray(labels)
  if array.ndim != 1 or (array.size and array.dtype.kind not in "bui"):
    raise ValueError(f"{place}: expected labels that are whole numbers [N], got {array.dtype} {list(array.shape)}")
  wrong = np.flatnonzero((array < 0) | (array >= num_classes))
  if len(wrong):
    raise ValueError(
      f"{place}: example {wrong[0]} has the label {array[wrong[0]]}, but the {num_classes} classes are numbered from 0"
      f" to {num_classes - 1} ({len(wrong)} such examples)"
    )
  return array.astype(np.int32)


def check_counts(images: np.ndarray, labels: np.ndarray, place: str) -> None:
  """Checks that each image has one label.

  Raises:
    ValueError: if there are more of one than of the other.
  """
  if len(images) != len(labels):
    raise ValueError(f"{place}: expected a label for each image, got {len(images)} images and {len(labels)} labels")
