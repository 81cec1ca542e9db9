"""The image network: a stem, N normal cells, a reduction cell, N, a reduction, N, a classifier and an auxiliary head.

Luo et al., NeurIPS 2018, section 3.1. The filters double at each reduction. `ImageNetwork` is what is trained. Its
`classifier` is what remains after training.
"""

from collections.abc import Sequence
from typing import Any

import tensorflow as tf
from tensorflow import keras

from nao_tf.networks.cell import Cell
from nao_tf.networks.conventions import Convention, derive_seeds
from nao_tf.networks.edge_cell import StackedEdgeCell, stacked_edge_cell
from nao_tf.networks.edge_convention import check_network
from nao_tf.networks.heads import AuxiliaryHead, ClassifierHead
from nao_tf.networks.image_network_config import (
  AUXILIARY_STRIDES,
  CellPlan,
  ImageNetworkConfig,
  auxiliary_cell,
  plan_cells,
)
from nao_tf.networks.layers import ImageShape, track_each
from nao_tf.networks.motif_cell import MotifCell
from nao_tf.networks.parameter_counts import num_parameters
from nao_tf.networks.precision import check_precision
from nao_tf.networks.stems import STEMS, Stem
from nao_tf.networks.training_draws import TrainingDraws
from nao_tf.spaces import genotypes
from nao_tf.spaces.edge_genotypes import EdgeGenotype
from nao_tf.spaces.motif_genotypes import MotifGenotype

__all__ = [
  "CellPlan",
  "ImageClassifier",
  "ImageNetwork",
  "ImageNetworkConfig",
  "auxiliary_cell",
  "build_cells",
  "count_parameters",
  "image_network",
  "inference_model",
  "make_auxiliary_head",
  "plan_cells",
]


class ImageClassifier(keras.Model):
  """Stem, cells and classifier: images [B, H, W, C] to logits [B, num_classes].

  Args:
    genotype: its cells.
    config: everything else.
    num_classes: number of logits.
    image_shape: (height, width, channels).
    seed: random seed of its weights and of its randomness in training.
  """

  def __init__(
    self,
    genotype: genotypes.CellGenotype | MotifGenotype | EdgeGenotype,
    config: ImageNetworkConfig,
    num_classes: int,
    image_shape: tuple[int, int, int],
    seed: int,
  ) -> None:
    super().__init__(name="classifier")
    height, width, channels = image_shape
    self.config, self.image_shape = config, (height, width, channels)
    stem_seed, cell_seed, head_seed, draw_seed = derive_seeds(seed, 4)
    self.stem = STEMS[config.stem](config.filters, config.facts, stem_seed)
    self.plans = plan_cells(config)
    keys = derive_seeds(cell_seed, len(self.plans))
    check_network(genotype, config)
    last = len(self.plans) - 1
    self.cells = [
      _make_cell(genotype, plan, config.facts, key, is_last=plan.index == last) for plan, key in zip(self.plans, keys)
    ]
    track_each(self, "cells", self.cells)
    self.draws = TrainingDraws(config.drop_path_keep, config.drop_path_steps, len(self.cells), draw_seed)
    self.head = ClassifierHead(num_classes, config.dropout_keep, config.facts, head_seed)
    self.build((None, height, width, channels))

  def build(self, input_shape: ImageShape) -> None:
    """Makes all weights for images [B, H, W, C]."""
    shapes = build_cells(self.stem, self.plans, self.cells, input_shape)
    self.head.build(shapes[-1])
    self.cell_shapes = shapes[2:]
    self.built = True

  def call(self, images: tf.Tensor, training: bool = False, step: tf.Tensor | None = None) -> tf.Tensor:
    """Maps `images` [B, H, W, C] to logits; the other arguments are those of `cell_outputs`."""
    return self.classify(self.cell_outputs(images, training, step)[-1], training, step)

  def cell_outputs(self, images: tf.Tensor, training: bool = False, step: tf.Tensor | None = None) -> list[tf.Tensor]:
    """Returns the output of every cell.

    Args:
      images: [B, H, W, C].
      training: whether batch normalization and drop-path act as in training.
      step: number of the training step, which drop-path and dropout depend on; None drops nothing.
    """
    states = list(self.stem(images, training=training))
    drawing = training and step is not None
    for i, (plan, cell) in enumerate(zip(self.plans, self.cells)):
      masks = self.draws.masks(i, len(cell.branches), tf.shape(images)[0], step) if drawing else None
      states.append(cell(plan.inputs_among(states), training=training, masks=masks))
    return states[2:]

  def classify(self, features: tf.Tensor, training: bool = False, step: tf.Tensor | None = None) -> tf.Tensor:
    """Maps the last cell's output [B, H, W, C] to logits [B, num_classes]."""
    dropout_seed = self.draws.dropout_seed(step) if training and step is not None else None
    return self.head(features, dropout_seed=dropout_seed)


