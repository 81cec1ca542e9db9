"""How plain Keras models of image networks are put together; see `nao_tf.serving.keras_models`."""

import dataclasses
import os
from collections.abc import Mapping
from typing import Any

from tensorflow import keras

from nao_tf import fields
from nao_tf.networks.image_network import ImageClassifier, ImageNetwork, ImageNetworkConfig, image_network
from nao_tf.networks.layered_network import LayeredNetwork, layered_network, plain_layered_model
from nao_tf.networks.plain_network import plain_model
from nao_tf.networks.plain_plans import PlainGenotype
from nao_tf.serving.architectures import check_architecture, check_equal
from nao_tf.serving.plain_preprocessing import standardization
from nao_tf.serving.trained_networks import TrainedNetwork, read_trained_network
from nao_tf.spaces.edge_genotypes import EdgeGenotype
from nao_tf.spaces.genotypes import CellGenotype
from nao_tf.spaces.motif_genotypes import MotifGenotype
from nao_tf.tasks.base import Task
from nao_tf.tasks.image_classification import ImageClassification
from nao_tf.tasks.pixels import BYTES, Pixels


@dataclasses.dataclass(frozen=True)
class Blueprint:
  """What `nao_tf.serving.keras_models.build` was asked for.

  Attributes:
    genotype: genotype of the network.
    published_convention: the convention of a published cell; None for other cells.
    input_shape: height, width and channels of the images.
    num_classes: number of classes; None without a classifier.
    changes: the fields of an `ImageNetworkConfig` that were given; those that are None were not.
    dropout: fraction of the features dropped before the classifier; None: 0, or with `training_graph` that of the
      configuration.
    training_graph: whether drop-path and the auxiliary head are kept.
    schedule: the fields of the configuration about drop-path that were given.
    seed: random seed of fresh weights.
  """

  genotype: CellGenotype | MotifGenotype | EdgeGenotype
  published_convention: str | None
  input_shape: tuple[int, int, int]
  num_classes: int | None
  changes: Mapping[str, Any]
  dropout: float | None
  training_graph: bool
  schedule: Mapping[str, Any]
  seed: int

  def __post_init__(self) -> None:
    shape = self.input_shape
    if (
      not isinstance(shape, (list, tuple))
      or len(shape) != 3
      or not all(isinstance(size, int) and size > 0 for size in shape)
    ):
      raise ValueError(f"input_shape must be height, width and channels, each at least 1, got {shape}")
    if self.dropout is not None and not 0.0 <= self.dropout < 1.0:
      raise ValueError(f"dropout must be in [0, 1), got {self.dropout}")
    given = [name for name, value in self.schedule.items() if value is not None]
    if given and not self.training_graph:
      raise ValueError(f"{' and '.join(given)} need training_graph=True: otherwise there is no drop-path")
    if self.num_classes is not None:
      fields.integer(self.num_classes, "num_classes", 1)

  def fresh(self) -> tuple[ImageNetwork, Pixels]:
    """Returns a network with fresh weights, and the usual pixels."""
    defaults = ImageNetworkConfig(convention=self.published_convention or ImageNetworkConfig.convention)
    return self._network(defaults), BYTES

  def trained(self, directory: str | os.PathLike[str]) -> tuple[ImageNetwork, Pixels]:
    """Returns a network with the weights of a training, and the pixels that it saw. Its schedule of drop-path is over.

    Raises:
      ValueError: if the training was of another network.
    """
    trained = read_trained_network(directory)
    self._check(trained)
    source = trained.network
    network = self._network(dataclasses.replace(source.config, drop_path_steps=0))
    network.classifier.stem.set_weights(source.classifier.stem.get_weights())
    for cell, trained_cell in zip(network.classifier.cells, source.classifier.cells):
      cell.set_weights(trained_cell.get_weights())
    if self.num_classes is not None:
      network.classifier.head.set_weights(source.classifier.head.get_weights())
    if network.auxiliary_head is not None:
      network.auxiliary_head.set_weights(source.auxiliary_head.get_weights())
    return network, pixels_of(trained.task)

  def _network(self, defaults: ImageNetworkConfig) -> ImageNetwork:
    height, width, channels = self.input_shape
    return image_network(
      self.genotype,
      self._config(defaults),
      num_classes=self.num_classes or 1,
      image_shape=(height, width, channels),
      seed=self.seed,
    )

  def _config(self, defaults: ImageNetworkConfig) -> ImageNetworkConfig:
    """Returns the configuration: what was given, and otherwise the defaults."""
    given = {name: value for name, value in {**self.changes, **self.schedule}.items() if value is not None}
    config = dataclasses.replace(defaults, **given, synchronized_norm=False)
    if not self.training_graph:
      config = dataclasses.replace(config, auxiliary=False, drop_path_keep=1.0, dropout_keep=1.0)
    if self.num_classes is None:
      config = dataclasses.replace(config, auxiliary=False)
    return config if self.dropout is None else dataclasses.replace(config, dropout_keep=1.0 - self.dropout)

  def _check(self, trained: TrainedNetwork) -> None:
    """Raises a ValueError if a training was of another network than this one."""
    _check_cell_network(trained)
    check_architecture(trained, self.genotype)
    config, task = dataclasses.asdict(trained.network.config), trained.task
    pairs = [(name, given, config[name]) for name, given in self.changes.items() if given is not None]
    pairs.append(("channels of input_shape", self.input_shape[-1], task.input_shape[-1]))
    if self.training_graph and config["auxiliary"] and self.num_classes is not None:
      pairs.append(("an auxiliary head for the input_shape", tuple(self.input_shape), tuple(task.input_shape)))
    if self.num_classes is not None:
      pairs.append(("num_classes", self.num_classes, task.num_outputs))
    check_equal(trained, pairs)


