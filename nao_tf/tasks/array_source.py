"""Your own images in arrays, as a source of labeled images with a fingerprint."""

import hashlib
from collections.abc import Sequence
from typing import Any

import numpy as np

from nao_tf.tasks.class_labels import numbered_classes, one_label_each
from nao_tf.tasks.image_checks import check_counts, checked_images
from nao_tf.tasks.image_sizes import ImageSize, resized, stacked

_RESIZED_AT_A_TIME = 256
_CHANNELS = (1, 3, 4)


class ArraySource:
  """Training images in memory. There are no test images.

  Attributes:
    image_shape: height, width and channels of the images.
    labels: names of the classes.
    num_bytes: memory of the images, in bytes.
    fingerprint: fingerprint of the examples, as JSON values: shape and type of the images, names of the classes, and a
      checksum.
  """

  def __init__(
    self,
    images: Any,
    labels: Any,
    *,
    place: str,
    names: Sequence[str] | None = None,
    image_size: ImageSize | None = None,
  ):
    """Checks the examples.

    Args:
      images: numbers `[N, H, W, C]`, gray ones `[N, H, W]`, or a list of N images.
      labels: one for each image; see `nao_tf.tasks.class_labels.numbered_classes`.
      place: description of the images, for error messages.
      names: names of the classes, if the labels are their numbers.
      image_size: height and width to resize all images to; None to keep their size.

    Raises:
      ValueError: if the examples cannot be learned from; the message says what is wrong with them.
    """
    array = image_array(images, place, image_size)
    labels = one_label_each(labels, place)
    check_counts(array, labels, place)
    classes, self.labels = numbered_classes(labels, place, names=names)
    self._images = checked_images(array, array.shape[1:], place)
    self._classes = classes
    height, width, channels = self._images.shape[1:]
    self.image_shape: tuple[int, int, int] = (height, width, channels)
    self.num_bytes = self._images.nbytes
    self.fingerprint = _fingerprint(self._images, classes, self.labels)

  def load(self, split: str) -> tuple[np.ndarray, np.ndarray]:
    """Returns the images and classes of "train"; empty arrays for "test"."""
    if split == "train":
      return self._images, self._classes
    return self._images[:0], self._classes[:0]


def image_array(images: Any, place: str, image_size: ImageSize | None = None) -> np.ndarray:
  """Converts images to one array `[N, H, W, C]`, resized if a size is given.

  Args:
    images: an array `[N, H, W, C]` or `[N, H, W]`, or a list of images.
    place: description of the images, for error messages.
    image_size: height and width to resize all images to; None to keep their size.

  Raises:
    ValueError: if there are none, they differ in size and there is no `image_size`, or they have another type.
  """
  if isinstance(images, (list, tuple)) or getattr(images, "dtype", None) == np.dtype(object):
    each = [_with_channels(image, 2, place) for image in images]
    each = each if image_size is None else [resized(image, image_size).numpy() for image in each]
    array = stacked(each, place) if each else np.empty((0, 0, 0, 0))
  else:
    array = _with_channels(images, 3, place)
    array = array if image_size is None else _resized_in_parts(array, image_size)
  if not array.size:
    raise ValueError(f"{place}: expected at least one image, got an array {list(array.shape)}")
  if array.shape[1] in (1, 3) and array.shape[3] not in _CHANNELS:
    raise ValueError(
      f"{place}: expected the channels last, [N, H, W, C], got an array {list(array.shape)}; pass"
      " numpy.moveaxis(x, 1, -1)"
    )
  return array


def _with_channels(images: Any, gray: int, place: str) -> np.ndarray:
  """Returns images as an array with an axis of channels.

  Args:
    images: one image or a batch.
    gray: the number of axes without channels.
    place: description of the images, for error messages.
  """
  array = np.asarray(images)
  if array.dtype.kind not in "buif":
    raise ValueError(f"{place}: expected images of numbers, got {array.dtype}")
  if array.ndim not in (gray, gray + 1):
    expected = "[N, H, W, C] or [N, H, W]" if gray == 3 else "[H, W, C] or [H, W] each"
    raise ValueError(f"{place}: expected images {expected}, got an array {list(array.shape)}")
  return array[..., np.newaxis] if array.ndim == gray else array


def _resized_in_parts(images: np.ndarray, image_size: ImageSize) -> np.ndarray:
  parts = [images[i : i + _RESIZED_AT_A_TIME] for i in range(0, len(images), _RESIZED_AT_A_TIME)]
  return np.concatenate([resized(part, image_size).numpy() for part in parts]) if parts else images


def _fingerprint(images: np.ndarray, classes: np.ndarray, labels: Sequence[str]) -> dict[str, Any]:
  checksum = hashlib.sha256(np.ascontiguousarray(images).data)
  checksum.update(np.ascontiguousarray(classes).data)
  return {
    "shape": list(images.shape),
    "dtype": images.dtype.name,
    "classes": list(labels),
    "checksum": checksum.hexdigest()[:32],
  }