class ImageNetwork(keras.Model):
  """An image classifier in training, with its auxiliary head.

  Called for inference it gives the logits of the classifier and does not compute the auxiliary head. Called with
  `training=True` it gives {"logits": ..., "auxiliary": ...}. `fit` then trains the weighted sum of both losses and
  measures the first. The schedule of drop-path follows the `iterations` of the compiled optimizer, or the argument
  `step`.

  Args:
    genotype: its cells.
    config: everything else.
    num_classes: number of logits.
    image_shape: (height, width, channels).
    seed: random seed of its weights and of its randomness in training.

  Attributes:
    classifier: the `ImageClassifier`, which has all weights but those of the auxiliary head.
    auxiliary_head: the head, or None.
  """

  def __init__(
    self,
    genotype: genotypes.CellGenotype | MotifGenotype | EdgeGenotype,
    config: ImageNetworkConfig,
    num_classes: int,
    image_shape: tuple[int, int, int],
    seed: int,
  ) -> None:
    super().__init__(name="image_network")
    self.config = config
    classifier_seed, auxiliary_seed = derive_seeds(seed, 2)
    self.classifier = ImageClassifier(genotype, config, num_classes, image_shape, classifier_seed)
    self.auxiliary_head = make_auxiliary_head(config, num_classes, auxiliary_seed) if config.auxiliary else None
    self.build((None, *image_shape))

  def build(self, input_shape: ImageShape) -> None:
    """Creates the weights of the auxiliary head; the classifier has made its own."""
    del input_shape
    if self.auxiliary_head is not None:
      self.auxiliary_head.build(self.classifier.cell_shapes[self._auxiliary_cell])
    self.built = True

  def call(
    self, images: tf.Tensor, training: bool = False, step: tf.Tensor | None = None
  ) -> tf.Tensor | dict[str, tf.Tensor]:
    """Maps images [B, H, W, C] to logits [B, num_classes], in training with those of the auxiliary head.

    Args:
      images: the images.
      training: whether the network is called for training.
      step: number of the training step; None for that of the compiled optimizer.

    Raises:
      ValueError: if drop-path or dropout need a step, none is given and the network is not compiled.
    """
    step = self._optimizer_step() if training and step is None else step
    outputs = self.classifier.cell_outputs(images, training, step)
    logits = self.classifier.classify(outputs[-1], training, step)
    if not training or self.auxiliary_head is None:
      return logits
    return {"logits": logits, "auxiliary": self.auxiliary_head(outputs[self._auxiliary_cell], training=training)}

  def compute_loss(
    self,
    x: tf.Tensor | None = None,
    y: tf.Tensor | None = None,
    y_pred: tf.Tensor | dict[str, tf.Tensor] | None = None,
    sample_weight: tf.Tensor | None = None,
    **kwargs: Any,
  ) -> tf.Tensor:
    """Returns the compiled loss of the logits plus that of the auxiliary logits times `auxiliary_weight`."""
    logits, auxiliary = _split(y_pred)
    loss = super().compute_loss(x=x, y=y, y_pred=logits, sample_weight=sample_weight, **kwargs)
    if auxiliary is None:
      return loss
    return loss + self.config.auxiliary_weight * self._auxiliary_loss(y, auxiliary, sample_weight)

  def compute_metrics(
    self,
    x: tf.Tensor,
    y: tf.Tensor,
    y_pred: tf.Tensor | dict[str, tf.Tensor],
    sample_weight: tf.Tensor | None = None,
  ) -> dict[str, Any]:
    """Returns the compiled metrics of the logits."""
    return super().compute_metrics(x, y, _split(y_pred)[0], sample_weight)

  @property
  def _auxiliary_cell(self) -> int:
    return auxiliary_cell(self.config, len(self.classifier.cells))

  def _auxiliary_loss(self, labels: tf.Tensor, logits: tf.Tensor, sample_weight: tf.Tensor | None) -> tf.Tensor:
    """Returns this replica's share of the mean loss, as Keras scales the main one."""
    loss = keras.losses.get(self.loss)
    losses = loss.call(labels, logits) if isinstance(loss, keras.losses.Loss) else loss(labels, logits)
    losses = losses if sample_weight is None else losses * tf.cast(sample_weight, losses.dtype)
    return tf.reduce_mean(losses) / tf.distribute.get_strategy().num_replicas_in_sync

  def _optimizer_step(self) -> tf.Tensor | None:
    optimizer = getattr(self, "optimizer", None)
    if optimizer is not None:
      return tf.convert_to_tensor(optimizer.iterations)
    if self.config.drop_path_keep < 1.0 or self.config.dropout_keep < 1.0:
      raise ValueError("drop-path and dropout need the training step: compile the network, or call it with step=...")
    return None


