"""Cells with one operation per edge, and the residual block between their stages.

Source: Dong and Yang, "NAS-Bench-201", ICLR 2020, section 2.1. The network consists of a stem, N cells, a residual
block with stride 2, N cells, another block, N cells, batch normalization, ReLU, global pooling and the classifier.
Cells preserve resolution and channels.
"""

from collections.abc import Callable, Sequence

import tensorflow as tf
from tensorflow import keras

from nao_tf.networks.conventions import Convention, derive_seeds, kernel_initializer
from nao_tf.networks.edge_convention import LAYER_NAMES
from nao_tf.networks.image_network_config import CellPlan
from nao_tf.networks.layers import ConvNorm, ImageShape, Norm, strided_shape, track_each
from nao_tf.networks.operations import OPERATIONS, is_dropped
from nao_tf.networks.weight_sources import OWN_WEIGHTS, WeightSource
from nao_tf.spaces.edge_genotypes import EdgeGenotype


class EdgeCell(keras.layers.Layer):
  """A cell whose nodes are sums of their edges: maps [B, H, W, filters] to the same shape.

  Args:
    genotype: its edges.
    filters: channels of all nodes.
    convention: what its operations are like.
    seed: random seed of its weights.
    name: name of the layer.

  Attributes:
    operations: the layer of each edge.
  """

  def __init__(
    self, genotype: EdgeGenotype, filters: int, convention: Convention, seed: int, *, name: str | None = None
  ) -> None:
    super().__init__(name=name)
    self.genotype, self.convention = genotype, convention
    self.branches = [LAYER_NAMES[operation] for _, _, operation in genotype.edges]
    keys = derive_seeds(seed, len(self.branches))
    self.operations = [OPERATIONS[name](filters, 1, convention, key) for name, key in zip(self.branches, keys)]
    track_each(self, "operations", self.operations)

  def build(self, input_shape: ImageShape) -> None:
    """Creates the weights for [B, H, W, filters]."""
    for layer in self.operations:
      layer.build(input_shape)
    self.built = True

  def call(
    self,
    inputs: tf.Tensor,
    training: bool | None = None,
    weights: WeightSource = OWN_WEIGHTS,
    masks: tf.Tensor | None = None,
  ) -> tf.Tensor:
    """Computes the last node.

    Args:
      inputs: [B, H, W, filters].
      training: whether batch normalization takes the statistics of the batch.
      weights: where the weights come from.
      masks: the factors of drop-path [edges, B, 1, 1, 1], or None.
    """

    def along(edge: int, state: tf.Tensor) -> tf.Tensor:
      term = self.operations[edge](state, training=training, weights=weights)
      if masks is not None and is_dropped(self.branches[edge], 1, self.convention):
        return term * masks[edge]
      return term

    return last_node(inputs, [(node, source) for node, source, _ in self.genotype.edges], along)

  def compute_output_shape(self, input_shape: ImageShape) -> ImageShape:
    """Returns the shape of the input."""
    return input_shape


def last_node(
  inputs: tf.Tensor, edges: Sequence[tuple[int, int]], along: Callable[[int, tf.Tensor], tf.Tensor]
) -> tf.Tensor:
  """Returns the last node of a cell in which each node is the sum of its incoming edges.

  Args:
    inputs: the first node, number 0.
    edges: (node, source) of each edge, ordered by node.
    along: computes an edge from its number and the tensor of its source.
  """
  states, terms = [inputs], list[tf.Tensor]()
  for number, (node, source) in enumerate(edges):
    if node > len(states):
      states.append(tf.add_n(terms))
      terms = []
    terms.append(along(number, states[source]))
  return tf.add_n(terms)


