"""Exports image networks as SavedModels that do not need this package.

An exported image network takes raw images, so preprocessing cannot go wrong. It is loaded with `tf.saved_model.load`.
It has two signatures: `serving_default` for images in the type of the training set, and `serving_float` for the same
values as float32. Both return `logits` and `probabilities` `[B, C]` and `class` `[B]`. The genotype and the class names
are assets.

Most data sets have uint8 images, with values in 0..255. For others, the asset `pixels.json` contains the type (`dtype`)
and the values of black and white (`low`, `high`) that both signatures expect.
"""

import dataclasses
import json
import os
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
import tensorflow as tf

from nao_tf.networks.image_network import ImageNetwork
from nao_tf.serving.batches import answer_rows
from nao_tf.serving.export_target import complete_export
from nao_tf.serving.precisions import DISTANCES, FLOAT32, PRECISIONS
from nao_tf.serving.saved_models import (
  ExportError,
  call_errors,
  check_signature,
  load_saved_model,
  read_asset,
  read_json_asset,
  write_saved_model,
)
from nao_tf.serving.stored_weights import StoredWeights
from nao_tf.spaces.genotypes import Genotype
from nao_tf.tasks.augmentation import standardize
from nao_tf.tasks.image_classification import ImageClassification
from nao_tf.tasks.pixels import BYTES, Pixels
from nao_tf.training.base import Metrics
from nao_tf.training.fixed_parallelism import with_fixed_parallelism
from nao_tf.training.variables import tf_variable

SIGNATURES = ("serving_default", "serving_float")
GENOTYPE_FILE = "genotype.json"
LABELS_FILE = "labels.txt"
PIXELS_FILE = "pixels.json"
_EVALUATION_BATCH = 250


@dataclasses.dataclass(frozen=True)
class ExportedNetwork:
  """A loaded SavedModel of an image network.

  Attributes:
    model: the object that `tf.saved_model.load` returned. Its variables live as long as it does.
    genotype: the genotype, as JSON values.
    labels: names of the classes.
    image_shape: height, width and channels of the images that it takes.
    pixels: type and range of the images that it takes.
  """

  model: Any
  genotype: Mapping[str, Any]
  labels: tuple[str, ...]
  image_shape: tuple[int, ...]
  pixels: Pixels = BYTES

  def __call__(self, images: tf.Tensor | np.ndarray) -> dict[str, tf.Tensor]:
    """Returns the answers for raw images `[B, H, W, C]`, as they are stored or as float32; see the module.

    Raises:
      ValueError: if the images have another type or shape.
    """
    images = tf.convert_to_tensor(images)
    types = _signature_types(self.pixels)
    names = [name for name, dtype in types.items() if dtype == images.dtype]
    if not names or images.shape.rank != 4 or tuple(images.shape[1:]) != self.image_shape:
      expected = " or ".join(dict.fromkeys(dtype.name for dtype in types.values()))
      raise ValueError(
        f"expected {expected} images of the shape {self.image_shape}, got {images.dtype.name} {images.shape}, where the"
        " first number counts the images"
      )
    return self.model.signatures[names[0]](images=images)


