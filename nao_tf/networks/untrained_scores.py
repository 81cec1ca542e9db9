"""Zero-cost proxies of image networks, computed at initialization: SynFlow and NASWOT.

* SynFlow (Tanaka et al., 2020; as a score of architectures: Abdelfattah et al., 2021) is the sum over all weights of |w
  dR/dw|, where R is the sum of the logits for an image of ones and each weight is replaced by its absolute value.
* NASWOT (Mellor et al., 2021) is the log determinant of a kernel that counts how many rectified units have the same
  state, on or off, for two images of a batch. It is high if the network distinguishes the images of the batch.

Nothing is traced. Higher values are meant to indicate better networks.
"""

import math

import numpy as np
import tensorflow as tf
from tensorflow import keras

from nao_tf.networks.layered_network import LayeredNetwork
from nao_tf.networks.rectifiers import watched_rectifiers

_TINY = 1e-100
"""What the image and the gradient of the logits are multiplied with, so that neither activations nor gradients overflow."""
_RIDGE = 1e-3
"""In units. It keeps the determinant above 0 if a network treats two images alike."""


def synflow(network: keras.Model, image_shape: tuple[int, int, int]) -> float:
  """Returns the logarithm of the SynFlow of a network, whose weights are made positive.

  Batch normalization uses its moving averages, which are 0 and 1 in a new network, so it has no effect.

  Args:
    network: a new image network in float64; see `nao_tf.networks.precision.double_precision`.
    image_shape: (height, width, channels) of the image of ones.
  """
  weights = network.trainable_variables
  for weight in weights:
    weight.assign(tf.abs(weight))
  with tf.GradientTape() as tape:
    logits = network(tf.fill((1, *image_shape), tf.constant(_TINY, tf.float64)), training=False)
  gradients = tape.gradient(logits, weights, output_gradients=tf.fill(logits.shape, tf.constant(_TINY, tf.float64)))
  flows = [tf.reduce_sum(tf.abs(w * g)) for w, g in zip(weights, gradients, strict=True) if g is not None]
  total = min(float(tf.add_n(flows)), np.finfo(np.float64).max)
  return math.log(max(total, np.finfo(np.float64).tiny)) - 2 * math.log(_TINY)


def naswot(network: keras.Model, images: tf.Tensor) -> float:
  """Returns the NASWOT of a network for a batch of images. Batch normalization uses batch statistics.

  Args:
    network: a new image network.
    images: [B, H, W, C].
  """
  kernel = np.zeros((len(images), len(images)))
  for units in _rectified(network, images):
    is_on = (units.numpy().reshape(len(images), -1) > 0).astype(np.float32)
    kernel += is_on @ is_on.T + (1 - is_on) @ (1 - is_on).T
  return float(np.linalg.slogdet(kernel + _RIDGE * np.eye(len(images)))[1])


def _rectified(network: keras.Model, images: tf.Tensor) -> list[tf.Tensor]:
  """Returns tensors [B, ...] whose signs say which units are on."""
  if isinstance(network, LayeredNetwork):
    layers = [layer for layer in network.classifier.layers if isinstance(layer, keras.layers.ReLU)]
    outputs = [layer.output for layer in layers]
    return list(keras.Model(network.classifier.inputs, [*outputs, network.classifier.output])(images, training=True))[
      :-1
    ]
  with watched_rectifiers() as seen:
    network(images, training=True)
  return seen
