"""The relaxed cell: each node adds mixtures of all operations on all earlier states (Liu et al., ICLR 2019, section 2.2)."""

from collections.abc import Sequence

import tensorflow as tf
from tensorflow import keras

from nao_tf.networks.cell import calibration_layers
from nao_tf.networks.conventions import Convention, derive_seeds
from nao_tf.networks.image_network_config import CellPlan
from nao_tf.networks.layers import Chain, ImageShape, strided_shape, track_each
from nao_tf.networks.weight_sources import OWN_WEIGHTS, WeightSource
from nao_tf.spaces.genotypes import NUM_CELL_INPUTS
from nao_tf.supernets.relaxed.mixed_operations import MixedOperation, MixtureGraphs


class RelaxedCell(keras.layers.Layer):
  """A cell whose edges are mixtures. Its output has all nodes.

  Args:
    operations: names of the operations.
    num_nodes: computed nodes.
    plan: its place in the network.
    convention: how it is calibrated and what its operations are like.
    seed: random seed of its weights.
    graphs: graphs of the network; None for graphs of its own.
    name: name of the layer.
  """

  def __init__(
    self,
    operations: Sequence[str],
    num_nodes: int,
    plan: CellPlan,
    convention: Convention,
    seed: int,
    *,
    graphs: MixtureGraphs | None = None,
    name: str | None = None,
  ) -> None:
    super().__init__(name=name, autocast=False)  # Mixtures stay in single precision.
    self.operations, self.num_nodes, self.plan = tuple(operations), num_nodes, plan
    self.convention, self.seed, self._graphs = convention, seed, graphs or MixtureGraphs()

  def build(self, input_shape: Sequence[ImageShape]) -> None:
    """Creates the weights, given the shapes of the outputs of cell k-2 and cell k-1."""
    previous, current = input_shape
    filters = self.plan.filters
    calibration_seed, edge_seed = derive_seeds(self.seed, 2)
    layers = calibration_layers(
      previous, current, filters, self.convention, calibration_seed, raw_previous=self.plan.raw_previous
    )
    self.calibrations = [Chain(chain) for chain in layers]
    track_each(self, "calibrations", self.calibrations)
    shapes = []
    for layer, shape in zip(self.calibrations, (previous, current)):
      layer.build(shape)
      shapes.append(layer.compute_output_shape(shape))
    shapes += [strided_shape(current, self._strides, filters)] * self.num_nodes
    sources = [source for node in range(self.num_nodes) for source in range(NUM_CELL_INPUTS + node)]
    self.edges = [self._edge(source, key) for source, key in zip(sources, derive_seeds(edge_seed, len(sources)))]
    track_each(self, "edges", self.edges)
    for source, edge in zip(sources, self.edges):
      edge.build(shapes[source])
    self.built = True

  def call(
    self,
    inputs: Sequence[tf.Tensor],
    mixture: tf.Tensor,
    training: bool | None = None,
    weights: WeightSource = OWN_WEIGHTS,
  ) -> tf.Tensor:
    """Computes the cell.

    Args:
      inputs: the outputs of cell k-2 [B, H0, W0, C0] and cell k-1 [B, H, W, C1].
      mixture: weights of the operations on each edge, `[edges, operations]`.
      training: whether batch normalization takes the statistics of the batch.
      weights: where the weights come from.

    Returns:
      [B, H / stride, W / stride, nodes * filters].
    """
    states = [layer(x, training=training, weights=weights) for layer, x in zip(self.calibrations, inputs)]
    mixtures = iter(zip(self.edges, tf.unstack(mixture)))
    for _ in range(self.num_nodes):
      readers = [(state, *next(mixtures)) for state in states]
      states.append(
        tf.add_n([edge(state, share, training=training, weights=weights) for state, edge, share in readers])
      )
    return tf.concat(states[NUM_CELL_INPUTS:], -1)

  def compute_output_shape(self, input_shape: Sequence[ImageShape]) -> ImageShape:
    """Returns [B, H / stride, W / stride, nodes * filters]."""
    return strided_shape(input_shape[1], self._strides, self.plan.filters * self.num_nodes)

  @property
  def _strides(self) -> tuple[int, int]:
    return (2, 2) if self.plan.reduction else (1, 1)

  def _edge(self, source: int, seed: int) -> MixedOperation:
    stride = 2 if self.plan.reduction and source < NUM_CELL_INPUTS else 1
    return MixedOperation(self.operations, self.plan.filters, stride, self.convention, seed, graphs=self._graphs)
