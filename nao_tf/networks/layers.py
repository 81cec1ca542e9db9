"""Layers that operations, cells and networks are made of: batch norm, convolutions, factorized reduction.

All map images [B, H, W, C] to [B, H', W', filters] with static H, W and C. They are built from shapes alone, without
being traced: `build` makes the weights of the whole tree and `compute_output_shape` says what comes out. Called with
weights that are not their own, 1x1 convolutions and factorized reductions also take a C that only the weights know.
"""

import numpy as np
import tensorflow as tf
from tensorflow import keras

from nao_tf.networks.conventions import Convention, derive_seeds, kernel_initializer

NORM_MOMENTUM = 0.9
NORM_EPSILON = 1e-5


class Norm(keras.layers.BatchNormalization):
  """Batch norm over [B, H, W] in one fused kernel, moving averages included.

  Under a distribution strategy every replica takes its own batch statistics, unless the convention synchronizes them.
  The moving variance averages unbiased estimates.
  """

  def __init__(self, convention: Convention, name: str = "norm"):
    super().__init__(momentum=NORM_MOMENTUM, epsilon=NORM_EPSILON, name=name)
    self.over_replicas = convention.synchronized_norm

  def call(self, inputs, training=None):
    """Normalizes `inputs` [B, H, W, C]; with `training` by the batch's statistics, which it also averages."""
    if not (training and self.trainable):
      return self._normalize_by_averages(inputs)
    return self._normalize_by_all_batches(inputs) if self.over_replicas else self._normalize_by_batch(inputs)

  def _normalize_by_averages(self, inputs):
    if inputs.dtype == tf.float64:  # There is no fused kernel for it, here and below.
      return self._normalize(inputs, tf.convert_to_tensor(self.moving_mean), tf.convert_to_tensor(self.moving_variance))
    return self._fused(inputs, is_training=False)[0]

  def _normalize_by_batch(self, inputs):
    if inputs.dtype == tf.float64:
      return self._normalize_by_moments(inputs, _moments(inputs), 1)
    outputs, mean, variance = self._fused(inputs, is_training=True, exponential_avg_factor=1.0 - self.momentum)
    self.moving_mean.assign(mean)
    self.moving_variance.assign(variance)
    return outputs

  def _normalize_by_all_batches(self, inputs):
    replicas = tf.distribute.get_replica_context()
    moments = replicas.all_reduce(tf.distribute.ReduceOp.MEAN, _moments(inputs))
    return self._normalize_by_moments(inputs, moments, replicas.num_replicas_in_sync)

  def _normalize_by_moments(self, inputs, moments, num_replicas: int):
    mean, square = moments
    variance = square - tf.square(mean)
    count = tf.cast(tf.size(inputs) // inputs.shape[-1] * num_replicas, inputs.dtype)
    self._move(self.moving_mean, mean)
    self._move(self.moving_variance, variance * count / (count - 1.0))
    return self._normalize(inputs, mean, variance)

  def _normalize(self, inputs, mean, variance):
    gamma, beta = tf.convert_to_tensor(self.gamma), tf.convert_to_tensor(self.beta)
    return tf.nn.batch_normalization(inputs, mean, variance, beta, gamma, self.epsilon)

  def _move(self, average, value):
    average.assign(self.momentum * tf.convert_to_tensor(average) + (1.0 - self.momentum) * value)

  def _fused(self, inputs, **kwargs):
    weights = (self.gamma, self.beta, self.moving_mean, self.moving_variance)
    scale, offset, mean, variance = map(tf.convert_to_tensor, weights)
    return tf.compat.v1.nn.fused_batch_norm(inputs, scale, offset, mean, variance, epsilon=self.epsilon, **kwargs)


def _moments(inputs) -> list[tf.Tensor]:
  """Returns the means of the channels and of their squares."""
  return [tf.reduce_mean(inputs, (0, 1, 2)), tf.reduce_mean(tf.square(inputs), (0, 1, 2))]


class Chain(keras.layers.Layer):
  """Layers applied one after the other."""

  def __init__(self, layers, name: str | None = None):
    super().__init__(name=name)
    hold(self, "chained", list(layers))

  def build(self, input_shape):
    """Builds the layers, each for what the one before gives."""
    for layer in self.chained:
      layer.build(input_shape)
      input_shape = layer.compute_output_shape(input_shape)
    self.built = True

  def call(self, inputs, training=None):
    """Applies the layers to `inputs` [B, H, W, C]."""
    for layer in self.chained:
      inputs = layer(inputs, training=training)
    return inputs

  def compute_output_shape(self, input_shape):
    """Returns the shape after the last layer."""
    for layer in self.chained:
      input_shape = layer.compute_output_shape(input_shape)
    return tuple(input_shape)


class Strided(keras.layers.Layer):
  """Base of what maps [B, H, W, C] to [B, ceil(H / stride), ceil(W / stride), filters].

  Args:
    filters: output channels.
    stride: vertical and horizontal stride.
    convention: how the layer pads, initializes and norms.
    seed: of its weights.
    name: of the layer.
  """

  def __init__(self, filters: int, stride: int, convention: Convention, seed: int, *, name: str | None = None):
    super().__init__(name=name)
    self.filters, self.stride, self.convention, self.seed = filters, stride, convention, seed

  def compute_output_shape(self, input_shape):
    """Returns [B, ceil(H / stride), ceil(W / stride), filters]."""
    return strided_shape(input_shape, (self.stride, self.stride), self.filters)

  def _add_kernel(self, name: str, shape, seed: int, gain: float = 1.0):
    return self.add_weight(name=name, shape=shape, initializer=kernel_initializer(self.convention, seed, gain=gain))


class ConvNorm(Strided):
  """ReLU, convolution without bias, batch norm.

  Args:
    filters: output channels.
    strides: vertical and horizontal stride, or one number for both.
    convention: how it pads, initializes and norms.
    seed: of the kernel.
    size: height and width of the kernel.
    relu: whether the ReLU is there.
    valid: whether windows stay inside the image; otherwise they are padded.
    name: of the layer.
  """

  def __init__(
    self, filters: int, strides, convention: Convention, seed: int, *, size=(1, 1), relu=True, valid=False, name=None
  ):
    super().__init__(filters, strides, convention, seed, name=name)
    self.size, self.relu, self.valid = size, relu, valid
    self.strides = (strides, strides) if isinstance(strides, int) else strides
    self.norm = Norm(convention)

  def build(self, input_shape):
    """Makes the kernel [h, w, C, filters]."""
    self.kernel = self._add_kernel("kernel", (*self.size, input_shape[-1], self.filters), self.seed)
    self.norm.build(self.compute_output_shape(input_shape))
    self.built = True

  def call(self, inputs, training=None):
    """Maps [B, H, W, C] to [B, H', W', filters]."""
    inputs, kernel = tf.nn.relu(inputs) if self.relu else inputs, tf.convert_to_tensor(self.kernel)
    if self.size == self.strides == (1, 1):
      return self.norm(_pointwise(inputs, kernel), training=training)
    padding = "VALID" if self.valid else _padding(self.size, self.strides, self.convention)
    return self.norm(tf.nn.conv2d(inputs, kernel, self.strides, padding), training=training)

  def compute_output_shape(self, input_shape):
    """Returns [B, H', W', filters]."""
    batch, height, width, channels = input_shape
    if self.valid:
      height, width = height - self.size[0] + 1, width - self.size[1] + 1
    return strided_shape((batch, height, width, channels), self.strides, self.filters)


class SeparableConvNorm(Strided):
  """ReLU, depthwise convolution, pointwise convolution, batch norm.

  Args:
    filters: output channels.
    stride: of the depthwise convolution.
    convention: how it pads, initializes and norms.
    seed: of the kernels.
    size: height and width of the depthwise kernel.
    dilation: of the depthwise kernel.
    name: of the layer.
  """

  def __init__(
    self, filters: int, stride: int, convention: Convention, seed: int, *, size: int, dilation: int = 1, name=None
  ):
    super().__init__(filters, stride, convention, seed, name=name)
    self.size, self.dilation = size, dilation
    self.norm = Norm(convention)

  def build(self, input_shape):
    """Makes the kernels [k, k, C, 1] and [1, 1, C, filters]."""
    channels, seeds = input_shape[-1], derive_seeds(self.seed, 2)
    gain = channels if self.convention.kernel_mode == "fan_in" else 1.0  # a depthwise output reads one channel
    self.depthwise = self._add_kernel("depthwise", (self.size, self.size, channels, 1), seeds[0], gain)
    self.pointwise = self._add_kernel("pointwise", (1, 1, channels, self.filters), seeds[1])
    self.norm.build(self.compute_output_shape(input_shape))
    self.built = True

  def call(self, inputs, training=None):
    """Maps [B, H, W, C] to [B, ceil(H / stride), ceil(W / stride), filters]."""
    kernel = _dilated(tf.convert_to_tensor(self.depthwise), self.dilation)
    padding = _padding(kernel.shape[:2], (self.stride, self.stride), self.convention)
    outputs = tf.nn.depthwise_conv2d(tf.nn.relu(inputs), kernel, (1, self.stride, self.stride, 1), padding)
    return self.norm(_pointwise(outputs, tf.convert_to_tensor(self.pointwise)), training=training)


class FactorizedReduction(Strided):
  """Halves the resolution but reads every pixel of both diagonals; with stride 1 a 1x1 convolution; then batch norm.

  The first half of the filters reads the pixels (2i, 2j), the second (2i + 1, 2j + 1), zero beyond the border. Both
  are one convolution here, whose 2x2 kernel is zero off its diagonal.

  Args:
    filters: output channels.
    stride: 1 or 2.
    convention: how it initializes and norms.
    seed: of the kernel.
    relu: whether a ReLU comes first.
    name: of the layer.

  Raises:
    ValueError: if the stride is another.
  """

  def __init__(self, filters: int, stride: int, convention: Convention, seed: int, *, relu: bool = False, name=None):
    if stride not in (1, 2):
      raise ValueError(f"a factorized reduction has stride 1 or 2, got {stride}")
    super().__init__(filters, stride, convention, seed, name=name)
    self.relu = relu
    self.norm = Norm(convention)

  def build(self, input_shape):
    """Makes the kernel [1, 1, C, filters]; each half is a kernel of its own to the initializer."""
    gain = self.stride if self.convention.kernel_mode == "fan_out" else 1.0
    self.kernel = self._add_kernel("kernel", (1, 1, input_shape[-1], self.filters), self.seed, gain)
    self.norm.build(self.compute_output_shape(input_shape))
    self.built = True

  def call(self, inputs, training=None):
    """Maps [B, H, W, C] to [B, ceil(H / stride), ceil(W / stride), filters]."""
    inputs = tf.nn.relu(inputs) if self.relu else inputs
    kernel = tf.convert_to_tensor(self.kernel)
    if self.stride == 1:
      return self.norm(_pointwise(inputs, kernel), training=training)
    outputs = tf.nn.conv2d(inputs, kernel * _diagonal_halves(self.filters), self.stride, "SAME")
    return self.norm(outputs, training=training)


def hold(owner: keras.layers.Layer, name: str, layers: list[keras.layers.Layer]) -> None:
  """Makes a list of layers the attribute `name` of `owner`, and every layer an attribute of its own.

  Keras finds weights in lists, but checkpoints of TensorFlow under Keras 3 follow attributes alone.
  """
  setattr(owner, name, layers)
  for i, layer in enumerate(layers):
    setattr(owner, f"{name}_{i}", layer)


def strided_shape(shape, strides, filters: int) -> tuple:
  """Returns the shape [B, ceil(H / strides[0]), ceil(W / strides[1]), filters]."""
  batch, height, width, _ = shape
  return batch, -(-height // strides[0]), -(-width // strides[1]), filters


def window_padding(size) -> list[list[int]]:
  """Returns paddings of [B, H, W, C] that center a window of `size` on every pixel, their larger half at the end."""
  return [[0, 0], *([(k - 1) // 2, k // 2] for k in size), [0, 0]]


def _pointwise(inputs: tf.Tensor, kernel: tf.Tensor) -> tf.Tensor:
  """Convolves with a kernel [1, 1, C, filters]; on CPUs a matrix product is faster than `tf.nn.conv2d`."""
  height, width, channels = inputs.shape[1:]
  rows = tf.shape(kernel)[2] if channels is None else channels
  outputs = tf.matmul(tf.reshape(inputs, (-1, rows)), kernel[0, 0])
  return tf.reshape(outputs, (-1, height, width, kernel.shape[-1]))


def _padding(size, strides, convention: Convention):
  return window_padding(size) if convention.symmetric_padding and max(strides) > 1 else "SAME"


def _dilated(kernel: tf.Tensor, dilation: int) -> tf.Tensor:
  """Spreads a kernel [k, k, C, 1] by zeros to [dilation * (k - 1) + 1, ..., C, 1]."""
  if dilation == 1:
    return kernel
  size, channels = kernel.shape[0], kernel.shape[2]
  gap = [0, dilation - 1]
  spread = tf.pad(kernel[:, None, :, None], [[0, 0], gap, [0, 0], gap, [0, 0], [0, 0]])
  spread = tf.reshape(spread, (size * dilation, size * dilation, channels, 1))
  return spread[: 1 - dilation, : 1 - dilation]


def _diagonal_halves(filters: int) -> np.ndarray:
  mask = np.zeros((2, 2, 1, filters), np.float32)
  mask[0, 0, :, : filters // 2] = 1.0
  mask[1, 1, :, filters // 2 :] = 1.0
  return mask
