"""The image network: a stem, N normal cells, a reduction cell, N, a reduction, N, a classifier and an auxiliary head.

Luo et al., NeurIPS 2018, section 3.1. The filters double at each reduction. `ImageNetwork` is what one trains; its
`classifier` is what remains after that.
"""

import dataclasses
from typing import NamedTuple

import numpy as np
import tensorflow as tf
from tensorflow import keras

from nao_tf.networks.cell import Cell
from nao_tf.networks.conventions import CONVENTIONS, Convention, derive_seeds
from nao_tf.networks.heads import AuxiliaryHead, ClassifierHead
from nao_tf.networks.layers import hold
from nao_tf.networks.stems import STEMS
from nao_tf.networks.training_draws import TrainingDraws
from nao_tf.spaces import genotypes

NUM_STAGES = 3
MIN_IMAGENET_FILTERS = 4


@dataclasses.dataclass(frozen=True)
class ImageNetworkConfig:
  """What an image network is apart from its genotype and its task.

  The defaults are those of the paper's CIFAR-10 network "6 / 36"; the proxy of its search has N = 3, F = 32 and no
  dropout.

  Attributes:
    num_cells: N, the number of normal cells in each of the three stages.
    filters: F, the channels of a node in the first stage.
    convention: how layers are put together; nao, nao_ws, torch or torch_large.
    stem: cifar keeps the resolution, imagenet divides it by eight.
    auxiliary: whether training has an auxiliary head.
    auxiliary_weight: weight of its loss.
    drop_path_keep: probability to keep a branch of the last cell, at the end of the schedule.
    drop_path_steps: training steps over which the rate of drop-path grows linearly to that; 0: it is there at once.
    dropout_keep: probability to keep a unit before the classifier.
    synchronized_norm: whether batch norm takes its statistics over all replicas, as a single device would.
  """

  num_cells: int = 6
  filters: int = 36
  convention: str = "nao"
  stem: str = "cifar"
  auxiliary: bool = True
  auxiliary_weight: float = 0.4
  drop_path_keep: float = 0.7
  drop_path_steps: int = 0
  dropout_keep: float = 0.6
  synchronized_norm: bool = False

  def __post_init__(self):
    for name, low in (("num_cells", 1), ("filters", 1), ("drop_path_steps", 0), ("auxiliary_weight", 0)):
      if getattr(self, name) < low:
        raise ValueError(f"{name} must be at least {low}, got {getattr(self, name)}")
    if self.stem == "imagenet" and self.filters < MIN_IMAGENET_FILTERS:
      raise ValueError(f"the imagenet stem needs at least {MIN_IMAGENET_FILTERS} filters, got {self.filters}")
    for name in ("drop_path_keep", "dropout_keep"):
      if not 0.0 < getattr(self, name) <= 1.0:
        raise ValueError(f"{name} must be in (0, 1], got {getattr(self, name)}")
    for name, table in (("convention", CONVENTIONS), ("stem", STEMS)):
      if getattr(self, name) not in table:
        raise ValueError(f"{name} must be one of {', '.join(table)}, got {getattr(self, name)!r}")

  @property
  def facts(self) -> Convention:
    """The convention itself, this network's settings included."""
    return dataclasses.replace(CONVENTIONS[self.convention], synchronized_norm=self.synchronized_norm)


class CellPlan(NamedTuple):
  """One cell of the stack: which, of how many filters, and whether it halves the resolution."""

  cell: genotypes.Cell
  filters: int
  reduction: bool


def plan_cells(genotype: genotypes.CellGenotype, config: ImageNetworkConfig) -> list[CellPlan]:
  """Returns the stack of cells, those of the stem first."""
  num_stem_cells = config.facts.stem_cells if config.stem == "imagenet" else 0
  plan = [CellPlan(genotype.reduction, config.filters >> i, True) for i in range(num_stem_cells, 0, -1)]
  for stage in range(NUM_STAGES):
    filters = config.filters << stage
    plan += [CellPlan(genotype.reduction, filters, True)] * (stage > 0)
    plan += [CellPlan(genotype.normal, filters, False)] * config.num_cells
  return plan


