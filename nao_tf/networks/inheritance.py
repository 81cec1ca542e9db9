"""Weight inheritance: initializes the network of a child from that of its parent by network morphisms.

Both are networks of plain layers; see `nao_tf.networks.layered_network`. At inference, the child then computes the same
as its parent.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from tensorflow import keras

from nao_tf.networks.graph_morphisms import deepened, with_concatenation, with_sum
from nao_tf.networks.layer_graph import LayerGraph, LayerNode, new_node
from nao_tf.networks.layered_network import LayeredNetwork, layer_of
from nao_tf.networks.layered_plan import (
  FEATURES,
  INPUT,
  LOGITS,
  PlannedLayer,
  layer_prefix,
  planned_layers,
  stage_pool,
)
from nao_tf.networks.morphisms import calibrated
from nao_tf.networks.widening import widened
from nao_tf.spaces.layered_genotypes import ADD, LayeredGenotype, Skip
from nao_tf.spaces.layered_moves import MorphPlan

Weights = Mapping[str, Sequence[np.ndarray]]
"""The weights of each layer, by its name, in the order of `get_weights`."""


def weights_of(network: LayeredNetwork) -> dict[str, list[np.ndarray]]:
  """Returns the weights of a network, those of its classifier."""
  return {layer.name: layer.get_weights() for layer in network.classifier.layers if layer.weights}


def inherit(
  network: LayeredNetwork,
  plan: MorphPlan,
  weights: Weights,
  examples: np.ndarray,
  *,
  seed: int,
) -> None:
  """Initializes the network of a child with the weights of its parent.

  Args:
    network: network of the child.
    plan: how the parent becomes the child.
    weights: weights of the parent.
    examples: inputs `[B, H, W, C]` that new batch norms are calibrated with.
    seed: random seed of the copies that wider layers get.

  Raises:
    ValueError: if the weights are not those of such a parent.
  """
  graph, child = _parent_graph(network, plan, weights), plan.child
  for number in plan.inserted:
    graph = _deeper(graph, child, number)
  for number in plan.widened:
    width = network.config.filters * child.widths[number]
    graph = widened(graph, _weighted(child, number), width, np.random.default_rng([seed, number]))
  for skip in plan.skips:
    graph = _with_skip(graph, child, skip)
  for layer in network.classifier.layers:
    if layer.weights:
      layer.set_weights(list(graph[layer.name].weights))
  norms = [f"{layer_prefix(number)}-norm" for number in plan.inserted if _is_convolution(child, number)]
  calibrated(network.classifier, norms, examples)


def _parent_graph(network: LayeredNetwork, plan: MorphPlan, weights: Weights) -> LayerGraph:
  """Returns the network of the parent, whose layers have the names that they have in the child."""
  own, renamed = (
    planned_layers(plan.parent, network.config.filters, network.image_shape, network.num_classes, numbers=numbers)
    for numbers in (None, plan.places)
  )
  image = LayerNode(INPUT, keras.layers.InputLayer, {"dtype": "float32"}, (), (), network.image_shape)
  nodes = [_node(layer, named, weights.get(layer.name, ())) for layer, named in zip(own, renamed)]
  return LayerGraph("parent", {node.name: node for node in [image, *nodes]}, (INPUT,), (LOGITS,))


def _node(layer: PlannedLayer, named: PlannedLayer, weights: Sequence[np.ndarray]) -> LayerNode:
  """Returns a layer of the parent under its name in the child."""
  shapes = [tuple(np.shape(weight)) for weight in weights]
  if shapes != layer.weight_shapes:
    raise ValueError(f"layer {layer.name!r}: expected weights of the shapes {layer.weight_shapes}, got {shapes}")
  layer_class, options = layer_of(named)
  return new_node(layer_class, named.inputs, weights, named.shape, name=named.name, **options)


def _deeper(graph: LayerGraph, child: LayeredGenotype, number: int) -> LayerGraph:
  """Returns a graph with a layer of the child that the parent has not; see `nao_tf.spaces.layered_moves.inserted`."""
  section, previous = child.sections[number], child.sections[number - 1]
  if section == previous:
    after = f"{layer_prefix(number - 1)}-relu"
  else:
    after = stage_pool(previous) if section < len(child.stages) else FEATURES
  kernel_size = child.convolutions[number].kernel_size if _is_convolution(child, number) else 1
  return deepened(graph, after, kernel_size, layer_prefix(number))


def _with_skip(graph: LayerGraph, child: LayeredGenotype, skip: Skip) -> LayerGraph:
  start, prefix = f"{layer_prefix(skip.source)}-relu", f"{layer_prefix(skip.target)}-skip"
  weighted = _weighted(child, skip.target)
  if skip.kind != ADD:
    return with_concatenation(graph, start, weighted, prefix)
  is_convolution = _is_convolution(child, skip.target)
  return with_sum(graph, start, f"{layer_prefix(skip.target)}-norm" if is_convolution else weighted, prefix)


def _weighted(genotype: LayeredGenotype, number: int) -> str:
  """Returns the name of the convolution or of the dense layer with a number."""
  return f"{layer_prefix(number)}-{'conv' if _is_convolution(genotype, number) else 'dense'}"


def _is_convolution(genotype: LayeredGenotype, number: int) -> bool:
  return number < len(genotype.convolutions)
