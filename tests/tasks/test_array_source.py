import numpy as np
import pytest

from nao_tf.tasks.array_source import ArraySource

LABELS = ["a", "b"] * 3


def images(shape=(6, 8, 10, 3), dtype="uint8"):
  return np.random.default_rng(0).integers(0, 2, shape).astype(dtype)


@pytest.mark.parametrize("dtype", ["bool", "uint8", "uint16", "int64", "float16", "float32"])
def test_images_stay_as_they_are(dtype):
  source = ArraySource(images(dtype=dtype), LABELS, place="x, y")
  loaded, classes = source.load("train")
  assert loaded.dtype == dtype and np.array_equal(loaded, images(dtype=dtype)) and source.image_shape == (8, 10, 3)
  assert classes.tolist() == [0, 1] * 3 and source.labels == ["a", "b"]


def test_there_are_no_test_images():
  loaded, classes = ArraySource(images(), LABELS, place="x, y").load("test")
  assert loaded.shape == (0, 8, 10, 3) and classes.shape == (0,)


def test_gray_images_get_an_axis_of_channels():
  assert ArraySource(images((6, 8, 10)), LABELS, place="x, y").image_shape == (8, 10, 1)


def test_a_list_of_images_of_several_sizes_is_resized():
  mixed = [*images((3, 8, 10)), *images((3, 9, 9))]
  assert ArraySource(mixed, LABELS, place="x, y", image_size=(4, 6)).image_shape == (4, 6, 1)
  with pytest.raises(ValueError, match="set image_size"):
    ArraySource(mixed, LABELS, place="x, y")


def test_an_array_is_resized():
  loaded, _ = ArraySource(images(), LABELS, place="x, y", image_size=4).load("train")
  assert loaded.shape == (6, 4, 4, 3) and loaded.dtype == np.uint8


def test_the_fingerprint_tells_images_and_labels_apart():
  first, changed = images(), images()
  changed[5, 0, 0, 0] += 1
  prints = [
    ArraySource(x, y, place="x, y").fingerprint
    for x, y in ((first, LABELS), (changed, LABELS), (first, LABELS[::-1]), (first.astype("float32"), LABELS))
  ]
  assert len({str(fingerprint) for fingerprint in prints}) == 4
  assert prints[0] == ArraySource(first.copy(), LABELS, place="other").fingerprint
  assert prints[0]["shape"] == [6, 8, 10, 3] and prints[0]["dtype"] == "uint8"


def test_a_pixel_that_is_not_a_number_is_an_error():
  wrong = images(dtype="float32")
  wrong[4, 0, 0, 0] = np.nan
  with pytest.raises(ValueError, match=r"x, y: image 4 has a pixel that is NaN or infinite \(1 such images\)"):
    ArraySource(wrong, LABELS, place="x, y")


@pytest.mark.parametrize(
  ("x", "y", "message"),
  [
    (images(), LABELS[:5], "expected a label for each image, got 6 images and 5 labels"),
    (images((0, 8, 8, 1)), [], r"at least one image, got an array \[0, 8, 8, 1\]"),
    ([], [], "at least one image"),
    (images((6, 8)), LABELS, r"images \[N, H, W, C\] or \[N, H, W\], got an array \[6, 8\]"),
    (images((6, 3, 8, 8)), LABELS, r"the channels last.*got an array \[6, 3, 8, 8\]; pass numpy.moveaxis"),
    (np.full((6, 8, 8), "a"), LABELS, "images of numbers, got <U1"),
    ([images((8, 8)), images((8, 8, 3, 1))], LABELS[:2], r"\[H, W\] each, got an array \[8, 8, 3, 1\]"),
  ],
)
def test_what_cannot_be_learned_from_is_an_error(x, y, message):
  with pytest.raises(ValueError, match=message):
    ArraySource(x, y, place="x, y")
