"""Where labeled images come from: the digits of scikit-learn, and TensorFlow Datasets.

A source knows the shape and the classes of its images at once. It reads a split only when asked for it, so test images
are not touched before they are needed.
"""

import difflib
import os
from collections.abc import Sequence
from typing import Any, Protocol, runtime_checkable

import numpy as np
import sklearn.datasets
import sklearn.model_selection
import tensorflow as tf
import tensorflow_datasets as tfds

from nao_tf.tasks import TASKS

DIGITS_TEST_EXAMPLES = 360
_DIGITS_SPLIT_SEED = 0


class ImageSource(Protocol):
  """Labeled images that can be loaded into memory."""

  @property
  def image_shape(self) -> tuple[int, int, int]:
    """Height, width and channels of the images."""

  @property
  def labels(self) -> Sequence[str]:
    """Names of the classes."""

  @property
  def num_bytes(self) -> int:
    """How many bytes of memory the training images need."""

  def load(self, split: str) -> tuple[np.ndarray, np.ndarray]:
    """Returns the images of "train" or "test", `[N, H, W, C]` uint8, and their classes, `[N]` int32."""


@runtime_checkable
class StreamedImageSource(ImageSource, Protocol):
  """Labeled images that can also be read one after the other, if they are too many for memory."""

  def num_examples(self, split: str) -> int:
    """Returns how many images "train" or "test" has."""

  def stream(self, split: str, first: int = 0, last: int | None = None) -> tf.data.Dataset:
    """Returns the (image, class) pairs from number `first` up to `last` of a split, always in the same order."""


class DigitsSource:
  """The 1,797 handwritten digits of 8x8 pixels that come with scikit-learn: 1,437 to train on and 360 to test.

  They have no official split. This one is stratified and always the same.
  """

  image_shape = (8, 8, 1)
  labels = tuple("0123456789")
  num_bytes = 1797 * 64

  def load(self, split: str) -> tuple[np.ndarray, np.ndarray]:
    """Returns the images of "train" or "test", `[N, 8, 8, 1]` uint8, and their classes, `[N]` int32."""
    digits = sklearn.datasets.load_digits()
    images = np.round(digits.images[..., np.newaxis] * (255 / 16)).astype(np.uint8)
    parts = sklearn.model_selection.train_test_split(
      np.arange(len(images)),
      test_size=DIGITS_TEST_EXAMPLES,
      stratify=digits.target,
      random_state=_DIGITS_SPLIT_SEED,
    )
    chosen = np.sort(parts[("train", "test").index(split)])
    return images[chosen], digits.target[chosen].astype(np.int32)


