"""Operations: what a branch of a cell computes (Luo et al., NeurIPS 2018, section 4.1, and the released search spaces).

`OPERATIONS[name](filters, stride, convention, seed)` makes the layer that maps [B, H, W, C] to
[B, ceil(H / stride), ceil(W / stride), filters]. Convolutions are ReLU, convolution, batch norm; separable ones are
stacked twice; pools and identities project to `filters` channels only if they have others.
"""

import functools
from collections.abc import Callable

import numpy as np
import tensorflow as tf
from tensorflow import keras

from nao_tf.networks.conventions import Convention, derive_seeds
from nao_tf.networks.layers import Chain, ConvNorm, FactorizedReduction, SeparableConvNorm, Strided, window_padding


class Convolution(Chain):
  """ReLU, convolution, norm for each of `sizes`; the first takes the stride, or each of two its own direction of it."""

  def __init__(self, filters: int, stride: int, convention: Convention, seed: int, *, sizes, name=None):
    strides = [stride, 1]
    if len(sizes) == 2 and convention.split_stride:
      strides = [(1, stride), (stride, 1)]
    rows = zip(sizes, strides, derive_seeds(seed, len(sizes)))
    super().__init__([ConvNorm(filters, step, convention, key, size=size) for size, step, key in rows], name=name)


class SeparableConvolution(Chain):
  """Separable convolutions of one size, stacked; the first takes the stride."""

  def __init__(self, filters: int, stride: int, convention: Convention, seed: int, *, size, dilation=1, name=None):
    repeats = 2 if dilation == 1 else convention.dilated_repeats
    make = functools.partial(SeparableConvNorm, size=size, dilation=dilation)
    rows = zip((stride, 1), derive_seeds(seed, repeats))
    super().__init__([make(filters, step, convention, key) for step, key in rows], name=name)


class Identity(Strided):
  """Its input; where stride or channels forbid that, ReLU, 1x1 convolution and norm, or a factorized reduction."""

  def __init__(self, filters: int, stride: int, convention: Convention, seed: int, *, name=None):
    super().__init__(filters, stride, convention, seed, name=name)
    self.projection = None

  def build(self, input_shape):
    """Makes the projection if there is to be one."""
    arguments = (self.filters, self.stride, self.convention, self.seed)
    if self.stride > 1 and self.convention.factorized_identity:
      self.projection = FactorizedReduction(*arguments, name="projection")
    elif self.stride > 1 or input_shape[-1] != self.filters:
      self.projection = ConvNorm(*arguments, name="projection")
    if self.projection is not None:
      self.projection.build(input_shape)
    self.built = True

  def call(self, inputs, training=None):
    """Maps [B, H, W, C] to [B, ceil(H / stride), ceil(W / stride), filters]."""
    return inputs if self.projection is None else self.projection(inputs, training=training)


class Pool(Strided):
  """Maximum, average or minimum over windows; then ReLU, 1x1 convolution and norm if the channels are not `filters`.

  Attributes:
    pools_again: whether the gradient of a maximum computes the maximum again. TensorFlow's fast gradient on CPUs is for a
      maximum in the same function, which one in a branch of a `tf.switch_case` never is.
  """

  def __init__(self, filters: int, stride: int, convention: Convention, seed: int, *, kind, size, name=None):
    super().__init__(filters, stride, convention, seed, name=name)
    self.kind, self.size, self.projection, self.pools_again = kind, size, None, False

  def build(self, input_shape):
    """Makes the projection if there is to be one."""
    if input_shape[-1] != self.filters:
      self.projection = ConvNorm(self.filters, 1, self.convention, self.seed, name="projection")
      self.projection.build(input_shape)
    self.built = True

  def call(self, inputs, training=None):
    """Maps [B, H, W, C] to [B, ceil(H / stride), ceil(W / stride), filters]."""
    maximum = _max_pool_again if self.pools_again else tf.nn.max_pool2d
    outputs = _POOLS[self.kind](inputs, self.size, self.stride, self.convention, maximum)
    return outputs if self.projection is None else self.projection(outputs, training=training)


class Zero(Strided):
  """Zeros: a branch that is not there."""

  def build(self, input_shape):
    """Makes nothing."""
    self.built = True

  def call(self, inputs, training=None):
    """Maps [B, H, W, C] to zeros [B, ceil(H / stride), ceil(W / stride), filters]."""
    del training
    return tf.zeros((tf.shape(inputs)[0], *self.compute_output_shape(inputs.shape)[1:]), inputs.dtype)


def _max_pool(inputs, size: int, stride: int, convention: Convention, maximum: Callable):
  if not _centred(stride, convention):
    return maximum(inputs, size, stride, "SAME")
  padded = tf.pad(inputs, window_padding((size, size)), constant_values=inputs.dtype.min)
  return maximum(padded, size, stride, "VALID")


def _max_pool_again(inputs, size: int, stride: int, padding: str):
  sides, steps = [1, size, size, 1], [1, stride, stride, 1]

  @tf.custom_gradient
  def pool(states):
    def gradient(upstream):
      again = tf.nn.max_pool2d(states, size, stride, padding)
      return tf.raw_ops.MaxPoolGrad(
        orig_input=states, orig_output=again, grad=upstream, ksize=sides, strides=steps, padding=padding
      )

    return tf.nn.max_pool2d(states, size, stride, padding), gradient

  return pool(tf.identity(inputs))  # Made in the graph of the branch, as what a custom gradient is of must be.


def _min_pool(inputs, size: int, stride: int, convention: Convention, maximum: Callable):
  return -_max_pool(-inputs, size, stride, convention, maximum)


def _average_pool(inputs, size: int, stride: int, convention: Convention, maximum: Callable):
  del maximum
  if not convention.average_counts_padding and not _centred(stride, convention):
    return tf.nn.avg_pool2d(inputs, size, stride, "SAME")
  outputs = tf.nn.avg_pool2d(tf.pad(inputs, window_padding((size, size))), size, stride, "VALID")
  return outputs if convention.average_counts_padding else outputs * _border_gain(inputs.shape, size, stride)


def _centred(stride: int, convention: Convention) -> bool:
  return convention.symmetric_padding and stride > 1


def _border_gain(shape, size: int, stride: int) -> np.ndarray:
  """Returns [H', W', 1]: a window's area over the area of its part inside the image."""
  height, width = (_inside(length, size, stride) for length in shape[1:3])
  return (size * size / np.outer(height, width)).astype(np.float32)[..., None]


def _inside(length: int, size: int, stride: int) -> np.ndarray:
  """Returns how many of each window's `size` places are in an axis of `length`."""
  centres = np.arange(0, length, stride)
  return np.minimum(centres + size // 2 + 1, length) - np.maximum(centres - (size - 1) // 2, 0)


_POOLS = {"max": _max_pool, "avg": _average_pool, "min": _min_pool}


def _conv(*sizes):
  return functools.partial(Convolution, sizes=sizes)


def _sep(size: int, dilation: int = 1):
  return functools.partial(SeparableConvolution, size=size, dilation=dilation)


def _pool(kind: str, size: int):
  return functools.partial(Pool, kind=kind, size=size)


OPERATIONS: dict[str, Callable[..., keras.layers.Layer]] = {
  "identity": Identity,
  "zero": Zero,
  "conv1x1": _conv((1, 1)),
  "conv3x3": _conv((3, 3)),
  "conv5x5": _conv((5, 5)),
  "conv7x7": _conv((7, 7)),
  "conv1x3_3x1": _conv((1, 3), (3, 1)),
  "conv1x7_7x1": _conv((1, 7), (7, 1)),
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
