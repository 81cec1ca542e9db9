"""What a Keras model costs, part by part: arithmetic on the shapes of its layers. TensorFlow is not imported.

The layers of a part have names that begin with the name of the part and a hyphen, as in the models of `nao_tf.build`. Any
other layer is a part of its own.
"""

import math
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from nao_tf.networks.image_costs import PartCost

_CONVOLUTIONS = (
  "Conv1D",
  "Conv2D",
  "Conv3D",
  "DepthwiseConv1D",
  "DepthwiseConv2D",
  "SeparableConv1D",
  "SeparableConv2D",
)
_TRANSPOSED = ("Conv1DTranspose", "Conv2DTranspose", "Conv3DTranspose")
_RECURRENT = ("RNN", "LSTM", "GRU", "SimpleRNN", "Bidirectional")
_LOOKED_UP = ("Embedding",)
_IN_PLACE = (
  "Activation",
  "BatchNormalization",
  "Dropout",
  "Flatten",
  "Identity",
  "LayerNormalization",
  "ReLU",
  "Rescaling",
  "Reshape",
  "Softmax",
  "SpatialDropout2D",
)
"""Layers whose output takes the place of their input."""


def is_model(network: Any) -> bool:
  """Returns whether something is a Keras model, of any version."""
  return all(hasattr(type(network), name) for name in ("layers", "count_params"))


def model_parts(model: Any) -> list[PartCost]:
  """Returns what each part of a model costs, in the order of computation. Parts that cost nothing are left out.

  Args:
    model: a functional or sequential Keras model that was built.

  Raises:
    ValueError: if it has no known shapes, or the cost of one of its layers is not known.
  """
  if not getattr(model, "inputs", None):
    raise ValueError(
      f"the model {model.name!r} has no known shapes; expected a functional or sequential model that was built"
    )
  layers = list(_layers(model))
  groups: dict[str, list[tuple[Any, int]]] = {}
  for layer, values in zip(layers, _values_in_memory(layers, model)):
    groups.setdefault(layer.name.partition("-")[0], []).append((layer, values))
  parts = [_part(name, group) for name, group in groups.items()]
  return [part for part in parts if part.parameters or part.multiply_adds] or parts[-1:]


def _part(name: str, group: Sequence[tuple[Any, int]]) -> PartCost:
  layers = [layer for layer, _ in group]
  return PartCost(
    name,
    _shape(layers[-1].output),
    sum(_size(weight) for layer in layers for weight in layer.trainable_weights),
    sum(map(_multiply_adds, layers)),
    max(values for _, values in group),
  )


def _layers(model: Any) -> Iterator[Any]:
  """Yields the layers of a model, those of models in it in their place.

  A sequential model calls each layer once. It may have done so several times, when layers were added.

  Raises:
    ValueError: if a layer of a functional model is called more than once, so that it has no shape of its own.
  """
  is_sequential = _is_one_of(model, ("Sequential",))
  for layer in model.layers:
    if is_model(layer):
      yield from _layers(layer)
    elif len(layer._inbound_nodes) > 1 and not is_sequential:
      raise ValueError(
        f"layer {layer.name!r} of the model {model.name!r} is called more than once; expected layers that are called once"
      )
    else:
      yield layer


def _multiply_adds(layer: Any) -> int:
  """Returns the multiply-adds of a layer for one example.

  Raises:
    ValueError: if they are not known.
  """
  kernels = sum(_size(weight) for weight in layer.trainable_weights if len(weight.shape) > 1)
  if not kernels or _is_one_of(layer, _LOOKED_UP):
    return 0
  if _is_one_of(layer, _TRANSPOSED):
    return kernels * _positions(layer, layer.input)
  if _is_one_of(layer, _CONVOLUTIONS):
    return kernels * _positions(layer, layer.output)
  if _is_one_of(layer, ("Dense",)):
    return kernels * math.prod(_shape(layer.output)[:-1])
  if _is_one_of(layer, _RECURRENT):
    return kernels * _shape(_first(layer.input))[0]
  raise ValueError(f"the multiply-adds of layer {layer.name!r}, a {type(layer).__name__}, are not known")


def _values_in_memory(layers: Sequence[Any], model: Any) -> list[int]:
  """Returns the number of values in memory while each layer is computed, one after another.

  The output of a layer is kept until the last layer that reads it is computed, and the outputs of the model to the end.
  """
  homes: dict[int, int] = {}
  last: dict[int, int] = {}
  for position, layer in enumerate(layers):
    read = [homes.get(id(tensor), id(tensor)) for tensor in _tensors(layer.input)]
    last.update(dict.fromkeys(read, position))
    for tensor in _tensors(layer.output):
      homes[id(tensor)] = read[0] if read and _is_one_of(layer, _IN_PLACE) else id(tensor)
      last.setdefault(homes[id(tensor)], position)
  last.update((homes.get(id(tensor), id(tensor)), len(layers)) for tensor in _tensors(model.outputs))
  return _sums(layers, homes, last)


def _sums(layers: Sequence[Any], homes: dict[int, int], last: dict[int, int]) -> list[int]:
  """Returns the values in memory at each layer, given where each tensor is kept, and when that is read last."""
  kept = {id(tensor): math.prod(_shape(tensor)) for tensor in _tensors(layers[0].input)}
  sums = []
  for position, layer in enumerate(layers):
    for tensor in _tensors(layer.output):
      kept.setdefault(homes[id(tensor)], math.prod(_shape(tensor)))
    sums.append(sum(kept.values()))
    kept = {home: size for home, size in kept.items() if last.get(home, 0) > position}
  return sums


def _positions(layer: Any, tensor: Any) -> int:
  """Returns the number of places of an image or a sequence, without its channels."""
  shape = _shape(tensor)
  is_first = getattr(layer, "data_format", "channels_last") == "channels_first"
  return math.prod(shape[1:] if is_first else shape[:-1])


def _shape(tensor: Any) -> tuple[int, ...]:
  """Returns the shape of one example. An axis of unknown length counts as 1."""
  return tuple(1 if length is None else int(length) for length in tuple(_first(tensor).shape)[1:])


def _first(tensors: Any) -> Any:
  return _tensors(tensors)[0]


def _tensors(tensors: Any) -> list[Any]:
  return list(tensors) if isinstance(tensors, (list, tuple)) else [tensors]


def _size(weight: Any) -> int:
  return math.prod(int(length) for length in weight.shape)


def _is_one_of(layer: Any, names: Iterable[str]) -> bool:
  """Returns whether a layer is of one of these classes of Keras, or of a subclass."""
  return any(
    cls.__name__ in set(names) for cls in type(layer).__mro__ if cls.__module__.startswith(("keras", "tf_keras"))
  )
