"""Image classification: images in, one class each out; judged by accuracy.

The recipe of CIFAR in the paper (Luo et al., NeurIPS 2018, section 4.1): pad, crop and flip the raw pixels, standardize
each image, cut a square out if the recipe says so. A part of the training set is held out for validation, and test
images are not read before they are asked for.
"""

import dataclasses
import functools
from collections.abc import Mapping
from typing import Any

import numpy as np
import tensorflow as tf

from nao_tf.networks.image_network import ImageNetwork, ImageNetworkConfig, image_network, num_parameters
from nao_tf.serving import image_export as export
from nao_tf.spaces.genotypes import CellGenotype
from nao_tf.spaces.nasnet import NUM_NODES, NasnetSpace
from nao_tf.supernets.config import SharingConfig
from nao_tf.supernets.image_supernet import ImageSupernet
from nao_tf.supernets.image_supernet_trainer import SharedImageTrainer
from nao_tf.tasks import augmentation, image_sources, splits
from nao_tf.tasks.base import BatchTask, Setup, check_split, replace_unset
from nao_tf.tasks.classification import classification_scores, cross_entropy
from nao_tf.training.batch_trainer import Trainer
from nao_tf.training.config import TrainingConfig

IN_MEMORY_BYTES = 2**31
_SPLIT_SEED = 0