class ImageClassifier(keras.Model):
  """Stem, cells and classifier: images [B, H, W, C] to logits [B, num_classes].

  Args:
    genotype: its two cells.
    config: what else it is.
    num_classes: logits to give.
    image_shape: (height, width, channels).
    seed: of its weights and of its randomness in training.
  """

  def __init__(self, genotype: genotypes.CellGenotype, config: ImageNetworkConfig, num_classes, image_shape, seed: int):
    super().__init__(name="classifier")
    self.config, self.image_shape = config, tuple(image_shape)
    stem_seed, cell_seed, head_seed, draw_seed = derive_seeds(seed, 4)
    self.stem = STEMS[config.stem](config.filters, config.facts, stem_seed)
    plan = plan_cells(genotype, config)
    seeds = derive_seeds(cell_seed, len(plan))
    hold(self, "cells", [self._cell(i, *row) for i, row in enumerate(zip(plan, seeds))])
    self.draws = TrainingDraws(config.drop_path_keep, config.drop_path_steps, len(plan), draw_seed)
    self.head = ClassifierHead(num_classes, config.dropout_keep, config.facts, head_seed)
    self.build((None, *image_shape))

  def build(self, input_shape):
    """Makes all weights for images [B, H, W, C]."""
    self.stem.build(input_shape)
    shapes = list(self.stem.compute_output_shape(input_shape))
    for cell in self.cells:
      cell.build(shapes[-2:])
      shapes.append(cell.compute_output_shape(shapes[-2:]))
    self.head.build(shapes[-1])
    self.cell_shapes = shapes[2:]
    self.built = True

  def call(self, images, training=False, step=None):
    """Maps `images` [B, H, W, C] to logits; the other arguments are those of `cell_outputs`."""
    return self.classify(self.cell_outputs(images, training, step)[-1], training, step)

  def cell_outputs(self, images, training=False, step=None) -> list[tf.Tensor]:
    """Returns the output of every cell.

    Args:
      images: [B, H, W, C].
      training: whether batch norm and drop-path act as in training.
      step: number of the training step, which drop-path and dropout are functions of; None drops nothing.
    """
    states = list(self.stem(images, training=training))
    for i, cell in enumerate(self.cells):
      drawing = training and step is not None
      masks = self.draws.masks(i, len(cell.branches), tf.shape(images)[0], step) if drawing else None
      states.append(cell(states[-2:], training=training, masks=masks))
    return states[2:]

  def classify(self, features, training=False, step=None):
    """Maps the last cell's output [B, H, W, C] to logits [B, num_classes]."""
    dropout_seed = self.draws.dropout_seed(step) if training and step is not None else None
    return self.head(features, dropout_seed=dropout_seed)

  def _cell(self, index: int, plan: CellPlan, seed: int) -> Cell:
    facts = self.config.facts
    raw = index == 0 and not facts.project_first_input
    return Cell(*plan[:2], facts, seed, reduction=plan.reduction, raw_previous=raw, name=f"cell_{index}")


