"""Where labeled images come from: the digits of scikit-learn, and TensorFlow Datasets.

A source knows the shape and the classes of its images at once. It reads a split only when asked for it, so test images
are not touched before they are needed.
"""

import contextlib
import difflib
import os
import re
from collections.abc import Iterator, Sequence
from typing import Any, Protocol, runtime_checkable

import numpy as np
import sklearn.datasets
import sklearn.model_selection
import tensorflow as tf
import tensorflow_datasets as tfds
from absl import logging
from google.protobuf import json_format

from nao_tf.fields import shown
from nao_tf.tasks import TASKS
from nao_tf.tasks.image_sizes import resized
from nao_tf.tasks.photograph_decoding import in_color
from nao_tf.tasks.pixels import Pixels
from nao_tf.tasks.preparation import prepare
from nao_tf.training.fixed_parallelism import with_fixed_parallelism

DIGITS_TEST_EXAMPLES = 360
_DIGITS_SPLIT_SEED = 0
_READ_BATCH = 256
_LABELS_BATCH = 4096
_NAMES_OF_OPERATIONS = re.compile(r"\{\{.*?\}\}|\[Op:.*|\[\[.*")
_NO_NAME = re.compile(r"\s*Parsing builder name string")
"""What TensorFlow Datasets says, in many lines, of a text that does not have the form of a name."""
_SPLIT_NAMES = {"train": ("train",), "test": ("test", "validation")}


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
    """Returns the images of "train" or "test", `[N, H, W, C]`, and their classes, `[N]`.

    The images are numbers of any type, the same in both splits; see `nao_tf.tasks.pixels` for what they mean. A set that
    has no test images returns empty arrays.
    """


@runtime_checkable
class ScaledImageSource(ImageSource, Protocol):
  """Labeled images with a source that says what their numbers mean, so that this is not measured."""

  @property
  def pixels(self) -> Pixels:
    """Type and range of the images."""


@runtime_checkable
class StreamedImageSource(ImageSource, Protocol):
  """Labeled images that can also be read one after another, if they are too many for memory."""

  def num_examples(self, split: str) -> int:
    """Returns how many images "train" or "test" has."""

  def stream(self, split: str, first: int = 0, last: int | None = None) -> tf.data.Dataset:
    """Returns the (image, class) pairs from number `first` up to `last` of a split, always in the same order."""


@runtime_checkable
class SelectableImageSource(StreamedImageSource, Protocol):
  """A streamed source that reads classes without their images, and chosen images without the others."""

  def classes(self, split: str) -> np.ndarray:
    """Returns the classes of "train" or "test" in the order of the stream, int32 `[N]`."""

  def select(self, split: str, chosen: np.ndarray) -> tf.data.Dataset:
    """Returns the (image, class) pairs with some numbers, in the order of the stream."""


