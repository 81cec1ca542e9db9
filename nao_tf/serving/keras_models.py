"""Plain Keras models: published, found and trained networks as functional models of Keras.

An image network is a model of standard layers and needs nothing of this package. It is shown, trained further, cut and
saved like any other, and the file `model.save("x.keras")` is loaded where this package is not installed, under Keras 3 with
other backends, too. A language model has two layers that Keras does not have, and its file is loaded where this package is
installed.

    model = nao_tf.build("NAONet-WS", num_classes=10, input_shape=(32, 32, 3), num_cells=2, filters=16)
    model = nao_tf.build("DARTS-RNN-V2", vocabulary_size=10_000, units=200)
    model = nao_tf.load_model("runs/mine/best")
    model = nao_tf.load_model("mine.keras")

Image networks take raw images, as floats or in the type that the training set had. Language models take tokens. Both return
probabilities. Importing this module imports no TensorFlow.
"""

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from nao_tf import fields

if TYPE_CHECKING:
  from tensorflow import keras

  from nao_tf.networks.plain_plans import PlainGenotype
  from nao_tf.spaces.edge_genotypes import EdgeGenotype
  from nao_tf.spaces.genotypes import CellGenotype, Genotype
  from nao_tf.spaces.motif_genotypes import MotifGenotype
  from nao_tf.tasks.base import Task
  from nao_tf.tasks.pixels import Pixels

FINE_TUNING_RATE = 1e-4
"""The learning rate that a loaded model is compiled with, which suits trained weights."""

KERAS_SUFFIX = ".keras"


def build(
  architecture: "str | os.PathLike[str] | Genotype",
  *,
  input_shape: tuple[int, int, int] | None = None,
  num_classes: int | None = None,
  num_cells: int | None = None,
  filters: int | None = None,
  convention: str | None = None,
  stem: str | None = None,
  pooling: str | None = None,
  preprocessing: "bool | Pixels" = True,
  drop_path_keep: float | None = None,
  drop_path_steps: int | None = None,
  vocabulary_size: int | None = None,
  units: int | None = None,
  return_state: bool = False,
  dropout: float | None = None,
  include_top: bool = True,
  classifier_activation: str | None = "softmax",
  training_graph: bool = False,
  weights: str | os.PathLike[str] | None = None,
  space: str | None = None,
  seed: int = 0,
) -> "keras.Model":
  """Builds the network of an architecture as a plain Keras model: an image network, or a language model.

  Args:
    architecture: a published name such as "NAONet-WS" or "DARTS-RNN-V2"; a genotype; the path of a JSON file, such as the
      best.json of a search; or a string of `space`.
    input_shape: images: height, width and channels; needed.
    num_classes: images: number of classes; needed with `include_top`.
    num_cells: images: number of normal cells in each of the three stages. None: that of `weights`, or 6.
    filters: images: channels of a node in the first stage. None: those of `weights`, or 36.
    convention: images: how layers are put together, a name in `nao_tf.networks.conventions`. None: that of `weights`, of
      the published cell, or "nao".
    stem: images: "cifar" or "imagenet". None: that of `weights`, or "cifar".
    pooling: images, for features: "avg" or "max" to pool them to [B, C].
    preprocessing: images: True: the model takes raw images, in 0..255 or in the range of the images that `weights` were
      trained on. Pixels: of another type and range. False: it takes standardized images.
    drop_path_keep: images, with `training_graph`: probability to keep a branch of the last cell. None: that of `weights`,
      or 0.7.
    drop_path_steps: images, with `training_graph`: training steps over which drop-path grows to that. None: it is there at
      once.
    vocabulary_size: language models: number of words. None: that of `weights`.
    units: language models: size of embeddings and states. None: that of `weights`, or 850.
    return_state: language models: whether the model takes and returns the states of the cell, too, so that a text can be
      continued: `[tokens, *states]` to `[outputs, *states]`.
    dropout: share of the features dropped in training, before the classifier or the softmax. None: 0, or with
      `training_graph` that of `weights` or of the paper.
    include_top: whether the model classifies; otherwise it returns features: of images [B, H, W, C], of tokens [B, T, H].
    classifier_activation: activation after the logits; None for logits.
    training_graph: whether to keep what acts in training alone: drop-path and, as a second output, the auxiliary head; or
      all dropout of a language model.
    weights: directory of a training of this architecture, or of a search whose winner was trained; None for fresh
      weights.
    space: name of the search space of a string. None: nasnet5, nasnet11 or rnn12, whichever has it.
    seed: of the fresh weights.

  Raises:
    ValueError: if an argument is unknown, out of range, or differs from what `weights` were trained with.
    RunDirectoryError: if `weights` is not the directory of a training, or it has no checkpoint yet.
    OSError: if a file cannot be read.
  """
  from nao_tf.serving.architectures import genotype_of
  from nao_tf.spaces.genotypes import CELL_GENOTYPES, PLAIN_GENOTYPES, LstmGenotype, RecurrentGenotype

  shared: dict[str, Any] = {
    "dropout": dropout,
    "include_top": include_top,
    "classifier_activation": classifier_activation,
    "training_graph": training_graph,
    "weights": weights,
    "seed": seed,
  }
  of_images: dict[str, Any] = {
    "input_shape": input_shape,
    "num_classes": num_classes,
    "num_cells": num_cells,
    "filters": filters,
    "convention": convention,
    "stem": stem,
    "pooling": pooling,
    "preprocessing": preprocessing,
    "drop_path_keep": drop_path_keep,
    "drop_path_steps": drop_path_steps,
  }
  of_text: dict[str, Any] = {"vocabulary_size": vocabulary_size, "units": units, "return_state": return_state}
  for name, value in (("include_top", include_top), ("training_graph", training_graph), ("return_state", return_state)):
    fields.boolean(value, name)
  fields.integer(seed, "seed", 0)
  genotype = genotype_of(architecture, space)
  if isinstance(genotype, CELL_GENOTYPES):
    _refuse(architecture, genotype, "a language model", of_text)
    return _build_image_network(architecture, genotype, **of_images, **shared)
  if isinstance(genotype, PLAIN_GENOTYPES):
    _refuse(architecture, genotype, "a language model", of_text)
    return _build_layered_network(architecture, genotype, **of_images, **shared)
  if not isinstance(genotype, (RecurrentGenotype, LstmGenotype)):
    raise ValueError(f"there is no plain Keras model of a {type(genotype).__name__}; export it as a SavedModel")
  _refuse(
    architecture,
    genotype,
    "an image network",
    {**of_images, "preprocessing": None if preprocessing is True else "given"},
  )
  return _build_language_model(architecture, genotype, **of_text, **shared)


