"""Image classification: a network reads an image and gives the logits of its classes; the reward is the accuracy.

Images are prepared as CIFAR is in the paper (Luo et al., NeurIPS 2018, section 4.1): pad, crop and flip the raw pixels,
standardize each image, and cut out a square if the training configuration says so. A part of the training set is held
out for validation. Test images are not read before they are needed.
"""

import dataclasses
import functools
from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np
import tensorflow as tf

from nao_tf.networks.image_network import ImageNetworkConfig
from nao_tf.spaces.genotypes import CellGenotype
from nao_tf.tasks import augmentation, splits
from nao_tf.tasks.base import BatchTask, Configs, check_split
from nao_tf.tasks.classification import classification_scores, cross_entropy
from nao_tf.tasks.image_sources import DigitsSource, ImageSource, StreamedImageSource, TfdsSource
from nao_tf.training.config import TrainingConfig

IN_MEMORY_BYTES = 2**31
_SPLIT_SEED = 0


class ImageClassifier(Protocol):
  """A network that classifies images: a separate one, or an architecture within a supernet."""

  @property
  def config(self) -> ImageNetworkConfig:
    """How large and how regularized the network is."""

  @property
  def auxiliary_head(self) -> object | None:
    """The auxiliary head, if there is one."""

  def __call__(self, images: tf.Tensor, training: bool = False, step: tf.Tensor | None = None) -> Any:
    """Returns the logits `[B, C]`; in training with an auxiliary head, `logits` and `auxiliary` logits in a dict."""


