"""Operations: what a branch of a cell computes (Luo et al., NeurIPS 2018, section 4.1, and the released search spaces).

`OPERATIONS[name](filters, stride, convention, seed)` makes the layer that maps [B, H, W, C] to [B, ceil(H / stride),
ceil(W / stride), filters]. Convolutions are ReLU, convolution, batch normalization; separable ones are stacked twice;
pools and identities project to `filters` channels only if they have others.
"""

import functools
from collections.abc import Callable, Sequence

import numpy as np
import tensorflow as tf
from tensorflow import keras

from nao_tf.networks.conventions import A_QUARTER, THREE_EIGHTHS, Convention, bottleneck_filters, derive_seeds
from nao_tf.networks.layers import (
  Chain,
  ConvNorm,
  FactorizedReduction,
  ImageShape,
  SeparableConvNorm,
  Strided,
  window_padding,
)
from nao_tf.networks.weight_sources import OWN_WEIGHTS, WeightSource

MaxPool = Callable[[tf.Tensor, int, int, str], tf.Tensor]
"""Computes maxima of [B, H, W, C] over windows, given the size of a window, stride and padding."""


class Convolution(Chain):
  """ReLU, convolution, norm for each of some kernel sizes.

  The first takes the stride. If the convention splits it, each of two takes one direction of it.

  Args:
    filters: output channels.
    stride: 1 or 2.
    convention: how layers are put together.
    seed: random seed of the weights.
    sizes: height and width of each kernel.
    dilation: dilation of the kernels.
    name: name of the layer.
  """

  def __init__(
    self,
    filters: int,
    stride: int,
    convention: Convention,
    seed: int,
    *,
    sizes: Sequence[tuple[int, int]],
    dilation: int = 1,
    name: str | None = None,
  ) -> None:
    make = functools.partial(ConvNorm, filters, convention=convention, dilation=dilation)
    strides = _split_strides(stride, len(sizes), convention)
    rows = zip(sizes, strides, derive_seeds(seed, len(sizes)))
    super().__init__([make(strides=step, seed=key, size=size) for size, step, key in rows], name=name)


class Bottleneck(Chain):
  """A 1x1 convolution to fewer channels, a `Convolution` of these, and a 1x1 convolution to all channels.

  Args:
    filters: output channels.
    stride: 1 or 2, of the convolution in the middle.
    convention: how layers are put together.
    seed: random seed of the weights.
    sizes: height and width of each kernel in the middle.
    width: channels in the middle, as a fraction of `filters`.
    dilation: dilation of the kernels in the middle.
    name: name of the layer.
  """

  def __init__(
    self,
    filters: int,
    stride: int,
    convention: Convention,
    seed: int,
    *,
    sizes: Sequence[tuple[int, int]],
    width: float,
    dilation: int = 1,
    name: str | None = None,
  ) -> None:
    first, middle, last = derive_seeds(seed, 3)
    few = bottleneck_filters(filters, width)
    layers = [
      ConvNorm(few, 1, convention, first),
      Convolution(few, stride, convention, middle, sizes=sizes, dilation=dilation),
      ConvNorm(filters, 1, convention, last),
    ]
    super().__init__(layers, name=name)


class SeparableConvolution(Chain):
  """Separable convolutions of one size, stacked; the first takes the stride.

  Args:
    filters: output channels.
    stride: 1 or 2.
    convention: how layers are put together; says how often dilated ones are stacked.
    seed: random seed of the weights.
    size: height and width of the kernels.
    dilation: dilation of the kernels.
    name: name of the layer.
  """

  def __init__(
    self,
    filters: int,
    stride: int,
    convention: Convention,
    seed: int,
    *,
    size: int,
    dilation: int = 1,
    name: str | None = None,
  ) -> None:
    repeats = 2 if dilation == 1 else convention.dilated_repeats
    make = functools.partial(SeparableConvNorm, size=size, dilation=dilation)
    strides = [stride] + [1] * (repeats - 1)
    rows = zip(strides, derive_seeds(seed, repeats))
    super().__init__([make(filters, step, convention, key) for step, key in rows], name=name)


