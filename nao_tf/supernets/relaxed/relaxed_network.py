"""The image network of relaxed cells: one network that holds all architectures of a space."""

import dataclasses
from collections.abc import Sequence

import tensorflow as tf
from tensorflow import keras

from nao_tf.networks.conventions import Convention, derive_seeds
from nao_tf.networks.heads import ClassifierHead
from nao_tf.networks.image_network import ImageNetworkConfig, build_cells, plan_cells
from nao_tf.networks.layers import ImageShape, track_each
from nao_tf.networks.operations import OPERATIONS
from nao_tf.networks.stems import STEMS
from nao_tf.networks.training_draws import TrainingDraws
from nao_tf.networks.weight_sources import OWN_WEIGHTS, WeightSource
from nao_tf.supernets.relaxed.mixed_operations import MixtureGraphs
from nao_tf.supernets.relaxed.relaxed_cell import RelaxedCell


class RelaxedImageNetwork(keras.Model):
  """An image classifier whose cells are mixtures; the weights of the mixtures are an argument of its call.

  Within cells, batch normalization has no scale and no offset: they would rescale operations, whose shares the mixtures
  decide. There are no auxiliary head and no drop-path.

  Args:
    operations: names of the operations.
    num_nodes: computed nodes of a cell.
    config: everything else; what regularizes is not looked at, dropout apart.
    num_classes: number of logits.
    image_shape: (height, width, channels).
    seed: random seed of the weights, and of dropout.

  Attributes:
    plans: the places of the cells.
    cells: the cells.
    input_shapes: (height, width, channels) of input 1 of each cell.

  Raises:
    ValueError: if an operation is unknown.
  """

  auxiliary_head = None

  def __init__(
    self,
    operations: Sequence[str],
    config: ImageNetworkConfig,
    *,
    num_nodes: int = 4,
    num_classes: int = 10,
    image_shape: tuple[int, int, int] = (32, 32, 3),
    seed: int = 0,
  ) -> None:
    unknown = sorted(set(operations) - set(OPERATIONS))
    if unknown:
      raise ValueError(f"unknown operation {', '.join(unknown)}; known are {', '.join(OPERATIONS)}")
    super().__init__(name="relaxed_image_network")
    self.config, self.image_shape = config, image_shape
    stem_seed, cell_seed, head_seed, draw_seed = derive_seeds(seed, 4)
    self.stem = STEMS[config.stem](config.filters, config.facts, stem_seed)
    self.plans = plan_cells(config)
    keys = derive_seeds(cell_seed, len(self.plans))
    facts = without_affine_norm(config.facts)
    graphs = MixtureGraphs()
    self.cells = [
      RelaxedCell(operations, num_nodes, plan, facts, key, graphs=graphs) for plan, key in zip(self.plans, keys)
    ]
    track_each(self, "cells", self.cells)
    self.draws = TrainingDraws(1.0, 0, len(self.cells), draw_seed)
    self.head = ClassifierHead(num_classes, config.dropout_keep, config.facts, head_seed)
    self.build((None, *image_shape))

  def build(self, input_shape: ImageShape) -> None:
    """Makes all weights for images [B, H, W, C]."""
    shapes = build_cells(self.stem, self.plans, self.cells, input_shape)
    self.head.build(shapes[-1])
    inputs_1 = [plan.inputs_among(shapes)[1] for plan in self.plans]
    self.input_shapes = [(height, width, channels) for _, height, width, channels in inputs_1]
    self.built = True

  def call(
    self,
    images: tf.Tensor,
    mixtures: tf.Tensor,
    training: bool = False,
    step: tf.Tensor | None = None,
    weights: WeightSource = OWN_WEIGHTS,
  ) -> tf.Tensor:
    """Maps images to logits.

    Args:
      images: [B, H, W, C].
      mixtures: weights of the operations in the normal and in the reduction cell, `[2, edges, operations]`.
      training: whether batch normalization takes the statistics of the batch.
      step: number of the training step, which dropout is a function of; None drops nothing.
      weights: where the weights come from.

    Returns:
      Logits [B, num_classes].
    """
    normal, reduction = tf.unstack(mixtures)
    states = list(self.stem(images, training=training, weights=weights))
    for plan, cell in zip(self.plans, self.cells):
      mixture = reduction if plan.reduction else normal
      states.append(cell(plan.inputs_among(states), mixture, training=training, weights=weights))
    dropout_seed = self.draws.dropout_seed(step) if training and step is not None else None
    return self.head(states[-1], dropout_seed=dropout_seed, weights=weights)


def without_affine_norm(convention: Convention) -> Convention:
  """Returns a convention whose batch normalization has neither scale nor offset."""
  return dataclasses.replace(convention, norm_affine=False)
