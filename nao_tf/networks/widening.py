"""Widens a layer of a graph, with everything downstream that reads it (Chen et al., "Net2Net", section 2.4).

A mapping from each channel of the wider model to the index of the old channel that it copies is propagated downstream
from the widened layer, through layers that process channels separately, concatenations and flattened maps, to the
layers that mix channels. There, the weights of an old channel are divided among its copies.
"""

from collections.abc import Mapping

import numpy as np
from tensorflow import keras

from nao_tf.networks.layer_graph import LayerGraph, LayerNode

_OWNERS = (keras.layers.Conv2D, keras.layers.Dense)
_MERGES = (
  keras.layers.Add,
  keras.layers.Average,
  keras.layers.Maximum,
  keras.layers.Minimum,
  keras.layers.Multiply,
  keras.layers.Subtract,
)
"""Layers that join channels of equal number."""
_BY_CHANNEL = (
  keras.layers.Activation,
  keras.layers.AveragePooling2D,
  keras.layers.BatchNormalization,
  keras.layers.Cropping2D,
  keras.layers.Dropout,
  keras.layers.ELU,
  keras.layers.GlobalAveragePooling2D,
  keras.layers.GlobalMaxPooling2D,
  keras.layers.Identity,
  keras.layers.LeakyReLU,
  keras.layers.MaxPooling2D,
  keras.layers.PReLU,
  keras.layers.ReLU,
  keras.layers.Rescaling,
  keras.layers.SpatialDropout2D,
  keras.layers.UpSampling2D,
  keras.layers.ZeroPadding2D,
)
"""Layers that treat each channel by itself, and have as many as their input."""
_MIXING_ACTIVATIONS = ("softmax", "log_softmax", "sparsemax", "glu")
_LOW, _HIGH = 0.5, 1.5
"""The parts of copies are in proportion to random numbers between these."""


def widened(graph: LayerGraph, name: str, width: int, rng: np.random.Generator) -> LayerGraph:
  """Returns a graph in which a layer has more filters or units; see `nao_tf.networks.morphisms.wider`.

  Args:
    graph: graph of a model.
    name: name of a Conv2D or Dense layer.
    width: its new number of filters or units.
    rng: chooses copies, and the parts of what they do.

  Raises:
    ValueError: if that is not possible; the message says why.
  """
  node = graph[name]
  if not node.is_a(*_OWNERS):
    raise ValueError(f"layer {name!r}: expected a Conv2D or Dense layer, got a {node.layer_class.__name__}")
  old = _width(node)
  if width <= old:
    raise ValueError(f"layer {name!r}: expected more than its {old} channels, got {width}")
  copies = np.concatenate([np.arange(old), rng.integers(old, size=width - old)])
  widening = _Widening(graph, _together(graph, name), copies, rng)
  return graph.with_nodes([widening.changed(node) for node in graph.nodes.values()])


