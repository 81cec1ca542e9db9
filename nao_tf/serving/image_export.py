"""Exported networks: SavedModels that stand by themselves.

An exported image network takes raw images, so that whoever serves it cannot prepare them wrongly; it loads with
`tf.saved_model.load` in a process that knows nothing of this package. A signature has one type of input, so there are
two: `serving_default` for uint8 and `serving_float` for float32 images, both with values in 0..255.
Both return `logits` and `probabilities` `[B, C]` and `class` `[B]`. The genotype and the names of the classes are assets.
"""

import dataclasses
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import tensorflow as tf

from nao_tf.networks.image_network import ImageNetwork
from nao_tf.serving.saved_models import ExportError, load_saved_model, read_asset, write_saved_model
from nao_tf.tasks.augmentation import standardize
from nao_tf.tasks.classification import classification_scores
from nao_tf.training.variables import tf_variable

if TYPE_CHECKING:
  from nao_tf.tasks.image_classification import ImageClassification

SIGNATURES = {"serving_default": tf.uint8, "serving_float": tf.float32}
GENOTYPE_FILE = "genotype.json"
LABELS_FILE = "labels.txt"
TOLERANCE = 1e-4
_EVALUATION_BATCH = 250


@dataclasses.dataclass(frozen=True)
class ExportedNetwork:
  """A loaded SavedModel.

  Attributes:
    model: what `tf.saved_model.load` returned; its variables live as long as it does.
    genotype: as JSON values.
    labels: names of the classes.
    image_shape: (height, width, channels) of the images it takes.
  """

  model: Any
  genotype: Mapping[str, Any]
  labels: tuple[str, ...]
  image_shape: tuple[int, ...]

  def __call__(self, images) -> dict[str, tf.Tensor]:
    """Answers for raw images `[B, H, W, C]`, uint8 or float32 in 0..255; see the module."""
    images = tf.convert_to_tensor(images)
    names = [name for name, dtype in SIGNATURES.items() if dtype == images.dtype]
    if not names or tuple(images.shape[1:]) != self.image_shape:
      raise ValueError(
        f"expected uint8 or float32 images of the shape {self.image_shape}, got {images.dtype.name} {images.shape[1:]}"
      )
    return self.model.signatures[names[0]](images=images)


def export_network(network: ImageNetwork, directory: str, *, genotype: Any, task: "ImageClassification") -> None:
  """Writes a SavedModel, loads it again and compares its answers with the network's.

  The directory appears at once and complete. One that holds an older export is replaced.

  Args:
    network: a trained network; its auxiliary head is left out.
    directory: where to.
    genotype: the network's, with `to_json`.
    task: what the network was trained on.

  Raises:
    ExportError: if the directory holds something else, or the answers differ; nothing is left behind then.
  """
  genotype_json = json.dumps(genotype.to_json(), indent=2) + "\n"

  def make(paths):
    module = _Serving(network, task, list(paths.values()))
    return module, {name: getattr(module, name) for name in SIGNATURES}

  write_saved_model(
    directory,
    make,
    texts={GENOTYPE_FILE: genotype_json, LABELS_FILE: "\n".join(task.labels) + "\n"},
    check=lambda module, loaded: _compare(network, loaded, task.image_shape),
  )


def load_exported(directory: str) -> ExportedNetwork:
  """Loads an exported network.

  Raises:
    ExportError: if the directory holds no SavedModel, or not one that `export_network` wrote.
  """
  model = load_saved_model(directory, SIGNATURES)
  return ExportedNetwork(
    model,
    json.loads(read_asset(directory, GENOTYPE_FILE)),
    tuple(read_asset(directory, LABELS_FILE).splitlines()),
    tuple(model.signatures["serving_default"].structured_input_signature[1]["images"].shape[1:]),
  )


def evaluate_exported(directory: str, task: "ImageClassification", split: str = "test") -> dict[str, float]:
  """Returns `accuracy`, `loss` and `num_examples` of an exported network on a split of a task.

  Raises:
    ValueError: if there is no such network, or it is not one for this task.
  """
  network = load_exported(directory)
  if network.image_shape != tuple(task.image_shape) or network.labels != task.labels:
    raise ValueError(
      f"{directory}: made for images of {network.image_shape} in {len(network.labels)} classes, but {task.name} has"
      f" {tuple(task.image_shape)} in {task.num_classes}"
    )
  totals, count = {"accuracy": 0.0, "loss": 0.0}, task.num_examples(split)
  for images, labels in task.raw_batches(split, _EVALUATION_BATCH):
    for name, scores in classification_scores(network(images)["logits"], labels).items():
      totals[name] += float(tf.reduce_sum(scores))
  return {**{name: total / count for name, total in totals.items()}, "num_examples": count}


class _Serving(tf.Module):
  """What is written: the classifier's variables, the signatures, and the assets."""

  def __init__(self, network: ImageNetwork, task: "ImageClassification", assets: list[str]):
    super().__init__(name="serving")
    self.weights = [tf_variable(variable) for variable in network.classifier.variables]
    self.assets = [tf.saved_model.Asset(path) for path in assets]
    for name, dtype in SIGNATURES.items():
      specification = tf.TensorSpec([None, *task.image_shape], dtype, name="images")
      setattr(self, name, tf.function(lambda images: _answer(network, images), input_signature=[specification]))


def _answer(network: ImageNetwork, images: tf.Tensor) -> dict[str, tf.Tensor]:
  logits = network.classifier(standardize(images), training=False)
  return {"logits": logits, "probabilities": tf.nn.softmax(logits), "class": tf.argmax(logits, -1, tf.int64)}


def _compare(network: ImageNetwork, loaded: Any, image_shape: tuple[int, ...]) -> None:
  rng = np.random.default_rng(0)
  for name, batch_size in (("serving_default", 1), ("serving_default", 3), ("serving_float", 2)):
    images = tf.constant(rng.integers(0, 256, (batch_size, *image_shape)), SIGNATURES[name])
    expected = _answer(network, images)["logits"].numpy()
    difference = np.abs(loaded.signatures[name](images=images)["logits"].numpy() - expected).max()
    if not difference <= TOLERANCE * max(1.0, np.abs(expected).max()):
      raise ExportError(f"the export's logits differ from the network's by {difference} on random images")
