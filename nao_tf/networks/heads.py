"""The heads of image networks, which map features to logits: the classifier and the auxiliary head.

Spatial means and logits are computed in float32, also in mixed precision.
"""

import tensorflow as tf
from tensorflow import keras

from nao_tf.networks.conventions import Convention, derive_seeds, kernel_initializer
from nao_tf.networks.image_network_config import AUXILIARY_FILTERS, AUXILIARY_WINDOW
from nao_tf.networks.layers import Chain, ConvNorm, ImageShape
from nao_tf.networks.rectifiers import relu
from nao_tf.networks.weight_sources import OWN_WEIGHTS, WeightSource


class Dense(keras.layers.Dense):
  """The dense layer of Keras, which may read lent weights, also with fewer input units than its own.

  Args:
    units: output units.
    convention: whether there is a bias, and how the kernel is initialized.
    seed: random seed of the kernel.
    gain: factor on the variance that the kernel begins with.
  """

  def __init__(self, units: int, convention: Convention, seed: int, *, gain: float = 1.0) -> None:
    initializer = kernel_initializer(convention, seed, gain=gain)
    super().__init__(
      units, use_bias=convention.classifier_bias, kernel_initializer=initializer, dtype=keras.backend.floatx()
    )

  def build(self, input_shape: tuple[int | None, ...]) -> None:
    """Creates the kernel [C, units] and the bias [units], if there is one."""
    super().build(input_shape)
    self.input_spec = None  # It would insist on the number of input units of the layer's own kernel.

  def call(self, inputs: tf.Tensor, weights: WeightSource = OWN_WEIGHTS) -> tf.Tensor:
    """Maps [B, C] to [B, units]."""
    outputs = tf.matmul(inputs, weights.read(self.kernel))
    return tf.nn.bias_add(outputs, weights.read(self.bias)) if self.use_bias else outputs


class ClassifierHead(keras.layers.Layer):
  """ReLU if the convention says so, global average pooling, dropout, dense.

  Args:
    num_classes: number of logits.
    keep: probability of dropout to keep a unit.
    convention: whether there are ReLU and bias.
    seed: random seed of the dense kernel.
    gain: factor on the variance that the kernel begins with.
  """

  def __init__(self, num_classes: int, keep: float, convention: Convention, seed: int, *, gain: float = 1.0) -> None:
    super().__init__(name="head", dtype=keras.backend.floatx())
    self.keep, self.convention = keep, convention
    self.dense = Dense(num_classes, convention, seed, gain=gain)

  def build(self, input_shape: ImageShape) -> None:
    """Creates the weights of the dense layer."""
    self.dense.build((input_shape[0], input_shape[-1]))
    self.built = True

  def call(
    self, features: tf.Tensor, dropout_seed: tf.Tensor | None = None, weights: WeightSource = OWN_WEIGHTS
  ) -> tf.Tensor:
    """Maps features to logits.

    Args:
      features: [B, H, W, C].
      dropout_seed: two integers that decide which units are dropped; None drops nothing.
      weights: where the weights come from.

    Returns:
      [B, num_classes].
    """
    features = relu(features) if self.convention.head_relu else features
    pooled = tf.reduce_mean(features, (1, 2))
    if dropout_seed is not None and self.keep < 1.0:
      pooled = tf.nn.experimental.stateless_dropout(pooled, 1.0 - self.keep, dropout_seed)
    return self.dense(pooled, weights=weights)


class AuxiliaryHead(keras.layers.Layer):
  """ReLU, 5x5 average pool, 1x1 convolution, convolution over what is left, dense.

  On a map smaller than the window, the window is the map.

  Args:
    num_classes: number of logits.
    stride: stride of the pool.
    convention: whether there is a bias.
    seed: random seed of the weights.
  """

  def __init__(self, num_classes: int, stride: int, convention: Convention, seed: int) -> None:
    super().__init__(name="auxiliary_head")
    self.num_classes, self.stride, self.convention, self.seed = num_classes, stride, convention, seed

  def build(self, input_shape: ImageShape) -> None:
    """Creates the weights for features [B, H, W, C]."""
    batch, height, width, channels = input_shape
    self.window = min(AUXILIARY_WINDOW, height), min(AUXILIARY_WINDOW, width)
    height, width = ((n - k) // self.stride + 1 for n, k in zip((height, width), self.window))
    first_seed, second_seed, dense_seed = derive_seeds(self.seed, 3)
    few, many = AUXILIARY_FILTERS
    pointwise = ConvNorm(few, 1, self.convention, first_seed, relu=False, valid=True)
    whole = ConvNorm(many, 1, self.convention, second_seed, size=(height, width), valid=True)
    self.convolutions = Chain([pointwise, whole])
    self.convolutions.build((batch, height, width, channels))
    self.dense = Dense(self.num_classes, self.convention, dense_seed)
    self.dense.build((batch, many))
    self.built = True

  def call(self, features: tf.Tensor, training: bool | None = None, weights: WeightSource = OWN_WEIGHTS) -> tf.Tensor:
    """Maps features [B, H, W, C] to logits [B, num_classes]."""
    pooled = tf.nn.avg_pool2d(relu(features), self.window, self.stride, "VALID")
    outputs = relu(self.convolutions(pooled, training=training, weights=weights))
    return self.dense(tf.squeeze(outputs, (1, 2)), weights=weights)
