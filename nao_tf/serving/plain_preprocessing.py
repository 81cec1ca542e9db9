"""What is done to raw images before a network sees them, as standard layers of Keras.

An image x of N numbers is scaled to 0..255 and standardized as `tf.image.per_image_standardization` does it:

    (x - mean(x)) / max(std(x), 1 / sqrt(N)) = sqrt(N) * c / max(|c|, 1),  where c = x - mean(x)

Keras' `UnitNormalization` computes c / max(|c|, 1e-6), so c is scaled by 1e-6 first.
"""

import math
from collections.abc import Callable

from tensorflow import keras

from nao_tf.networks.plain_layers import Symbol
from nao_tf.tasks.pixels import Pixels

_SMALLEST_NORM = 1e-6


def standardization(pixels: Pixels) -> Callable[[Symbol], Symbol]:
  """Returns what applies the layers to raw images `[B, H, W, C]`.

  Args:
    pixels: type and range of the raw images.
  """
  scale = 255.0 / (pixels.high - pixels.low)

  def standardized(images: Symbol) -> Symbol:
    count = math.prod(images.shape[1:])
    scaled = keras.layers.Rescaling(scale, -pixels.low * scale, name="pixels.scale")(images)
    centered = keras.layers.Subtract(name="pixels.center")([scaled, _means(scaled, count)])
    small = keras.layers.Rescaling(_SMALLEST_NORM, name="pixels.shrink")(centered)
    unit = keras.layers.UnitNormalization((1, 2, 3), name="pixels.unit_norm")(small)
    return keras.layers.Rescaling(math.sqrt(count), name="pixels.standardize")(unit)

  return standardized


def _means(images: Symbol, count: int) -> Symbol:
  """Returns the mean of each image, `[B, 1, 1, 1]`."""
  rows = keras.layers.Reshape((count, 1), name="pixels.flatten")(images)
  means = keras.layers.GlobalAveragePooling1D(name="pixels.mean")(rows)
  return keras.layers.Reshape((1, 1, 1), name="pixels.mean_of_image")(means)
