"""Primitive operations of motifs (Liu et al., "Hierarchical Representations for Efficient Architecture Search", 2018).

`PRIMITIVES[name](filters, convention, seed)` makes the layer that maps [B, H, W, filters] to the same shape. Each
convolution is followed by batch normalization and ReLU.
"""

from collections.abc import Callable

import tensorflow as tf
from tensorflow import keras

from nao_tf.networks.conventions import Convention, derive_seeds
from nao_tf.networks.layers import Chain, ConvNorm, ImageShape, Norm, Strided
from nao_tf.networks.operations import Identity, Pool
from nao_tf.networks.rectifiers import relu
from nao_tf.networks.weight_sources import OWN_WEIGHTS, WeightSource

WINDOW = 3
"""Height and width of the windows of all operations but 1x1 convolutions."""


class Rectifier(keras.layers.Layer):
  """ReLU."""

  def build(self, input_shape: ImageShape) -> None:
    """Makes nothing."""
    del input_shape
    self.built = True

  def call(self, inputs: tf.Tensor, training: bool | None = None, weights: WeightSource = OWN_WEIGHTS) -> tf.Tensor:
    """Maps [B, H, W, C] to the same shape."""
    del training, weights
    return relu(inputs)

  def compute_output_shape(self, input_shape: ImageShape) -> ImageShape:
    """Returns the shape of the input."""
    return input_shape


class Depthwise(Strided):
  """A depthwise 3x3 convolution without bias, norm or activation. It has as many channels as its input."""

  def __init__(self, stride: int, convention: Convention, seed: int, *, name: str | None = None) -> None:
    """Creates the layer.

    Args:
      stride: 1 or 2.
      convention: how it initializes.
      seed: random seed of the kernel.
      name: name of the layer.
    """
    super().__init__(0, stride, convention, seed, name=name)

  def build(self, input_shape: ImageShape) -> None:
    """Creates the kernel [3, 3, C, 1]."""
    self.filters = channels = input_shape[-1]
    gain = channels if self.convention.kernel_mode == "fan_in" else 1.0  # An output reads one channel.
    self.kernel = self._add_kernel("kernel", (WINDOW, WINDOW, channels, 1), self.seed, gain)
    self.built = True

  def call(self, inputs: tf.Tensor, training: bool | None = None, weights: WeightSource = OWN_WEIGHTS) -> tf.Tensor:
    """Maps [B, H, W, C] to [B, ceil(H / stride), ceil(W / stride), C]."""
    del training
    return tf.nn.depthwise_conv2d(inputs, weights.read(self.kernel), (1, self.stride, self.stride, 1), "SAME")

  def compute_output_shape(self, input_shape: ImageShape) -> ImageShape:
    """Returns [B, ceil(H / stride), ceil(W / stride), C]."""
    batch, height, width, channels = input_shape
    return batch, -(-height // self.stride), -(-width // self.stride), channels


def pointwise(filters: int, convention: Convention, seed: int) -> Chain:
  """Returns a 1x1 convolution, norm and ReLU."""
  return Chain([ConvNorm(filters, 1, convention, seed, relu=False), Rectifier()])


def separable(filters: int, convention: Convention, seed: int, *, stride: int = 1) -> Chain:
  """Returns a depthwise 3x3 convolution, a 1x1 convolution, norm and ReLU."""
  first, second = derive_seeds(seed, 2)
  return Chain([Depthwise(stride, convention, first), *pointwise(filters, convention, second).chained])


def _depthwise(filters: int, convention: Convention, seed: int) -> Chain:
  del filters
  return Chain([Depthwise(1, convention, seed), Norm(convention), Rectifier()])


def _pool(kind: str) -> Callable[[int, Convention, int], keras.layers.Layer]:
  def make(filters: int, convention: Convention, seed: int) -> Pool:
    return Pool(filters, 1, convention, seed, kind=kind, size=WINDOW)

  return make


def _identity(filters: int, convention: Convention, seed: int) -> Identity:
  return Identity(filters, 1, convention, seed)


PRIMITIVES: dict[str, Callable[[int, Convention, int], keras.layers.Layer]] = {
  "conv1x1": pointwise,
  "depthwise3x3": _depthwise,
  "sep3x3": separable,
  "max3x3": _pool("max"),
  "avg3x3": _pool("avg"),
  "identity": _identity,
}
