"""The supernet of all image networks of a cell space, with shared weights (Luo et al., NeurIPS 2018, NAO-WS).

The operation of a node has weights for every state that it may read, as in ENAS (Pham et al., ICML 2018). An
architecture is a path through them. Its network is exactly the one that `image_network` builds from its genotype, with
the same cells, strides, calibrations and concatenation, and so with the same outputs for equal weights. The
architecture is a tensor: a single graph serves all architectures, and only computes the operations on the path.
"""

from collections.abc import Iterator, Sequence

import numpy as np
import tensorflow as tf
from tensorflow import keras

from nao_tf.networks.conventions import derive_seeds
from nao_tf.networks.heads import ClassifierHead
from nao_tf.networks.image_network import (
  ImageNetwork,
  ImageNetworkConfig,
  auxiliary_cell,
  make_auxiliary_head,
  plan_cells,
)
from nao_tf.networks.layers import NORM_MOMENTUM
from nao_tf.networks.stems import STEMS
from nao_tf.networks.training_draws import TrainingDraws
from nao_tf.supernets.blueprint import Blueprint, Feature, Unit, UnitWeights
from nao_tf.supernets.cell_choices import CellChoices, CellSelectors
from nao_tf.supernets.functional import LayerFunction, assign_in_turn
from nao_tf.supernets.shared_cell import CellCall, SharedCell
from nao_tf.supernets.shared_operations import OperationLibrary
from nao_tf.supernets.weight_bank import Path, WeightBank

# The output of a cell is not normalized: sums of pools and identities grow with the number of them in the architecture.
# A classifier that many architectures share learns slowly unless its first logits are small for all.
_CLASSIFIER_GAIN = 1e-3


class ImageSupernet:
  """All image networks of a space of cells.

  It has no variables. The weights on a path come as a vector, gathered from wherever the weights of the bank are kept.

  Attributes:
    config: what all networks have in common.
    image_shape: (height, width, channels).
    bank: where the weights of every architecture are.
  """

  def __init__(
    self,
    operations: Sequence[str],
    config: ImageNetworkConfig,
    *,
    num_nodes: int = 5,
    num_classes: int = 10,
    image_shape: tuple[int, int, int] = (32, 32, 3),
    seed: int = 0,
    weights_per_input: bool = True,
    concatenates_nodes: bool = False,
  ) -> None:
    """Creates the layers and initializes the weights.

    Args:
      operations: names of the operations, in the order of their choices.
      config: what all networks have in common.
      num_nodes: computed nodes of a cell.
      num_classes: number of logits.
      image_shape: (height, width, channels).
      seed: random seed of the initial weights and of the randomness in training.
      weights_per_input: whether an operation has weights of its own for every state that it may read; otherwise those
        states share them that it reads in the same shape.
      concatenates_nodes: whether the output of a cell has all nodes; otherwise it has the loose ends.

    Raises:
      ValueError: if an operation is unknown.
    """
    self.config, self.image_shape = config, image_shape
    classifier_seed, auxiliary_seed = derive_seeds(seed, 2)
    stem_seed, cell_seed, head_seed, draw_seed = derive_seeds(classifier_seed, 4)
    self._selectors = CellSelectors(num_nodes, len(operations), concatenates_nodes=concatenates_nodes)
    blueprint = Blueprint(self._selectors)
    library = OperationLibrary(operations, config.facts, weights_per_input=weights_per_input)
    self.stem, stem_features = self._add_stem(blueprint, stem_seed)
    self.cells = self._add_cells(blueprint, stem_features, library, cell_seed)
    self.draws = TrainingDraws(config.drop_path_keep, config.drop_path_steps, len(self.cells), draw_seed)
    head = ClassifierHead(num_classes, config.dropout_keep, config.facts, head_seed, gain=_CLASSIFIER_GAIN)
    self.head = blueprint.add_reader(head, self.cells[-1].output)
    self.auxiliary_cell = auxiliary_cell(config, len(self.cells))
    self.auxiliary_head: Unit | None = None
    if config.auxiliary:
      auxiliary = make_auxiliary_head(config, num_classes, auxiliary_seed)
      self.auxiliary_head = blueprint.add_reader(auxiliary, self.cells[self.auxiliary_cell].output)
    self.bank = WeightBank(blueprint.units)

  def path(self, architecture: tf.Tensor) -> Path:
    """Returns where the weights of an architecture, int32 `[decisions]`, are."""
    return self.bank.path(self._selectors.values(self._selectors.read(architecture)))

  def network(
    self, architecture: tf.Tensor, path: Path, weights: tf.Tensor, statistics: tf.Tensor | None = None
  ) -> "PathNetwork":
    """Returns the network of an architecture.

    Args:
      architecture: int32 `[decisions]`.
      path: path of the architecture.
      weights: on the path, `[A]`.
      statistics: statistics of batch normalization on the path, `[S]`, and maybe more numbers after them; None if the
        network will only be called for training.
    """
    count = tf.reduce_sum(path.statistic_sizes)
    statistics = tf.zeros([count], weights.dtype) if statistics is None else statistics[:count]
    unit_weights = UnitWeights(tf.split(weights, path.sizes), tf.split(statistics, path.statistic_sizes))
    return PathNetwork(self, self._selectors.read(architecture), unit_weights)

  def num_parameters(self, path: Path) -> tf.Tensor:
    """Returns the number of trainable parameters of the network of a path, without those of an auxiliary head."""
    sizes = path.sizes if self.auxiliary_head is None else path.sizes[: self.auxiliary_head.number]
    return tf.reduce_sum(sizes)

  def copy_to(
    self,
    network: ImageNetwork,
    architecture: Sequence[int],
    weights: np.ndarray,
    statistics: np.ndarray | None = None,
  ) -> None:
    """Gives a separate network of the same architecture the weights on its path.

    Args:
      network: built from the genotype of the architecture with the configuration of this supernet.
      architecture: the choices.
      weights: on the path, `[A]`.
      statistics: statistics of batch normalization on the path, `[S]`; None leaves those of the network as they are.

    Raises:
      ValueError: if the network is of another architecture or configuration.
    """
    path = self.path(tf.constant(architecture, tf.int32))
    sizes = len(path.positions), int(tf.reduce_sum(path.statistic_sizes))
    functions = [LayerFunction(layer) for layer in _layers(network)]
    expected = sum(f.num_weights for f in functions), sum(f.num_statistics for f in functions)
    if sizes != expected:
      raise ValueError(
        f"expected the network of the path, with {sizes} weights and statistics, but the network of another architecture has"
        f" {expected}"
      )
    assign_in_turn(functions, weights, statistics)

  def _add_stem(self, blueprint: Blueprint, seed: int) -> tuple[Unit, tuple[Feature, Feature]]:
    """Adds the stem; returns its unit and the features that the first cell reads."""
    shape = (None, *self.image_shape)
    stem = STEMS[self.config.stem](self.config.filters, self.config.facts, seed)
    unit = blueprint.add_layer(stem, shape)
    outputs = stem.compute_output_shape(shape)
    first, second = (Feature(height, width, channels, None) for _, height, width, channels in outputs)
    return unit, (first, second)

  def _add_cells(
    self, blueprint: Blueprint, inputs: tuple[Feature, Feature], library: OperationLibrary, seed: int
  ) -> list[SharedCell]:
    """Adds all cells; the plan says which features each reads."""
    plans, cells, features = plan_cells(self.config), [], list(inputs)
    for plan, key in zip(plans, derive_seeds(seed, len(plans))):
      previous, current = plan.inputs_among(features)
      cells.append(SharedCell(plan, (previous, current), blueprint, library, key))
      features.append(cells[-1].output)
    return cells