@runtime_checkable
class EncodedImageSource(SelectableImageSource, Protocol):
  """A streamed source that reads images as they are stored, so that those that are skipped are not decoded."""

  def encoded_stream(self, split: str, first: int = 0, last: int | None = None) -> tf.data.Dataset:
    """Returns what `stream` does, with images that are not decoded."""

  def encoded_select(self, split: str, chosen: np.ndarray) -> tf.data.Dataset:
    """Returns what `select` does, with images that are not decoded."""

  def decoded(self, content: tf.Tensor, label: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Returns the (image, class) pair of one that is not decoded."""


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
      ValueError: if there is no such set, it is not one of images with labels, it has nothing to train on, or its images
        need an `image_size`.
      FileNotFoundError: if the set is missing.
    """
    self._builder, self._size = _builder(name, data_dir), image_size
    self._names: dict[str, str | None] = {}
    self._image_key, self._label_key = _feature_keys(self._builder)
    _prepare(self._builder, data_dir, download)
    self._feature = self._builder.info.features[self._image_key]
    shape = self._feature.shape
    if image_size is None and None in shape[:2]:
      raise ValueError(f"{name}: its images have no common size, {shape}; set --image_size to resize them")
    self.image_shape: tuple[int, int, int] = (image_size or shape[0], image_size or shape[1], shape[2] or 3)
    self.labels = _class_names(self._builder, self._label_key)
    self._dtype = np.dtype(self._feature.np_dtype).name
    if not self.num_examples("train"):
      raise ValueError(f"{name}: has no images to train on; expected a split train, got {_sizes(self._builder)}")
    self.num_bytes = int(np.prod(self.image_shape)) * np.dtype(self._dtype).itemsize * self.num_examples("train")

  def num_examples(self, split: str) -> int:
    """Returns how many labeled images a split has, 0 if there is no such split.

    "test" is the validation split of sets that have no labeled test split.
    """
    name = self._name_of(split)
    return self._builder.info.splits[name].num_examples if name else 0

  def load(self, split: str) -> tuple[np.ndarray, np.ndarray]:
    """Returns the images of "train" or "test", `[N, H, W, C]`, and their classes, `[N]` int32.

    Raises:
      ValueError: if the files of the split are damaged or incomplete.
    """
    count = self.num_examples(split)
    images, labels = np.empty((count, *self.image_shape), self._dtype), np.empty(count, np.int32)
    if not count:
      return images, labels
    start = 0
    with readable(self._builder, self._name_of(split)):
      batches = with_fixed_parallelism(self.stream(split).batch(_READ_BATCH).prefetch(2))
      for batch, batch_labels in batches.as_numpy_iterator():
        images[start : start + len(batch)], labels[start : start + len(batch)] = batch, batch_labels
        start += len(batch)
    return images, labels

  def stream(self, split: str, first: int = 0, last: int | None = None) -> tf.data.Dataset:
    """Returns some (image, class) pairs of a split; see `StreamedImageSource.stream`."""
    return self.encoded_stream(split, first, last).map(self.decoded, num_parallel_calls=tf.data.AUTOTUNE)

  def encoded_stream(self, split: str, first: int = 0, last: int | None = None) -> tf.data.Dataset:
    """Returns some (encoded image, class) pairs of a split; see `EncodedImageSource.encoded_stream`."""
    skip = {self._image_key: tfds.decode.SkipDecoding()}
    decoders = tfds.decode.PartialDecoding({self._image_key: True, self._label_key: True}, decoders=skip)
    examples = self._read(split, decoders, first, last)
    return examples.map(lambda example: (example[self._image_key], tf.cast(example[self._label_key], tf.int32)))

  def classes(self, split: str) -> np.ndarray:
    """Returns the classes of a split; see `SelectableImageSource.classes`.

    Raises:
      ValueError: if the files of the split are damaged or incomplete.
    """
    name = self._name_of(split)
    if name is None:
      return np.empty(0, np.int32)
    with readable(self._builder, name):
      batches = [*with_fixed_parallelism(self._labels(name).batch(_LABELS_BATCH)).as_numpy_iterator()]
    return np.concatenate(batches).astype(np.int32)

  def select(self, split: str, chosen: np.ndarray) -> tf.data.Dataset:
    """Returns chosen (image, class) pairs of a split; see `SelectableImageSource.select`. Others are not decoded."""
    return self.encoded_select(split, chosen).map(self.decoded, num_parallel_calls=tf.data.AUTOTUNE)

  def encoded_select(self, split: str, chosen: np.ndarray) -> tf.data.Dataset:
    """Returns chosen (encoded image, class) pairs of a split; see `EncodedImageSource.encoded_select`."""
    wanted = np.zeros(self.num_examples(split), bool)
    wanted[chosen] = True
    kept = tf.constant(wanted)
    examples = self.encoded_stream(split).take(int(np.max(chosen, initial=-1)) + 1)
    return examples.enumerate().filter(lambda number, _: kept[number]).map(lambda _, example: example)

  def decoded(self, content: tf.Tensor, label: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Returns the (image, class) pair of an encoded image; see `EncodedImageSource.decoded`."""
    image = self._feature.decode_example(content)
    if self._feature.shape[2] is None:
      image = in_color(image)
    if self._size is not None:
      image = resized(image, self._size)
    return tf.ensure_shape(image, self.image_shape), label

  def _name_of(self, split: str) -> str | None:
    """Returns the name that a split has in the set; None if the set does not have it."""
    if split not in self._names:
      self._names[split] = next(filter(self._is_labeled, _SPLIT_NAMES[split]), None)
    return self._names[split]

  def _is_labeled(self, name: str) -> bool:
    """Returns whether there is a split with a name, and it has labels. Sets of competitions have -1 for all of "test"."""
    if name not in self._builder.info.splits or not self._builder.info.splits[name].num_examples:
      return False
    if name == "train":
      return True
    with readable(self._builder, name):
      labels = with_fixed_parallelism(self._labels(name).take(1))
      labeled = all(label >= 0 for label in labels.as_numpy_iterator())
    if not labeled:
      logging.warning("%s: the examples of its split %s have no labels, so it is not used", self._builder.name, name)
    return labeled

  def _labels(self, name: str) -> tf.data.Dataset:
    decoders = tfds.decode.PartialDecoding({self._label_key: True})
    dataset = self._builder.as_dataset(split=name, decoders=decoders, shuffle_files=False)
    return dataset.map(lambda example: example[self._label_key])

  def _read(self, split: str, decoders: Any, first: int = 0, last: int | None = None) -> tf.data.Dataset:
    name = self._name_of(split)
    if name is None:
      raise ValueError(f"{self._builder.name}: has no labeled {split} images, only {_sizes(self._builder)}")
    instruction = tfds.core.ReadInstruction(name, from_=first, to=last, unit="abs")
    return self._builder.as_dataset(split=instruction, decoders=decoders, shuffle_files=False)


@contextlib.contextmanager
def readable(builder: tfds.core.DatasetBuilder, name: str | None) -> Iterator[None]:
  """Reports files that cannot be read as a ValueError that names the set, the split and the directory."""
  try:
    yield
  except tf.errors.OpError as error:
    reason = _NAMES_OF_OPERATIONS.sub("", error.message.partition("\n")[0]).strip()
    raise ValueError(
      f"{builder.name}: the files of its split {name} in {builder.data_path} are damaged or incomplete ({reason});"
      " remove that directory and prepare the set again, with --download"
    ) from error


def _builder(name: str, data_dir: str | None) -> tfds.core.DatasetBuilder:
  try:
    return tfds.builder(name, data_dir=data_dir)
  except tfds.core.DatasetNotFoundError as error:
    raise ValueError(f"unknown task {name!r}: {_known_sets(name, data_dir)}") from error
  except ValueError as error:
    if not _NO_NAME.match(str(error)):
      raise
    raise ValueError(f"unknown task {shown(name)}: {_known_sets(name, data_dir)}") from error
  except json_format.ParseError as error:
    raise ValueError(f"{name}: its description in {data_dir} cannot be read ({error})") from error


def _prepare(builder: tfds.core.DatasetBuilder, data_dir: str | None, download: bool) -> None:
  if download:
    prepare(builder)
  if not builder.info.splits:
    raise FileNotFoundError(
      f"no data for {builder.name!r} in {builder.data_path}; prepare it with --download (tfds.load({builder.name!r},"
      f" data_dir={data_dir!r})) or pass the --data_dir that has it; {_prepared_sets(data_dir)}"
    )


def _known_sets(name: str, data_dir: str | None) -> str:
  """Returns what there is instead of an unknown task, for an error message."""
  meant = difflib.get_close_matches(name, TASKS, n=2)
  similar = difflib.get_close_matches(name, tfds.list_builders(with_community_datasets=False), n=5)
  names = f"has {', '.join(similar)}" if similar else "has nothing like it"
  advice = f"did you mean {' or '.join(meant)}? " if meant else ""
  return f"{advice}there are the tasks {', '.join(TASKS)}; TensorFlow Datasets {names}; {_prepared_sets(data_dir)}"


def _prepared_sets(data_dir: str | None) -> str:
  """Returns what the directory of prepared sets holds, for an error message."""
  directory = os.path.expanduser(data_dir or os.path.join("~", "tensorflow_datasets"))
  if not tf.io.gfile.isdir(directory):
    return f"{directory} is not a directory"
  found = sorted(entry.rstrip("/") for entry in tf.io.gfile.listdir(directory) if entry.strip("/") != "downloads")
  return f"{directory} holds {', '.join(found) or 'nothing'}"


def _feature_keys(builder: tfds.core.DatasetBuilder) -> tuple[str, str]:
  """Returns the names of the features image and label: those that the set declares, or "image" and "label"."""
  features = builder.info.features
  keys = builder.info.supervised_keys or ("image", "label")
  known = dict(features) if isinstance(features, tfds.features.FeaturesDict) else {}
  found = [known.get(key) if isinstance(key, str) else None for key in keys]
  expected = (tfds.features.Image, tfds.features.ClassLabel)
  if len(found) == 2 and all(isinstance(feature, kind) for feature, kind in zip(found, expected)):
    return keys
  raise ValueError(f"{builder.name}: expected images with one class label each, got the features {features}")


def _class_names(builder: tfds.core.DatasetBuilder, key: str) -> tuple[str, ...]:
  """Returns the names of the classes of a set."""
  feature = builder.info.features[key]
  if feature.num_classes is None:
    raise ValueError(f"{builder.name}: does not say how many classes it has")
  return tuple(feature.names)


def _sizes(builder: tfds.core.DatasetBuilder) -> str:
  """Returns the splits of a set and their sizes, for an error message."""
  return ", ".join(f"{name} ({info.num_examples} examples)" for name, info in builder.info.splits.items()) or "none"
