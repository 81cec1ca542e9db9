"""Labeled images in a `tf.data.Dataset` become arrays, in an order that does not depend on how the dataset shuffles."""

import hashlib

import numpy as np
import tensorflow as tf

from nao_tf.tasks.image_sizes import ImageSize, resized, stacked

_MANY_BYTES = 2**31
_EXPECTED = "pairs (image, label) of images [H, W, C] or [H, W], or batches of them"


def read_dataset(
  dataset: tf.data.Dataset, place: str, *, image_size: ImageSize | None = None
) -> tuple[np.ndarray, np.ndarray]:
  """Returns the images and the labels of a dataset.

  A dataset may shuffle anew each time it is read. So the examples are put into an order of their own, that of a digest.

  Args:
    dataset: of (image, label) pairs or of batches of them.
    place: what to call it in messages.
    image_size: height and width to resize all images to; None to keep their size.

  Returns:
    Images `[N, H, W, C]` and labels `[N]`.

  Raises:
    ValueError: if it is a dataset of something else, without end or empty, its images differ in size and there is no
      `image_size`, or they are too many for memory.
  """
  is_batched = _is_batched(dataset, place)
  if dataset.cardinality() == tf.data.INFINITE_CARDINALITY:
    raise ValueError(f"{place}: expected a dataset that ends, got one without end; leave out repeat()")
  images: list[np.ndarray] = []
  labels: list[object] = []
  num_bytes = 0
  for image, label in dataset if is_batched else dataset.batch(1):
    image = _with_channels(image)
    image = np.asarray(image if image_size is None else resized(image, image_size))
    images += list(image)
    labels += np.asarray(label).reshape(-1).tolist()
    num_bytes += image.nbytes
    if num_bytes > _MANY_BYTES:
      raise ValueError(f"{place}: its images are too many for memory, or it has no end; give a smaller image_size")
  if not images:
    raise ValueError(f"{place}: expected at least one image, got an empty dataset")
  return _in_order(stacked(images, place), np.asarray(labels))


def _is_batched(dataset: tf.data.Dataset, place: str) -> bool:
  """Returns whether the elements of a dataset are batches, which the shapes tell."""
  spec = dataset.element_spec
  if not isinstance(spec, tuple) or len(spec) != 2 or not all(isinstance(part, tf.TensorSpec) for part in spec):
    raise ValueError(f"{place}: expected {_EXPECTED}; got elements {spec}")
  image, label = (part.shape.rank for part in spec)
  batched_labels = [1, 2] if spec[1].shape.rank == 2 and spec[1].shape[1] == 1 else [1]
  if label == 0 and image in (2, 3):
    return False
  if label in batched_labels and image in (3, 4):
    return True
  raise ValueError(
    f"{place}: expected {_EXPECTED}, with one label for each image; got images {spec[0].shape} and labels"
    f" {spec[1].shape}; one-hot labels become numbers with tf.argmax"
  )


def _with_channels(images: tf.Tensor) -> tf.Tensor:
  return images[..., tf.newaxis] if images.shape.rank == 3 else images


def _in_order(images: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
  """Returns examples in the order of their digests."""
  digests = [
    hashlib.sha256(np.ascontiguousarray(image).data).digest() + str(label).encode()
    for image, label in zip(images, labels.tolist())
  ]
  order = sorted(range(len(digests)), key=digests.__getitem__)
  return images[order], labels[order]