def _build_image_network(
  architecture: Any,
  genotype: "CellGenotype | MotifGenotype | EdgeGenotype",
  *,
  input_shape: tuple[int, int, int] | None,
  num_classes: int | None,
  pooling: str | None,
  preprocessing: "bool | Pixels",
  drop_path_keep: float | None,
  drop_path_steps: int | None,
  dropout: float | None,
  include_top: bool,
  classifier_activation: str | None,
  training_graph: bool,
  weights: str | os.PathLike[str] | None,
  seed: int,
  **changes: Any,
) -> "keras.Model":
  """Builds an image network; see `build`."""
  from nao_tf.serving import plain_image_models
  from nao_tf.serving.architectures import model_name, published_convention
  from nao_tf.tasks.pixels import Pixels

  if not isinstance(preprocessing, (bool, Pixels)):
    raise ValueError(f"preprocessing must be True, False or a Pixels, got {preprocessing!r}")
  if input_shape is None:
    raise ValueError("build needs input_shape for an image network: height, width and channels")
  if include_top and num_classes is None:
    raise ValueError("build needs num_classes, or include_top=False for a model without a classifier")
  blueprint = plain_image_models.Blueprint(
    genotype,
    published_convention(architecture),
    input_shape=input_shape,
    num_classes=num_classes,
    changes=changes,
    dropout=dropout,
    training_graph=training_graph,
    schedule={"drop_path_keep": drop_path_keep, "drop_path_steps": drop_path_steps},
    seed=seed,
  )
  network, pixels = blueprint.fresh() if weights is None else blueprint.trained(weights)
  return plain_image_models.plain_image_model(
    network,
    pixels if preprocessing is True else preprocessing or None,
    include_top=include_top,
    pooling=pooling,
    classifier_activation=classifier_activation,
    training_graph=training_graph,
    name=model_name(architecture, "image_classifier"),
  )


