"""Cells of hierarchical motifs (Liu et al., "Hierarchical Representations for Efficient Architecture Search", 2018).

A cell reads the output of the cell before it. Between two cells is a separable convolution, with stride 2 where the
resolution is halved. So all nodes of a cell have `filters` channels and the same resolution. A node with several
incoming edges concatenates their outputs and projects them back to `filters` channels by a 1x1 convolution, batch
normalization and ReLU. A motif has separate weights in each position.
"""

from collections.abc import Mapping, Sequence

import tensorflow as tf
from tensorflow import keras

from nao_tf.networks.conventions import Convention, derive_seeds
from nao_tf.networks.layers import Chain, ImageShape, track_each
from nao_tf.networks.motif_operations import PRIMITIVES, Rectifier, pointwise, separable
from nao_tf.networks.weight_sources import OWN_WEIGHTS, WeightSource
from nao_tf.spaces.motif_genotypes import Motif, MotifEdge, MotifGenotype


class MotifLayer(keras.layers.Layer):
  """A motif in one place: maps [B, H, W, filters] to the same shape.

  Args:
    motif: its graph.
    levels: the motifs of the levels below by name, the highest level first; empty if the operations are primitive ones.
    filters: channels of all nodes.
    convention: how its layers are put together.
    seed: random seed of its weights.
    name: name of the layer.

  Attributes:
    operations: the layer of each edge.
    merges: for each node that several edges lead to, the layer after the concatenation.
  """

  def __init__(
    self,
    motif: Motif,
    levels: Sequence[Mapping[str, Motif]],
    filters: int,
    convention: Convention,
    seed: int,
    *,
    name: str | None = None,
  ) -> None:
    super().__init__(name=name)
    self.motif, self.filters = motif, filters
    edge_seed, merge_seed = derive_seeds(seed, 2)

    def make(edge: MotifEdge, key: int) -> keras.layers.Layer:
      if not levels:
        return PRIMITIVES[edge.operation](filters, convention, key)
      return MotifLayer(levels[0][edge.operation], levels[1:], filters, convention, key)

    self.operations = [make(edge, key) for edge, key in zip(motif.edges, derive_seeds(edge_seed, len(motif.edges)))]
    track_each(self, "operations", self.operations)
    merged = [node for node in motif.live_nodes if len(motif.into(node)) > 1]
    layers = [pointwise(filters, convention, key) for key in derive_seeds(merge_seed, len(merged))]
    self.merges = dict(zip(merged, layers))
    track_each(self, "merge", layers)

  def build(self, input_shape: ImageShape) -> None:
    """Creates the weights for [B, H, W, filters]."""
    for layer in self.operations:
      layer.build(input_shape)
    for node, layer in self.merges.items():
      layer.build((*input_shape[:3], self.filters * len(self.motif.into(node))))
    self.built = True

  def call(
    self,
    inputs: tf.Tensor,
    training: bool | None = None,
    weights: WeightSource = OWN_WEIGHTS,
    masks: Mapping[str, tf.Tensor] | None = None,
  ) -> tf.Tensor:
    """Computes the motif.

    Args:
      inputs: [B, H, W, filters].
      training: whether batch normalization takes the statistics of the batch.
      weights: where the weights come from.
      masks: factors of what edges give, by the number of the edge as a text; None if there are none.
    """
    factors, states = masks or {}, {0: inputs}
    terms: dict[int, list[tf.Tensor]] = {}
    for number, (edge, layer) in enumerate(zip(self.motif.edges, self.operations)):
      if edge.source not in states:
        states[edge.source] = self._merge(edge.source, terms[edge.source], training, weights)
      term = layer(states[edge.source], training=training, weights=weights)
      terms.setdefault(edge.node, []).append(term * factors[str(number)] if str(number) in factors else term)
    last = self.motif.live_nodes[-1]
    return self._merge(last, terms[last], training, weights)

  def _merge(self, node: int, terms: list[tf.Tensor], training: bool | None, weights: WeightSource) -> tf.Tensor:
    """Returns the state of a node, given what its edges give."""
    if node not in self.merges:
      return terms[0]
    return self.merges[node](tf.concat(terms, -1), training=training, weights=weights)

  def compute_output_shape(self, input_shape: ImageShape) -> ImageShape:
    """Returns [B, H, W, filters]."""
    batch, height, width, _ = input_shape
    return batch, height, width, self.filters


