"""Converts labeled images in a `tf.data.Dataset` to arrays, in an order that does not depend on shuffling."""

import hashlib
from typing import Any

import numpy as np
import tensorflow as tf

from nao_tf.tasks.image_sizes import ImageSize, resized, stacked
from nao_tf.training.fixed_parallelism import with_fixed_parallelism

_MANY_BYTES = 2**31
_EXPECTED = "pairs (image, label) of images [H, W, C] or [H, W], dicts with image and label, or batches of them"
_CHANNELS = (1, 3, 4)
_MANY_READ = 1000
_REPETITIONS = 20


def read_dataset(
  dataset: tf.data.Dataset, place: str, *, image_size: ImageSize | None = None
) -> tuple[np.ndarray, np.ndarray]:
  """Returns the images and the labels of a dataset.

  Since a dataset may be shuffled each time it is read, the examples are sorted by a hash of their content.

  Args:
    dataset: dataset of (image, label) pairs, or of dicts with "image" and "label" as in TensorFlow Datasets, or of
      batches of either. Labels may be one-hot.
    place: description of the dataset, for error messages.
    image_size: height and width to resize all images to; None to keep their size.

  Returns:
    Images `[N, H, W, C]`, and labels `[N]`, or `[N, C]` if they are one-hot.

  Raises:
    ValueError: if the dataset has other elements, is infinite or empty, its images differ in size and there is no
      `image_size`, or they do not fit in memory.
  """
  dataset = _pairs(dataset)
  is_batched = _is_batched(dataset, place)
  if dataset.cardinality() == tf.data.INFINITE_CARDINALITY:
    raise ValueError(f"{place}: expected a finite dataset, got an infinite one; remove repeat()")
  images: list[np.ndarray] = []
  labels: list[object] = []
  different: set[bytes] = set()
  num_bytes = 0
  for image, label in with_fixed_parallelism(dataset if is_batched else dataset.batch(1)):
    image = _with_channels(image)
    image = np.asarray(image if image_size is None else resized(image, image_size))
    images += list(image)
    labels += np.asarray(label).tolist()
    different.update(map(_digest, image))
    _check_repetition(len(images), len(different), place)
    num_bytes += image.nbytes
    if num_bytes > _MANY_BYTES:
      raise ValueError(f"{place}: its images do not fit into memory, or it is infinite; use a smaller image_size")
  if not images:
    raise ValueError(f"{place}: expected at least one image, got an empty dataset")
  return _in_order(stacked(images, place), np.asarray(labels))


def _check_repetition(num_read: int, num_different: int, place: str) -> None:
  """Raises a ValueError if images come again and again. Whether a dataset of Python code ends cannot be known before."""
  if num_read >= max(_MANY_READ, _REPETITIONS * num_different):
    raise ValueError(
      f"{place}: expected a finite dataset, got {num_read} images so far, of which only {num_different} are different;"
      " remove repeat(), or add take(N)"
    )


def _pairs(dataset: tf.data.Dataset) -> tf.data.Dataset:
  """Returns a dataset of pairs if it is one of dicts with "image" and "label", otherwise the dataset itself."""
  spec = dataset.element_spec
  if not isinstance(spec, dict) or not {"image", "label"} <= set(spec):
    return dataset
  return dataset.map(lambda example: (example["image"], example["label"]))


def _is_batched(dataset: tf.data.Dataset, place: str) -> bool:
  """Returns whether the elements of a dataset are batches, which the shapes tell."""
  spec = dataset.element_spec
  if not isinstance(spec, tuple) or len(spec) != 2 or not all(isinstance(part, tf.TensorSpec) for part in spec):
    if isinstance(spec, tf.TensorSpec):
      raise ValueError(f"{place}: expected {_EXPECTED}; got elements {spec.shape} without labels")
    raise ValueError(f"{place}: expected {_EXPECTED}; got elements {_shown(spec)}")
  image, label = (part.shape.rank for part in spec)
  if (image, label) in ((2, 0), (3, 0), (2, 1)) or ((image, label) == (3, 1) and _is_one_hot_pair(*spec)):
    return False
  if (image, label) in ((3, 1), (4, 1), (3, 2), (4, 2)):
    return True
  raise ValueError(
    f"{place}: expected {_EXPECTED}, with one label for each image; got images {spec[0].shape} and labels"
    f" {spec[1].shape}"
  )


def _shown(spec: Any) -> str:
  """Returns what the elements of a dataset are made of, in a line: `(uint8 (8, 8, 3), int32 ())`."""
  if isinstance(spec, tf.TensorSpec):
    return f"{spec.dtype.name} {spec.shape}"
  if isinstance(spec, dict):
    return "{" + ", ".join(f"{name!r}: {_shown(part)}" for name, part in spec.items()) + "}"
  return "(" + ", ".join(map(_shown, spec)) + ")" if isinstance(spec, tuple) else str(spec)


def _is_one_hot_pair(image: tf.TensorSpec, label: tf.TensorSpec) -> bool:
  """Returns whether shapes of rank 3 and 1 are those of an image in color and a one-hot label, not of gray batches."""
  return label.shape[0] is not None and image.shape[2] in _CHANNELS and image.shape[0] != label.shape[0]


def _with_channels(images: tf.Tensor) -> tf.Tensor:
  return images[..., tf.newaxis] if images.shape.rank == 3 else images


def _in_order(images: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
  """Returns examples in the order of their digests."""
  digests = [_digest(image) + str(label).encode() for image, label in zip(images, labels.tolist())]
  order = sorted(range(len(digests)), key=digests.__getitem__)
  return images[order], labels[order]


def _digest(image: np.ndarray) -> bytes:
  return hashlib.sha256(np.ascontiguousarray(image).data).digest()
