"""What is done to raw images before a network sees them, as standard Keras layers.

An image of N numbers is scaled to 0..255 and standardized as `tf.image.per_image_standardization` does it. With
c = x - mean(x) and the Euclidean norm |c| that is

    c / max(std(x), 1 / sqrt(N)) = sqrt(N) * c / max(|c|, 1)

The maximum is there for flat images, and only changes images of less contrast than one pixel that differs by one. No
layer divides by a maximum, so c gets one more number u = max(1 - |c|^2, 0), which is zero for all other images, and
`UnitNormalization` divides by the norm of both. For a flat image that is 1, too. In between, for |c| in (0, 1), it is
between 0.86 and 1.
"""

import math
from collections.abc import Callable

from tensorflow import keras

from nao_tf.networks.plain_layers import Symbol
from nao_tf.tasks.pixels import Pixels

LAYER_PREFIX = "pixels-"
"""The names of the layers begin with it, and no others do."""


def standardization(pixels: Pixels) -> Callable[[Symbol], Symbol]:
  """Returns what applies the layers to raw images `[B, H, W, C]`.

  Args:
    pixels: type and range of the raw images.
  """
  scale = 255.0 / (pixels.high - pixels.low)

  def standardized(images: Symbol) -> Symbol:
    shape = tuple(images.shape[1:])
    count = math.prod(shape)
    scaled = keras.layers.Rescaling(scale, -pixels.low * scale, name="pixels-scale")(images)
    row = keras.layers.Reshape((count, 1), name="pixels-flatten")(scaled)
    centered = keras.layers.Subtract(name="pixels-center")([row, _mean(row, "pixels-mean")])
    extended = keras.layers.Concatenate(axis=1, name="pixels-extend")([centered, _flatness(centered, count)])
    unit = keras.layers.UnitNormalization(axis=1, name="pixels-unit_norm")(extended)
    cut = keras.layers.Cropping1D((0, 1), name="pixels-cut")(unit)
    standard = keras.layers.Rescaling(math.sqrt(count), name="pixels-standardize")(cut)
    return keras.layers.Reshape(shape, name="pixels-restore")(standard)

  return standardized


def _flatness(centered: Symbol, count: int) -> Symbol:
  """Returns u, `[B, 1, 1]`."""
  squares = keras.layers.Multiply(name="pixels-square")([centered, centered])
  rest = keras.layers.Rescaling(-float(count), 1.0, name="pixels-rest")(_mean(squares, "pixels-mean_square"))
  return keras.layers.ReLU(name="pixels-flatness")(rest)


def _mean(rows: Symbol, name: str) -> Symbol:
  """Returns the mean of each image `[B, N, 1]` as `[B, 1, 1]`."""
  means = keras.layers.GlobalAveragePooling1D(name=name)(rows)
  return keras.layers.Reshape((1, 1), name=f"{name}_of_image")(means)
