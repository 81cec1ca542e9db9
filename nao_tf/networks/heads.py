"""Heads: what turns features into logits, the classifier and the auxiliary one."""

import tensorflow as tf
from tensorflow import keras

from nao_tf.networks.conventions import Convention, derive_seeds, kernel_initializer
from nao_tf.networks.layers import Chain, ConvNorm

AUXILIARY_WINDOW = 5
AUXILIARY_FILTERS = (128, 768)


class ClassifierHead(keras.layers.Layer):
  """ReLU if the convention says so, global average pooling, dropout, dense.

  Args:
    num_classes: logits to give.
    keep: keep probability of dropout.
    convention: whether there are ReLU and bias.
    seed: of the dense kernel.
    gain: factor on the variance that its kernel begins with.
  """

  def __init__(self, num_classes: int, keep: float, convention: Convention, seed: int, *, gain: float = 1.0):
    super().__init__(name="head")
    self.keep, self.convention = keep, convention
    self.dense = _dense(num_classes, convention, seed, gain)

  def build(self, input_shape):
    """Makes the dense layer's weights."""
    self.dense.build((input_shape[0], input_shape[-1]))
    self.built = True

  def call(self, features, dropout_seed=None):
    """Maps features [B, H, W, C] to logits [B, num_classes]; `dropout_seed`, two integers, makes it drop units."""
    features = tf.nn.relu(features) if self.convention.head_relu else features
    pooled = tf.reduce_mean(features, (1, 2))
    if dropout_seed is not None and self.keep < 1.0:
      pooled = tf.nn.experimental.stateless_dropout(pooled, 1.0 - self.keep, dropout_seed)
    return self.dense(pooled)


class AuxiliaryHead(keras.layers.Layer):
  """ReLU, 5x5 average pool, 1x1 convolution, convolution over what is left, dense.

  On a map smaller than its window, the window is the map.

  Args:
    num_classes: logits to give.
    stride: of the pool.
    convention: whether there is a bias.
    seed: of the weights.
  """

  def __init__(self, num_classes: int, stride: int, convention: Convention, seed: int):
    super().__init__(name="auxiliary_head")
    self.num_classes, self.stride, self.convention, self.seed = num_classes, stride, convention, seed

  def build(self, input_shape):
    """Makes the weights for features [B, H, W, C]."""
    batch, *lengths, channels = input_shape
    self.window = tuple(min(AUXILIARY_WINDOW, length) for length in lengths)
    height, width = ((n - k) // self.stride + 1 for n, k in zip(lengths, self.window))
    *seeds, dense_seed = derive_seeds(self.seed, 3)
    rows = zip(AUXILIARY_FILTERS, ((1, 1), (height, width)), (False, True), seeds)
    self.convolutions = Chain(
      [ConvNorm(f, 1, self.convention, key, size=size, relu=relu, valid=True) for f, size, relu, key in rows]
    )
    self.convolutions.build((batch, height, width, channels))
    self.dense = _dense(self.num_classes, self.convention, dense_seed)
    self.dense.build((batch, AUXILIARY_FILTERS[-1]))
    self.built = True

  def call(self, features, training=None):
    """Maps features [B, H, W, C] to logits [B, num_classes]."""
    pooled = tf.nn.avg_pool2d(tf.nn.relu(features), self.window, self.stride, "VALID")
    outputs = tf.nn.relu(self.convolutions(pooled, training=training))
    return self.dense(tf.squeeze(outputs, (1, 2)))


def _dense(num_classes: int, convention: Convention, seed: int, gain: float = 1.0) -> keras.layers.Dense:
  initializer = kernel_initializer(convention, seed, gain=gain)
  return keras.layers.Dense(num_classes, use_bias=convention.classifier_bias, kernel_initializer=initializer)