@dataclasses.dataclass(frozen=True)
class ImageExporter:
  """Exports image networks; a `nao_tf.serving.base.Exporter`.

  Attributes:
    task: what the networks are trained on.
    precisions: the types that weights can be stored in.
  """

  task: ImageClassification
  precisions: ClassVar[tuple[str, ...]] = PRECISIONS

  def export(self, network: ImageNetwork, directory: str, *, genotype: Genotype, precision: str = FLOAT32) -> None:
    """Writes a network without its auxiliary head; see `nao_tf.serving.export_network`."""
    self.check()
    genotype_json = json.dumps(genotype.to_json(), indent=2) + "\n"
    pixels = self.task.pixels
    unusual = {} if pixels == BYTES else {PIXELS_FILE: json.dumps(dataclasses.asdict(pixels)) + "\n"}

    def make(paths: Mapping[str, str]) -> tuple[tf.Module, dict[str, Any]]:
      module = _Serving(network, self.task.input_shape, pixels, list(paths.values()), precision)
      return module, module.answers

    write_saved_model(
      directory,
      make,
      texts={GENOTYPE_FILE: genotype_json, LABELS_FILE: "\n".join(self.task.labels) + "\n", **unusual},
      check=lambda module, loaded: compare(network, loaded, self.task.input_shape, pixels, precision),
    )

  def check(self) -> None:
    """Checks that the names of the classes can be written, one a line.

    Raises:
      ExportError: if a name has a line break in it, or is no Unicode text.
    """
    for label in self.task.labels:
      if "\n" in label or not _is_unicode(label):
        raise ExportError(f"{self.task.name}: expected names of classes that are one line of Unicode, got {label!r}")

  @property
  def description(self) -> dict[str, Any]:
    """What an export needs to know of the task, as JSON values."""
    task = self.task
    return {
      "input_shape": list(task.input_shape),
      "labels": list(task.labels),
      "pixels": dataclasses.asdict(task.pixels),
    }

  @classmethod
  def of_description(cls, name: str, description: Mapping[str, Any]) -> "ImageExporter":
    """Returns the exporter of a task that has a description but no images; see `description`.

    Args:
      name: name of the task.
      description: from outside, as JSON values.

    Raises:
      ValueError: if it is not such a description.
    """
    shape, labels = description.get("input_shape"), description.get("labels")
    if not isinstance(shape, list) or len(shape) != 3 or not all(type(size) is int and size > 0 for size in shape):
      raise ValueError(f"expected height, width and channels of the images as input_shape, got {shape!r}")
    if not isinstance(labels, list) or not labels or not all(isinstance(label, str) for label in labels):
      raise ValueError("expected the names of the classes as labels")
    pixels = Pixels.from_json(description.get("pixels"), "pixels")
    return cls(ImageClassification(name, _NoImages((shape[0], shape[1], shape[2]), tuple(labels), pixels)))

  def evaluate(self, directory: str, split: str) -> Metrics:
    """Returns the scores of an export and `num_examples`; see `nao_tf.serving.evaluate_exported`."""
    network = load_exported(directory)
    self._check(network, directory)
    totals: dict[str, float] = {}
    count = self.task.num_examples(split)
    if not count:
      raise ValueError(f"{self.task.name}: has no {split} images to evaluate on")
    with self.task.data_errors():
      for images, labels in with_fixed_parallelism(self.task.raw_batches(split, _EVALUATION_BATCH)):
        with call_errors(directory):
          logits = network(images)["logits"]
        for name, scores in self.task.scores_of_logits(logits, labels).items():
          totals[name] = totals.get(name, 0.0) + float(tf.reduce_sum(scores))
    return {**{name: total / count for name, total in totals.items()}, "num_examples": count}

  def _check(self, network: ExportedNetwork, directory: str) -> None:
    """Raises ExportError if the network is for other images or classes."""
    task = self.task
    if network.image_shape != task.input_shape or network.labels != task.labels:
      raise ExportError(
        f"{directory}: made for images of {network.image_shape} in {len(network.labels)} classes, but {task.name} has"
        f" {task.input_shape} in {task.num_outputs}{_difference(network.labels, task.labels)}"
      )
    if network.pixels != task.pixels:
      raise ExportError(
        f"{directory}: made for images that are {network.pixels}, but those of {task.name} are {task.pixels}"
      )


def load_exported(directory: str) -> ExportedNetwork:
  """Loads an exported image network.

  Raises:
    ExportError: if the directory holds no SavedModel, or not one of an image network.
  """
  model = load_saved_model(directory, SIGNATURES)
  specs = [
    check_signature(directory, model, name, inputs={"images": 4}, outputs=("logits", "probabilities", "class"))
    for name in SIGNATURES
  ]
  return ExportedNetwork(
    model,
    read_json_asset(directory, GENOTYPE_FILE),
    tuple(read_asset(directory, LABELS_FILE).removesuffix("\n").split("\n")),
    tuple(specs[0]["images"].shape[1:]),
    _read_pixels(directory),
  )


