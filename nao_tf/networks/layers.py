"""The basic layers of operations, cells and networks: batch normalization, convolutions and factorized reduction.

All layers map images [B, H, W, C] to [B, H', W', filters] with static H, W and C. They are built from shapes alone,
without being traced: `build` creates the weights of the whole tree, and `compute_output_shape` returns the output
shape. With lent weights (see `WeightSource`), 1x1 convolutions and factorized reductions also accept a C that is only
known at run time.
"""

from collections.abc import Sequence

import numpy as np
import tensorflow as tf
from tensorflow import keras

from nao_tf.networks.conventions import Convention, derive_seeds, kernel_initializer
from nao_tf.networks.rectifiers import relu
from nao_tf.networks.weight_sources import OWN_WEIGHTS, WeightSource

NORM_MOMENTUM = 0.9
NORM_EPSILON = 1e-5

ImageShape = tuple[int | None, int, int, int]
"""The shape [B, H, W, C] of images or features; B may be unknown."""


class Norm(keras.layers.BatchNormalization):
  """Batch normalization over [B, H, W] in one fused kernel, including moving averages.

  Statistics, scale and offset are in float32, whatever precision the images have.

  Under a distribution, every replica takes its own batch statistics unless the convention synchronizes them, and
  averages these. Trainers evaluate with the averages of the first one. The moving variance averages unbiased estimates.

  Args:
    convention: says whether statistics are synchronized, and whether there are a scale and an offset.
    name: name of the layer.
  """

  def __init__(self, convention: Convention, name: str = "norm") -> None:
    affine = convention.norm_affine
    super().__init__(momentum=NORM_MOMENTUM, epsilon=NORM_EPSILON, center=affine, scale=affine, name=name)
    self.over_replicas = convention.synchronized_norm

  def call(self, inputs: tf.Tensor, training: bool | None = None, weights: WeightSource = OWN_WEIGHTS) -> tf.Tensor:
    """Normalizes images.

    Args:
      inputs: [B, H, W, C].
      training: whether to normalize by the statistics of the batch, and to average these. Otherwise the averages are used.
      weights: where the weights come from.
    """
    if not (training and self.trainable):
      return self._normalize_by_averages(inputs, weights)
    if self.over_replicas:
      return self._normalize_by_all_batches(inputs, weights)
    return self._normalize_by_batch(inputs, weights)

  def _normalize_by_averages(self, inputs: tf.Tensor, weights: WeightSource) -> tf.Tensor:
    """Normalizes by the moving averages.

    A function with lent weights is called in many places of a graph, at the same time. The fused kernel of TensorFlow 2.15
    (oneDNN, inference) then mixes up the averages of its callers. And there is no fused kernel for float64.
    """
    if weights is OWN_WEIGHTS and inputs.dtype != tf.float64:
      return self._fused(inputs, weights, training=False)[0]
    return self._normalize(inputs, weights.read(self.moving_mean), weights.read(self.moving_variance), weights)

  def _normalize_by_batch(self, inputs: tf.Tensor, weights: WeightSource) -> tf.Tensor:
    if inputs.dtype == tf.float64:  # There is no fused kernel for it.
      return self._normalize_by_moments(inputs, _moments(inputs), 1, weights)
    outputs, mean, variance = self._fused(inputs, weights, training=True)
    weights.write(self.moving_mean, mean)
    weights.write(self.moving_variance, variance)
    return outputs

  def _normalize_by_all_batches(self, inputs: tf.Tensor, weights: WeightSource) -> tf.Tensor:
    replicas = tf.distribute.get_replica_context()
    moments = replicas.all_reduce(tf.distribute.ReduceOp.MEAN, _moments(inputs))
    return self._normalize_by_moments(inputs, moments, replicas.num_replicas_in_sync, weights)

  def _normalize_by_moments(
    self, inputs: tf.Tensor, moments: Sequence[tf.Tensor], num_replicas: int, weights: WeightSource
  ) -> tf.Tensor:
    mean, square = moments
    variance = square - tf.square(mean)
    count = tf.cast(tf.size(inputs) // inputs.shape[-1] * num_replicas, variance.dtype)
    self._move(self.moving_mean, mean, weights)
    self._move(self.moving_variance, variance * count / (count - 1.0), weights)
    return self._normalize(inputs, mean, variance, weights)

  def _normalize(self, inputs: tf.Tensor, mean: tf.Tensor, variance: tf.Tensor, weights: WeightSource) -> tf.Tensor:
    gamma, beta = self._scale_and_offset(weights)
    outputs = tf.nn.batch_normalization(tf.cast(inputs, mean.dtype), mean, variance, beta, gamma, self.epsilon)
    return tf.cast(outputs, inputs.dtype)

  def _scale_and_offset(self, weights: WeightSource) -> tuple[tf.Tensor, tf.Tensor]:
    if self.scale:
      return weights.read(self.gamma), weights.read(self.beta)
    mean = self.moving_mean
    return tf.ones(mean.shape, mean.dtype), tf.zeros(mean.shape, mean.dtype)

  def _move(self, average: tf.Variable, value: tf.Tensor, weights: WeightSource) -> None:
    weights.write(average, self.momentum * weights.read(average) + (1.0 - self.momentum) * value)

  def _fused(
    self, inputs: tf.Tensor, weights: WeightSource, *, training: bool
  ) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """Returns the normalized images and the averages: in training moved towards the statistics of the batch."""
    scale, offset = self._scale_and_offset(weights)
    mean, variance = weights.read(self.moving_mean), weights.read(self.moving_variance)
    return tf.compat.v1.nn.fused_batch_norm(
      inputs,
      scale,
      offset,
      mean,
      variance,
      epsilon=self.epsilon,
      is_training=training,
      exponential_avg_factor=1.0 - self.momentum if training else 1.0,
    )


def _moments(inputs: tf.Tensor) -> list[tf.Tensor]:
  """Returns the mean of each channel and of its square, in no less than float32."""
  inputs = inputs if inputs.dtype == tf.float64 else tf.cast(inputs, tf.float32)
  return [tf.reduce_mean(inputs, (0, 1, 2)), tf.reduce_mean(tf.square(inputs), (0, 1, 2))]


class Chain(keras.layers.Layer):
  """Layers applied one after another.

  Args:
    layers: the layers.
    name: name of the chain.
  """

  def __init__(self, layers: Sequence[keras.layers.Layer], name: str | None = None) -> None:
    super().__init__(name=name)
    self.chained = list(layers)
    track_each(self, "chained", self.chained)

  def build(self, input_shape: ImageShape) -> None:
    """Builds every layer for the output of the one before it."""
    for layer in self.chained:
      layer.build(input_shape)
      input_shape = layer.compute_output_shape(input_shape)
    self.built = True

  def call(self, inputs: tf.Tensor, training: bool | None = None, weights: WeightSource = OWN_WEIGHTS) -> tf.Tensor:
    """Applies the layers to `inputs` [B, H, W, C]."""
    for layer in self.chained:
      inputs = layer(inputs, training=training, weights=weights)
    return inputs

  def compute_output_shape(self, input_shape: ImageShape) -> ImageShape:
    """Returns the shape after the last layer."""
    batch, height, width, channels = input_shape
    shape = batch, height, width, channels
    for layer in self.chained:
      shape = layer.compute_output_shape(shape)
    return shape


class Strided(keras.layers.Layer):
  """Base of layers that map [B, H, W, C] to [B, ceil(H / stride), ceil(W / stride), filters].

  Args:
    filters: output channels.
    stride: vertical and horizontal stride.
    convention: how the layer pads, initializes and norms.
    seed: random seed of its weights.
    name: name of the layer.
  """

  def __init__(self, filters: int, stride: int, convention: Convention, seed: int, *, name: str | None = None) -> None:
    super().__init__(name=name)
    self.filters, self.stride, self.convention, self.seed = filters, stride, convention, seed

  def compute_output_shape(self, input_shape: ImageShape) -> ImageShape:
    """Returns [B, ceil(H / stride), ceil(W / stride), filters]."""
    return strided_shape(input_shape, (self.stride, self.stride), self.filters)

  def _add_kernel(self, name: str, shape: tuple[int, ...], seed: int, gain: float = 1.0) -> tf.Variable:
    return self.add_weight(name=name, shape=shape, initializer=kernel_initializer(self.convention, seed, gain=gain))


class ConvNorm(keras.layers.Layer):
  """ReLU, convolution without bias, batch normalization.

  Args:
    filters: output channels.
    strides: vertical and horizontal stride, or one number for both.
    convention: how it pads, initializes and norms.
    seed: random seed of the kernel.
    size: height and width of the kernel.
    dilation: dilation of the kernel.
    relu: whether the ReLU is there.
    valid: whether windows stay inside the image; otherwise they are padded.
    name: name of the layer.
  """

  def __init__(
    self,
    filters: int,
    strides: int | tuple[int, int],
    convention: Convention,
    seed: int,
    *,
    size: tuple[int, int] = (1, 1),
    dilation: int = 1,
    relu: bool = True,
    valid: bool = False,
    name: str | None = None,
  ) -> None:
    super().__init__(name=name)
    self.filters, self.convention, self.seed = filters, convention, seed
    self.size, self.dilation, self.relu, self.valid = size, dilation, relu, valid
    self.strides = (strides, strides) if isinstance(strides, int) else strides
    self.norm = Norm(convention)

  def build(self, input_shape: ImageShape) -> None:
    """Creates the kernel [h, w, C, filters]."""
    self.kernel = self.add_weight(
      name="kernel",
      shape=(*self.size, input_shape[-1], self.filters),
      initializer=kernel_initializer(self.convention, self.seed),
    )
    self.norm.build(self.compute_output_shape(input_shape))
    self.built = True

  def call(self, inputs: tf.Tensor, training: bool | None = None, weights: WeightSource = OWN_WEIGHTS) -> tf.Tensor:
    """Maps [B, H, W, C] to [B, H', W', filters]."""
    inputs = relu(inputs) if self.relu else inputs
    outputs = self._convolve(inputs, tf.cast(weights.read(self.kernel), inputs.dtype))
    return self.norm(outputs, training=training, weights=weights)

  def compute_output_shape(self, input_shape: ImageShape) -> ImageShape:
    """Returns [B, H', W', filters]."""
    batch, height, width, channels = input_shape
    if self.valid:
      height, width = (length - self.dilation * (n - 1) for length, n in zip((height, width), self.size))
    return strided_shape((batch, height, width, channels), self.strides, self.filters)

  def _convolve(self, inputs: tf.Tensor, kernel: tf.Tensor) -> tf.Tensor:
    if self.size == (1, 1):
      return _pointwise(_every(self.strides, inputs), kernel)
    kernel = _dilated(kernel, self.dilation)
    padding = "VALID" if self.valid else _padding(kernel.shape[:2], self.strides, self.convention)
    return tf.nn.conv2d(inputs, kernel, self.strides, padding)


class SeparableConvNorm(Strided):
  """ReLU, depthwise convolution, pointwise convolution, batch normalization.

  Args:
    filters: output channels.
    stride: stride of the depthwise convolution.
    convention: how it pads, initializes and norms.
    seed: random seed of the kernels.
    size: height and width of the depthwise kernel.
    dilation: dilation of the depthwise kernel.
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
    super().__init__(filters, stride, convention, seed, name=name)
    self.size, self.dilation = size, dilation
    self.norm = Norm(convention)

  def build(self, input_shape: ImageShape) -> None:
    """Creates the kernels [k, k, C, 1] and [1, 1, C, filters]."""
    channels, seeds = input_shape[-1], derive_seeds(self.seed, 2)
    gain = channels if self.convention.kernel_mode == "fan_in" else 1.0  # A depthwise output reads one channel.
    self.depthwise = self._add_kernel("depthwise", (self.size, self.size, channels, 1), seeds[0], gain)
    self.pointwise = self._add_kernel("pointwise", (1, 1, channels, self.filters), seeds[1])
    self.norm.build(self.compute_output_shape(input_shape))
    self.built = True

  def call(self, inputs: tf.Tensor, training: bool | None = None, weights: WeightSource = OWN_WEIGHTS) -> tf.Tensor:
    """Maps [B, H, W, C] to [B, ceil(H / stride), ceil(W / stride), filters]."""
    kernel = _dilated(tf.cast(weights.read(self.depthwise), inputs.dtype), self.dilation)
    padding = _padding(kernel.shape[:2], (self.stride, self.stride), self.convention)
    outputs = tf.nn.depthwise_conv2d(relu(inputs), kernel, (1, self.stride, self.stride, 1), padding)
    outputs = _pointwise(outputs, tf.cast(weights.read(self.pointwise), inputs.dtype))
    return self.norm(outputs, training=training, weights=weights)


class FactorizedReduction(Strided):
  """Halves the resolution while reading every pixel of both diagonals, followed by batch normalization.

  The first half of the filters reads the pixels (2i, 2j), the second (2i + 1, 2j + 1), zero beyond the border. Both are
  computed as one convolution, whose 2x2 kernel is zero off its diagonal. With stride 1 it is a 1x1 convolution.

  Args:
    filters: number of output channels.
    stride: 1 or 2.
    convention: how weights are initialized and outputs normalized.
    seed: random seed of the kernel.
    relu: whether it starts with a ReLU.
    name: name of the layer.

  Raises:
    ValueError: if the stride is neither 1 nor 2.
  """

  def __init__(
    self,
    filters: int,
    stride: int,
    convention: Convention,
    seed: int,
    *,
    relu: bool = False,
    name: str | None = None,
  ) -> None:
    if stride not in (1, 2):
      raise ValueError(f"a factorized reduction has stride 1 or 2, got {stride}")
    super().__init__(filters, stride, convention, seed, name=name)
    self.relu = relu
    self.norm = Norm(convention)

  def build(self, input_shape: ImageShape) -> None:
    """Creates the kernel [1, 1, C, filters]. To the initializer, each half is a kernel of its own."""
    gain = self.stride if self.convention.kernel_mode == "fan_out" else 1.0
    self.kernel = self._add_kernel("kernel", (1, 1, input_shape[-1], self.filters), self.seed, gain)
    self.norm.build(self.compute_output_shape(input_shape))
    self.built = True

  def call(self, inputs: tf.Tensor, training: bool | None = None, weights: WeightSource = OWN_WEIGHTS) -> tf.Tensor:
    """Maps [B, H, W, C] to [B, ceil(H / stride), ceil(W / stride), filters]."""
    inputs = relu(inputs) if self.relu else inputs
    outputs = self._convolve(inputs, tf.cast(weights.read(self.kernel), inputs.dtype))
    return self.norm(outputs, training=training, weights=weights)

  def _convolve(self, inputs: tf.Tensor, kernel: tf.Tensor) -> tf.Tensor:
    if self.stride == 1:
      return _pointwise(inputs, kernel)
    return tf.nn.conv2d(inputs, kernel * tf.constant(_diagonal_halves(self.filters), kernel.dtype), self.stride, "SAME")


def track_each(owner: keras.layers.Layer, name: str, layers: Sequence[keras.layers.Layer]) -> None:
  """Makes every layer of a list an attribute of its own as well: `<name>_0`, `<name>_1` and so on.

  Keras finds the weights of layers in a list. Checkpoints of TensorFlow under Keras 3 follow attributes only.

  Args:
    owner: the layer or model that has the list as an attribute.
    name: name of that attribute.
    layers: the list.
  """
  for i, layer in enumerate(layers):
    setattr(owner, f"{name}_{i}", layer)


def strided_shape(shape: ImageShape, strides: tuple[int, int], filters: int) -> ImageShape:
  """Returns the shape [B, ceil(H / strides[0]), ceil(W / strides[1]), filters]."""
  batch, height, width, _ = shape
  return batch, -(-height // strides[0]), -(-width // strides[1]), filters


def window_padding(size: tuple[int, int]) -> list[list[int]]:
  """Returns paddings of [B, H, W, C] that center a window of `size` on every pixel, their larger half at the end."""
  height, width = ([(length - 1) // 2, length // 2] for length in size)
  return [[0, 0], height, width, [0, 0]]


def _every(strides: tuple[int, int], inputs: tf.Tensor) -> tf.Tensor:
  """Returns the pixels that a 1x1 convolution with strides reads.

  TensorFlow does not get such a convolution as one operation: with oneDNN, which it uses on most new processors, the
  gradient of the kernel is wrong when the inputs have few channels, and memory is overwritten.
  """
  height, width = strides
  return inputs if strides == (1, 1) else inputs[:, ::height, ::width]


def _pointwise(inputs: tf.Tensor, kernel: tf.Tensor) -> tf.Tensor:
  """Convolves with a kernel [1, 1, C, filters]; on CPUs a matrix product is faster than `tf.nn.conv2d`."""
  height, width, channels = inputs.shape[1:]
  rows = tf.shape(kernel)[2] if channels is None else channels
  outputs = tf.matmul(tf.reshape(inputs, (-1, rows)), kernel[0, 0])
  return tf.reshape(outputs, (-1, height, width, kernel.shape[-1]))


def _padding(size: tuple[int, int], strides: tuple[int, int], convention: Convention) -> str | list[list[int]]:
  return window_padding(size) if convention.symmetric_padding and max(strides) > 1 else "SAME"


def _dilated(kernel: tf.Tensor, dilation: int) -> tf.Tensor:
  """Spreads a kernel [h, w, C, F] by zeros to [dilation * (h - 1) + 1, dilation * (w - 1) + 1, C, F]."""
  if dilation == 1:
    return kernel
  height, width, channels, filters = kernel.shape
  gap = [0, dilation - 1]
  spread = tf.pad(kernel[:, None, :, None], [[0, 0], gap, [0, 0], gap, [0, 0], [0, 0]])
  spread = tf.reshape(spread, (height * dilation, width * dilation, channels, filters))
  return spread[: 1 - dilation, : 1 - dilation]


def _diagonal_halves(filters: int) -> np.ndarray:
  """Returns a mask [2, 2, 1, filters]: each half of the filters keeps one place of the diagonal."""
  mask = np.zeros((2, 2, 1, filters), np.float32)
  mask[0, 0, :, : filters // 2] = 1.0
  mask[1, 1, :, filters // 2 :] = 1.0
  return mask