class _Widening:
  """The change of every layer of a graph."""

  def __init__(self, graph: LayerGraph, owners: set[str], copies: np.ndarray, rng: np.random.Generator):
    """Finds the mapping of the output of every layer.

    Args:
      graph: the graph.
      owners: names of the layers that become wider.
      copies: the mapping of their outputs.
      rng: divides weights among copies.
    """
    self._owners, self._copies, self._rng = owners, copies, rng
    self._mappings: dict[str, np.ndarray | None] = {}
    for node in graph.nodes.values():
      self._mappings[node.name] = self._mapping(graph, node)
    wide = [name for name in graph.outputs if self._mappings[name] is not None]
    if wide:
      raise ValueError(f"layer {wide[0]!r} is an output of the model, which must not become wider")

  def changed(self, node: LayerNode) -> LayerNode:
    """Returns a layer for the wider model."""
    mappings = [self._mappings[name] for name in node.inputs]
    if node.inputs and mappings[0] is not None:
      node = self._reading(node, mappings[0])
    if node.name in self._owners:
      node = self._grown(node)
    mapping = self._mappings[node.name]
    return node if mapping is None else _with_channels(node, len(mapping))

  def _mapping(self, graph: LayerGraph, node: LayerNode) -> np.ndarray | None:
    """Returns the mapping of the output of a layer; None if its channels are those that it had."""
    given = [self._mappings[name] for name in node.inputs]
    if node.name in self._owners:
      return self._copies
    if all(mapping is None for mapping in given):
      return None
    _check_channels_last(node)
    if node.is_a(*_BY_CHANNEL):
      _check_by_channel(node)
      return given[0]
    if node.is_a(*_MERGES):
      return _same(node, given)
    if node.is_a(keras.layers.Concatenate):
      return _concatenated(node, [graph[name] for name in node.inputs], given)
    if node.is_a(keras.layers.Flatten):
      return _spread(given[0], graph[node.inputs[0]])
    if node.is_a(keras.layers.DepthwiseConv2D):
      return _multiplied(given[0], int(node.config["depth_multiplier"]))
    if node.is_a(*_OWNERS, keras.layers.SeparableConv2D) and node.config.get("groups", 1) == 1:
      return None
    raise ValueError(f"layer {node.name!r}, a {node.layer_class.__name__}, cannot read more channels than it did")

  def _reading(self, node: LayerNode, mapping: np.ndarray) -> LayerNode:
    """Returns a layer with weights for more channels of its input."""
    if node.is_a(*_OWNERS):
      kernel, *rest = node.weights
      return node.changed(weights=[self._divided(kernel, mapping), *rest])
    if node.is_a(keras.layers.SeparableConv2D):
      depthwise, pointwise, *rest = node.weights
      spread = _multiplied(mapping, depthwise.shape[-1])
      return node.changed(weights=[depthwise[:, :, mapping], self._divided(pointwise, spread), *rest])
    if node.is_a(keras.layers.DepthwiseConv2D):
      depthwise, *biases = node.weights
      spread = _multiplied(mapping, depthwise.shape[-1])
      return node.changed(weights=[depthwise[:, :, mapping], *(bias[spread] for bias in biases)])
    if node.is_a(keras.layers.BatchNormalization, keras.layers.PReLU):
      return node.changed(
        weights=[w if w.shape[-1] == 1 < len(set(mapping)) else w[..., mapping] for w in node.weights]
      )
    return node

  def _divided(self, kernel: np.ndarray, mapping: np.ndarray) -> np.ndarray:
    """Returns a kernel `[..., C, K]` with the weights of each old channel divided among its copies, `[..., C', K]`."""
    parts = self._rng.uniform(_LOW, _HIGH, len(mapping))
    shares = parts / np.bincount(mapping, parts, kernel.shape[-2])[mapping]
    return (kernel[..., mapping, :] * shares[:, None]).astype(kernel.dtype)

  def _grown(self, node: LayerNode) -> LayerNode:
    """Returns a layer with copies of its filters or units."""
    weights = [weight[..., self._copies] for weight in node.weights]
    return node.changed(weights=weights, **{_width_field(node): len(self._copies)})


def _together(graph: LayerGraph, name: str) -> set[str]:
  """Returns the layers that must become wider with one: those whose outputs are joined with its output, channel by channel.

  Raises:
    ValueError: if one of them cannot become wider.
  """
  groups = _groups(graph)
  owners = {node.name for node in graph.nodes.values() if groups[node.name] == groups[name] and not _passes(node)}
  for owner in sorted(owners):
    _check_owner(graph[owner], name)
  return owners


def _groups(graph: LayerGraph) -> Mapping[str, str]:
  """Returns for each layer the name of a group: layers of one group have outputs with the same channels."""
  groups: dict[str, str] = {}
  for node in graph.nodes.values():
    joined = {groups[name] for name in node.inputs} if _passes(node) else {node.name}
    first = min(joined)
    groups[node.name] = first
    groups = {name: first if group in joined else group for name, group in groups.items()}
  return groups


def _passes(node: LayerNode) -> bool:
  """Returns whether a layer has the channels of its inputs."""
  return node.is_a(*_BY_CHANNEL, *_MERGES)