class ResidualReduction(keras.layers.Layer):
  """Two 3x3 convolutions, the first with stride 2, added to an average pool of 2x2 with a 1x1 convolution.

  Args:
    filters: output channels.
    convention: how its layers are put together.
    seed: random seed of its weights.
    name: name of the layer.
  """

  branches = ()

  def __init__(self, filters: int, convention: Convention, seed: int, *, name: str | None = None) -> None:
    super().__init__(name=name)
    self.filters, self.convention = filters, convention
    first, second, self._shortcut_seed = derive_seeds(seed, 3)
    self.first = ConvNorm(filters, 2, convention, first, size=(3, 3), name="first")
    self.second = ConvNorm(filters, 1, convention, second, size=(3, 3), name="second")

  def build(self, input_shape: ImageShape) -> None:
    """Creates the weights for [B, H, W, C]."""
    self.kernel = self.add_weight(
      name="shortcut",
      shape=(1, 1, input_shape[-1], self.filters),
      initializer=kernel_initializer(self.convention, self._shortcut_seed),
    )
    self.first.build(input_shape)
    self.second.build(self.compute_output_shape(input_shape))
    self.built = True

  def call(
    self,
    inputs: tf.Tensor,
    training: bool | None = None,
    weights: WeightSource = OWN_WEIGHTS,
    masks: tf.Tensor | None = None,
  ) -> tf.Tensor:
    """Maps [B, H, W, C] to [B, ceil(H / 2), ceil(W / 2), filters]; drop-path does not act on it."""
    del masks
    outputs = self.second(self.first(inputs, training=training, weights=weights), training=training, weights=weights)
    pooled = tf.nn.avg_pool2d(inputs, 2, 2, "SAME")
    return outputs + tf.nn.conv2d(pooled, tf.cast(weights.read(self.kernel), inputs.dtype), 1, "SAME")

  def compute_output_shape(self, input_shape: ImageShape) -> ImageShape:
    """Returns [B, ceil(H / 2), ceil(W / 2), filters]."""
    return strided_shape(input_shape, (2, 2), self.filters)


class StackedEdgeCell(keras.layers.Layer):
  """A cell or a residual block in the stack of an image network, which reads the output of the one before.

  Args:
    body: the cell or the block.
    convention: convention of the network.
    normed: whether a norm comes after it, as after the last cell.
    name: name of the layer.
  """

  def __init__(
    self,
    body: EdgeCell | ResidualReduction,
    convention: Convention,
    *,
    normed: bool = False,
    name: str | None = None,
  ) -> None:
    super().__init__(name=name)
    self.body, self.norm = body, Norm(convention) if normed else None

  @property
  def branches(self) -> Sequence[str]:
    """The operations of the edges, which drop-path acts on."""
    return self.body.branches

  @property
  def unit_layers(self) -> list[keras.layers.Layer]:
    """The layers in the order of the units of a supernet."""
    parts = list(self.body.operations) if isinstance(self.body, EdgeCell) else [self.body]
    return parts if self.norm is None else [*parts, self.norm]

  def build(self, input_shape: Sequence[ImageShape]) -> None:
    """Creates the weights, given the shapes of the outputs of the two cells before; only the second is read."""
    self.body.build(input_shape[1])
    if self.norm is not None:
      self.norm.build(self.body.compute_output_shape(input_shape[1]))
    self.built = True

  def call(
    self, inputs: Sequence[tf.Tensor], training: bool | None = None, masks: tf.Tensor | None = None
  ) -> tf.Tensor:
    """Computes the cell; of the outputs of the two cells before, only the second is read."""
    outputs = self.body(inputs[1], training=training, masks=masks)
    return outputs if self.norm is None else self.norm(outputs, training=training)

  def compute_output_shape(self, input_shape: Sequence[ImageShape]) -> ImageShape:
    """Returns the shape of the output of the cell or the block."""
    return self.body.compute_output_shape(input_shape[1])


def stacked_edge_cell(
  genotype: EdgeGenotype, plan: CellPlan, convention: Convention, seed: int, *, is_last: bool
) -> StackedEdgeCell:
  """Returns the layer at a position in the stack: a cell, or the residual block instead of a reduction cell.

  Args:
    genotype: the edges of the cell.
    plan: the place.
    convention: convention of the network.
    seed: random seed of its weights.
    is_last: whether it is the last place.
  """
  body = (
    ResidualReduction(plan.filters, convention, seed, name="body")
    if plan.reduction
    else EdgeCell(genotype, plan.filters, convention, seed, name="body")
  )
  return StackedEdgeCell(body, convention, normed=is_last, name=f"cell_{plan.index}")
