"""The relaxed network of NAS-Bench-201: each edge of its one cell is a mixture of all five operations.

As in the benchmark's searches, batch normalization in cells has no scale and no offset, and pools have no norm.
"""

from collections.abc import Sequence

import numpy as np
import tensorflow as tf
from tensorflow import keras

from nao_tf.networks.conventions import Convention, derive_seeds
from nao_tf.networks.edge_cell import ResidualReduction, last_node
from nao_tf.networks.edge_convention import LAYER_NAMES, check_edge_convention
from nao_tf.networks.heads import ClassifierHead
from nao_tf.networks.image_network import CellPlan, ImageNetworkConfig, plan_cells
from nao_tf.networks.layers import ImageShape, Norm, track_each
from nao_tf.networks.stems import STEMS
from nao_tf.networks.training_draws import TrainingDraws
from nao_tf.networks.weight_sources import OWN_WEIGHTS, WeightSource
from nao_tf.runs.shares import Shares
from nao_tf.spaces.edge_genotypes import EdgeGenotype
from nao_tf.spaces.nasbench201 import EDGES, OPERATIONS
from nao_tf.supernets.relaxed.expected_costs import CellCosts, operation_costs
from nao_tf.supernets.relaxed.mixed_operations import MixedOperation, MixtureGraphs
from nao_tf.supernets.relaxed.relaxed_network import without_affine_norm

_NAMES = tuple(LAYER_NAMES[name] for name in OPERATIONS)


class RelaxedEdgeCell(keras.layers.Layer):
  """A cell whose edges are mixtures: maps [B, H, W, filters] to the same shape.

  Args:
    filters: channels of all nodes.
    convention: what its operations are like.
    seed: random seed of its weights.
    graphs: graphs of the network; None for graphs of its own.
    name: name of the layer.
  """

  def __init__(
    self,
    filters: int,
    convention: Convention,
    seed: int,
    *,
    graphs: MixtureGraphs | None = None,
    name: str | None = None,
  ) -> None:
    super().__init__(name=name, autocast=False)  # Mixtures stay in single precision.
    graphs = graphs or MixtureGraphs()
    self.edges = [
      MixedOperation(_NAMES, filters, 1, convention, key, normed_pools=False, graphs=graphs)
      for key in derive_seeds(seed, len(EDGES))
    ]
    track_each(self, "edges", self.edges)

  def build(self, input_shape: ImageShape) -> None:
    """Creates the weights for [B, H, W, filters]."""
    for edge in self.edges:
      edge.build(input_shape)
    self.built = True

  def call(
    self, inputs: tf.Tensor, mixture: tf.Tensor, training: bool | None = None, weights: WeightSource = OWN_WEIGHTS
  ) -> tf.Tensor:
    """Computes the last node.

    Args:
      inputs: [B, H, W, filters].
      mixture: weights of the operations on each edge, `[edges, operations]`.
      training: whether batch normalization takes the statistics of the batch.
      weights: where the weights come from.
    """
    shares = tf.unstack(mixture)
    return last_node(
      inputs,
      EDGES,
      lambda edge, state: self.edges[edge](state, shares[edge], training=training, weights=weights),
    )

  def compute_output_shape(self, input_shape: ImageShape) -> ImageShape:
    """Returns the shape of the input."""
    return input_shape