class ImageClassification(BatchTask):
  """A set of labeled images.

  Attributes:
    image_shape: (height, width, channels).
    labels: names of the classes.
  """

  kind = "images"
  space = "nasnet5"
  reward_metric = "accuracy"
  genotypes = (CellGenotype,)
  # The children of the paper's search, and the training of its CIFAR-10 networks (section 4.1 and its release).
  child = Setup(ImageNetworkConfig(num_cells=3, filters=32, dropout_keep=1.0), TrainingConfig())
  final = Setup(ImageNetworkConfig(), TrainingConfig(epochs=600, cutout_size=16))
  final_options: Mapping[str, Any] = {"validation_fraction": 0.0}

  def __init__(
    self,
    name: str,
    source: image_sources.DigitsSource | image_sources.TfdsSource,
    *,
    validation_fraction: float = 0.1,
    hold_out: str = "last",
    train_examples: int | None = None,
    crop_padding: int = 4,
    flip: bool = True,
  ):
    """Sets up the task; reads no image yet.

    Args:
      name: for messages and exports.
      source: of the images.
      validation_fraction: share of the training images held out for validation; 0 to train on all.
      hold_out: which of them: "last" (as the paper does on CIFAR), "random" or "stratified", these drawn from memory.
      train_examples: train on so many of the rest, drawn at random; None for all. The validation set is the same.
      crop_padding: the augmentation's padding where the recipe names none.
      flip: whether it mirrors, where the recipe does not say.

    Raises:
      ValueError: if an option is out of range.
    """
    if not 0 <= validation_fraction < 1:
      raise ValueError(f"validation_fraction must be in [0, 1), got {validation_fraction}")
    if hold_out not in splits.HOLD_OUTS:
      raise ValueError(f"unknown hold_out {hold_out!r}; expected one of {', '.join(splits.HOLD_OUTS)}")
    if train_examples is not None and train_examples < 1:
      raise ValueError(f"train_examples must be at least 1, or None for all, got {train_examples}")
    self.name, self.image_shape, self.labels = name, source.image_shape, tuple(source.labels)
    self._source, self._validation_fraction, self._hold_out = source, validation_fraction, hold_out
    self._train_examples, self._crop_padding, self._flip = train_examples, crop_padding, flip

  @property
  def num_classes(self) -> int:
    """How many classes there are."""
    return len(self.labels)

  def recipe(self, config: TrainingConfig) -> TrainingConfig:
    return replace_unset(config, crop_padding=self._crop_padding, flip=self._flip)

  def make_trainer(
    self,
    genotype: CellGenotype,
    network_config: ImageNetworkConfig,
    config: TrainingConfig,
    *,
    distribution: tf.distribute.Strategy,
    seed: int,
  ) -> Trainer:
    """Returns what trains an image network on these images; see `Task.make_trainer`."""
    self.check_genotype(genotype)
    return Trainer(self, genotype, network_config, config, distribution=distribution, seed=seed)

  def make_shared_trainer(
    self,
    space: NasnetSpace,
    network_config: ImageNetworkConfig,
    config: TrainingConfig,
    sharing: SharingConfig,
    *,
    distribution: tf.distribute.Strategy,
    seed: int,
  ) -> SharedImageTrainer:
    """Returns what trains an image supernet on these images; see `Task.make_shared_trainer`."""
    if network_config.synchronized_norm and distribution.num_replicas_in_sync > 1:
      raise ValueError("synchronized_norm: with shared weights every replica takes batch statistics of its own")
    make_supernet = functools.partial(
      ImageSupernet,
      [operation.name for operation in space.operations],
      self._complete(network_config, config),
      num_nodes=NUM_NODES,
      num_classes=self.num_classes,
      image_shape=self.image_shape,
      seed=seed,
      weights_per_input=sharing.weights_per_input,
    )
    return SharedImageTrainer(self, make_supernet, config, sharing, distribution=distribution, seed=seed)

  def export_network(self, network: ImageNetwork, directory: str, *, genotype: CellGenotype) -> None:
    export.export_network(network, directory, genotype=genotype, task=self)

  def evaluate_exported(self, directory: str, split: str = "test") -> dict[str, float]:
    return export.evaluate_exported(directory, self, split)

  def build_network(
    self, genotype: CellGenotype, network_config: ImageNetworkConfig, config: TrainingConfig, *, seed: int
  ) -> ImageNetwork:
    """Returns an image network; see `Task.build_network`.

    Its drop-path reaches its full rate at the last step. Batch norm is synchronized only if there are several replicas.
    """
    complete = self._complete(network_config, config)
    return image_network(genotype, complete, num_classes=self.num_classes, image_shape=self.image_shape, seed=seed)

  def num_parameters(self, network: ImageNetwork) -> int:
    return num_parameters(network.classifier)

  def num_examples(self, split: str) -> int:
    return self._split(split).num_examples

  def training_batches(self, config: TrainingConfig, *, seed: int, first_epoch: int = 0) -> tf.data.Dataset:
    """Returns (images `[B, H, W, C]` float32, classes `[B]` int32); see `Task.training_batches`."""
    config, split, steps = self.recipe(config), self._split("train"), self.steps_per_epoch(config)
    seeds = tf.random.experimental.stateless_split(tf.constant([seed, 0], tf.int64), 2)

    def shuffled(epoch):
      return split.shuffled(config.batch_size, tf.random.experimental.stateless_fold_in(seeds[0], epoch))

    def augmented(step, example):
      images, labels = example
      return _augment(images, tf.random.experimental.stateless_fold_in(seeds[1], step), config), labels

    batches = tf.data.Dataset.range(first_epoch, config.epochs).flat_map(shuffled).enumerate(first_epoch * steps)
    return batches.map(augmented, num_parallel_calls=tf.data.AUTOTUNE).prefetch(tf.data.AUTOTUNE)

  def evaluation_batches(self, split: str, batch_size: int) -> tf.data.Dataset:
    """Returns (images `[B, H, W, C]` float32, classes `[B]` int32, weights `[B]`); see `Task.evaluation_batches`."""

    def filled(images, labels):
      weights = tf.ones_like(labels, tf.float32)
      images, labels, weights = (_fill(x, batch_size) for x in (images, labels, weights))
      return augmentation.standardize(images), labels, weights

    return self._split(split).ordered(batch_size).map(filled).prefetch(tf.data.AUTOTUNE)

  def raw_batches(self, split: str, batch_size: int) -> tf.data.Dataset:
    """Returns (images `[B, H, W, C]` uint8 as they are, classes `[B]` int32); the last batch may be smaller."""
    return self._split(split).ordered(batch_size)

  def losses(
    self, network: ImageNetwork, inputs: tf.Tensor, targets: tf.Tensor, step: tf.Tensor, config: TrainingConfig
  ):
    """Returns cross-entropies `[B]`; the auxiliary head's, if there is one, is added with its weight."""
    outputs = network(inputs, training=True, step=step)
    if network.auxiliary_head is None:
      return cross_entropy(outputs, targets, config.label_smoothing)
    main, auxiliary = (cross_entropy(outputs[key], targets, config.label_smoothing) for key in ("logits", "auxiliary"))
    return main + network.config.auxiliary_weight * auxiliary

  def scores(self, network: ImageNetwork, inputs: tf.Tensor, targets: tf.Tensor) -> dict[str, tf.Tensor]:
    """Returns whether the class was found (`accuracy`), and the cross-entropy (`loss`), each `[B]`."""
    return classification_scores(network(inputs, training=False), targets)

  def _complete(self, network_config: ImageNetworkConfig, config: TrainingConfig) -> ImageNetworkConfig:
    return dataclasses.replace(
      network_config,
      drop_path_steps=network_config.drop_path_steps or config.epochs * self.steps_per_epoch(config),
      synchronized_norm=network_config.synchronized_norm and has_several_replicas(),
    )

  def _split(self, split: str) -> splits.MemorySplit | splits.StreamedSplit:
    check_split(split)
    return self._test_split if split == "test" else self._training_splits[split]

  @functools.cached_property
  def _training_splits(self) -> dict[str, splits.MemorySplit | splits.StreamedSplit]:
    if self._source.num_bytes > IN_MEMORY_BYTES:
      return self._streamed_training_splits()
    images, labels = self._source.load("train")
    train, valid = splits.hold_out(labels, self._validation_fraction, how=self._hold_out, seed=_SPLIT_SEED)
    train = np.random.default_rng(_SPLIT_SEED).permutation(train)[: self._subset(len(train))]
    return {"train": splits.MemorySplit(images, labels, train), "valid": splits.MemorySplit(images, labels, valid)}

  def _streamed_training_splits(self) -> dict[str, splits.StreamedSplit]:
    if self._hold_out != "last":
      raise ValueError(f"{self.name}: too large for memory, so only the last images can be held out")
    total = self._source.num_examples("train")
    rest = total - round(total * self._validation_fraction)
    train = self._subset(rest)
    return {
      "train": splits.StreamedSplit(self._source.stream("train", 0, train), train),
      "valid": splits.StreamedSplit(self._source.stream("train", rest, total), total - rest),
    }

  def _subset(self, available: int) -> int:
    if (self._train_examples or 0) > available:
      raise ValueError(f"{self.name}: train_examples is {self._train_examples}, but there are only {available}")
    return self._train_examples or available

  @functools.cached_property
  def _test_split(self) -> splits.MemorySplit | splits.StreamedSplit:
    if self._source.num_bytes > IN_MEMORY_BYTES:
      return splits.StreamedSplit(self._source.stream("test"), self._source.num_examples("test"))
    images, labels = self._source.load("test")
    return splits.MemorySplit(images, labels, np.arange(len(labels), dtype=np.int32))