class Identity(Strided):
  """Its input; where stride or channels forbid that, ReLU, 1x1 convolution and norm, or a factorized reduction."""

  def build(self, input_shape: ImageShape) -> None:
    """Creates the projection, if one is needed."""
    self.projection = self._make_projection(input_shape[-1])
    if self.projection is not None:
      self.projection.build(input_shape)
    self.built = True

  def call(self, inputs: tf.Tensor, training: bool | None = None, weights: WeightSource = OWN_WEIGHTS) -> tf.Tensor:
    """Maps [B, H, W, C] to [B, ceil(H / stride), ceil(W / stride), filters]."""
    return inputs if self.projection is None else self.projection(inputs, training=training, weights=weights)

  def _make_projection(self, channels: int) -> keras.layers.Layer | None:
    arguments = (self.filters, self.stride, self.convention, self.seed)
    if self.stride > 1 and self.convention.factorized_identity:
      return FactorizedReduction(*arguments, relu=self.convention.factorized_identity_relu, name="projection")
    if self.stride > 1 or channels != self.filters:
      return ConvNorm(*arguments, name="projection")
    return None


class Pool(Strided):
  """Maximum, average or minimum over windows; then a 1x1 convolution and norm if the channels are not `filters`.

  Args:
    filters: output channels.
    stride: stride of the windows.
    convention: how windows are padded and what the projection is like.
    seed: random seed of the projection.
    kind: "max", "avg" or "min".
    size: height and width of a window.
    name: name of the layer.

  Attributes:
    pools_again: whether the gradient of a maximum computes the maximum again. On CPUs, the fast gradient of TensorFlow
      needs the maximum in the same function. In a branch of a `tf.switch_case` it never is.
  """

  def __init__(
    self, filters: int, stride: int, convention: Convention, seed: int, *, kind: str, size: int, name: str | None = None
  ) -> None:
    super().__init__(filters, stride, convention, seed, name=name)
    self.kind, self.size, self.pools_again = kind, size, False
    self.projection: ConvNorm | None = None

  def build(self, input_shape: ImageShape) -> None:
    """Creates the projection, if one is needed."""
    self.projection = self._make_projection(input_shape[-1])
    if self.projection is not None:
      self.projection.build(input_shape)
    self.built = True

  def call(self, inputs: tf.Tensor, training: bool | None = None, weights: WeightSource = OWN_WEIGHTS) -> tf.Tensor:
    """Maps [B, H, W, C] to [B, ceil(H / stride), ceil(W / stride), filters]."""
    outputs = self._pool(inputs)
    return outputs if self.projection is None else self.projection(outputs, training=training, weights=weights)

  def _make_projection(self, channels: int) -> ConvNorm | None:
    if channels == self.filters:
      return None
    relu = self.convention.pool_projection_relu
    return ConvNorm(self.filters, 1, self.convention, self.seed, relu=relu, name="projection")

  def _pool(self, inputs: tf.Tensor) -> tf.Tensor:
    if self.kind == "avg":
      return _average_pool(inputs, self.size, self.stride, self.convention)
    max_pool = _max_pool_again if self.pools_again else tf.nn.max_pool2d
    if self.kind == "min":
      return -_padded_max_pool(-inputs, self.size, self.stride, self.convention, max_pool)
    return _padded_max_pool(inputs, self.size, self.stride, self.convention, max_pool)


class Zero(Strided):
  """Zeros: the operation of a branch that is absent."""

  def build(self, input_shape: ImageShape) -> None:
    """Makes nothing."""
    self.built = True

  def call(self, inputs: tf.Tensor, training: bool | None = None, weights: WeightSource = OWN_WEIGHTS) -> tf.Tensor:
    """Maps [B, H, W, C] to zeros [B, ceil(H / stride), ceil(W / stride), filters]."""
    del training, weights
    return tf.zeros((tf.shape(inputs)[0], *self.compute_output_shape(inputs.shape)[1:]), inputs.dtype)


def is_dropped(operation: str, stride: int, convention: Convention) -> bool:
  """Returns whether drop-path acts on an operation of a name and stride."""
  if operation != "identity":
    return True
  return convention.drop_identity or (stride > 1 and convention.drop_strided_identity)


def _split_strides(stride: int, count: int, convention: Convention) -> list[tuple[int, int]]:
  """Returns the strides of `count` convolutions in a row."""
  if count == 2 and convention.split_stride:
    return [(1, stride), (stride, 1)]
  return [(stride, stride)] + [(1, 1)] * (count - 1)


def _padded_max_pool(inputs: tf.Tensor, size: int, stride: int, convention: Convention, max_pool: MaxPool) -> tf.Tensor:
  """Returns maxima over windows. Windows are centered if the convention says so; what is padded never is the maximum."""
  if not _is_centered(stride, convention):
    return max_pool(inputs, size, stride, "SAME")
  padded = tf.pad(inputs, window_padding((size, size)), constant_values=inputs.dtype.min)
  return max_pool(padded, size, stride, "VALID")


