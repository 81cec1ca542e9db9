"""Functional Keras models as graphs of layers that can be changed, and made into a model again.

A graph holds what each layer is made from, which layers it reads, and its weights as arrays. So a change of a model is
a change of plain values. The model that is made from a graph has layers of its own.
"""

import dataclasses
import graphlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from tensorflow import keras

Shape = tuple[int | None, ...]
"""Of the output for one example, without the batch axis."""


@dataclasses.dataclass(frozen=True)
class LayerNode:
  """A layer in a graph.

  Attributes:
    name: name of the layer.
    layer_class: its class.
    config: what it is made from, as its `get_config` returns it; of an input its shape and type.
    inputs: names of the layers that it reads.
    weights: its weights, in the order of `get_weights`.
    shape: shape of its output.
  """

  name: str
  layer_class: type[keras.layers.Layer]
  config: Mapping[str, Any]
  inputs: tuple[str, ...]
  weights: tuple[np.ndarray, ...]
  shape: Shape

  def is_a(self, *classes: type[keras.layers.Layer]) -> bool:
    """Returns whether the layer is of one of these classes itself. A subclass may compute something else."""
    return self.layer_class in classes

  def changed(self, *, weights: Sequence[np.ndarray] | None = None, **config: Any) -> "LayerNode":
    """Returns the layer with other weights, or other values in its configuration."""
    kept = self.weights if weights is None else tuple(weights)
    return dataclasses.replace(self, config={**self.config, **config}, weights=kept)


@dataclasses.dataclass(frozen=True)
class LayerGraph:
  """The layers of a functional model.

  Attributes:
    name: name of the model.
    nodes: the layers by name, in an order of computation.
    inputs: names of the input layers, in the order of the model.
    outputs: names of the layers whose outputs the model returns.
  """

  name: str
  nodes: Mapping[str, LayerNode]
  inputs: tuple[str, ...]
  outputs: tuple[str, ...]

  def __getitem__(self, name: str) -> LayerNode:
    if name not in self.nodes:
      raise ValueError(f"the model {self.name!r} has no layer {name!r}; it has {', '.join(self.nodes)}")
    return self.nodes[name]

  def readers(self, name: str) -> list[LayerNode]:
    """Returns the layers that read the output of a layer."""
    return [node for node in self.nodes.values() if name in node.inputs]

  def leads_to(self, start: str, end: str) -> bool:
    """Returns whether the output of `end` depends on that of `start`, or they are the same layer."""
    reached = {start}
    for name, node in self.nodes.items():
      if not reached.isdisjoint(node.inputs):
        reached.add(name)
    return end in reached

  def with_nodes(self, nodes: Iterable[LayerNode]) -> "LayerGraph":
    """Returns the graph with some layers replaced by others of the same names."""
    return dataclasses.replace(self, nodes={**self.nodes, **{node.name: node for node in nodes}})

  def inserted(self, after: str, nodes: Sequence[LayerNode]) -> "LayerGraph":
    """Returns the graph with new layers after one, so that all that read it read the last of the new ones.

    Args:
      after: name of a layer.
      nodes: new layers in the order of computation; they may read `after`.

    Raises:
      ValueError: if there is a layer of such a name already.
    """
    last = nodes[-1].name
    ordered: dict[str, LayerNode] = {}
    for name, node in self.nodes.items():
      inputs = tuple(last if source == after else source for source in node.inputs)
      ordered[name] = dataclasses.replace(node, inputs=inputs)
      if name == after:
        ordered.update(self._new(nodes))
    outputs = tuple(last if name == after else name for name in self.outputs)
    return dataclasses.replace(self, nodes=_in_order(ordered), outputs=outputs)

  def inserted_before(self, reader: str, nodes: Sequence[LayerNode]) -> "LayerGraph":
    """Returns the graph with new layers in front of one, which reads the last of them and nothing else.

    Args:
      reader: name of a layer.
      nodes: new layers in the order of computation.

    Raises:
      ValueError: if there is a layer of such a name already.
    """
    ordered: dict[str, LayerNode] = {}
    for name, node in self.nodes.items():
      if name == reader:
        ordered.update(self._new(nodes))
        node = dataclasses.replace(node, inputs=(nodes[-1].name,))
      ordered[name] = node
    return dataclasses.replace(self, nodes=_in_order(ordered))

  def _new(self, nodes: Sequence[LayerNode]) -> dict[str, LayerNode]:
    for node in nodes:
      if node.name in self.nodes:
        raise ValueError(f"the model {self.name!r} already has a layer {node.name!r}; choose another name")
    return {node.name: node for node in nodes}