class TfdsSource:
  """An image classification set of TensorFlow Datasets.

  Attributes:
    image_shape: height, width and channels of the images.
    labels: names of the classes.
    num_bytes: how many bytes of memory the training images need.
  """

  def __init__(self, name: str, *, data_dir: str | None = None, image_size: int | None = None, download: bool = False):
    """Opens a prepared set.

    Args:
      name: name of the set in TensorFlow Datasets.
      data_dir: directory of prepared sets; None for the default of TensorFlow Datasets.
      image_size: height and width to resize all images to. It is needed if they differ in size.
      download: whether to download and prepare the set if it is missing.

    Raises:
      ValueError: if there is no such set, it is not one of images with labels, or its images need an `image_size`.
      FileNotFoundError: if the set is missing.
    """
    self._builder, self._size = _builder(name, data_dir), image_size
    self._image_key, self._label_key = _feature_keys(self._builder)
    _prepare(self._builder, data_dir, download)
    shape = self._builder.info.features[self._image_key].shape
    if image_size is None and None in shape[:2]:
      raise ValueError(f"{name}: its images have no common size ({shape}); give an image size to resize them to")
    self.image_shape: tuple[int, int, int] = (image_size or shape[0], image_size or shape[1], shape[2] or 3)
    self.labels = tuple(self._builder.info.features[self._label_key].names)
    self.num_bytes = int(np.prod(self.image_shape)) * self.num_examples("train")

  def num_examples(self, split: str) -> int:
    """Returns how many images a split has. "test" is the validation split of sets without a test split."""
    return self._builder.info.splits[self._name_of(split)].num_examples

  def load(self, split: str) -> tuple[np.ndarray, np.ndarray]:
    """Returns the images of "train" or "test", `[N, H, W, C]` uint8, and their classes, `[N]` int32."""
    count = self.num_examples(split)
    images, labels = np.empty((count, *self.image_shape), np.uint8), np.empty(count, np.int32)
    start = 0
    for batch, batch_labels in self.stream(split).batch(256).prefetch(2).as_numpy_iterator():
      images[start : start + len(batch)], labels[start : start + len(batch)] = batch, batch_labels
      start += len(batch)
    return images, labels

  def stream(self, split: str, first: int = 0, last: int | None = None) -> tf.data.Dataset:
    """Returns some (image, class) pairs of a split; see `StreamedImageSource.stream`."""
    instruction = tfds.core.ReadInstruction(self._name_of(split), from_=first, to=last, unit="abs")
    decoders = tfds.decode.PartialDecoding({self._image_key: True, self._label_key: True})
    dataset = self._builder.as_dataset(split=instruction, decoders=decoders, shuffle_files=False)
    return dataset.map(self._example, num_parallel_calls=tf.data.AUTOTUNE)

  def _name_of(self, split: str) -> str:
    """Returns the name that a split has in the set."""
    names = [name for name in {"train": ["train"], "test": ["test", "validation"]}[split] if name in self._splits]
    if not names:
      raise ValueError(f"{self._builder.name}: has no {split} split, only {', '.join(self._splits)}")
    return names[0]

  @property
  def _splits(self) -> list[str]:
    return list(self._builder.info.splits)

  def _example(self, example: dict[str, Any]) -> tuple[tf.Tensor, tf.Tensor]:
    image = example[self._image_key]
    if self._size is not None:
      image = tf.image.resize(image, [self._size, self._size], antialias=True)
      image = tf.cast(tf.clip_by_value(tf.round(image), 0, 255), tf.uint8)
    return tf.ensure_shape(image, self.image_shape), tf.cast(example[self._label_key], tf.int32)


def _builder(name: str, data_dir: str | None) -> tfds.core.DatasetBuilder:
  try:
    return tfds.builder(name, data_dir=data_dir)
  except tfds.core.DatasetNotFoundError as error:
    raise ValueError(f"unknown task {name!r}: {_known_sets(name, data_dir)}") from error


def _prepare(builder: tfds.core.DatasetBuilder, data_dir: str | None, download: bool) -> None:
  if download:
    builder.download_and_prepare()
  if not builder.info.splits:
    raise FileNotFoundError(
      f"no data for {builder.name!r} in {builder.data_path}; prepare it with --download (tfds.load({builder.name!r},"
      f" data_dir={data_dir!r})) or give the --data_dir that has it; {_prepared_sets(data_dir)}"
    )


def _known_sets(name: str, data_dir: str | None) -> str:
  """Returns what there is instead of an unknown task, for an error message."""
  similar = difflib.get_close_matches(name, tfds.list_builders(with_community_datasets=False), n=5)
  names = f"has {', '.join(similar)}" if similar else "has nothing like it"
  return f"there are the tasks {', '.join(TASKS)}; TensorFlow Datasets {names}; {_prepared_sets(data_dir)}"


def _prepared_sets(data_dir: str | None) -> str:
  """Returns what the directory of prepared sets holds, for an error message."""
  directory = os.path.expanduser(data_dir or os.path.join("~", "tensorflow_datasets"))
  if not tf.io.gfile.isdir(directory):
    return f"{directory} is no directory"
  found = sorted(entry.rstrip("/") for entry in tf.io.gfile.listdir(directory) if entry.strip("/") != "downloads")
  return f"{directory} holds {', '.join(found) or 'nothing'}"


def _feature_keys(builder: tfds.core.DatasetBuilder) -> tuple[str, str]:
  """Returns the names of the features image and label: those that the set declares, or "image" and "label"."""
  features = dict(builder.info.features)
  image, label = builder.info.supervised_keys or ("image", "label")
  if isinstance(features.get(image), tfds.features.Image) and isinstance(features.get(label), tfds.features.ClassLabel):
    return image, label
  raise ValueError(f"{builder.name}: expected images with one class label each, got the features {features}")
