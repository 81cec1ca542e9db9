import numpy as np
import pytest

from nao_tf.tasks import image_checks

SHAPE = (2, 3, 1)


def images(count=4, dtype=np.float32):
  return np.zeros((count, *SHAPE), dtype)


@pytest.mark.parametrize("dtype", ["bool", "uint8", "uint16", "int8", "int16", "int64", "float16", "float32"])
def test_images_keep_their_type(dtype):
  given = images(dtype=dtype)
  checked = image_checks.checked_images(given, SHAPE, "set")
  assert np.shares_memory(given, checked) and checked.dtype == given.dtype


@pytest.mark.parametrize("dtype, expected", [("float64", "float32"), (">u2", "uint16"), (">f4", "float32")])
def test_wide_floats_and_foreign_byte_orders_are_converted(dtype, expected):
  checked = image_checks.checked_images(images(dtype=dtype) + np.ones(1, dtype), SHAPE, "set")
  assert checked.dtype == np.dtype(expected) and checked.min() == checked.max() == 1


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_pixels_that_are_no_numbers_are_refused_with_the_index(value, dtype):
  given = images(dtype=dtype)
  given[2, 1, 0, 0] = value
  with pytest.raises(ValueError, match=r"set, train: image 2 has a pixel that is NaN or infinite \(1 such images\)"):
    image_checks.checked_images(given, SHAPE, "set, train")


def test_a_number_too_large_for_32_bits_is_refused():
  given = images(dtype=np.float64)
  given[1] = 1e200
  with pytest.raises(ValueError, match="image 1 has a pixel"), np.errstate(over="ignore"):
    image_checks.checked_images(given, SHAPE, "set")


@pytest.mark.parametrize(
  "given, message",
  [
    (np.zeros((4, 9, 9, 1)), r"expected images of the shape \(2, 3, 1\), got an array \[4, 9, 9, 1\]"),
    (np.zeros((4, 2, 3)), r"got an array \[4, 2, 3\]"),
    (np.zeros((4, *SHAPE), complex), "expected images of numbers.*complex128"),
    (np.full((4, *SHAPE), "a"), "expected images of numbers"),
    (np.full((4, *SHAPE), None), "expected images of numbers.*object"),
  ],
)
def test_what_is_no_image_of_that_shape_is_refused(given, message):
  with pytest.raises(ValueError, match=message):
    image_checks.checked_images(given, SHAPE, "set")


@pytest.mark.parametrize("dtype", ["int8", "uint8", "int32", "int64", "uint64", "bool"])
def test_labels_become_int32(dtype):
  labels = image_checks.checked_labels(np.array([0, 1, 1], dtype), 2, "set")
  assert labels.dtype == np.int32 and labels.tolist() == [0, 1, 1]


@pytest.mark.parametrize(
  "labels, message",
  [
    ([0, -1, 1], "example 1 has the label -1, but the 3 classes are numbered from 0 to 2"),
    ([1, 2, 3], r"example 2 has the label 3, but the 3 classes are numbered from 0 to 2 \(1 such examples\)"),
    ([0, 2**40], "example 1 has the label 1099511627776"),
    ([0.0, 1.0], "expected labels that are whole numbers"),
    ([[0], [1]], r"got int64 \[2, 1\]"),
    (["a", "b"], "expected labels that are whole numbers"),
  ],
)
def test_labels_of_no_class_are_refused_with_the_index(labels, message):
  with pytest.raises(ValueError, match=message):
    image_checks.checked_labels(np.array(labels), 3, "set, train")


def test_each_image_needs_a_label():
  with pytest.raises(ValueError, match="got 4 images and 3 labels"):
    image_checks.check_counts(images(4), np.zeros(3), "set")
