"""Image classification: a network maps an image to the logits of its classes; the reward is the accuracy.

Images are preprocessed like CIFAR in the paper (Luo et al., NeurIPS 2018, section 4.1): pad, crop and flip raw pixels,
standardize each image, and apply cutout if configured. Raw pixels of any type are first scaled to 0..255; see
`nao_tf.tasks.pixels`.

A part of the training set is held out for validation, by default the same fraction of each class; see
`nao_tf.tasks.image_splits`. Test images are not read before they are needed; see `nao_tf.tasks.image_reading`.
"""

import contextlib
import dataclasses
import functools
from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np
import tensorflow as tf

from nao_tf.networks.image_network import ImageNetworkConfig
from nao_tf.spaces.genotypes import IMAGE_GENOTYPES
from nao_tf.tasks import image_batches, image_splits
from nao_tf.tasks.base import BatchTask, check_split
from nao_tf.tasks.class_weights import check_class_weight, class_weights
from nao_tf.tasks.classification import TOP, classification_scores, cross_entropy, top_accuracy
from nao_tf.tasks.decoded_photographs import check_not_decoded, decoded_once
from nao_tf.tasks.image_division import ImageDivision
from nao_tf.tasks.image_reading import ImageReader
from nao_tf.tasks.image_sources import DigitsSource, ImageSource, SelectableImageSource, TfdsSource
from nao_tf.tasks.photograph_damage import first_damaged
from nao_tf.tasks.photograph_decoding import photograph_errors
from nao_tf.tasks.photograph_records import PhotographRecords
from nao_tf.tasks.photograph_sources import DEFAULT_SIZE, PhotographSource
from nao_tf.tasks.pixels import Pixels
from nao_tf.tasks.splits import Split
from nao_tf.tasks.traits import EARLIER_HOLD_OUT, HOLD_OUT, HOLD_OUTS, IMAGES
from nao_tf.training.config import TrainingConfig


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
  """Classification of labeled images.

  Attributes:
    labels: names of the classes.
    hold_out: default choice of the validation set.
    earlier_hold_out: how it was chosen in version 0.2 and before; see `use_earlier_split`.
  """

  kind = IMAGES.kind
  space = IMAGES.space
  reward_metric = "accuracy"
  genotypes = IMAGE_GENOTYPES
  child = IMAGES.child
  final = IMAGES.final
  final_options = IMAGES.final_options
  hold_out = HOLD_OUT
  earlier_hold_out = EARLIER_HOLD_OUT

  def __init__(
    self,
    name: str,
    source: ImageSource,
    *,
    validation_fraction: float = 0.1,
    hold_out: str | None = None,
    train_examples: int | None = None,
    crop_padding: int = 4,
    flip: bool = True,
    class_weight: str | Mapping[Any, float] | None = None,
  ):
    """Initializes the task without reading any image.

    Args:
      name: name of the task, for messages and exports.
      source: source of the images.
      validation_fraction: fraction of the training images to hold out for validation; 0 to train on all.
      hold_out: which images to hold out: "stratified" (random ones of each class, in proportion), "random", or "last"
        (as the paper does on CIFAR, whose images are in random order). None for the attribute of the class.
      train_examples: number of the remaining images to train on; None for all. The validation set stays the same. They
        are sampled from each class in proportion if `hold_out` is "stratified", otherwise at random.
      crop_padding: default padding for random cropping, in pixels, if the training configuration has none.
      flip: default for random flips, if the training configuration has none.
      class_weight: weights of the classes in the loss: "balanced" to give every class the same total weight, or weights
        by label; None to weight all examples equally. Metrics always weight all examples equally.

    Raises:
      ValueError: if an option is out of range.
    """
    if not 0 <= validation_fraction < 1:
      raise ValueError(f"validation_fraction must be in [0, 1), got {validation_fraction}")
    if hold_out not in (None, *HOLD_OUTS):
      raise ValueError(f"unknown hold_out {hold_out!r}; expected one of {', '.join(HOLD_OUTS)}")
    if train_examples is not None and train_examples < 1:
      raise ValueError(f"train_examples must be at least 1, or None for all, got {train_examples}")
    if len(source.labels) < 2:
      raise ValueError(f"{name}: expected at least two classes, got {', '.join(map(repr, source.labels)) or 'none'}")
    if class_weight is not None:
      check_class_weight(class_weight, source.labels)
    self.name, self.labels = name, tuple(source.labels)
    self._class_weight = class_weight
    self._source, self._reader = source, ImageReader(name, source)
    self._validation_fraction, self._given_hold_out = validation_fraction, hold_out
    self._train_examples, self._crop_padding, self._flip = train_examples, crop_padding, flip
    self._hold_out = hold_out or self.hold_out
    self._subset = "stratified" if self._hold_out == "stratified" else "random"

  def use_earlier_split(self) -> None:
    """Divides the images as version 0.2 did; see `Task.use_earlier_split`."""
    self._hold_out, self._subset = self._given_hold_out or self.earlier_hold_out, "random"

  @property
  def pixels(self) -> Pixels:
    """Type and range of the raw images, which are scaled to 0..255. Some types tell only with the training images."""
    return self._reader.pixels

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
    """Returns the number of images of a split; see `Problem.num_examples`."""
    return self._split(split).num_examples

  def check_data(self) -> None:
    """Checks the images, what their numbers mean, and the weights of their classes; see `Task.check_data`."""
    super().check_data()
    _ = self.pixels, self.class_weights

  def data_errors(self) -> contextlib.AbstractContextManager[None]:
    """Returns a context manager that names a photograph that cannot be decoded; see `Task.data_errors`."""
    if not isinstance(self._source, PhotographSource):
      return super().data_errors()
    return photograph_errors(self.name, functools.partial(first_damaged, self._source))

  def has_test_data(self) -> bool:
    """Returns whether there are labeled test images; see `Task.has_test_data`."""
    return self._has_test_data

  @functools.cached_property
  def _has_test_data(self) -> bool:
    if isinstance(self._source, PhotographSource) or not isinstance(self._source, SelectableImageSource):
      return self.num_examples("test") > 0
    return len(self._reader.classes(self._source, "test")) > 0

  def training_batches(
    self, training_config: TrainingConfig, *, seed: int, first_epoch: int = 0, first_step: int = 0
  ) -> tf.data.Dataset:
    """Returns (images `[B, H, W, C]` float32, classes `[B]` int32); see `BatchProblem.training_batches`."""
    config = self.complete_training_config(training_config)
    return image_batches.training_batches(
      self._split("train"),
      config,
      self.pixels,
      seed=seed,
      first_epoch=first_epoch,
      first_step=first_step,
      steps_per_epoch=self.steps_per_epoch(config),
    )

  def evaluation_batches(self, split: str, batch_size: int) -> tf.data.Dataset:
    """Returns (images `[B, H, W, C]` float32, classes `[B]` int32, weights `[B]`).

    See `BatchProblem.evaluation_batches`.
    """
    return image_batches.evaluation_batches(self._split(split), batch_size, self.pixels)

  def raw_batches(self, split: str, batch_size: int) -> tf.data.Dataset:
    """Returns (raw images `[B, H, W, C]` as they are stored, classes `[B]` int32); the last batch may be smaller."""
    return self._split(split).ordered(batch_size)

  def losses(
    self,
    network: ImageClassifier,
    inputs: tf.Tensor,
    targets: tf.Tensor,
    step: tf.Tensor,
    training_config: TrainingConfig,
  ) -> tf.Tensor:
    """Returns cross-entropies `[B]`, plus the weighted ones of the auxiliary head if there is one.

    Each counts as its class does, see `class_weight`.
    """
    outputs, smoothing = network(inputs, training=True, step=step), training_config.label_smoothing
    if network.auxiliary_head is None:
      return self._weighted(cross_entropy(outputs, targets, smoothing), targets)
    main, auxiliary = (cross_entropy(outputs[key], targets, smoothing) for key in ("logits", "auxiliary"))
    return self._weighted(main + network.config.auxiliary_weight * auxiliary, targets)

  def scores(self, network: ImageClassifier, inputs: tf.Tensor, targets: tf.Tensor) -> dict[str, tf.Tensor]:
    """Returns `accuracy` (whether the class was found) and `loss` (the cross-entropy), each `[B]`.

    Of photographs of more than five classes also `top_5_accuracy`.
    """
    return self.scores_of_logits(network(inputs, training=False), targets)

  def scores_of_logits(self, logits: tf.Tensor, targets: tf.Tensor) -> dict[str, tf.Tensor]:
    """Returns the scores of logits `[B, C]`; see `scores`."""
    scores = classification_scores(logits, targets)
    if not isinstance(self._source, PhotographSource) or self.num_outputs <= TOP:
      return scores
    return {**scores, "top_5_accuracy": top_accuracy(logits, targets)}

  @functools.cached_property
  def class_weights(self) -> np.ndarray | None:
    """What an example of each class counts in the loss, `[classes]`; None if all examples count the same."""
    if self._class_weight is None:
      return None
    return class_weights(
      self._class_weight, self.labels, np.bincount(self._reader.training_labels, minlength=self.num_outputs)
    )

  def _weighted(self, losses: tf.Tensor, targets: tf.Tensor) -> tf.Tensor:
    if self.class_weights is None:
      return losses
    return losses * tf.cast(tf.gather(tf.constant(self.class_weights), targets), losses.dtype)

  @property
  def _division(self) -> ImageDivision:
    """How the training images are divided."""
    return ImageDivision(
      self.name, self.labels, self._validation_fraction, self._hold_out, self._subset, self._train_examples
    )

  def _split(self, split: str) -> Split:
    check_split(split)
    return self._test_split if split == "test" else self._training_splits[split]

  @functools.cached_property
  def _training_splits(self) -> dict[str, Split]:
    is_given = self._given_hold_out is not None
    return image_splits.training_splits(self._reader, self._division, hold_out_is_given=is_given)

  @functools.cached_property
  def _test_split(self) -> Split:
    return image_splits.test_split(self._reader)