class ImageNetwork(keras.Model):
  """An image classifier in training, with its auxiliary head.

  Called for inference it gives the classifier's logits and does not compute the auxiliary head. Called with
  `training=True` it gives {"logits": ..., "auxiliary": ...}, of which `fit` trains the weighted sum of losses and
  measures the first. The schedule of drop-path follows the compiled optimizer's `iterations`, or the argument `step`.

  Attributes:
    classifier: the `ImageClassifier` that shares the weights: all but those of the auxiliary head.
    auxiliary_head: the head, or None.
  """

  def __init__(self, genotype: genotypes.CellGenotype, config: ImageNetworkConfig, num_classes, image_shape, seed: int):
    super().__init__(name="image_network")
    self.config = config
    classifier_seed, auxiliary_seed = derive_seeds(seed, 2)
    self.classifier = ImageClassifier(genotype, config, num_classes, image_shape, classifier_seed)
    self.auxiliary_head = make_auxiliary_head(config, num_classes, auxiliary_seed) if config.auxiliary else None
    self.build((None, *image_shape))

  def build(self, input_shape):
    """Makes the auxiliary head's weights; the classifier has made its own."""
    del input_shape
    if self.auxiliary_head is not None:
      self.auxiliary_head.build(self.classifier.cell_shapes[self._auxiliary_cell])
    self.built = True

  def call(self, images, training=False, step=None):
    """Maps images [B, H, W, C] to logits [B, num_classes], in training with those of the auxiliary head.

    Raises:
      ValueError: if drop-path or dropout need a step, none is given and the network is not compiled.
    """
    step = self._optimizer_step() if training and step is None else step
    outputs = self.classifier.cell_outputs(images, training, step)
    logits = self.classifier.classify(outputs[-1], training, step)
    if not training or self.auxiliary_head is None:
      return logits
    return {"logits": logits, "auxiliary": self.auxiliary_head(outputs[self._auxiliary_cell], training=training)}

  def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, **kwargs):
    """Returns the compiled loss of the logits plus that of the auxiliary logits times `auxiliary_weight`."""
    logits, auxiliary = _split(y_pred)
    loss = super().compute_loss(x=x, y=y, y_pred=logits, sample_weight=sample_weight, **kwargs)
    if auxiliary is None:
      return loss
    return loss + self.config.auxiliary_weight * self._auxiliary_loss(y, auxiliary, sample_weight)

  def compute_metrics(self, x, y, y_pred, sample_weight=None):
    """Returns the compiled metrics of the logits."""
    return super().compute_metrics(x, y, _split(y_pred)[0], sample_weight)

  @property
  def _auxiliary_cell(self) -> int:
    return auxiliary_cell(self.config, len(self.classifier.cells))

  def _auxiliary_loss(self, labels, logits, sample_weight):
    """Returns this replica's share of the mean loss, as Keras scales the main one."""
    loss = keras.losses.get(self.loss)
    losses = loss.call(labels, logits) if isinstance(loss, keras.losses.Loss) else loss(labels, logits)
    losses = losses if sample_weight is None else losses * tf.cast(sample_weight, losses.dtype)
    return tf.reduce_mean(losses) / tf.distribute.get_strategy().num_replicas_in_sync

  def _optimizer_step(self):
    optimizer = getattr(self, "optimizer", None)
    if optimizer is not None:
      return tf.convert_to_tensor(optimizer.iterations)
    if self.config.drop_path_keep < 1.0 or self.config.dropout_keep < 1.0:
      raise ValueError("drop-path and dropout need the training step: compile the network, or call it with step=...")
    return None


def image_network(
  genotype: genotypes.CellGenotype,
  config: ImageNetworkConfig | None = None,
  *,
  num_classes: int = 10,
  image_shape: tuple[int, int, int] = (32, 32, 3),
  seed: int = 0,
) -> ImageNetwork:
  """Builds the image network of a genotype, weights included.

  Args:
    genotype: its normal and its reduction cell.
    config: everything else; None: the paper's.
    num_classes: logits to give.
    image_shape: (height, width, channels).
    seed: the initial weights, drop-path and dropout are functions of the arguments.

  Returns:
    A model that maps images [B, height, width, channels], float32, to logits [B, num_classes].
  """
  return ImageNetwork(genotype, config or ImageNetworkConfig(), num_classes, image_shape, seed)


def inference_model(network: ImageNetwork) -> keras.Model:
  """Returns the functional model, images to logits, that shares the classifier's weights and has no others."""
  images = keras.Input(network.classifier.image_shape, name="images")
  return keras.Model(images, network.classifier(images, training=False), name="inference")


def num_parameters(model: keras.Model) -> int:
  """Returns how many trainable parameters a model has; those of an auxiliary head are not in `network.classifier`."""
  return sum(int(np.prod(weight.shape)) for weight in model.trainable_weights)


def count_parameters(
  genotype: genotypes.CellGenotype, config: ImageNetworkConfig | None = None, *, auxiliary: bool = False, **kwargs
) -> int:
  """Returns how many trainable parameters a network would have, without allocating them.

  Args:
    genotype: as for `image_network`.
    config: as for `image_network`.
    auxiliary: whether those of the auxiliary head count.
    **kwargs: as for `image_network`.
  """
  with tf.Graph().as_default():
    network = image_network(genotype, config, **kwargs)
    return num_parameters(network if auxiliary else network.classifier)


def auxiliary_cell(config: ImageNetworkConfig, num_cells: int) -> int:
  """Returns the number of the cell, of `num_cells`, whose output the auxiliary head reads."""
  last_reduction = num_cells - config.num_cells - 1
  return last_reduction if config.facts.auxiliary_after_reduction else last_reduction + 1


def make_auxiliary_head(config: ImageNetworkConfig, num_classes: int, seed: int) -> AuxiliaryHead:
  """Returns the auxiliary head of a network."""
  return AuxiliaryHead(num_classes, _AUXILIARY_STRIDES[config.stem], config.facts, seed)


def _split(outputs):
  return (outputs["logits"], outputs["auxiliary"]) if isinstance(outputs, dict) else (outputs, None)


_AUXILIARY_STRIDES = {"cifar": 3, "imagenet": 2}