def digits(name: str, *, data_dir: str | None = None, download: bool = False, **options) -> ImageClassification:
  """Returns scikit-learn's digits, which need no directory. A mirrored digit is none, so there is no flip."""
  del data_dir, download
  options = {"validation_fraction": 0.2, "hold_out": "stratified", "crop_padding": 1, "flip": False, **options}
  return ImageClassification(name, image_sources.DigitsSource(), **options)


def tfds_images(
  name: str, *, data_dir: str | None = None, download: bool = False, image_size: int | None = None, **options
) -> ImageClassification:
  """Returns an image classification set of TensorFlow Datasets; `image_size` resizes its images."""
  source = image_sources.TfdsSource(name, data_dir=data_dir, image_size=image_size, download=download)
  return ImageClassification(name, source, **options)


def has_several_replicas() -> bool:
  """Whether the strategy in whose scope this is called has more than one replica."""
  return tf.distribute.get_strategy().num_replicas_in_sync > 1


def _augment(images: tf.Tensor, seed: tf.Tensor, config: TrainingConfig) -> tf.Tensor:
  seeds = tf.random.experimental.stateless_split(seed, 2)
  images = augmentation.random_crop_flip(images, seeds[0], padding=config.crop_padding, flip=config.flip)
  images = augmentation.standardize(images)
  return augmentation.random_cutout(images, seeds[1], size=config.cutout_size, convention=config.cutout_convention)


def _fill(values: tf.Tensor, batch_size: int) -> tf.Tensor:
  """Appends zeros until there are `batch_size` rows."""
  missing = batch_size - tf.shape(values)[0]
  filled = tf.pad(values, [[0, missing]] + [[0, 0]] * (values.shape.rank - 1))
  return tf.ensure_shape(filled, [batch_size, *values.shape[1:]])