class RelaxedEdgeNetwork(keras.Model):
  """An image classifier whose cells are mixtures; the weights of the mixtures are an argument of its call.

  There are no auxiliary head and no drop-path.

  Args:
    config: everything else; what regularizes is not looked at, dropout apart.
    num_classes: number of logits.
    image_shape: (height, width, channels).
    seed: random seed of the weights, and of dropout.

  Attributes:
    plans: the places of the cells and of the residual blocks.
    input_shapes: (height, width, channels) of the input of each.

  Raises:
    ValueError: if the convention or the stem is another one than such cells need.
  """

  auxiliary_head = None

  def __init__(
    self,
    config: ImageNetworkConfig,
    *,
    num_classes: int = 10,
    image_shape: tuple[int, int, int] = (32, 32, 3),
    seed: int = 0,
  ) -> None:
    check_edge_convention(config.convention, config.stem)
    super().__init__(name="relaxed_edge_network")
    self.config = config
    stem_seed, cell_seed, head_seed, draw_seed = derive_seeds(seed, 4)
    self.stem = STEMS[config.stem](config.filters, config.facts, stem_seed)
    self.plans = plan_cells(config)
    keys = derive_seeds(cell_seed, len(self.plans))
    graphs = MixtureGraphs()
    self.cells = [_part(plan, config.facts, key, graphs) for plan, key in zip(self.plans, keys)]
    track_each(self, "cells", self.cells)
    self.norm = Norm(config.facts)
    self.head = ClassifierHead(num_classes, config.dropout_keep, config.facts, head_seed)
    self.draws = TrainingDraws(1.0, 0, len(self.cells), draw_seed)
    self.build((None, *image_shape))

  def build(self, input_shape: ImageShape) -> None:
    """Makes all weights for images [B, H, W, C]."""
    self.stem.build(input_shape)
    _, shape = self.stem.compute_output_shape(input_shape)
    self.input_shapes = []
    for cell in self.cells:
      self.input_shapes.append(shape[1:])
      cell.build(shape)
      shape = cell.compute_output_shape(shape)
    self.norm.build(shape)
    self.head.build(shape)
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
      mixtures: weights of the operations, `[1, edges, operations]`.
      training: whether batch normalization takes the statistics of the batch.
      step: number of the training step, which dropout is a function of; None drops nothing.
      weights: where the weights come from.

    Returns:
      Logits [B, num_classes].
    """
    _, state = self.stem(images, training=training, weights=weights)
    for plan, cell in zip(self.plans, self.cells):
      shares = () if plan.reduction else (mixtures[0],)
      state = cell(state, *shares, training=training, weights=weights)
    state = self.norm(state, training=training, weights=weights)
    dropout_seed = self.draws.dropout_seed(step) if training and step is not None else None
    return self.head(state, dropout_seed=dropout_seed, weights=weights)


def derive_edges(strengths: np.ndarray) -> EdgeGenotype:
  """Returns the cell that strengths `[1, edges, operations]` stand for: each edge has its most likely operation.

  That may be "none", as in the searches of the benchmark's authors.
  """
  best = np.argmax(strengths[0], -1)
  return EdgeGenotype(tuple((*edge, OPERATIONS[number]) for edge, number in zip(EDGES, best)))


def edge_shares(strengths: np.ndarray) -> list[Shares]:
  """Returns the softmax over the operations of each edge."""
  values = np.asarray(strengths[0], np.float64)
  exponents = np.exp(values - values.max(-1, keepdims=True))
  probabilities = (exponents / exponents.sum(-1, keepdims=True)).tolist()
  return [
    Shares("cell", f"{source} to {node}", OPERATIONS, tuple(row)) for (node, source), row in zip(EDGES, probabilities)
  ]


def count_skips(genotype: EdgeGenotype) -> int:
  """Returns how many edges of a cell are skip connections. DARTS collapses to them."""
  return sum(operation == "skip_connect" for _, _, operation in genotype.edges)


def edge_costs(
  plans: Sequence[CellPlan], shapes: Sequence[tuple[int, int, int]], convention: Convention, *, cost: str
) -> list[CellCosts]:
  """Returns what the operations of each cell cost.

  Args:
    plans: plans of the cells and the residual blocks, which have no part in it.
    shapes: shapes of the map that each reads.
    convention: convention of the network.
    cost: "parameters" or "multiply_adds".
  """
  found = []
  for plan, shape in zip(plans, shapes):
    if not plan.reduction:
      row = operation_costs(_NAMES, shape, plan.filters, 1, convention, cost=cost)
      found.append(CellCosts(0, np.tile(row, (len(EDGES), 1))))
  return found


def _part(
  plan: CellPlan, convention: Convention, seed: int, graphs: MixtureGraphs
) -> RelaxedEdgeCell | ResidualReduction:
  if plan.reduction:
    return ResidualReduction(plan.filters, convention, seed)
  return RelaxedEdgeCell(plan.filters, without_affine_norm(convention), seed, graphs=graphs)
