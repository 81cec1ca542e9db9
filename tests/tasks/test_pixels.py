import dataclasses

import numpy as np
import pytest
import tensorflow as tf

from nao_tf.tasks.pixels import Pixels, measured_pixels, pixels_of_type

MEASURED = [
  ("float32", [0.0, 0.7], (0, 1)),
  ("float32", [0.0, 200.0], (0, 255)),
  ("float32", [0.0, 40_000.0], (0, 65535)),
  ("float16", [0.25, 0.5], (0, 1)),
  ("float32", [-2.5, 3.0], (-2.5, 3.0)),
  ("float32", [0.0, 100_000.0], (0, 100_000)),
  ("float32", [0.0, 0.0], (0, 1)),
  ("float32", [-3.0, -3.0], (-3, -2)),
  ("int8", [-128, 127], (-128, 127)),
  ("int16", [-1024, 3071], (-1024, 3071)),
  ("int32", [0, 1], (0, 1)),
  ("int64", [0, 255], (0, 255)),
  ("uint32", [7, 65535], (0, 65535)),
]


@pytest.mark.parametrize("dtype, values, expected", MEASURED)
def test_the_range_is_the_narrowest_usual_one_or_that_of_the_images(dtype, values, expected):
  assert measured_pixels([np.array(values, dtype)]) == Pixels(dtype, *expected)


def test_the_range_is_that_of_all_batches():
  assert measured_pixels(np.array([[0.5], [-1.0], [4.0]], np.float32)) == Pixels("float32", -1.0, 4.0)
  with pytest.raises(ValueError, match="cannot be measured without an image"):
    measured_pixels([])


@pytest.mark.parametrize("dtype, high", [("bool", 1), ("uint8", 255), ("uint16", 65535)])
def test_some_types_say_what_they_mean(dtype, high):
  assert pixels_of_type(dtype) == Pixels(dtype, 0, high)
  assert pixels_of_type("float32") is None


@pytest.mark.parametrize("dtype, values, expected", MEASURED)
def test_scaled_pixels_lie_between_0_and_255(dtype, values, expected):
  pixels = measured_pixels([np.array(values, dtype)])
  scaled = pixels.scaled(tf.constant(values, dtype))
  assert scaled.dtype == tf.float32
  low, high = expected
  np.testing.assert_allclose(scaled, (np.array(values, np.float64) - low) * 255 / (high - low), rtol=1e-3, atol=1e-3)


def test_bytes_are_scaled_to_themselves():
  np.testing.assert_array_equal(Pixels().scaled(tf.range(256)), np.arange(256, dtype=np.float32))


def test_large_integers_keep_their_differences():
  values = np.array([2**30, 2**30 + 1, 2**30 + 2], np.int32)
  np.testing.assert_allclose(measured_pixels([values]).scaled(tf.constant(values)), [0, 127.5, 255], rtol=1e-6)


def test_pixels_are_written_and_read():
  pixels = Pixels("int16", -1024.0, 3071.0)
  assert Pixels.from_json(dataclasses.asdict(pixels), "file") == pixels


@pytest.mark.parametrize(
  "value, message",
  [
    ([], "expected dtype, low and high"),
    ({"dtype": "uint8"}, "expected dtype, low and high"),
    ({"dtype": "str", "low": 0, "high": 1}, "the type of pixels must be one of"),
    ({"dtype": "uint8", "low": 1, "high": 1}, "must not be empty"),
    ({"dtype": "uint8", "low": None, "high": 1}, "file: "),
  ],
)
def test_what_is_no_description_of_pixels_is_refused(value, message):
  with pytest.raises(ValueError, match=message):
    Pixels.from_json(value, "file")
