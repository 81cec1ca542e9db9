"""Network morphisms on graphs of layers: adding a layer or a skip connection; see `nao_tf.networks.morphisms`."""

import numpy as np
from tensorflow import keras

from nao_tf.networks.layer_graph import LayerGraph, LayerNode, new_node
from nao_tf.networks.layers import NORM_EPSILON, NORM_MOMENTUM
from nao_tf.networks.resampling import resampling

_CONSUMERS = (keras.layers.Conv2D, keras.layers.Dense)
_KEEPING_SIGN = (
  keras.layers.MaxPooling2D,
  keras.layers.AveragePooling2D,
  keras.layers.GlobalAveragePooling2D,
  keras.layers.GlobalMaxPooling2D,
  keras.layers.Flatten,
  keras.layers.Identity,
  keras.layers.Reshape,
  keras.layers.Dropout,
  keras.layers.SpatialDropout2D,
  keras.layers.ZeroPadding2D,
  keras.layers.Cropping2D,
  keras.layers.UpSampling2D,
  keras.layers.Add,
  keras.layers.Average,
  keras.layers.Maximum,
  keras.layers.Multiply,
  keras.layers.Concatenate,
)
"""Layers whose output is not negative if none of their inputs is."""
_NOT_NEGATIVE = ("relu", "relu6", "sigmoid", "hard_sigmoid", "softmax", "softplus", "exponential")
"""Names of activations whose values are not negative."""


def deepened(graph: LayerGraph, after: str, kernel_size: int, prefix: str, *, normalized: bool = True) -> LayerGraph:
  """Returns a graph with one layer more, which is the identity.

  Args:
    graph: graph of a model.
    after: name of the layer that the new one reads.
    kernel_size: kernel size of a convolution, odd.
    prefix: what the names of the new layers begin with.
    normalized: whether a convolution has batch normalization.

  Raises:
    ValueError: if there is no such layer, its output is neither images nor vectors, or the kernel is even.
  """
  source = graph[after]
  if len(source.shape) == 3:
    nodes = _identity_convolution(source, kernel_size, prefix, normalized=normalized)
  elif len(source.shape) == 1:
    nodes = [_identity_dense(source, prefix)]
  else:
    raise ValueError(f"layer {after!r}: expected one that returns images or vectors, got the shape {source.shape}")
  activation = _activation(nodes[-1], f"{prefix}-relu", is_negative=not _is_not_negative(graph, after))
  return graph.inserted(after, [*nodes, activation])


def with_sum(graph: LayerGraph, start: str, end: str, prefix: str) -> LayerGraph:
  """Returns a graph in which the output of one layer is added to that of a later one, times zero.

  Args:
    graph: graph of a model.
    start: name of the layer whose output is added.
    end: name of the layer whose output it is added to.
    prefix: what the names of the new layers begin with.

  Raises:
    ValueError: if there is no such layer, `start` depends on `end`, or it has a lower resolution.
  """
  source, target = graph[start], graph[end]
  _check_order(graph, start, end)
  nodes = _resampled(source, target, prefix)
  project = _zero_projection(nodes[-1] if nodes else source, target.shape, f"{prefix}-project")
  total = new_node(keras.layers.Add, (end, project.name), (), target.shape, name=f"{prefix}-add")
  return graph.inserted(end, [*nodes, project, total])


def with_concatenation(graph: LayerGraph, start: str, end: str, prefix: str) -> LayerGraph:
  """Returns a graph in which a later layer reads the output of one beside its input, with weights of zero.

  Args:
    graph: graph of a model.
    start: name of the layer whose output is read.
    end: name of a Conv2D or Dense layer that reads it.
    prefix: what the names of the new layers begin with.

  Raises:
    ValueError: if there is no such layer, `end` is of another class, `start` depends on it, or it has a lower
      resolution.
  """
  source, reader = graph[start], graph[end]
  _check_order(graph, start, end)
  if not reader.is_a(*_CONSUMERS) or reader.config.get("groups", 1) != 1:
    kind = reader.layer_class.__name__
    raise ValueError(f"layer {end!r}: expected a Conv2D or Dense layer without groups, got a {kind}")
  read = graph[reader.inputs[0]]
  nodes = _resampled(source, read, prefix)
  last = nodes[-1] if nodes else source
  shape = (*read.shape[:-1], _channels(read) + _channels(last))
  joined = new_node(keras.layers.Concatenate, (read.name, last.name), (), shape, name=f"{prefix}-concat")
  graph = graph.with_nodes([_with_more_inputs(reader, _channels(last))])
  return graph.inserted_before(end, [*nodes, joined])