def compare(
  network: ImageNetwork,
  loaded: Any,
  image_shape: tuple[int, ...],
  pixels: Pixels = BYTES,
  precision: str = FLOAT32,
) -> None:
  """Compares the answers of a network and its loaded SavedModel for random images.

  Raises:
    ExportError: if they differ.
  """
  rng, types = np.random.default_rng(0), _signature_types(pixels)
  for name, batch_size in (("serving_default", 1), ("serving_default", 3), ("serving_float", 2)):
    values = rng.uniform(pixels.low, pixels.high, (batch_size, *image_shape))
    images = tf.cast(values, types[name])
    expected = answer(network, images, pixels)["logits"].numpy()
    difference = np.abs(loaded.signatures[name](images=images)["logits"].numpy() - expected).max()
    if not difference <= DISTANCES[precision] * max(1.0, np.abs(expected).max()):
      raise ExportError(f"the export's logits differ from the network's by {difference} on random images")


class _Serving(tf.Module):
  """What is written: the variables of the classifier, the signatures, and the assets.

  Attributes:
    weights: the variables.
    assets: the assets.
    answers: the functions of the signatures, by name.
  """

  def __init__(
    self,
    network: ImageNetwork,
    image_shape: tuple[int, ...],
    pixels: Pixels,
    asset_paths: list[str],
    precision: str,
  ):
    """Creates the functions.

    Args:
      network: a trained network.
      image_shape: height, width and channels of the images.
      pixels: type and range of the images.
      asset_paths: paths of the files to write beside the graph.
      precision: the type that weights are stored in.
    """
    super().__init__(name="serving")
    stored = StoredWeights([tf_variable(variable) for variable in network.classifier.variables], precision)
    self.weights = stored.variables
    self.assets = [tf.saved_model.Asset(path) for path in asset_paths]
    self.answers = stored.answers(
      {
        name: _answers(network, pixels, tf.TensorSpec([None, *image_shape], dtype, name="images"))
        for name, dtype in _signature_types(pixels).items()
      }
    )


class _NoImages:
  """The images of a recorded task: what they are is known, and nothing else.

  Attributes:
    image_shape: height, width and channels of the images.
    labels: names of the classes.
    pixels: type and range of the images.
    num_bytes: 0.
  """

  num_bytes = 0

  def __init__(self, image_shape: tuple[int, int, int], labels: tuple[str, ...], pixels: Pixels):
    """Sets the attributes."""
    self.image_shape, self.labels, self.pixels = image_shape, labels, pixels

  def load(self, split: str) -> tuple[np.ndarray, np.ndarray]:
    """Raises ValueError."""
    raise ValueError(f"the {split} images are not available: only the recorded description of the task was read")


def _signature_types(pixels: Pixels) -> dict[str, tf.DType]:
  """Returns the types of the images that the signatures take."""
  return dict(zip(SIGNATURES, (tf.as_dtype(pixels.dtype), tf.float32)))


def _read_pixels(directory: str) -> Pixels:
  """Returns the pixels that an export expects. Without a file about them they are the usual ones."""
  path = os.path.join(complete_export(directory), "assets", PIXELS_FILE)
  if not os.path.isfile(path):
    return BYTES
  return Pixels.from_json(read_json_asset(directory, PIXELS_FILE), path)


def _answers(network: ImageNetwork, pixels: Pixels, spec: tf.TensorSpec) -> Any:
  """Returns the function of a signature."""

  def answers(images: tf.Tensor) -> dict[str, tf.Tensor]:
    return answer_rows(lambda images: answer(network, images, pixels), {"images": images}, {"images": spec})

  return tf.function(answers, input_signature=[spec], autograph=False)


def answer(network: ImageNetwork, images: tf.Tensor, pixels: Pixels) -> dict[str, tf.Tensor]:
  """Returns `logits`, `probabilities` and `class` that a network gives for raw images `[B, H, W, C]`."""
  logits = tf.cast(network.classifier(standardize(pixels.scaled(images)), training=False), tf.float32)
  return {"logits": logits, "probabilities": tf.nn.softmax(logits), "class": tf.argmax(logits, -1, tf.int64)}


def _difference(exported: tuple[str, ...], labels: tuple[str, ...]) -> str:
  """Returns the first difference between as many names of classes, for an error message."""
  pairs = [(ours, theirs) for ours, theirs in zip(exported, labels) if ours != theirs]
  return f"; {pairs[0][0]!r} is {pairs[0][1]!r} there" if pairs and len(exported) == len(labels) else ""


def _is_unicode(text: str) -> bool:
  """Returns whether a text can be written; one with half a surrogate pair cannot."""
  return text.encode("utf-8", "replace").decode("utf-8") == text
