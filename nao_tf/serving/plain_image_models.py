"""How plain Keras models of image networks are put together; see `nao_tf.serving.keras_models`."""

import dataclasses
import os
from collections.abc import Mapping
from typing import Any

from tensorflow import keras

from nao_tf.networks.image_network import ImageClassifier, ImageNetwork, ImageNetworkConfig, image_network
from nao_tf.networks.plain_network import plain_model
from nao_tf.runs.genotype_files import read_genotype
from nao_tf.serving.plain_preprocessing import standardization
from nao_tf.serving.trained_networks import TrainedNetwork, read_trained_network
from nao_tf.spaces import make_space
from nao_tf.spaces.genotypes import CellGenotype
from nao_tf.spaces.published import CELLS
from nao_tf.tasks.base import Task
from nao_tf.tasks.image_classification import ImageClassification
from nao_tf.tasks.pixels import BYTES, Pixels


@dataclasses.dataclass(frozen=True)
class Blueprint:
  """What `nao_tf.serving.keras_models.build` was asked for.

  Attributes:
    genotype: of the network.
    published_convention: the convention of a published cell; None for other cells.
    input_shape: height, width and channels of the images.
    num_classes: number of classes; None without a classifier.
    changes: the fields of an `ImageNetworkConfig` that were given; those that are None were not.
    dropout: share of the features dropped before the classifier.
    seed: of fresh weights.
  """

  genotype: CellGenotype
  published_convention: str | None
  input_shape: tuple[int, int, int]
  num_classes: int | None
  changes: Mapping[str, Any]
  dropout: float
  seed: int

  def __post_init__(self) -> None:
    shape = self.input_shape
    if len(shape) != 3 or not all(isinstance(size, int) and size > 0 for size in shape):
      raise ValueError(f"input_shape must be height, width and channels, each at least 1, got {shape}")
    if not 0.0 <= self.dropout < 1.0:
      raise ValueError(f"dropout must be in [0, 1), got {self.dropout}")
    if self.num_classes is not None and self.num_classes < 1:
      raise ValueError(f"num_classes must be at least 1, got {self.num_classes}")

  def fresh(self) -> tuple[ImageClassifier, Pixels]:
    """Returns a classifier with fresh weights, and the usual pixels."""
    defaults = ImageNetworkConfig(convention=self.published_convention or ImageNetworkConfig.convention)
    return self._classifier(defaults), BYTES

  def trained(self, directory: str | os.PathLike[str]) -> tuple[ImageClassifier, Pixels]:
    """Returns a classifier with the weights of a training, and the pixels that it saw.

    Raises:
      ValueError: if the training was of another network.
    """
    trained = read_trained_network(directory)
    self._check(trained)
    classifier, source = self._classifier(trained.network.config), trained.network.classifier
    classifier.stem.set_weights(source.stem.get_weights())
    for cell, trained_cell in zip(classifier.cells, source.cells):
      cell.set_weights(trained_cell.get_weights())
    if self.num_classes is not None:
      classifier.head.set_weights(source.head.get_weights())
    return classifier, pixels_of(trained.task)

  def _classifier(self, defaults: ImageNetworkConfig) -> ImageClassifier:
    given = {name: value for name, value in self.changes.items() if value is not None}
    config = dataclasses.replace(
      defaults, **given, auxiliary=False, drop_path_keep=1.0, dropout_keep=1.0 - self.dropout, synchronized_norm=False
    )
    height, width, channels = self.input_shape
    network = image_network(
      self.genotype, config, num_classes=self.num_classes or 1, image_shape=(height, width, channels), seed=self.seed
    )
    return network.classifier

  def _check(self, trained: TrainedNetwork) -> None:
    """Raises ValueError if a training was of another network than this one."""
    _check_image_network(trained)
    if trained.genotype != self.genotype:
      raise ValueError(f"weights={trained.directory}: were trained for another architecture")
    config, task = dataclasses.asdict(trained.network.config), trained.task
    pairs = [(name, given, config[name]) for name, given in self.changes.items() if given is not None]
    pairs.append(("channels of input_shape", self.input_shape[-1], task.input_shape[-1]))
    if self.num_classes is not None:
      pairs.append(("num_classes", self.num_classes, task.num_outputs))
    for name, given, recorded in pairs:
      if given != recorded:
        raise ValueError(f"weights={trained.directory}: were trained with {name} {recorded!r}, got {given!r}")


def genotype_of(architecture: str | os.PathLike[str] | CellGenotype, space: str) -> tuple[CellGenotype, str | None]:
  """Returns the genotype that an argument names, and the convention of a published one.

  Args:
    architecture: a published name, a genotype, the path of a JSON file or a string of a space.
    space: name of that space.

  Raises:
    ValueError: if it is none of these, or not the genotype of an image network.
    OSError: if a file cannot be read.
  """
  if isinstance(architecture, CellGenotype):
    return architecture, None
  if isinstance(architecture, str) and architecture in CELLS:
    return CELLS[architecture].genotype, CELLS[architecture].convention
  genotype = _read(os.fspath(architecture), space)
  if not isinstance(genotype, CellGenotype):
    raise ValueError(f"{architecture}: expected the genotype of an image network, got a {type(genotype).__name__}")
  return genotype, None


def plain_image_model(
  network: ImageNetwork | ImageClassifier, pixels: Pixels | None, *, name: str, **options: Any
) -> keras.Model:
  """Returns the plain model of an image network.

  Args:
    network: the network.
    pixels: type and range of the raw images that the model is to take; None for standardized images.
    name: of the model.
    **options: of `plain_model`.
  """
  prepare = None if pixels is None else standardization(pixels)
  return plain_model(network, prepare=prepare, name=name, **options)


def trained_image_model(directory: str | os.PathLike[str], task: Task | None = None) -> keras.Model:
  """Returns the plain model of a training, from raw images to probabilities; see `load_model`."""
  return image_model_of(read_trained_network(directory, task))


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


def _read(architecture: str, space: str) -> Any:
  if architecture.endswith(".json"):
    return read_genotype(architecture)
  try:
    return make_space(space).decode(make_space(space).parse(architecture))
  except ValueError as error:
    raise ValueError(
      f"{architecture!r} is no published name ({', '.join(CELLS)}), no path of a .json file and no string of the space"
      f" {space}: {error}"
    ) from error


def _check_image_network(trained: TrainedNetwork) -> None:
  if not isinstance(trained.network, ImageNetwork):
    raise ValueError(f"{trained.directory}: expected the training of an image network, not of {trained.task.name}")
