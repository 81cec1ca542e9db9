"""Plain Keras models: published, found and trained image networks as functional models of standard layers.

Such a model needs nothing of this package. It is shown, trained further, cut and saved like any other, and the file
`model.save("x.keras")` is loaded where this package is not installed, under Keras 3 with other backends, too.

    model = nao_tf.build("NAONet-WS", num_classes=10, input_shape=(32, 32, 3), num_cells=2, filters=16)
    model = nao_tf.load_model("runs/mine/best")

Both take raw images, as floats or in the type that the training set had, and return probabilities. Importing this module
imports no TensorFlow.
"""

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
  from tensorflow import keras

  from nao_tf.spaces.genotypes import CellGenotype
  from nao_tf.tasks.base import Task
  from nao_tf.tasks.pixels import Pixels

FINE_TUNING_RATE = 1e-4
"""The learning rate that a loaded model is compiled with, which suits trained weights."""


def build(
  architecture: "str | os.PathLike[str] | CellGenotype",
  *,
  input_shape: tuple[int, int, int],
  num_classes: int | None = None,
  num_cells: int | None = None,
  filters: int | None = None,
  convention: str | None = None,
  stem: str | None = None,
  dropout: float = 0.0,
  include_top: bool = True,
  pooling: str | None = None,
  preprocessing: "bool | Pixels" = True,
  classifier_activation: str | None = "softmax",
  weights: str | os.PathLike[str] | None = None,
  space: str = "nasnet5",
  seed: int = 0,
) -> "keras.Model":
  """Builds the image network of an architecture as a plain Keras model.

  Args:
    architecture: a published name such as "NAONet-WS"; a genotype; the path of a JSON file, such as the best.json of a
      search; or a string of `space`.
    input_shape: height, width and channels of the images.
    num_classes: number of classes; needed with `include_top`.
    num_cells: number of normal cells in each of the three stages. None: that of `weights`, or 6.
    filters: channels of a node in the first stage. None: those of `weights`, or 36.
    convention: how layers are put together, a name in `nao_tf.networks.conventions`. None: that of `weights`, of the
      published cell, or "nao".
    stem: "cifar" or "imagenet". None: that of `weights`, or "cifar".
    dropout: share of the features dropped before the classifier, in training.
    include_top: whether the model classifies; otherwise it returns features [B, H, W, C].
    pooling: for features: "avg" or "max" to pool them to [B, C].
    preprocessing: True: the model takes raw images, in 0..255 or in the range of the images that `weights` were trained
      on. Pixels: of another type and range. False: it takes standardized images.
    classifier_activation: activation after the logits; None for logits.
    weights: directory of a training of this architecture, or of a search whose winner was trained; None for fresh
      weights.
    space: name of the search space of a string.
    seed: of the fresh weights.

  Raises:
    ValueError: if an argument is unknown, out of range, or differs from what `weights` were trained with.
    RunDirectoryError: if `weights` is not the directory of a training, or it has no checkpoint yet.
    OSError: if a file cannot be read.
  """
  from nao_tf.serving import plain_image_models

  if include_top and num_classes is None:
    raise ValueError("build needs num_classes, or include_top=False for a model without a classifier")
  genotype, published_convention = plain_image_models.genotype_of(architecture, space)
  blueprint = plain_image_models.Blueprint(
    genotype,
    published_convention,
    input_shape=input_shape,
    num_classes=num_classes,
    changes={"num_cells": num_cells, "filters": filters, "convention": convention, "stem": stem},
    dropout=dropout,
    seed=seed,
  )
  network, pixels = blueprint.fresh() if weights is None else blueprint.trained(weights)
  return plain_image_models.plain_image_model(
    network,
    pixels if preprocessing is True else preprocessing or None,
    include_top=include_top,
    pooling=pooling,
    classifier_activation=classifier_activation,
    name="image_classifier" if published_convention is None else str(architecture),
  )


def load_model(directory: str | os.PathLike[str], *, task: "Task | None" = None) -> "keras.Model":
  """Loads what a training has trained as a plain Keras model: raw images in, probabilities out.

  It is compiled for integer classes with Adam and a small learning rate, so `evaluate` and `fit` work at once. If the
  training is still running, the weights are those of its last checkpoint.

  Args:
    directory: of the training, as `nao-train` made it; or of a search whose winner was trained.
    task: what it was trained on. None: what the directory records, which is enough since version 0.2.

  Raises:
    ValueError: if it was not the training of an image network, or a file in the directory cannot be read.
    RunDirectoryError: if it is not the directory of a training, or has no checkpoint yet.
  """
  from nao_tf.serving import plain_image_models

  return plain_image_models.compiled(plain_image_models.trained_image_model(directory, task), FINE_TUNING_RATE)
