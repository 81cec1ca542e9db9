"""Stems, which map an image to the two states that the first cell reads."""

from collections.abc import Callable, Sequence

import tensorflow as tf
from tensorflow import keras

from nao_tf.networks.conventions import Convention, derive_seeds
from nao_tf.networks.layers import Chain, ConvNorm, ImageShape
from nao_tf.networks.weight_sources import OWN_WEIGHTS, WeightSource


class Stem(keras.layers.Layer):
  """Two chains of layers: the first maps the image to input 0 of the first cell, the second maps that to input 1.

  Args:
    first: layers of the first chain.
    second: layers of the second chain; with none, both inputs are the same.
  """

  def __init__(self, first: Sequence[keras.layers.Layer], second: Sequence[keras.layers.Layer] = ()) -> None:
    super().__init__(name="stem")
    self.first, self.second = Chain(first, name="first"), Chain(second, name="second")

  def build(self, input_shape: ImageShape) -> None:
    """Creates the weights for images [B, H, W, C]."""
    self.first.build(input_shape)
    self.second.build(self.first.compute_output_shape(input_shape))
    self.built = True

  def call(
    self, images: tf.Tensor, training: bool | None = None, weights: WeightSource = OWN_WEIGHTS
  ) -> tuple[tf.Tensor, tf.Tensor]:
    """Maps [B, H, W, C] to two states [B, H0, W0, C0] and [B, H1, W1, C1]."""
    previous = self.first(images, training=training, weights=weights)
    return previous, self.second(previous, training=training, weights=weights)

  def compute_output_shape(self, input_shape: ImageShape) -> tuple[ImageShape, ImageShape]:
    """Returns the shapes of both states."""
    previous = self.first.compute_output_shape(input_shape)
    return previous, self.second.compute_output_shape(previous)


def cifar_stem(filters: int, convention: Convention, seed: int) -> Stem:
  """Returns a 3x3 convolution to three times the filters, or what the convention says; both states are its output."""
  channels = convention.stem_multiplier * filters
  return Stem([ConvNorm(channels, 1, convention, seed, size=(3, 3), relu=False)])


def imagenet_stem(filters: int, convention: Convention, seed: int) -> Stem:
  """Returns a stem of strided 3x3 convolutions: one before stem cells, or three of `filters // 2`, F and F filters."""
  if convention.stem_cells:
    return Stem([ConvNorm(convention.stem_filters, 2, convention, seed, size=(3, 3), relu=False, valid=True)])
  seeds = derive_seeds(seed, 3)
  halved = ConvNorm(filters // 2, 2, convention, seeds[0], size=(3, 3), relu=False)
  quartered, last = (ConvNorm(filters, 2, convention, key, size=(3, 3)) for key in seeds[1:])
  return Stem([halved, quartered], [last])


STEMS: dict[str, Callable[[int, Convention, int], Stem]] = {"cifar": cifar_stem, "imagenet": imagenet_stem}