def _max_pool_again(inputs: tf.Tensor, size: int, stride: int, padding: str) -> tf.Tensor:
  """Returns maxima over windows; their gradient computes the maxima again."""
  sides, steps = [1, size, size, 1], [1, stride, stride, 1]

  @tf.custom_gradient
  def pool(states: tf.Tensor) -> tuple[tf.Tensor, Callable[[tf.Tensor], tf.Tensor]]:
    def gradient(upstream: tf.Tensor) -> tf.Tensor:
      again = tf.nn.max_pool2d(states, size, stride, padding)
      return tf.raw_ops.MaxPoolGrad(
        orig_input=states, orig_output=again, grad=upstream, ksize=sides, strides=steps, padding=padding
      )

    return tf.nn.max_pool2d(states, size, stride, padding), gradient

  return pool(tf.identity(inputs))  # The argument of a custom gradient must be made in the graph of the branch.


def _average_pool(inputs: tf.Tensor, size: int, stride: int, convention: Convention) -> tf.Tensor:
  """Returns averages over windows: at the border over the part inside the image, unless the convention says otherwise."""
  if not convention.average_counts_padding and not _is_centered(stride, convention):
    return tf.nn.avg_pool2d(inputs, size, stride, "SAME")
  outputs = tf.nn.avg_pool2d(tf.pad(inputs, window_padding((size, size))), size, stride, "VALID")
  return (
    outputs
    if convention.average_counts_padding
    else outputs * tf.constant(_border_gain(inputs.shape, size, stride), outputs.dtype)
  )


def _is_centered(stride: int, convention: Convention) -> bool:
  return convention.symmetric_padding and stride > 1


def _border_gain(shape: ImageShape, size: int, stride: int) -> np.ndarray:
  """Returns [H', W', 1]: a window's area over the area of its part inside the image."""
  height, width = (_count_inside(length, size, stride) for length in shape[1:3])
  return (size * size / np.outer(height, width)).astype(np.float32)[..., None]


def _count_inside(length: int, size: int, stride: int) -> np.ndarray:
  """Returns, for every window of `size` along an axis of `length`, how many of its places are inside."""
  centers = np.arange(0, length, stride)
  return np.minimum(centers + size // 2 + 1, length) - np.maximum(centers - (size - 1) // 2, 0)


def _conv(*sizes: tuple[int, int], width: float = A_QUARTER, dilation: int = 1) -> Callable[..., keras.layers.Layer]:
  """Returns the maker of convolutions of some sizes; `width` is that of a bottleneck, where the convention has them."""

  def make(filters: int, stride: int, convention: Convention, seed: int) -> keras.layers.Layer:
    if convention.bottlenecks and max(sizes) > (1, 1):
      return Bottleneck(filters, stride, convention, seed, sizes=sizes, width=width, dilation=dilation)
    return Convolution(filters, stride, convention, seed, sizes=sizes, dilation=dilation)

  return make


def _sep(size: int, dilation: int = 1) -> Callable[..., keras.layers.Layer]:
  return functools.partial(SeparableConvolution, size=size, dilation=dilation)


def _pool(kind: str, size: int) -> Callable[..., keras.layers.Layer]:
  return functools.partial(Pool, kind=kind, size=size)


OPERATIONS: dict[str, Callable[..., keras.layers.Layer]] = {
  "identity": Identity,
  "zero": Zero,
  "conv1x1": _conv((1, 1)),
  "conv3x3": _conv((3, 3)),
  "conv5x5": _conv((5, 5)),
  "conv7x7": _conv((7, 7)),
  "conv1x3_3x1": _conv((1, 3), (3, 1), width=THREE_EIGHTHS),
  "conv1x7_7x1": _conv((1, 7), (7, 1)),
  "dil_conv3x3": _conv((3, 3), dilation=2),
  "sep3x3": _sep(3),
  "sep5x5": _sep(5),
  "sep7x7": _sep(7),
  "dil_sep3x3": _sep(3, dilation=2),
  "dil_sep5x5": _sep(5, dilation=2),
  "dil_sep7x7": _sep(7, dilation=2),
  "max2x2": _pool("max", 2),
  "max3x3": _pool("max", 3),
  "max5x5": _pool("max", 5),
  "max7x7": _pool("max", 7),
  "avg2x2": _pool("avg", 2),
  "avg3x3": _pool("avg", 3),
  "avg5x5": _pool("avg", 5),
  "avg7x7": _pool("avg", 7),
  "min2x2": _pool("min", 2),
  "min3x3": _pool("min", 3),
  "min5x5": _pool("min", 5),
  "min7x7": _pool("min", 7),
}