def layered_network_for(
  genotype: PlainGenotype,
  input_shape: tuple[int, int, int],
  num_classes: int,
  filters: int | None,
  *,
  weights: str | os.PathLike[str] | None,
  seed: int,
) -> tuple[LayeredNetwork, Pixels]:
  """Returns a network of plain layers, and the pixels that it saw.

  Args:
    genotype: genotype of the network.
    input_shape: height, width and channels of the images.
    num_classes: number of classes.
    filters: channels of a layer of width 1; None: those of `weights`, or the default.
    weights: directory of a training of this network; None for fresh weights.
    seed: random seed of fresh weights.

  Raises:
    ValueError: if the training was of another network.
  """
  trained = None if weights is None else read_trained_network(weights)
  config = ImageNetworkConfig() if trained is None else trained.network.config
  given = config if filters is None else dataclasses.replace(config, filters=filters)
  if trained is not None:
    check_architecture(trained, genotype)
    pairs = [("filters", given.filters, config.filters), ("num_classes", num_classes, trained.task.num_outputs)]
    check_equal(trained, [*pairs, ("channels of input_shape", input_shape[-1], trained.task.input_shape[-1])])
  network = layered_network(genotype, given, num_classes=num_classes, image_shape=input_shape, seed=seed)
  if trained is None:
    return network, BYTES
  network.classifier.set_weights(trained.network.classifier.get_weights())
  return network, pixels_of(trained.task)


def plain_image_model(
  network: ImageNetwork | ImageClassifier | LayeredNetwork, pixels: Pixels | None, *, name: str, **options: Any
) -> keras.Model:
  """Returns the plain model of an image network.

  Args:
    network: the network.
    pixels: type and range of the raw images that the model is to take; None for standardized images.
    name: name of the model.
    **options: options of `plain_model`, or of `plain_layered_model`.
  """
  prepare = None if pixels is None else standardization(pixels)
  if isinstance(network, LayeredNetwork):
    return plain_layered_model(network, prepare=prepare, name=name, **options)
  return plain_model(network, prepare=prepare, name=name, **options)


def image_model_of(trained: TrainedNetwork) -> keras.Model:
  """Returns the plain model of a trained network, from raw images to probabilities.

  Raises:
    ValueError: if it is not an image network.
  """
  _check_image_network(trained)
  return plain_image_model(trained.network, pixels_of(trained.task), name=trained.task.name)


def compiled(model: keras.Model, learning_rate: float) -> keras.Model:
  """Compiles a classifier for integer classes; returns it."""
  model.compile(
    optimizer=keras.optimizers.Adam(learning_rate), loss="sparse_categorical_crossentropy", metrics=["accuracy"]
  )
  return model


def pixels_of(task: Task) -> Pixels:
  """Returns type and range of the images of a task; the usual ones if it does not say."""
  return task.pixels if isinstance(task, ImageClassification) else BYTES


def _check_cell_network(trained: TrainedNetwork) -> None:
  _check_image_network(trained)
  if not isinstance(trained.network, ImageNetwork):
    kind = type(trained.genotype).__name__
    raise ValueError(f"{trained.directory}: expected the training of a network of cells, got that of a {kind}")


def _check_image_network(trained: TrainedNetwork) -> None:
  if not isinstance(trained.network, (ImageNetwork, LayeredNetwork)):
    raise ValueError(f"{trained.directory}: expected the training of an image network, not of {trained.task.name}")
