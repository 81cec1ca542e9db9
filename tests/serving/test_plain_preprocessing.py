"""Standardization by layers is that of the training, for every type of pixels and for flat images."""

import numpy as np
import pytest
from tensorflow import keras

from nao_tf.serving.plain_preprocessing import standardization
from nao_tf.tasks.augmentation import standardize
from nao_tf.tasks.pixels import BYTES, Pixels

SHAPE = (5, 6, 3)


def check(images, pixels, atol=2e-5):
  inputs = keras.Input(SHAPE)
  model = keras.Model(inputs, standardization(pixels)(inputs))
  np.testing.assert_allclose(model(images), standardize(pixels.scaled(images)), atol=atol)


@pytest.mark.parametrize(
  "pixels",
  [BYTES, Pixels("uint16", 0, 65535), Pixels("float32", 0, 1), Pixels("float32", -3.5, 2.0), Pixels("bool", 0, 1)],
  ids=str,
)
def test_images_are_standardized_as_in_the_training(pixels):
  values = np.random.default_rng(0).uniform(pixels.low, pixels.high, (4, *SHAPE))
  check(np.round(values).astype(pixels.dtype) if pixels.dtype != "float32" else values.astype("float32"), pixels)


@pytest.mark.parametrize("value", [0, 77, 255])
def test_a_flat_image_becomes_zeros(value):
  check(np.full((1, *SHAPE), value, np.uint8), BYTES)


def test_an_image_that_is_almost_flat_stays_so_beside_rounding():
  image = np.full((1, *SHAPE), 77.3, np.float32)
  image[0, 1, 2, 0] += 1e-3
  check(image, Pixels("float32", 0, 255), atol=2e-3)


def test_an_image_with_one_other_pixel_is_standardized_as_in_the_training():
  image = np.full((1, *SHAPE), 9, np.uint8)
  image[0, 1, 2, 0] = 11
  check(image, BYTES)
