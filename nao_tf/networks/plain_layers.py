"""Turns the layers of image networks into layers that Keras itself has, with equal outputs.

`plain_layer` applies a layer of `nao_tf.networks` to a symbolic tensor, expressed by standard Keras layers that hold
copies of its weights. What Keras has no layer for is composed:

* Every second pixel is a maximum over windows of one pixel with stride 2.
* A window that is centered on every second pixel is a window of stride 1, of which every second pixel is taken.
* A factorized reduction is two convolutions of every second pixel, one of them without the first row and column.
* A minimum is a maximum between two changes of sign.

A layer of a class that `CONVERTERS` does not have is refused: nothing is converted by guessing.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from tensorflow import keras

from nao_tf.networks.conventions import Convention
from nao_tf.networks.layers import Chain, ConvNorm, FactorizedReduction, Norm, SeparableConvNorm, window_padding
from nao_tf.networks.motif_operations import WINDOW, Depthwise, Rectifier
from nao_tf.networks.operations import Identity, Pool, Zero
from nao_tf.training.variables import tf_variable

Symbol = Any
"""A symbolic tensor of Keras, `[B, H, W, C]` with static H, W and C."""


class NotConvertible(ValueError):
  """Raised when a network has something that standard Keras layers are not known to express."""


def plain_layer(layer: keras.layers.Layer, inputs: Symbol, name: str) -> Symbol:
  """Applies a built layer, expressed by standard Keras layers.

  Args:
    layer: a layer of an image network, with its weights.
    inputs: what to apply it to.
    name: the names of the new layers begin with it.

  Raises:
    NotConvertible: if there is no conversion for layers of that class.
  """
  is_chain = isinstance(layer, Chain) and type(layer).call is Chain.call
  convert = _chain if is_chain else CONVERTERS.get(type(layer))
  if convert is None:
    known = ", ".join(kind.__name__ for kind in CONVERTERS)
    raise NotConvertible(
      f"{name}: a {type(layer).__name__} cannot be converted to standard layers of Keras; those that can are {known}"
    )
  return convert(layer, inputs, name)


def apply_layer(layer: keras.layers.Layer, inputs: Symbol, weights: Sequence[Any] = ()) -> Symbol:
  """Applies a standard layer and gives it the values of some variables."""
  outputs = layer(inputs)
  if weights:
    layer.set_weights([np.array(tf_variable(weight).read_value()) for weight in weights])
  return outputs


def relu(inputs: Symbol, name: str) -> Symbol:
  """Applies a ReLU."""
  return apply_layer(keras.layers.ReLU(name=f"{name}-relu"), inputs)


def _chain(layer: Chain, inputs: Symbol, name: str) -> Symbol:
  """Applies layers one after another; they are numbered if there are several."""
  for number, link in enumerate(layer.chained):
    inputs = plain_layer(link, inputs, f"{name}-{number}" if len(layer.chained) > 1 else name)
  return inputs


def _norm(layer: Norm, inputs: Symbol, name: str) -> Symbol:
  norm = keras.layers.BatchNormalization(momentum=layer.momentum, epsilon=layer.epsilon, name=f"{name}-norm")
  return apply_layer(norm, inputs, (layer.gamma, layer.beta, layer.moving_mean, layer.moving_variance))


def _conv_norm(layer: ConvNorm, inputs: Symbol, name: str) -> Symbol:
  inputs = relu(inputs, name) if layer.relu else inputs
  if layer.size == (1, 1):
    return _norm(layer.norm, _pointwise(layer, inputs, name), name)
  padding, every = "valid", 1
  if not layer.valid:
    inputs, padding, every = _prepared(layer, layer.size, layer.strides, inputs, name)
  strides = layer.strides if every == 1 else (1, 1)
  convolution = _convolution(layer.filters, layer.size, strides, padding, f"{name}-conv", dilation_rate=layer.dilation)
  outputs = apply_layer(convolution, inputs, [layer.kernel])
  return _norm(layer.norm, outputs if every == 1 else _every(every, outputs, name), name)


def _pointwise(layer: ConvNorm, inputs: Symbol, name: str) -> Symbol:
  """Takes the pixels that a 1x1 convolution reads, then convolves; `layers._every` says why these are two layers."""
  pixels = inputs if layer.strides == (1, 1) else _every(layer.strides, inputs, name)
  convolution = _convolution(layer.filters, (1, 1), (1, 1), "valid", f"{name}-conv")
  return apply_layer(convolution, pixels, [layer.kernel])


def _separable_conv_norm(layer: SeparableConvNorm, inputs: Symbol, name: str) -> Symbol:
  outputs = _depthwise(layer, relu(inputs, name), name)
  pointwise = _convolution(layer.filters, (1, 1), (1, 1), "valid", f"{name}-pointwise")
  return _norm(layer.norm, apply_layer(pointwise, outputs, [layer.pointwise]), name)


def _depthwise(layer: SeparableConvNorm, inputs: Symbol, name: str) -> Symbol:
  strides = (layer.stride, layer.stride)
  inputs, padding, every = _prepared(layer, (layer.size, layer.size), strides, inputs, name)
  depthwise = keras.layers.DepthwiseConv2D(
    layer.size,
    strides=layer.stride if every == 1 else 1,
    padding=padding,
    dilation_rate=layer.dilation,
    use_bias=False,
    name=f"{name}-depthwise",
  )
  outputs = apply_layer(depthwise, inputs, [layer.depthwise])
  return outputs if every == 1 else _every(every, outputs, name)


def _prepared(
  layer: ConvNorm | SeparableConvNorm, size: tuple[int, int], strides: tuple[int, int], inputs: Symbol, name: str
) -> tuple[Symbol, str, int]:
  """Returns images ready for a convolution, the padding that it is to have, and which of its pixels are the outputs.

  Keras has no stride with dilation. So that is stride 1 on an image padded for the stride, and every so many pixels.
  """
  span = (layer.dilation * (size[0] - 1) + 1, layer.dilation * (size[1] - 1) + 1)
  every = max(strides) if layer.dilation > 1 else 1
  if every > 1 and not _is_centered(strides, layer.convention):
    return _zeros(inputs, _same_padding(inputs.shape[1:3], span, strides), name), "valid", every
  return (*_pad(inputs, span, strides, layer.convention, name), every)


def _factorized_reduction(layer: FactorizedReduction, inputs: Symbol, name: str) -> Symbol:
  inputs = relu(inputs, name) if layer.relu else inputs
  if layer.stride == 1:
    convolution = _convolution(layer.filters, (1, 1), (1, 1), "valid", f"{name}-conv")
    return _norm(layer.norm, apply_layer(convolution, inputs, [layer.kernel]), name)
  return _norm(layer.norm, _diagonals(layer, inputs, name), name)


def _diagonals(layer: FactorizedReduction, inputs: Symbol, name: str) -> Symbol:
  """Convolves the pixels (2i, 2j) with one half of the filters and (2i + 1, 2j + 1) with the other."""
  half, kernel = layer.filters // 2, np.array(tf_variable(layer.kernel).read_value())
  halves = []
  for part, number, side in ((kernel[..., :half], 0, inputs), (kernel[..., half:], 1, _shifted(inputs, name))):
    if part.shape[-1]:
      convolution = _convolution(part.shape[-1], (1, 1), (1, 1), "valid", f"{name}-conv_{number}")
      halves.append(convolution(_every(2, side, f"{name}-{number}")))
      convolution.set_weights([part])
  return halves[0] if len(halves) == 1 else keras.layers.Concatenate(name=f"{name}-halves")(halves)


def _shifted(inputs: Symbol, name: str) -> Symbol:
  """Returns images without their first row and column; odd ones get a row and a column of zeros at the end first."""
  odd = ((0, inputs.shape[1] % 2), (0, inputs.shape[2] % 2))
  return keras.layers.Cropping2D(((1, 0), (1, 0)), name=f"{name}-shift")(_zeros(inputs, odd, name))


def _identity(layer: Identity, inputs: Symbol, name: str) -> Symbol:
  return inputs if layer.projection is None else plain_layer(layer.projection, inputs, name)


def _pool(layer: Pool, inputs: Symbol, name: str) -> Symbol:
  if layer.kind not in _POOLS:
    raise NotConvertible(f"{name}: a pool of kind {layer.kind!r} is not known; known are {', '.join(_POOLS)}")
  outputs = _POOLS[layer.kind](layer, inputs, name)
  return outputs if layer.projection is None else plain_layer(layer.projection, outputs, f"{name}-projection")


def _max_pool(layer: Pool, inputs: Symbol, name: str) -> Symbol:
  return _windows(keras.layers.MaxPooling2D, layer, inputs, name)


def _min_pool(layer: Pool, inputs: Symbol, name: str) -> Symbol:
  negated = keras.layers.Rescaling(-1.0, name=f"{name}-negate")(inputs)
  return keras.layers.Rescaling(-1.0, name=f"{name}-restore")(_max_pool(layer, negated, name))


def _average_pool(layer: Pool, inputs: Symbol, name: str) -> Symbol:
  if not layer.convention.average_counts_padding:
    return _windows(keras.layers.AveragePooling2D, layer, inputs, name)
  padded = _zeros(inputs, _centered_padding((layer.size, layer.size)), name)
  return keras.layers.AveragePooling2D(layer.size, layer.stride, "valid", name=f"{name}-pool")(padded)


_POOLS: dict[str, Callable[[Pool, Symbol, str], Symbol]] = {"max": _max_pool, "min": _min_pool, "avg": _average_pool}


def _windows(pooling: type[keras.layers.Layer], layer: Pool, inputs: Symbol, name: str) -> Symbol:
  """Pools windows, of which only the part inside the image counts."""
  if not _is_centered((layer.stride, layer.stride), layer.convention):
    return pooling(layer.size, layer.stride, "same", name=f"{name}-pool")(inputs)
  return _every(layer.stride, pooling(layer.size, 1, "same", name=f"{name}-pool")(inputs), name)


def _plain_depthwise(layer: Depthwise, inputs: Symbol, name: str) -> Symbol:
  convolution = keras.layers.DepthwiseConv2D(
    WINDOW, strides=layer.stride, padding="same", use_bias=False, name=f"{name}-depthwise"
  )
  return apply_layer(convolution, inputs, [layer.kernel])


def _rectifier(layer: Rectifier, inputs: Symbol, name: str) -> Symbol:
  del layer
  return relu(inputs, name)


def _zero(layer: Zero, inputs: Symbol, name: str) -> Symbol:
  """Convolves with zeros that are never trained."""
  convolution = _convolution(layer.filters, (1, 1), (layer.stride, layer.stride), "valid", f"{name}-zero")
  convolution.trainable = False
  outputs = convolution(inputs)
  convolution.set_weights([np.zeros(convolution.kernel.shape)])
  return outputs


CONVERTERS: dict[type[keras.layers.Layer], Callable[[Any, Symbol, str], Symbol]] = {
  Norm: _norm,
  Chain: _chain,
  ConvNorm: _conv_norm,
  SeparableConvNorm: _separable_conv_norm,
  FactorizedReduction: _factorized_reduction,
  Identity: _identity,
  Pool: _pool,
  Zero: _zero,
  Depthwise: _plain_depthwise,
  Rectifier: _rectifier,
}
"""Conversions by the class of the layer itself: a subclass may compute something else. Only chains of layers are
recognized by what they do."""


def _convolution(
  filters: int,
  size: tuple[int, int],
  strides: tuple[int, int],
  padding: str,
  name: str,
  *,
  dilation_rate: int = 1,
) -> keras.layers.Layer:
  return keras.layers.Conv2D(filters, size, strides, padding, dilation_rate=dilation_rate, use_bias=False, name=name)


def _every(strides: int | tuple[int, int], inputs: Symbol, name: str) -> Symbol:
  """Returns every so many pixels of both sides, beginning with the first."""
  return keras.layers.MaxPooling2D(1, strides, "valid", name=f"{name}-every_{np.max(strides)}")(inputs)


def _pad(
  inputs: Symbol, size: tuple[int, int], strides: tuple[int, int], convention: Convention, name: str
) -> tuple[Symbol, str]:
  """Returns images ready for a convolution, and the padding that it is to have."""
  if not _is_centered(strides, convention):
    return inputs, "same"
  return _zeros(inputs, _centered_padding(size), name), "valid"


def _is_centered(strides: tuple[int, int], convention: Convention) -> bool:
  """Returns whether windows are centered on pixels, where TensorFlow's SAME would shift them."""
  return convention.symmetric_padding and max(strides) > 1


def _zeros(inputs: Symbol, padding: tuple[tuple[int, int], tuple[int, int]], name: str) -> Symbol:
  """Returns images with rows and columns of zeros around them."""
  if not any(map(any, padding)):
    return inputs
  return keras.layers.ZeroPadding2D(padding, name=f"{name}-pad")(inputs)


def _centered_padding(size: tuple[int, int]) -> tuple[tuple[int, int], tuple[int, int]]:
  _, rows, columns, _ = window_padding(size)
  return (rows[0], rows[1]), (columns[0], columns[1])


def _same_padding(
  shape: Sequence[int], size: tuple[int, int], strides: tuple[int, int]
) -> tuple[tuple[int, int], tuple[int, int]]:
  """Returns the rows and columns that TensorFlow's SAME adds at either end."""
  sizes = zip(shape, size, strides)
  height, width = (max((-(-length // step) - 1) * step + window - length, 0) for length, window, step in sizes)
  return (height // 2, height - height // 2), (width // 2, width - width // 2)
