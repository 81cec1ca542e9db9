"""Color jitter of whole batches: brightness, contrast, saturation and hue of each image change at random.

All four are linear in the colors of an image, so each image has one matrix `[3, 3]` and one offset `[3]`, and a batch is
changed in one multiplication. The hue turns around the gray axis in the space YIQ.
"""

import math

import tensorflow as tf

_LUMINANCE = (0.299, 0.587, 0.114)
_TO_YIQ = ((0.299, 0.587, 0.114), (0.5959, -0.2746, -0.3213), (0.2115, -0.5227, 0.3112))


def random_color_jitter(images: tf.Tensor, seed: tf.Tensor, *, strength: float, hue: float = 0.0) -> tf.Tensor:
  """Changes the colors of each image at random.

  Args:
    images: `[B, H, W, 3]` in 0..255.
    seed: stateless seed, `[2]`.
    strength: brightness, contrast and saturation get factors from `[1 - strength, 1 + strength]`.
    hue: the hue turns by at most this fraction of a full turn, in either direction.

  Returns:
    Images of the same shape, float32 in 0..255.
  """
  if not strength and not hue:
    return tf.cast(images, tf.float32)
  uniform = tf.random.stateless_uniform([tf.shape(images)[0], 4], seed, -1.0, 1.0)
  brightness, contrast, saturation = tf.unstack(1.0 + strength * uniform[:, :3], axis=1)
  return change_colors(images, brightness, contrast, saturation, hue * uniform[:, 3])


def change_colors(
  images: tf.Tensor, brightness: tf.Tensor, contrast: tf.Tensor, saturation: tf.Tensor, hue: tf.Tensor
) -> tf.Tensor:
  """Changes the colors of images.

  Args:
    images: `[B, H, W, 3]` in 0..255.
    brightness: factor of all numbers, `[B]`.
    contrast: factor of the distance to the mean luminance of the image, `[B]`.
    saturation: factor of the distance to the gray of the same luminance, `[B]`.
    hue: how far the hue is turned, as a fraction of a full turn, `[B]`.

  Returns:
    Images of the same shape, float32 in 0..255.
  """
  images = tf.cast(images, tf.float32)
  matrix = brightness[:, tf.newaxis, tf.newaxis] * tf.matmul(_saturation_matrix(saturation), _hue_matrix(hue))
  means = tf.linalg.matvec(matrix, tf.reduce_mean(images, (1, 2)))  # [B, 3]
  gray = tf.linalg.matvec(means, tf.constant(_LUMINANCE))  # [B]
  pixels = tf.reshape(images, [tf.shape(images)[0], -1, 3])
  changed = tf.matmul(pixels, contrast[:, tf.newaxis, tf.newaxis] * matrix, transpose_b=True)
  changed += ((1.0 - contrast) * gray)[:, tf.newaxis, tf.newaxis]
  return tf.reshape(tf.clip_by_value(changed, 0.0, 255.0), tf.shape(images))


def _saturation_matrix(factor: tf.Tensor) -> tf.Tensor:
  """Returns the matrices `[B, 3, 3]` that scale the distance to gray."""
  gray = tf.ones([3, 1]) * tf.constant(_LUMINANCE)
  scale = factor[:, tf.newaxis, tf.newaxis]
  return scale * tf.eye(3) + (1.0 - scale) * gray


def _hue_matrix(turn: tf.Tensor) -> tf.Tensor:
  """Returns the matrices `[B, 3, 3]` that turn the hue."""
  angle = 2.0 * math.pi * turn
  cosine, sine, zero, one = tf.cos(angle), tf.sin(angle), tf.zeros_like(angle), tf.ones_like(angle)
  rows = [[one, zero, zero], [zero, cosine, -sine], [zero, sine, cosine]]
  turned = tf.stack([tf.stack(row, axis=1) for row in rows], axis=1)
  to_yiq = tf.constant(_TO_YIQ)
  return tf.matmul(tf.linalg.inv(to_yiq), tf.matmul(turned, to_yiq))
