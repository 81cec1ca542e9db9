"""Exports image networks as SavedModels that need nothing of this package.

An exported image network takes raw images, so they cannot be prepared incorrectly. It is loaded with
`tf.saved_model.load`. A signature has one type of input, so there are two: `serving_default` for uint8 images and
`serving_float` for float32 images, both with values in 0..255. Both return `logits` and `probabilities` `[B, C]` and
`class` `[B]`. The genotype and the names of the classes are assets.
"""

import dataclasses
import json
from collections.abc import Mapping
from typing import Any

import numpy as np
import tensorflow as tf

from nao_tf.networks.image_network import ImageNetwork
from nao_tf.serving.saved_models import ExportError, load_saved_model, read_asset, write_saved_model
from nao_tf.spaces.genotypes import Genotype
from nao_tf.tasks.augmentation import standardize
from nao_tf.tasks.classification import classification_scores
from nao_tf.tasks.image_classification import ImageClassification
from nao_tf.training.base import Metrics
from nao_tf.training.variables import tf_variable

SIGNATURES = {"serving_default": tf.uint8, "serving_float": tf.float32}
GENOTYPE_FILE = "genotype.json"
LABELS_FILE = "labels.txt"
TOLERANCE = 1e-4
_EVALUATION_BATCH = 250


@dataclasses.dataclass(frozen=True)
class ExportedNetwork:
  """A loaded SavedModel of an image network.

  Attributes:
    model: the object that `tf.saved_model.load` returned. Its variables live as long as it does.
    genotype: the genotype, as JSON values.
    labels: names of the classes.
    image_shape: height, width and channels of the images that it takes.
  """

  model: Any
  genotype: Mapping[str, Any]
  labels: tuple[str, ...]
  image_shape: tuple[int, ...]

  def __call__(self, images: tf.Tensor | np.ndarray) -> dict[str, tf.Tensor]:
    """Returns the answers for raw images `[B, H, W, C]`, uint8 or float32 in 0..255; see the module.

    Raises:
      ValueError: if the images have another type or shape.
    """
    images = tf.convert_to_tensor(images)
    names = [name for name, dtype in SIGNATURES.items() if dtype == images.dtype]
    if not names or tuple(images.shape[1:]) != self.image_shape:
      raise ValueError(
        f"expected uint8 or float32 images of the shape {self.image_shape}, got {images.dtype.name} {images.shape[1:]}"
      )
    return self.model.signatures[names[0]](images=images)


@dataclasses.dataclass(frozen=True)
class ImageExporter:
  """Exports image networks; a `nao_tf.serving.base.Exporter`.

  Attributes:
    task: what the networks are trained on.
  """

  task: ImageClassification

  def export(self, network: ImageNetwork, directory: str, *, genotype: Genotype) -> None:
    """Writes a network without its auxiliary head; see `nao_tf.serving.export_network`."""
    genotype_json = json.dumps(genotype.to_json(), indent=2) + "\n"

    def make(paths: Mapping[str, str]) -> tuple[tf.Module, dict[str, Any]]:
      module = _Serving(network, self.task.input_shape, list(paths.values()))
      return module, module.answers

    write_saved_model(
      directory,
      make,
      texts={GENOTYPE_FILE: genotype_json, LABELS_FILE: "\n".join(self.task.labels) + "\n"},
      check=lambda module, loaded: compare(network, loaded, self.task.input_shape),
    )

  def evaluate(self, directory: str, split: str) -> Metrics:
    """Returns `accuracy`, `loss` and `num_examples` of an export; see `nao_tf.serving.evaluate_exported`."""
    network = load_exported(directory)
    self._check(network, directory)
    totals, count = {"accuracy": 0.0, "loss": 0.0}, self.task.num_examples(split)
    for images, labels in self.task.raw_batches(split, _EVALUATION_BATCH):
      for name, scores in classification_scores(network(images)["logits"], labels).items():
        totals[name] += float(tf.reduce_sum(scores))
    return {**{name: total / count for name, total in totals.items()}, "num_examples": count}

  def _check(self, network: ExportedNetwork, directory: str) -> None:
    """Raises ExportError if the network is for other images or classes."""
    task = self.task
    if network.image_shape != task.input_shape or network.labels != task.labels:
      raise ExportError(
        f"{directory}: made for images of {network.image_shape} in {len(network.labels)} classes, but {task.name} has"
        f" {task.input_shape} in {task.num_outputs}"
      )


def load_exported(directory: str) -> ExportedNetwork:
  """Loads an exported image network.

  Raises:
    ExportError: if the directory holds no SavedModel, or not one of an image network.
  """
  model = load_saved_model(directory, SIGNATURES)
  return ExportedNetwork(
    model,
    json.loads(read_asset(directory, GENOTYPE_FILE)),
    tuple(read_asset(directory, LABELS_FILE).splitlines()),
    tuple(model.signatures["serving_default"].structured_input_signature[1]["images"].shape[1:]),
  )


def compare(network: ImageNetwork, loaded: Any, image_shape: tuple[int, ...]) -> None:
  """Compares the answers of a network and its loaded SavedModel for random images.

  Raises:
    ExportError: if they differ.
  """
  rng = np.random.default_rng(0)
  for name, batch_size in (("serving_default", 1), ("serving_default", 3), ("serving_float", 2)):
    images = tf.constant(rng.integers(0, 256, (batch_size, *image_shape)), SIGNATURES[name])
    expected = _answer(network, images)["logits"].numpy()
    difference = np.abs(loaded.signatures[name](images=images)["logits"].numpy() - expected).max()
    if not difference <= TOLERANCE * max(1.0, np.abs(expected).max()):
      raise ExportError(f"the export's logits differ from the network's by {difference} on random images")


class _Serving(tf.Module):
  """What is written: the variables of the classifier, the signatures, and the assets.

  Attributes:
    weights: the variables.
    assets: the assets.
    answers: the functions of the signatures, by name.
  """

  def __init__(self, network: ImageNetwork, image_shape: tuple[int, ...], asset_paths: list[str]):
    """Makes the functions.

    Args:
      network: a trained network.
      image_shape: height, width and channels of the images.
      asset_paths: paths of the files to write beside the graph.
    """
    super().__init__(name="serving")
    self.weights = [tf_variable(variable) for variable in network.classifier.variables]
    self.assets = [tf.saved_model.Asset(path) for path in asset_paths]
    self.answers = {
      name: tf.function(
        lambda images: _answer(network, images),
        input_signature=[tf.TensorSpec([None, *image_shape], dtype, name="images")],
      )
      for name, dtype in SIGNATURES.items()
    }


def _answer(network: ImageNetwork, images: tf.Tensor) -> dict[str, tf.Tensor]:
  logits = network.classifier(standardize(images), training=False)
  return {"logits": logits, "probabilities": tf.nn.softmax(logits), "class": tf.argmax(logits, -1, tf.int64)}