class ImageClassification(BatchTask):
  """Classification of a set of labeled images.

  Attributes:
    labels: names of the classes.
  """

  kind = "images"
  space = "nasnet5"
  reward_metric = "accuracy"
  genotypes = (CellGenotype,)
  # The children of the search of the paper, and the training of its CIFAR-10 networks (section 4.1 and its release).
  child = Configs(ImageNetworkConfig(num_cells=3, filters=32, dropout_keep=1.0), TrainingConfig())
  final = Configs(ImageNetworkConfig(), TrainingConfig(epochs=600, cutout_size=16))
  final_options: Mapping[str, Any] = {"validation_fraction": 0.0}

  def __init__(
    self,
    name: str,
    source: ImageSource,
    *,
    validation_fraction: float = 0.1,
    hold_out: str = "last",
    train_examples: int | None = None,
    crop_padding: int = 4,
    flip: bool = True,
  ):
    """Sets up the task; reads no image yet.

    Args:
      name: name of the task, for messages and exports.
      source: where the images come from.
      validation_fraction: share of the training images held out for validation; 0 to train on all.
      hold_out: which of them are held out: "last" (as the paper does on CIFAR), "random" or "stratified". The latter two
        need all images in memory.
      train_examples: train on this many of the rest, drawn at random; None for all. The validation set is the same.
      crop_padding: padding of the augmentation if the training configuration has none.
      flip: whether the augmentation mirrors images if the training configuration does not say.

    Raises:
      ValueError: if an option is out of range.
    """
    if not 0 <= validation_fraction < 1:
      raise ValueError(f"validation_fraction must be in [0, 1), got {validation_fraction}")
    if hold_out not in splits.HOLD_OUTS:
      raise ValueError(f"unknown hold_out {hold_out!r}; expected one of {', '.join(splits.HOLD_OUTS)}")
    if train_examples is not None and train_examples < 1:
      raise ValueError(f"train_examples must be at least 1, or None for all, got {train_examples}")
    self.name, self.labels = name, tuple(source.labels)
    self._source, self._validation_fraction, self._hold_out = source, validation_fraction, hold_out
    self._train_examples, self._crop_padding, self._flip = train_examples, crop_padding, flip

  @property
  def input_shape(self) -> tuple[int, int, int]:
    """Height, width and channels of the images."""
    return self._source.image_shape

  @property
  def num_outputs(self) -> int:
    """How many classes there are."""
    return len(self.labels)

  def complete_training_config(self, training_config: TrainingConfig) -> TrainingConfig:
    """Sets the fields of the augmentation that are None; see `Task.complete_training_config`."""
    defaults: dict[str, Any] = {"crop_padding": self._crop_padding, "flip": self._flip}
    unset = {name: value for name, value in defaults.items() if getattr(training_config, name) is None}
    return dataclasses.replace(training_config, **unset)

  def num_examples(self, split: str) -> int:
    """Returns how many images a split has; see `Problem.num_examples`."""
    return self._split(split).num_examples

  def training_batches(self, training_config: TrainingConfig, *, seed: int, first_epoch: int = 0) -> tf.data.Dataset:
    """Returns (images `[B, H, W, C]` float32, classes `[B]` int32); see `BatchProblem.training_batches`."""
    config, split = self.complete_training_config(training_config), self._split("train")
    steps = self.steps_per_epoch(config)
    seeds = tf.random.experimental.stateless_split(tf.constant([seed, 0], tf.int64), 2)

    def shuffled(epoch: tf.Tensor) -> tf.data.Dataset:
      return split.shuffled(config.batch_size, tf.random.experimental.stateless_fold_in(seeds[0], epoch))

    def augmented(step: tf.Tensor, example: tuple[tf.Tensor, tf.Tensor]) -> tuple[tf.Tensor, tf.Tensor]:
      images, labels = example
      return _augment(images, tf.random.experimental.stateless_fold_in(seeds[1], step), config), labels

    batches = tf.data.Dataset.range(first_epoch, config.epochs).flat_map(shuffled).enumerate(first_epoch * steps)
    return batches.map(augmented, num_parallel_calls=tf.data.AUTOTUNE).prefetch(tf.data.AUTOTUNE)

  def evaluation_batches(self, split: str, batch_size: int) -> tf.data.Dataset:
    """Returns (images `[B, H, W, C]` float32, classes `[B]` int32, weights `[B]`).

    See `BatchProblem.evaluation_batches`.
    """

    def padded(images: tf.Tensor, labels: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
      weights = tf.ones_like(labels, tf.float32)
      images, labels, weights = (_pad(x, batch_size) for x in (images, labels, weights))
      return augmentation.standardize(images), labels, weights

    return self._split(split).ordered(batch_size).map(padded).prefetch(tf.data.AUTOTUNE)

  def raw_batches(self, split: str, batch_size: int) -> tf.data.Dataset:
    """Returns (unprepared images `[B, H, W, C]` uint8, classes `[B]` int32); the last batch may be smaller."""
    return self._split(split).ordered(batch_size)

  def losses(
    self,
    network: ImageClassifier,
    inputs: tf.Tensor,
    targets: tf.Tensor,
    step: tf.Tensor,
    training_config: TrainingConfig,
  ) -> tf.Tensor:
    """Returns cross-entropies `[B]`, plus the weighted ones of the auxiliary head if there is one."""
    outputs, smoothing = network(inputs, training=True, step=step), training_config.label_smoothing
    if network.auxiliary_head is None:
      return cross_entropy(outputs, targets, smoothing)
    main, auxiliary = (cross_entropy(outputs[key], targets, smoothing) for key in ("logits", "auxiliary"))
    return main + network.config.auxiliary_weight * auxiliary

  def scores(self, network: ImageClassifier, inputs: tf.Tensor, targets: tf.Tensor) -> dict[str, tf.Tensor]:
    """Returns `accuracy` (whether the class was found) and `loss` (the cross-entropy), each `[B]`."""
    return classification_scores(network(inputs, training=False), targets)

  def _split(self, split: str) -> splits.Split:
    check_split(split)
    return self._test_split if split == "test" else self._training_splits[split]

  @functools.cached_property
  def _training_splits(self) -> dict[str, splits.Split]:
    streamed = self._streamed_source
    if streamed is not None:
      return self._streamed_training_splits(streamed)
    images, labels = self._source.load("train")
    train, valid = splits.hold_out(labels, self._validation_fraction, how=self._hold_out, seed=_SPLIT_SEED)
    train = np.random.default_rng(_SPLIT_SEED).permutation(train)[: self._subset(len(train))]
    return {"train": splits.MemorySplit(images, labels, train), "valid": splits.MemorySplit(images, labels, valid)}

  def _streamed_training_splits(self, source: StreamedImageSource) -> dict[str, splits.Split]:
    if self._hold_out != "last":
      raise ValueError(f"{self.name}: too large for memory, so only the last images can be held out")
    total = source.num_examples("train")
    rest = total - round(total * self._validation_fraction)
    train = self._subset(rest)
    return {
      "train": splits.StreamedSplit(source.stream("train", 0, train), train),
      "valid": splits.StreamedSplit(source.stream("train", rest, total), total - rest),
    }

  def _subset(self, available: int) -> int:
    """Returns how many of the available images are trained on."""
    if (self._train_examples or 0) > available:
      raise ValueError(f"{self.name}: train_examples is {self._train_examples}, but there are only {available}")
    return self._train_examples or available

  @functools.cached_property
  def _test_split(self) -> splits.Split:
    streamed = self._streamed_source
    if streamed is not None:
      return splits.StreamedSplit(streamed.stream("test"), streamed.num_examples("test"))
    images, labels = self._source.load("test")
    return splits.MemorySplit(images, labels, np.arange(len(labels), dtype=np.int32))

  @property
  def _streamed_source(self) -> StreamedImageSource | None:
    """The source, if its images are too many for memory; None if they are to be loaded."""
    if self._source.num_bytes <= IN_MEMORY_BYTES:
      return None
    if not isinstance(self._source, StreamedImageSource):
      raise ValueError(f"{self.name}: its {self._source.num_bytes} bytes are too many for memory, and it has no stream")
    return self._source


class DigitsClassification(ImageClassification):
  """Classification of the digits of scikit-learn, which need no directory. A mirrored digit is no digit: no flip."""

  def __init__(
    self,
    name: str = "digits",
    *,
    data_dir: str | None = None,
    download: bool = False,
    validation_fraction: float = 0.2,
    hold_out: str = "stratified",
    crop_padding: int = 1,
    flip: bool = False,
    **options: Any,
  ):
    """Sets up the task; reads no image yet.

    Args:
      name: name of the task.
      data_dir: not used.
      download: not used.
      validation_fraction: see `ImageClassification`.
      hold_out: see `ImageClassification`.
      crop_padding: see `ImageClassification`.
      flip: see `ImageClassification`.
      **options: further options of `ImageClassification`.
    """
    del data_dir, download
    super().__init__(
      name,
      DigitsSource(),
      validation_fraction=validation_fraction,
      hold_out=hold_out,
      crop_padding=crop_padding,
      flip=flip,
      **options,
    )


class TfdsClassification(ImageClassification):
  """Classification of an image set of TensorFlow Datasets."""

  def __init__(
    self,
    name: str,
    *,
    data_dir: str | None = None,
    download: bool = False,
    image_size: int | None = None,
    **options: Any,
  ):
    """Opens the set; reads no image yet.

    Args:
      name: name of the set in TensorFlow Datasets.
      data_dir: directory of prepared sets; None for the default of TensorFlow Datasets.
      download: whether to download and prepare the set if it is missing.
      image_size: height and width to resize all images to; None to keep their size.
      **options: options of `ImageClassification`.

    Raises:
      ValueError: if there is no such set, or it is not one of labeled images, or an option is out of range.
      FileNotFoundError: if the set is missing.
    """
    source = TfdsSource(name, data_dir=data_dir, image_size=image_size, download=download)
    super().__init__(name, source, **options)


def _augment(images: tf.Tensor, seed: tf.Tensor, training_config: TrainingConfig) -> tf.Tensor:
  """Returns raw images prepared for training, `[B, H, W, C]` float32."""
  seeds = tf.random.experimental.stateless_split(seed, 2)
  padding, flip = training_config.crop_padding or 0, bool(training_config.flip)
  images = augmentation.random_crop_flip(images, seeds[0], padding=padding, flip=flip)
  size, convention = training_config.cutout_size, training_config.cutout_convention
  return augmentation.random_cutout(augmentation.standardize(images), seeds[1], size=size, convention=convention)


def _pad(values: tf.Tensor, batch_size: int) -> tf.Tensor:
  """Appends zeros until there are `batch_size` rows."""
  missing = batch_size - tf.shape(values)[0]
  padded = tf.pad(values, [[0, missing]] + [[0, 0]] * (values.shape.rank - 1))
  return tf.ensure_shape(padded, [batch_size, *values.shape[1:]])