def _build_layered_network(
  architecture: Any,
  genotype: "PlainGenotype",
  *,
  input_shape: tuple[int, int, int] | None,
  num_classes: int | None,
  filters: int | None,
  preprocessing: "bool | Pixels",
  classifier_activation: str | None,
  include_top: bool,
  weights: str | os.PathLike[str] | None,
  seed: int,
  **others: Any,
) -> "keras.Model":
  """Builds a network of plain layers; see `build`."""
  from nao_tf.serving.architectures import model_name
  from nao_tf.serving.plain_image_models import layered_network_for, plain_image_model

  _refuse(architecture, genotype, "a network of cells", {**others, "include_top=False": not include_top})
  if input_shape is None or num_classes is None:
    raise ValueError("build needs input_shape and num_classes for a network of plain layers")
  network, pixels = layered_network_for(genotype, input_shape, num_classes, filters, weights=weights, seed=seed)
  return plain_image_model(
    network,
    pixels if preprocessing is True else preprocessing or None,
    classifier_activation=classifier_activation,
    name=model_name(architecture, "image_classifier"),
  )


def _build_language_model(
  architecture: Any,
  genotype: Any,
  *,
  return_state: bool,
  include_top: bool,
  classifier_activation: str | None,
  weights: str | os.PathLike[str] | None,
  **asked: Any,
) -> "keras.Model":
  """Builds a language model; see `build`."""
  from nao_tf.networks.plain_language_model import plain_language_model
  from nao_tf.serving.architectures import model_name
  from nao_tf.serving.plain_language_models import LanguageBlueprint

  blueprint = LanguageBlueprint(genotype, **asked)
  return plain_language_model(
    blueprint.fresh() if weights is None else blueprint.trained(weights),
    include_top=include_top,
    return_state=return_state,
    classifier_activation=classifier_activation,
    name=model_name(architecture, "language_model"),
  )


def _refuse(architecture: Any, genotype: "Genotype", kind: str, arguments: Mapping[str, Any]) -> None:
  """Raises ValueError if arguments of another kind of network than that of a genotype were given."""
  given = [name for name, value in arguments.items() if value is not None and value is not False]
  if given:
    raise ValueError(
      f"{architecture}: expected the genotype of {kind}, got a {type(genotype).__name__}; it has no {', '.join(given)}"
    )


def load_model(path: str | os.PathLike[str], *, task: "Task | None" = None) -> "keras.Model":
  """Loads what a training has trained as a plain Keras model: raw images or tokens in, probabilities out.

  It is compiled for integer classes with Adam and a small learning rate, so `evaluate` and `fit` work at once. If the
  training is still running, the weights are those of its last checkpoint.

  Args:
    path: directory of the training, as `nao-train` made it; or of a search whose winner was trained; or a `.keras` file
      that such a model, or one of `build`, was saved to.
    task: what it was trained on. None: what the directory records, which is enough since version 0.2.

  Raises:
    ValueError: if a file in the directory cannot be read.
    RunDirectoryError: if it is not the directory of a training, or has no checkpoint yet.
  """
  if os.fspath(path).endswith(KERAS_SUFFIX):
    return _load_file(path)
  from nao_tf.networks.language_model import LanguageModel
  from nao_tf.serving.plain_image_models import compiled, image_model_of
  from nao_tf.serving.plain_language_models import language_model_of
  from nao_tf.serving.trained_networks import read_trained_network

  trained = read_trained_network(path, task)
  model = language_model_of(trained) if isinstance(trained.network, LanguageModel) else image_model_of(trained)
  return compiled(model, FINE_TUNING_RATE)


def _load_file(path: str | os.PathLike[str]) -> "keras.Model":
  """Loads a file of Keras, with the layers of this package known to Keras."""
  from tensorflow import keras

  import nao_tf.networks.registered_layers  # noqa: F401

  return keras.models.load_model(path)