def _identity_convolution(source: LayerNode, kernel_size: int, prefix: str, *, normalized: bool) -> list[LayerNode]:
  """Returns a convolution that changes nothing, with batch normalization that changes nothing."""
  if kernel_size < 1 or kernel_size % 2 == 0:
    raise ValueError(f"kernel_size must be odd and at least 1, got {kernel_size}")
  channels = _channels(source)
  kernel = np.zeros((kernel_size, kernel_size, channels, channels), np.float32)
  kernel[kernel_size // 2, kernel_size // 2] = np.eye(channels)
  config = {"filters": channels, "kernel_size": kernel_size, "padding": "same", "use_bias": not normalized}
  weights: list[np.ndarray] = [kernel] if normalized else [kernel, np.zeros(channels)]
  conv = new_node(keras.layers.Conv2D, (source.name,), weights, source.shape, name=f"{prefix}-conv", **config)
  return [conv, _identity_norm(conv, f"{prefix}-norm")] if normalized else [conv]


def _identity_norm(source: LayerNode, name: str) -> LayerNode:
  ones, zeros = np.ones(_channels(source)), np.zeros(_channels(source))
  config = {"momentum": NORM_MOMENTUM, "epsilon": NORM_EPSILON}
  weights = [ones * np.sqrt(1.0 + NORM_EPSILON), zeros, zeros, ones]
  return new_node(keras.layers.BatchNormalization, (source.name,), weights, source.shape, name=name, **config)


def _identity_dense(source: LayerNode, prefix: str) -> LayerNode:
  units = _channels(source)
  weights = [np.eye(units), np.zeros(units)]
  return new_node(keras.layers.Dense, (source.name,), weights, source.shape, name=f"{prefix}-dense", units=units)


def _activation(source: LayerNode, name: str, *, is_negative: bool) -> LayerNode:
  """Returns a ReLU, or what is the identity for negative values, too, as long as it is not trained."""
  if not is_negative:
    return new_node(keras.layers.ReLU, (source.name,), (), source.shape, name=name)
  axes = list(range(1, len(source.shape)))
  slopes = np.ones((*(1 for _ in axes), _channels(source)))
  return new_node(keras.layers.PReLU, (source.name,), [slopes], source.shape, name=name, shared_axes=axes or None)


def _zero_projection(source: LayerNode, shape: tuple[int | None, ...], name: str) -> LayerNode:
  """Returns a linear map of each vector, or of each pixel, to as many channels as a shape has; it begins as zero."""
  channels = shape[-1]
  if len(shape) == 1:
    zeros = np.zeros((_channels(source), channels or 0))
    return new_node(keras.layers.Dense, (source.name,), [zeros], shape, name=name, units=channels, use_bias=False)
  kernel = np.zeros((1, 1, _channels(source), channels or 0))
  config = {"filters": channels, "kernel_size": 1, "use_bias": False}
  return new_node(keras.layers.Conv2D, (source.name,), [kernel], shape, name=name, **config)


def _resampled(source: LayerNode, target: LayerNode, prefix: str) -> list[LayerNode]:
  """Returns the layer that brings the output of one to the resolution of another; none if it has that already."""
  pool = resampling(source.shape[:-1], target.shape[:-1], f"layer {source.name!r}", f"layer {target.name!r}")
  if pool is None:
    return []
  shape = (*target.shape[:-1], source.shape[-1])
  name = f"{prefix}-pool"
  if not pool:
    return [new_node(keras.layers.GlobalAveragePooling2D, (source.name,), (), shape, name=name)]
  config = {"pool_size": pool[0], "strides": pool[1]}
  return [new_node(keras.layers.MaxPooling2D, (source.name,), (), shape, name=name, **config)]


def _with_more_inputs(reader: LayerNode, count: int) -> LayerNode:
  """Returns a layer that reads more channels, of which it makes nothing."""
  kernel, *rest = reader.weights
  widths = [(0, 0)] * (kernel.ndim - 2) + [(0, count), (0, 0)]
  return reader.changed(weights=[np.pad(kernel, widths), *rest])


def _is_not_negative(graph: LayerGraph, name: str) -> bool:
  """Returns whether no value of the output of a layer is ever negative, as far as its class tells."""
  node = graph[name]
  if node.is_a(*_KEEPING_SIGN):
    return all(_is_not_negative(graph, source) for source in node.inputs)
  return (node.is_a(keras.layers.ReLU) and not node.config["negative_slope"] and not node.config.get("threshold")) or (
    node.config.get("activation") in _NOT_NEGATIVE
  )


def _check_order(graph: LayerGraph, start: str, end: str) -> None:
  if graph.leads_to(end, start):
    raise ValueError(f"a skip connection must lead to a later layer, but {start!r} depends on {end!r}")


def _channels(node: LayerNode) -> int:
  """Returns the length of the last axis of the output of a layer."""
  if not node.shape or node.shape[-1] is None:
    raise ValueError(f"layer {node.name!r}: expected a known number of channels, got the shape {node.shape}")
  return int(node.shape[-1])
