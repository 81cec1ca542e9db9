"""What a relaxed trainer needs from a search space: a network, and architectures derived from its parameters."""

import abc
from collections.abc import Mapping
from typing import Any

import numpy as np
from tensorflow import keras

from nao_tf.networks.image_network import ImageNetworkConfig
from nao_tf.runs.shares import Shares
from nao_tf.spaces.base import SearchSpace
from nao_tf.spaces.genotypes import CellGenotype
from nao_tf.spaces.nasbench201 import OPERATIONS, Nasbench201Space
from nao_tf.spaces.nasnet import NasnetSpace
from nao_tf.spaces.operation_names import ZERO
from nao_tf.supernets.relaxed import mixtures, relaxed_edges
from nao_tf.supernets.relaxed.expected_costs import CellCosts, cell_costs
from nao_tf.supernets.relaxed.relaxed_network import RelaxedImageNetwork
from nao_tf.trial import Architecture


class Relaxation(abc.ABC):
  """A space whose architectures are mixtures of operations.

  Attributes:
    shape: shape of the architecture parameters; the last axis is that of the operations.
  """

  shape: tuple[int, ...]

  @abc.abstractmethod
  def network(
    self, config: ImageNetworkConfig, *, num_classes: int, image_shape: tuple[int, int, int], seed: int
  ) -> keras.Model:
    """Returns the relaxed network, called with images and mixtures; see `RelaxedImageNetwork`."""

  @abc.abstractmethod
  def derive(self, strengths: np.ndarray) -> Any:
    """Returns the genotype derived from architecture parameters."""

  @abc.abstractmethod
  def architecture(self, strengths: np.ndarray) -> Architecture:
    """Returns the architecture derived from architecture parameters."""

  @abc.abstractmethod
  def shares(self, strengths: np.ndarray) -> list[Shares]:
    """Returns the softmax of the architecture parameters of each edge."""

  @abc.abstractmethod
  def identities(self, genotype: Any) -> Mapping[str, int]:
    """Returns how many identities a genotype has: `normal_identities` in its normal cell, and others, if there are any."""

  @abc.abstractmethod
  def cell_costs(self, network: Any, *, cost: str) -> list[CellCosts]:
    """Returns what the operations of each cell of the network cost, in "parameters" or "multiply_adds"."""


class CellRelaxation(Relaxation):
  """A space of a normal and a reduction cell whose output has all nodes.

  An edge may also be absent while the network is trained, as in DARTS. In the cells that are derived it may be if the
  space has the operation "zero", as that of SNAS does.
  """

  def __init__(self, space: NasnetSpace) -> None:
    """Initializes with the space."""
    self._space, self._num_nodes = space, space.num_nodes
    names = tuple(operation.name for operation in space.operations)
    self._may_be_absent = ZERO in names
    self._operations = names if self._may_be_absent else (ZERO, *names)
    self.shape = 2, mixtures.num_edges(space.num_nodes), len(self._operations)

  def network(
    self, config: ImageNetworkConfig, *, num_classes: int, image_shape: tuple[int, int, int], seed: int
  ) -> RelaxedImageNetwork:
    """Returns the relaxed network; see `Relaxation.network`."""
    return RelaxedImageNetwork(
      self._operations,
      config,
      num_nodes=self._num_nodes,
      num_classes=num_classes,
      image_shape=image_shape,
      seed=seed,
    )

  def derive(self, strengths: np.ndarray) -> CellGenotype:
    """Returns the cells; see `nao_tf.supernets.relaxed.mixtures.derive`."""
    return mixtures.derive(strengths, self._operations, self._num_nodes, may_be_absent=self._may_be_absent)

  def architecture(self, strengths: np.ndarray) -> Architecture:
    """Returns the architecture; see `Relaxation.architecture`."""
    return self._space.encode(self.derive(strengths))

  def shares(self, strengths: np.ndarray) -> list[Shares]:
    """Returns the softmax of the architecture parameters; see `Relaxation.shares`."""
    return mixtures.shares(strengths, self._operations, self._num_nodes)

  def identities(self, genotype: CellGenotype) -> dict[str, int]:
    """Returns `normal_identities` and `reduction_identities`; see `Relaxation.identities`."""
    normal, reduction = mixtures.count_identities(genotype)
    return {"normal_identities": normal, "reduction_identities": reduction}

  def cell_costs(self, network: RelaxedImageNetwork, *, cost: str) -> list[CellCosts]:
    """Returns the costs; see `Relaxation.cell_costs`."""
    return cell_costs(
      network.plans, network.input_shapes, self._operations, self._num_nodes, network.config.facts, cost=cost
    )


class EdgeRelaxation(Relaxation):
  """The space of NAS-Bench-201."""

  shape = 1, len(relaxed_edges.EDGES), len(OPERATIONS)

  def network(
    self, config: ImageNetworkConfig, *, num_classes: int, image_shape: tuple[int, int, int], seed: int
  ) -> relaxed_edges.RelaxedEdgeNetwork:
    """Returns the relaxed network; see `Relaxation.network`."""
    return relaxed_edges.RelaxedEdgeNetwork(config, num_classes=num_classes, image_shape=image_shape, seed=seed)

  def derive(self, strengths: np.ndarray) -> relaxed_edges.EdgeGenotype:
    """Returns the cell; see `nao_tf.supernets.relaxed.relaxed_edges.derive_edges`."""
    return relaxed_edges.derive_edges(strengths)

  def architecture(self, strengths: np.ndarray) -> Architecture:
    """Returns the architecture; see `Relaxation.architecture`."""
    return tuple(np.argmax(strengths[0], -1).tolist())

  def shares(self, strengths: np.ndarray) -> list[Shares]:
    """Returns the softmax of the architecture parameters; see `Relaxation.shares`."""
    return relaxed_edges.edge_shares(strengths)

  def identities(self, genotype: relaxed_edges.EdgeGenotype) -> dict[str, int]:
    """Returns `normal_identities`, the number of skip connections."""
    return {"normal_identities": relaxed_edges.count_skips(genotype)}

  def cell_costs(self, network: relaxed_edges.RelaxedEdgeNetwork, *, cost: str) -> list[CellCosts]:
    """Returns the costs; see `Relaxation.cell_costs`."""
    return relaxed_edges.edge_costs(network.plans, network.input_shapes, network.config.facts, cost=cost)


def relaxation_of(space: SearchSpace) -> Relaxation:
  """Returns the relaxation of a space.

  Raises:
    ValueError: if there is none.
  """
  if isinstance(space, Nasbench201Space):
    return EdgeRelaxation()
  if isinstance(space, NasnetSpace) and space.concatenates_nodes:
    return CellRelaxation(space)
  raise ValueError(
    f"{space.name}: a search by gradients needs cells whose output has all nodes, such as those of darts, or those of"
    " nasbench201"
  )