def read_graph(model: keras.Model) -> LayerGraph:
  """Returns the graph of a functional or sequential model that was built.

  Raises:
    ValueError: if its layers do not say how it computes: it is a model of another kind, a layer is called more than
      once or with further arguments, or something between the layers is not a layer.
  """
  if not isinstance(model, keras.Model) or not getattr(model, "inputs", None):
    raise ValueError(f"expected a functional model of Keras, or a sequential one that was built, got {model!r}")
  inputs = [_input_node(tensor) for tensor in model.inputs]
  homes = {id(tensor): node.name for tensor, node in zip(model.inputs, inputs)}
  layers = [layer for layer in model.layers if not isinstance(layer, keras.layers.InputLayer)]
  for layer in layers:
    _check_layer(layer, is_sequential=isinstance(model, keras.Sequential))
    homes[id(layer.output)] = layer.name
  nodes = [*inputs, *(_node(layer, homes) for layer in layers)]
  outputs = tuple(_home(tensor, homes, "the output of the model") for tensor in model.outputs)
  ordered = _in_order({node.name: node for node in nodes})
  return LayerGraph(model.name, ordered, tuple(node.name for node in inputs), outputs)


def build_model(graph: LayerGraph) -> keras.Model:
  """Returns the model of a graph, with its weights.

  Raises:
    ValueError: if a layer cannot be created from its configuration.
  """
  tensors: dict[str, Any] = {}
  for node in graph.nodes.values():
    if node.is_a(keras.layers.InputLayer):
      tensors[node.name] = keras.Input(node.shape, dtype=node.config["dtype"], name=node.name)
    else:
      tensors[node.name] = _applied(node, [tensors[name] for name in node.inputs])
  inputs, outputs = ([tensors[name] for name in names] for names in (graph.inputs, graph.outputs))
  return keras.Model(_single(inputs), _single(outputs), name=graph.name)


def new_node(
  layer_class: type[keras.layers.Layer],
  inputs: Sequence[str],
  weights: Sequence[np.ndarray],
  shape: Shape,
  **config: Any,
) -> LayerNode:
  """Returns a layer for a graph.

  Args:
    layer_class: its class.
    inputs: names of the layers that it reads.
    weights: its weights.
    shape: shape of its output.
    **config: arguments of its class, its name among them.
  """
  full = layer_class(**config).get_config()
  arrays = tuple(np.asarray(weight, np.float32) for weight in weights)
  return LayerNode(config["name"], layer_class, full, tuple(inputs), arrays, shape)


def _applied(node: LayerNode, inputs: Sequence[Any]) -> Any:
  layer = node.layer_class.from_config(dict(node.config))
  outputs = layer(_single(inputs))
  if node.weights:
    layer.set_weights(list(node.weights))
  return outputs


def _single(values: Sequence[Any]) -> Any:
  """Returns the only one of some values, or all of them."""
  return values[0] if len(values) == 1 else list(values)


def _input_node(tensor: Any) -> LayerNode:
  dtype = getattr(tensor.dtype, "name", tensor.dtype)
  return LayerNode(_layer_of(tensor).name, keras.layers.InputLayer, {"dtype": dtype}, (), (), tuple(tensor.shape)[1:])


def _layer_of(tensor: Any) -> Any:
  """Returns the layer that a symbolic tensor is the output of."""
  return tensor._keras_history[0]


def _check_layer(layer: Any, *, is_sequential: bool) -> None:
  if isinstance(layer, keras.Model):
    raise ValueError(f"layer {layer.name!r} is a model in itself; expected layers only")
  if len(layer._inbound_nodes) != 1 and not is_sequential:
    raise ValueError(f"layer {layer.name!r} is called {len(layer._inbound_nodes)} times; expected once")
  if isinstance(layer.output, (list, tuple, dict)):
    raise ValueError(f"layer {layer.name!r} has several outputs; expected one")
  given = _extra_arguments(layer._inbound_nodes[-1])
  if given:
    raise ValueError(f"layer {layer.name!r} is called with {', '.join(given)}; expected its inputs only")


def _extra_arguments(node: Any) -> list[str]:
  """Returns what a layer was called with beside its inputs. Keras 2 and 3 keep it in other places."""
  arguments = getattr(node, "arguments", None)
  args = node.call_args if arguments is None else arguments.args
  kwargs = node.call_kwargs if arguments is None else arguments.kwargs
  positional = [f"the argument {value!r}" for value in args[1:] if value is not None]
  return positional + [name for name, value in kwargs.items() if value is not None and name != "inputs"]


def _node(layer: Any, homes: Mapping[int, str]) -> LayerNode:
  tensors = layer.input if isinstance(layer.input, (list, tuple)) else [layer.input]
  inputs = tuple(_home(tensor, homes, f"an input of layer {layer.name!r}") for tensor in tensors)
  weights = tuple(np.array(weight) for weight in layer.get_weights())
  return LayerNode(layer.name, type(layer), layer.get_config(), inputs, weights, tuple(layer.output.shape)[1:])


def _home(tensor: Any, homes: Mapping[int, str], what: str) -> str:
  """Returns the name of the layer that a tensor is the output of."""
  if id(tensor) not in homes:
    raise ValueError(f"{what} is not the output of one of the layers of the model")
  return homes[id(tensor)]


def _in_order(nodes: Mapping[str, LayerNode]) -> dict[str, LayerNode]:
  """Returns layers, each after those that it reads."""
  sorter = graphlib.TopologicalSorter({name: node.inputs for name, node in nodes.items()})
  return {name: nodes[name] for name in sorter.static_order()}
