"""The supernet of all cells of NAS-Bench-201.

Each edge has weights for each of its operations. An architecture is a path through them. Its network is the one that
`image_network` builds from its genotype, with the same outputs for equal weights. It is trained and scored by an
`ImageSupernetTrainer`, like an `ImageSupernet`.
"""

import numpy as np
import tensorflow as tf

from nao_tf.networks.conventions import derive_seeds
from nao_tf.networks.edge_cell import ResidualReduction, StackedEdgeCell, last_node
from nao_tf.networks.edge_convention import LAYER_NAMES, check_edge_convention
from nao_tf.networks.heads import ClassifierHead
from nao_tf.networks.image_network import CellPlan, ImageNetwork, ImageNetworkConfig, plan_cells
from nao_tf.networks.layers import ImageShape, Norm
from nao_tf.networks.stems import STEMS
from nao_tf.networks.training_draws import TrainingDraws
from nao_tf.spaces.nasbench201 import EDGES, OPERATIONS
from nao_tf.supernets.blueprint import Blueprint, Unit, UnitWeights
from nao_tf.supernets.cell_choices import CellSelectors
from nao_tf.supernets.functional import LayerFunction, assign_in_turn
from nao_tf.supernets.shared_operations import OperationLibrary, SharedOperations, StateKind
from nao_tf.supernets.weight_bank import ALWAYS, Candidate, ChoiceBlock, Path, WeightBank

_CLASSIFIER_GAIN = 1e-3
_ONLY_KIND = 0


class SharedEdgeCell:
  """The cells of all architectures at one place of the stack."""

  def __init__(
    self, plan: CellPlan, shape: ImageShape, blueprint: Blueprint, library: OperationLibrary, seed: int
  ) -> None:
    """Adds a unit for each edge.

    Args:
      plan: its place in the stack.
      shape: shape of all its nodes.
      blueprint: collects the units.
      library: the operations of the network.
      seed: random seed of the weights.
    """
    self._shape = shape
    self._operations: SharedOperations = library.operations(plan.filters, (StateKind(shape, 1),))
    keys = derive_seeds(seed, len(EDGES))
    self._units = [blueprint.add([self._block(edge, key)]) for edge, key in enumerate(keys)]

  def call(
    self, state: tf.Tensor, architecture: tf.Tensor, weights: UnitWeights, masks: tf.Tensor | None, *, training: bool
  ) -> tf.Tensor:
    """Computes the cell of an architecture; see `nao_tf.networks.edge_cell.EdgeCell.call`."""
    return last_node(
      state, EDGES, lambda edge, source: self._edge(edge, source, architecture, weights, masks, training)
    )

  def _edge(
    self,
    edge: int,
    state: tf.Tensor,
    architecture: tf.Tensor,
    weights: UnitWeights,
    masks: tf.Tensor | None,
    training: bool,
  ) -> tf.Tensor:
    unit = self._units[edge]
    outputs, weights.statistics[unit] = self._operations(
      tf.constant(_ONLY_KIND),
      architecture[edge],
      [state],
      weights.weights[unit],
      weights.statistics[unit],
      None if masks is None else masks[edge],
      training=training,
    )
    return tf.ensure_shape(outputs, self._shape)

  def _block(self, edge: int, seed: int) -> ChoiceBlock:
    """Returns the weights that an edge may have, by its operation."""
    functions, keys = self._operations.functions[_ONLY_KIND], derive_seeds(seed, len(OPERATIONS))
    return ChoiceBlock(
      ALWAYS + 1 + edge,
      [
        Candidate(self._operations.initial_weights(_ONLY_KIND, number, key), function.num_statistics)
        for number, (function, key) in enumerate(zip(functions, keys))
      ],
    )