def _check_owner(node: LayerNode, widened_layer: str) -> None:
  """Checks that a layer can become wider."""
  if not node.is_a(*_OWNERS) or node.config.get("groups", 1) != 1:
    raise ValueError(
      f"layer {widened_layer!r} cannot become wider: its output is joined with that of {node.name!r}, a"
      f" {node.layer_class.__name__}, which cannot"
    )
  _check_channels_last(node)
  if node.config["activation"] in _MIXING_ACTIVATIONS:
    raise ValueError(f"layer {node.name!r} cannot become wider: its activation is {node.config['activation']}")


def _check_by_channel(node: LayerNode) -> None:
  """Checks that a layer whose input becomes wider treats each channel by itself in the way that it is set up."""
  activation = node.config.get("activation")
  if node.is_a(keras.layers.Activation) and (not isinstance(activation, str) or activation in _MIXING_ACTIVATIONS):
    raise ValueError(f"layer {node.name!r} cannot read more channels: its activation is {activation}")
  if node.is_a(keras.layers.BatchNormalization):
    _check_last_axis(node, node.config["axis"], len(node.shape))
  if node.is_a(keras.layers.Rescaling) and not all(np.ndim(node.config[name]) == 0 for name in ("scale", "offset")):
    raise ValueError(f"layer {node.name!r} cannot read more channels: it has a scale for each")


def _check_last_axis(node: LayerNode, axis: object, last: int) -> None:
  if axis not in (-1, last, [-1], [last]):
    raise ValueError(f"layer {node.name!r}: expected the channels on its last axis, got axis {axis}")


def _check_channels_last(node: LayerNode) -> None:
  if node.config.get("data_format") == "channels_first":
    raise ValueError(f"layer {node.name!r}: expected data_format channels_last, got channels_first")


def _same(node: LayerNode, mappings: list[np.ndarray | None]) -> np.ndarray | None:
  """Returns the mapping that all inputs of a sum have."""
  first = mappings[0]
  if first is None or any(mapping is None or not np.array_equal(first, mapping) for mapping in mappings):
    raise ValueError(f"layer {node.name!r} joins channels of which only some can become more")
  return first


def _concatenated(node: LayerNode, inputs: list[LayerNode], mappings: list[np.ndarray | None]) -> np.ndarray:
  """Returns the mapping of a concatenation."""
  _check_last_axis(node, node.config["axis"], len(node.shape))
  sizes = [_last(source) for source in inputs]
  starts = np.concatenate([[0], np.cumsum(sizes)[:-1]]).astype(int)
  parts = [np.arange(size) if mapping is None else mapping for size, mapping in zip(sizes, mappings)]
  return np.concatenate([start + part for start, part in zip(starts, parts)])


def _spread(mapping: np.ndarray | None, source: LayerNode) -> np.ndarray | None:
  """Returns the mapping of a flattened map: at each place there are all channels."""
  if mapping is None or None in source.shape:
    raise ValueError(f"layer {source.name!r}: expected a known shape before Flatten, got {source.shape}")
  channels, places = _last(source), int(np.prod([n or 0 for n in source.shape[:-1]]))
  return (np.arange(places)[:, None] * channels + mapping).reshape(-1)


def _multiplied(mapping: np.ndarray | None, multiplier: int) -> np.ndarray:
  """Returns the mapping after a depthwise convolution, which makes so many channels of each."""
  channels = np.asarray(mapping)
  return (channels[:, None] * multiplier + np.arange(multiplier)).reshape(-1)


def _with_channels(node: LayerNode, channels: int) -> LayerNode:
  """Returns a layer that knows that its output has so many channels."""
  return LayerNode(node.name, node.layer_class, node.config, node.inputs, node.weights, (*node.shape[:-1], channels))


def _width(node: LayerNode) -> int:
  return int(node.config[_width_field(node)])


def _width_field(node: LayerNode) -> str:
  return "filters" if node.is_a(keras.layers.Conv2D) else "units"


def _last(node: LayerNode) -> int:
  return int(node.shape[-1] or 0)
