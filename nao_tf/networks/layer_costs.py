"""Computes the costs of layers of image networks from shapes: parameters, multiply-adds and memory. Needs no TensorFlow.

There is a function for each layer of `nao_tf.networks.layers` and `nao_tf.networks.heads`, given the shape of its input
and the arguments that its size depends on.
"""

from collections.abc import Callable, Iterable
from typing import NamedTuple

Shape = tuple[int, int, int]
"""Height, width and channels of a map."""

NORM_PARAMETERS = 2
"""Trainable parameters of batch normalization for each channel: a scale and an offset."""


class Cost(NamedTuple):
  """What one layer, or several in a row, cost at inference for one example.

  Attributes:
    shape: shape of the output.
    parameters: trainable parameters.
    multiply_adds: multiply-adds of convolutions and dense layers. Those at the padded border count. Batch
      normalization, activations, pools and sums count nothing.
    written: the largest number of values that the layers have in memory at a time, their input left out.
  """

  shape: Shape
  parameters: int = 0
  multiply_adds: int = 0
  written: int = 0

  @property
  def output_values(self) -> int:
    """Number of values of the output that are not the input's own: none if nothing is written."""
    return num_values(self.shape) if self.written else 0


LayerCost = Callable[[Shape], Cost]
"""Returns what a layer costs, given the shape of its input."""


def num_values(shape: Shape) -> int:
  """Returns the number of values in a map."""
  height, width, channels = shape
  return height * width * channels


def strided(shape: Shape, strides: tuple[int, int], filters: int) -> Shape:
  """Returns the shape (ceil(H / strides[0]), ceil(W / strides[1]), filters)."""
  height, width, _ = shape
  return -(-height // strides[0]), -(-width // strides[1]), filters


def in_sequence(shape: Shape, layers: Iterable[LayerCost]) -> Cost:
  """Returns what layers in a row cost. Each map is kept in memory until the next layer has read it.

  Args:
    shape: shape of the input of the first layer.
    layers: what each layer costs.
  """
  total = Cost(shape)
  for layer in layers:
    cost = layer(total.shape)
    written = max(total.written, total.output_values + cost.written)
    total = Cost(
      cost.shape, total.parameters + cost.parameters, total.multiply_adds + cost.multiply_adds, written=written
    )
  return total


def conv_norm(
  shape: Shape,
  filters: int,
  strides: tuple[int, int] = (1, 1),
  size: tuple[int, int] = (1, 1),
  *,
  valid: bool = False,
) -> Cost:
  """Returns the cost of a convolution without bias and a batch normalization; see `nao_tf.networks.layers.ConvNorm`.

  Raises:
    ValueError: if windows must stay inside the image, and the image is smaller than a window.
  """
  height, width, channels = shape
  if valid:
    if height < size[0] or width < size[1]:
      raise ValueError(
        f"a convolution of size {size[0]}x{size[1]} needs images of at least that size, got {height}x{width}"
      )
    height, width = height - size[0] + 1, width - size[1] + 1
  output = strided((height, width, channels), strides, filters)
  kernel = size[0] * size[1] * channels * filters
  return Cost(output, kernel + NORM_PARAMETERS * filters, output[0] * output[1] * kernel, num_values(output))


def separable_conv_norm(shape: Shape, filters: int, stride: int, size: int) -> Cost:
  """Returns the cost of a depthwise and a pointwise convolution and a batch normalization.

  Dilation does not change it, since the zeros in a dilated kernel are not counted. See
  `nao_tf.networks.layers.SeparableConvNorm`.
  """
  channels = shape[-1]
  output = strided(shape, (stride, stride), filters)
  between = strided(shape, (stride, stride), channels)
  kernels = size * size * channels + channels * filters
  written = num_values(between) + num_values(output)
  return Cost(output, kernels + NORM_PARAMETERS * filters, output[0] * output[1] * kernels, written)


def factorized_reduction(shape: Shape, filters: int, stride: int) -> Cost:
  """Returns the cost of a factorized reduction; see `nao_tf.networks.layers.FactorizedReduction`.

  Each half of the filters reads one pixel of a window. The zeros of the kernel by which both are computed at once are not
  counted.
  """
  return conv_norm(shape, filters, (stride, stride))


def dense(units: int, outputs: int, *, bias: bool) -> Cost:
  """Returns the cost of a dense layer from `units` to `outputs` units."""
  kernel = units * outputs
  return Cost((1, 1, outputs), kernel + outputs * bias, kernel, outputs)