class MotifCell(keras.layers.Layer):
  """A cell of a genotype of motifs as a layer, in place of a `nao_tf.networks.cell.Cell`.

  Args:
    genotype: its motifs.
    filters: channels of every node.
    convention: how its layers are put together.
    seed: random seed of its weights.
    reduction: whether it halves the resolution.
    first: whether it is the first cell of the network.
    name: name of the layer.

  Raises:
    ValueError: if an operation is unknown.
  """

  def __init__(
    self,
    genotype: MotifGenotype,
    filters: int,
    convention: Convention,
    seed: int,
    *,
    reduction: bool = False,
    first: bool = False,
    name: str | None = None,
  ) -> None:
    super().__init__(name=name)
    self.genotype, self.filters, self.convention = genotype, filters, convention
    self.stride, self.first = 2 if reduction else 1, first
    check_primitives(genotype)
    levels = [{motif.name: motif for motif in level} for level in reversed(genotype.levels[:-1])]
    self._entry_seed, seed = derive_seeds(seed, 2)
    self.body = MotifLayer(genotype.cell, levels, filters, convention, seed)

  @property
  def branches(self) -> tuple[MotifEdge, ...]:
    """The edges of the highest level, which drop-path acts on."""
    return self.genotype.cell.edges

  def build(self, input_shape: Sequence[ImageShape]) -> None:
    """Creates the weights.

    Args:
      input_shape: the shapes of the outputs of the two cells before; only the second is read.
    """
    self.entry = Chain(self._entry_layers(input_shape[1]))
    self.entry.build(input_shape[1])
    self.body.build(self.entry.compute_output_shape(input_shape[1]))
    self.built = True

  def call(
    self, inputs: Sequence[tf.Tensor], training: bool | None = None, masks: tf.Tensor | None = None
  ) -> tf.Tensor:
    """Computes the cell.

    Args:
      inputs: the outputs of the two cells before; only that of cell k-1 [B, H, W, C] is read.
      training: whether batch normalization takes the statistics of the batch.
      masks: the factors of drop-path [num_branches, B, 1, 1, 1], or None.

    Returns:
      [B, H / stride, W / stride, filters].
    """
    factors = {}
    if masks is not None:
      factors = {str(i): masks[i] for i, edge in enumerate(self.branches) if self.is_dropped(edge)}
    return self.body(self.entry(inputs[1], training=training), training=training, masks=factors)

  def compute_output_shape(self, input_shape: Sequence[ImageShape]) -> ImageShape:
    """Returns [B, H / stride, W / stride, filters]."""
    batch, height, width, _ = input_shape[1]
    return batch, -(-height // self.stride), -(-width // self.stride), self.filters

  def is_dropped(self, edge: MotifEdge) -> bool:
    """Returns whether drop-path acts on an edge: where others lead to the same node, too."""
    is_identity = edge.operation == "identity" and not self.convention.drop_identity
    return len(self.genotype.cell.into(edge.node)) > 1 and not is_identity

  def _entry_layers(self, shape: ImageShape) -> list[keras.layers.Layer]:
    activation = [Rectifier()] if self.first else []  # A stem ends with a norm.
    if self.first and self.stride == 1 and shape[-1] == self.filters:
      return activation
    return [*activation, *separable(self.filters, self.convention, self._entry_seed, stride=self.stride).chained]


def check_primitives(genotype: MotifGenotype) -> None:
  """Checks the operations of a genotype.

  Raises:
    ValueError: if one is unknown.
  """
  for name in genotype.primitives:
    if name not in PRIMITIVES:
      raise ValueError(f"unknown operation {name!r} in a motif; known are {', '.join(PRIMITIVES)}")