class DigitsClassification(ImageClassification):
  """Classification of the digits of scikit-learn, which need no download. By default images are not flipped."""

  earlier_hold_out = HOLD_OUT

  def __init__(
    self,
    name: str = "digits",
    *,
    data_dir: str | None = None,
    download: bool = False,
    validation_fraction: float = 0.2,
    hold_out: str | None = None,
    crop_padding: int = 1,
    flip: bool = False,
    **options: Any,
  ):
    """Initializes the task; reads no image yet.

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
  """Classification of an image data set of TensorFlow Datasets."""

  def __init__(
    self,
    name: str,
    *,
    data_dir: str | None = None,
    download: bool = False,
    image_size: int | None = None,
    photographs: bool = False,
    decoded_dir: str | None = None,
    **options: Any,
  ):
    """Opens the data set without reading any image.

    Args:
      name: name of the data set in TensorFlow Datasets.
      data_dir: directory of prepared data sets; None for the default of TensorFlow Datasets.
      download: whether to download and prepare the data set if it is missing.
      image_size: height and width to resize all images to. None to keep their size, or 224 pixels for photographs.
      photographs: whether to decode images on the fly, with random crops in training and center crops in evaluation;
        see `nao_tf.tasks.photograph_decoding`.
      decoded_dir: directory to keep the pixels of training photographs in, so that they are decoded once; see
        `nao_tf.tasks.decoded_photographs`. None: they are decoded in each epoch.
      **options: options of `ImageClassification`. Photographs are only padded if `crop_padding` is given.

    Raises:
      ValueError: if there is no such data set, its images are not labeled, an option is out of range, or
        `decoded_dir` is given without `photographs` or has other files.
      FileNotFoundError: if the data set is missing.
    """
    if photographs:
      size = image_size or DEFAULT_SIZE
      records = PhotographRecords(name, data_dir=data_dir, image_size=size, download=download)
      super().__init__(name, decoded_once(records, decoded_dir), **{"crop_padding": 0, **options})
      return
    check_not_decoded(decoded_dir)
    source = TfdsSource(name, data_dir=data_dir, image_size=image_size, download=download)
    super().__init__(name, source, **options)