def image_network(
  genotype: genotypes.CellGenotype | MotifGenotype | EdgeGenotype,
  config: ImageNetworkConfig | None = None,
  *,
  num_classes: int = 10,
  image_shape: tuple[int, int, int] = (32, 32, 3),
  seed: int = 0,
) -> ImageNetwork:
  """Builds the image network of a genotype and initializes its weights.

  Args:
    genotype: genotype of a pair of cells, of motifs, or of edges.
    config: size and regularization of the network; None for that of the paper.
    num_classes: number of logits.
    image_shape: (height, width, channels).
    seed: random seed of the initial weights, drop-path and dropout.

  Returns:
    A model that maps images [B, height, width, channels], float32, to logits [B, num_classes].

  Raises:
    ValueError: if Keras is set to mixed precision, or to another precision than float32 or float64.
  """
  check_precision(("float32", "float64"))
  return ImageNetwork(genotype, config or ImageNetworkConfig(), num_classes, image_shape, seed)


def inference_model(network: ImageNetwork) -> keras.Model:
  """Returns the functional model, images to logits, that shares the classifier's weights and has no others."""
  images = keras.Input(network.classifier.image_shape, name="images")
  return keras.Model(images, network.classifier(images, training=False), name="inference")


def count_parameters(
  genotype: genotypes.CellGenotype | MotifGenotype | EdgeGenotype,
  config: ImageNetworkConfig | None = None,
  *,
  auxiliary: bool = False,
  **kwargs: Any,
) -> int:
  """Returns the number of trainable parameters of a network, without allocating them.

  Args:
    genotype: see `image_network`.
    config: see `image_network`.
    auxiliary: whether to include those of the auxiliary head.
    **kwargs: see `image_network`.
  """
  with tf.Graph().as_default():
    network = image_network(genotype, config, **kwargs)
    return num_parameters(network if auxiliary else network.classifier)


def build_cells(
  stem: Stem, plans: Sequence[CellPlan], cells: Sequence[keras.layers.Layer], input_shape: ImageShape
) -> list[ImageShape]:
  """Builds a stem and the cells after it; returns the shapes of the stem's two states and of the output of each cell.

  Args:
    stem: not built yet.
    plans: the places of the cells.
    cells: the cells, which read two states.
    input_shape: input shape of images, [B, H, W, C].
  """
  stem.build(input_shape)
  shapes = list(stem.compute_output_shape(input_shape))
  for plan, cell in zip(plans, cells):
    inputs = plan.inputs_among(shapes)
    cell.build(inputs)
    shapes.append(cell.compute_output_shape(inputs))
  return shapes


def make_auxiliary_head(config: ImageNetworkConfig, num_classes: int, seed: int) -> AuxiliaryHead:
  """Returns the auxiliary head of a network."""
  return AuxiliaryHead(num_classes, AUXILIARY_STRIDES[config.stem], config.facts, seed)


def _make_cell(
  genotype: genotypes.CellGenotype | MotifGenotype | EdgeGenotype,
  plan: CellPlan,
  convention: Convention,
  seed: int,
  *,
  is_last: bool,
) -> Cell | MotifCell | StackedEdgeCell:
  name, is_first = f"cell_{plan.index}", plan.index == 0
  if isinstance(genotype, EdgeGenotype):
    return stacked_edge_cell(genotype, plan, convention, seed, is_last=is_last)
  if isinstance(genotype, MotifGenotype):
    return MotifCell(genotype, plan.filters, convention, seed, reduction=plan.reduction, first=is_first, name=name)
  return Cell(
    genotype.reduction if plan.reduction else genotype.normal,
    plan.filters,
    convention,
    seed,
    reduction=plan.reduction,
    raw_previous=plan.raw_previous,
    name=name,
  )


def _split(outputs: tf.Tensor | dict[str, tf.Tensor]) -> tuple[tf.Tensor, tf.Tensor | None]:
  """Returns the logits of a network, and those of the auxiliary head if there are any."""
  return (outputs["logits"], outputs["auxiliary"]) if isinstance(outputs, dict) else (outputs, None)
