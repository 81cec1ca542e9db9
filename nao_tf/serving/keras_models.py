"""Builds and loads plain Keras models of published, found and trained architectures.

An image network consists of standard Keras layers only. It can be inspected, trained further, truncated and saved like
any other model, and the file that `model.save("x.keras")` writes can be loaded without this package, with Keras 3 also
under other backends. A language model uses two custom layers, so loading its file requires this package.

    model = nao_tf.build("NAONet-WS", num_classes=10, input_shape=(32, 32, 3), num_cells=2, filters=16)
    model = nao_tf.build("DARTS-RNN-V2", vocabulary_size=10_000, units=200)
    model = nao_tf.load_model("runs/mine/best")
    model = nao_tf.load_model("mine.keras")

Image networks take raw images, as floats or in the type of the training set. Language models take token ids. Both
return probabilities. Importing this module does not import TensorFlow.
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
"""Learning rate that a loaded model is compiled with, small enough for fine-tuning."""

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
  """Builds an architecture as a plain Keras model: an image network or a language model.

  Args:
    architecture: a genotype; the name of a published architecture, such as "NAONet-WS" or "DARTS-RNN-V2"; the path of a
      JSON file, such as the best.json of a search; or an architecture string of `space`.
    input_shape: image networks: height, width and channels of an image; required.
    num_classes: image networks: number of classes; required if `include_top` is True.
    num_cells: image networks: number of normal cells in each of the three stages. None: as in `weights`, or 6.
    filters: image networks: number of channels of a node in the first stage. None: as in `weights`, or 36.
    convention: image networks: how the layers around the cells are arranged, a key of
      `nao_tf.networks.conventions.CONVENTIONS`. None: as in `weights`, as published for a published architecture, or
      "nao".
    stem: image networks: "cifar" or "imagenet". None: as in `weights`, or "cifar".
    pooling: image networks without top: "avg" or "max" for global pooling to [B, C]; None for feature maps.
    preprocessing: image networks: True to take raw images, in 0..255 or in the value range of the images that `weights`
      were trained on; a `Pixels` for images of another type and range; False to take standardized images.
    drop_path_keep: image networks with `training_graph`: probability of keeping a path in the last cell. None: as in
      `weights`, or 0.7.
    drop_path_steps: image networks with `training_graph`: number of training steps over which drop-path is ramped up.
      None: no ramp.
    vocabulary_size: language models: number of tokens in the vocabulary. None: as in `weights`.
    units: language models: size of embeddings and states. None: as in `weights`, or 850.
    return_state: language models: whether the model also takes and returns the states of the cell, so that a text can
      be continued: `[tokens, *states]` to `[outputs, *states]`.
    dropout: dropout rate in training before the classifier or the softmax. None: 0; with `training_graph` as in
      `weights` or in the paper.
    include_top: whether to include the classifier. Otherwise the model returns features: `[B, H, W, C]` for images,
      `[B, T, H]` for tokens.
    classifier_activation: activation of the classifier; None to return logits.
    training_graph: whether to include the parts that are only active in training: drop-path and, as a second output,
      the auxiliary head of an image network; all dropout layers of a language model.
    weights: directory of a training of this architecture, or of a search whose winner was trained, to load weights
      from; None for random initialization.
    space: name of the search space of an architecture string. None: whichever of nasnet5, nasnet11 and rnn12 it belongs
      to.
    seed: random seed of the initialization.

  Returns:
    A Keras model that is not compiled.

  Raises:
    ValueError: if an argument is unknown, out of range, or inconsistent with the training of `weights`.
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
  """Raises a ValueError if arguments for another kind of network than that of the genotype were given."""
  given = [name for name, value in arguments.items() if value is not None and value is not False]
  if given:
    raise ValueError(
      f"{architecture}: expected the genotype of {kind}, got a {type(genotype).__name__}; it has no {', '.join(given)}"
    )


def load_model(path: str | os.PathLike[str], *, task: "Task | None" = None) -> "keras.Model":
  """Loads a trained network as a plain Keras model that maps raw images or token ids to probabilities.

  The model is compiled with Adam, a small learning rate and sparse categorical cross-entropy, so `evaluate` and `fit`
  work right away. If the training is still running, the weights of its last checkpoint are loaded.

  Args:
    path: directory of a training, as created by `nao-train`; directory of a search whose winner was trained; or a
      `.keras` file saved from a model of `load_model` or `build`.
    task: the task that the network was trained on. None: as recorded in the directory, which is sufficient since
      version 0.2.

  Returns:
    A compiled Keras model; the model of a `.keras` file is compiled only if it was saved compiled.

  Raises:
    ValueError: if a file in the directory cannot be read.
    RunDirectoryError: if the directory is not that of a training, or has no checkpoint yet.
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
  """Loads a .keras file, with the custom layers of this package registered."""
  from tensorflow import keras

  import nao_tf.networks.registered_layers  # noqa: F401

  return keras.models.load_model(path)