class EdgeSupernet:
  """All image networks of the cells of NAS-Bench-201.

  Attributes:
    config: what all networks have in common.
    image_shape: (height, width, channels).
    bank: where the weights of every architecture are.
    cells: what stands in each place of the stack: cells, or units with a residual block.
    head: the classifier.
    auxiliary_head: None.
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
    """Creates the layers and initializes the weights.

    Args:
      config: what all networks have in common.
      num_classes: number of logits.
      image_shape: (height, width, channels).
      seed: random seed of the initial weights and of the randomness in training.

    Raises:
      ValueError: if the convention or the stem is another one than such cells need, or an auxiliary head is wanted.
    """
    check_edge_convention(config.convention, config.stem)
    if config.auxiliary:
      raise ValueError("shared weights of cells of NAS-Bench-201 have no auxiliary head; set auxiliary to false")
    self.config, self.image_shape = config, image_shape
    stem_seed, cell_seed, head_seed, draw_seed = derive_seeds(seed, 4)
    blueprint = Blueprint(CellSelectors(0, len(OPERATIONS)))  # Only its units are used.
    self.stem, shape = self._add_stem(blueprint, stem_seed)
    self.cells, shape = self._add_cells(blueprint, shape, cell_seed)
    self.norm = blueprint.add_layer(Norm(config.facts), shape)
    head = ClassifierHead(num_classes, config.dropout_keep, config.facts, head_seed, gain=_CLASSIFIER_GAIN)
    self.head = blueprint.add_layer(head, shape)
    self.draws = TrainingDraws(config.drop_path_keep, config.drop_path_steps, len(self.cells), draw_seed)
    self.bank = WeightBank(blueprint.units)

  def path(self, architecture: tf.Tensor) -> Path:
    """Returns where the weights of an architecture, int32 `[edges]`, are."""
    return self.bank.path(tf.concat([[ALWAYS], architecture], 0))

  def network(
    self, architecture: tf.Tensor, path: Path, weights: tf.Tensor, statistics: tf.Tensor | None = None
  ) -> "EdgePathNetwork":
    """Returns the network of an architecture; see `nao_tf.supernets.image_supernet.ImageSupernet.network`."""
    count = tf.reduce_sum(path.statistic_sizes)
    statistics = tf.zeros([count], weights.dtype) if statistics is None else statistics[:count]
    unit_weights = UnitWeights(tf.split(weights, path.sizes), tf.split(statistics, path.statistic_sizes))
    return EdgePathNetwork(self, architecture, unit_weights)

  def num_parameters(self, path: Path) -> tf.Tensor:
    """Returns the number of trainable parameters of the network of a path."""
    return tf.reduce_sum(path.sizes)

  def copy_to(self, network: ImageNetwork, weights: np.ndarray, statistics: np.ndarray | None = None) -> None:
    """Gives a separate network of the same architecture the weights on its path.

    Args:
      network: built from the genotype of the architecture with the configuration of this supernet.
      weights: on the path, `[A]`.
      statistics: statistics of batch normalization on the path, `[S]`; None leaves those of the network as they are.

    Raises:
      ValueError: if the network is of another architecture or configuration.
    """
    classifier = network.classifier
    cells = [layer for cell in classifier.cells if isinstance(cell, StackedEdgeCell) for layer in cell.unit_layers]
    functions = [LayerFunction(layer) for layer in (classifier.stem, *cells, classifier.head)]
    expected = sum(function.num_weights for function in functions)
    if len(weights) != expected:
      raise ValueError(f"expected the {expected} weights of the network, got a path with {len(weights)}")
    assign_in_turn(functions, weights, statistics)

  def _add_stem(self, blueprint: Blueprint, seed: int) -> tuple[Unit, ImageShape]:
    """Adds the stem; returns its unit and the shape of its output."""
    shape = (None, *self.image_shape)
    stem = STEMS[self.config.stem](self.config.filters, self.config.facts, seed)
    unit = blueprint.add_layer(stem, shape)
    return unit, stem.compute_output_shape(shape)[1]

  def _add_cells(
    self, blueprint: Blueprint, shape: ImageShape, seed: int
  ) -> tuple[list[SharedEdgeCell | Unit], ImageShape]:
    """Adds what stands in each place of the stack; returns it, and the shape of the last output."""
    facts, plans = self.config.facts, plan_cells(self.config)
    library = OperationLibrary([LAYER_NAMES[name] for name in OPERATIONS], facts)
    cells: list[SharedEdgeCell | Unit] = []
    for plan, key in zip(plans, derive_seeds(seed, len(plans))):
      if plan.reduction:
        block = ResidualReduction(plan.filters, facts, key)
        cells.append(blueprint.add_layer(block, shape))
        shape = block.compute_output_shape(shape)
      else:
        cells.append(SharedEdgeCell(plan, shape, blueprint, library, key))
    return cells, shape


class EdgePathNetwork:
  """The network of one architecture: called as an `ImageNetwork` is, and usable where one is trained or scored.

  Attributes:
    config: what it is apart from its architecture.
    auxiliary_head: None.
  """

  auxiliary_head = None

  def __init__(self, supernet: EdgeSupernet, architecture: tf.Tensor, weights: UnitWeights) -> None:
    """Puts the network together.

    Args:
      supernet: it is one of its networks.
      architecture: int32 `[edges]`.
      weights: weights of the architecture.
    """
    self._supernet, self._architecture, self._weights = supernet, architecture, weights
    self.config = supernet.config

  @property
  def statistics(self) -> tf.Tensor:
    """Statistics of batch normalization, `[S]`. A call for training moves them by the share `1 - NORM_MOMENTUM`."""
    return tf.concat(self._weights.statistics, 0)

  def __call__(self, images: tf.Tensor, training: bool = False, step: tf.Tensor | None = None) -> tf.Tensor:
    """Maps images [B, H, W, C] to logits [B, num_classes].

    Args:
      images: the images.
      training: whether batch normalization takes the statistics of the batch.
      step: number of the training step, which drop-path and dropout are functions of; None drops nothing.
    """
    supernet, weights, drawing = self._supernet, self._weights, training and step is not None
    _, state = weights.call(supernet.stem, images, training=training)
    for index, cell in enumerate(supernet.cells):
      if isinstance(cell, Unit):
        state = weights.call(cell, state, training=training)
        continue
      masks = supernet.draws.masks(index, len(EDGES), tf.shape(images)[0], step) if drawing else None
      state = cell.call(state, self._architecture, weights, masks, training=training)
    state = weights.call(supernet.norm, state, training=training)
    return weights.call(supernet.head, state, dropout_seed=supernet.draws.dropout_seed(step) if drawing else None)