class PathNetwork:
  """The network of one architecture: called as an `ImageNetwork` is, and usable where one is trained or scored.

  Attributes:
    config: what it is apart from its architecture.
    auxiliary_head: None if it has none.
  """

  def __init__(self, supernet: ImageSupernet, choices: CellChoices, weights: UnitWeights) -> None:
    """Puts the network together.

    Args:
      supernet: it is one of its networks.
      choices: choices of the architecture.
      weights: weights of the architecture.
    """
    self._supernet, self._choices, self._weights = supernet, choices, weights
    self.config, self.auxiliary_head = supernet.config, supernet.auxiliary_head

  @property
  def statistics(self) -> tf.Tensor:
    """Statistics of batch normalization, `[S]`. A call for training moves them by the share `1 - NORM_MOMENTUM`."""
    return tf.concat(self._weights.statistics, 0)

  def __call__(
    self, images: tf.Tensor, training: bool = False, step: tf.Tensor | None = None
  ) -> tf.Tensor | dict[str, tf.Tensor]:
    """Maps images [B, H, W, C] to logits [B, num_classes], in training with those of the auxiliary head.

    Args:
      images: the images.
      training: whether batch normalization takes the statistics of the batch.
      step: number of the training step, which drop-path and dropout are functions of; None drops nothing.

    Returns:
      As `ImageNetwork.call`.
    """
    supernet, weights, drawing = self._supernet, self._weights, training and step is not None
    states = list(weights.call(supernet.stem, images, training=training))
    for index, (plan, cell) in enumerate(zip(plan_cells(self.config), supernet.cells)):
      masks = supernet.draws.masks(index, cell.num_branches, tf.shape(images)[0], step) if drawing else None
      states.append(cell.call(plan.inputs_among(states), CellCall(self._choices, weights, masks, training)))
    dropout_seed = supernet.draws.dropout_seed(step) if drawing else None
    logits = weights.call(supernet.head, states[-1], dropout_seed=dropout_seed)
    if not training or self.auxiliary_head is None:
      return logits
    auxiliary = weights.call(self.auxiliary_head, states[2 + supernet.auxiliary_cell], training=True)
    return {"logits": logits, "auxiliary": auxiliary}


def batch_statistics(moved: tf.Tensor) -> tf.Tensor:
  """Returns the statistics of a batch, given what one call for training has made of statistics of zero."""
  return moved / (1.0 - NORM_MOMENTUM)


def _layers(network: ImageNetwork) -> Iterator[keras.layers.Layer]:
  """Yields the layers of a separate network in the order of the units of the bank."""
  classifier = network.classifier
  yield classifier.stem
  for cell in classifier.cells:
    yield from (*cell.calibrations, *cell.operations, *cell.tails)
  yield classifier.head
  if network.auxiliary_head is not None:
    yield network.auxiliary_head
