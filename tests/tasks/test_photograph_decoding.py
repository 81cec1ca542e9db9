import io

import numpy as np
import pytest
import tensorflow as tf

from nao_tf.tasks import photograph_decoding
from nao_tf.tasks.photograph_decoding import center_crop, photograph_errors, random_crop
from tests.support.photographs import jpeg, photograph

SEED = tf.constant([1, 2])


def crops(content, count=40, size=16):
  function = tf.function(lambda seed: random_crop(tf.constant(content), tf.constant("it"), size, seed))
  return np.stack([function(tf.constant([number, 0])).numpy() for number in range(count)])


def test_the_center_is_that_of_an_image_decoded_as_a_whole():
  gradient = np.broadcast_to(np.arange(160, dtype=np.uint8)[:, None, None] + 40, (160, 240, 3)).copy()
  gradient[..., 1] = np.arange(240)
  content = tf.io.encode_jpeg(gradient, quality=100)
  for size, ratio in ((140, 1), (70, 2), (35, 4), (16, 8)):  # The decoder reduces by it, so places are multiples of it.
    found = center_crop(content, tf.constant("it"), size).numpy().astype(int)
    part = tf.cast(gradient[10:150, 50:190], tf.float32)
    expected = tf.image.resize(part, (size, size), "area").numpy()
    assert np.abs(found - expected)[..., :2].mean() < max(ratio, 2)


def test_a_training_sees_parts_of_all_places_and_sizes():
  rows, columns = np.mgrid[:120, :160]
  image = np.stack([2 * rows, columns, np.zeros_like(rows)], -1).astype(np.uint8)
  found = crops(tf.io.encode_png(image).numpy()).astype(float)
  height, width = (found[..., 0].max((1, 2)) - found[..., 0].min((1, 2))) / 2, np.ptp(found[..., 1], (1, 2))
  areas = height * width / (120 * 160)
  assert areas.min() > 0.04 and areas.max() > 0.6 and areas.std() > 0.15
  assert found[:, 0, 0, 0].min() < 10 and found[:, -1, -1, 0].max() > 220


def test_a_jpeg_is_cut_as_other_images_are():
  image = photograph(3, shorter=120)
  jpegs = crops(tf.io.encode_jpeg(image, quality=100).numpy(), 6, 64)
  pngs = crops(tf.io.encode_png(image).numpy(), 6, 64)
  assert np.abs(jpegs.astype(int) - pngs).mean() < 8


def whole(content):
  return center_crop(tf.constant(content), tf.constant("it"), 8).numpy()


def test_gray_images_transparent_ones_and_those_of_16_bits_become_color():
  gray = np.full((20, 20, 1), 77, np.uint8)
  for content in (tf.io.encode_png(gray), tf.io.encode_jpeg(gray), tf.io.encode_png(gray.astype(np.uint16) * 257)):
    np.testing.assert_allclose(whole(content.numpy()), 77, atol=1)
  transparent = np.concatenate([np.full((20, 20, 3), 9, np.uint8), np.zeros((20, 20, 1), np.uint8)], -1)
  np.testing.assert_array_equal(whole(tf.io.encode_png(transparent).numpy()), 9)


def test_a_cmyk_jpeg_becomes_color():
  image = pytest.importorskip("PIL.Image")
  file = io.BytesIO()
  image.new("RGB", (40, 30), (200, 30, 60)).convert("CMYK").save(file, "JPEG", quality=95)
  np.testing.assert_allclose(whole(file.getvalue()), np.broadcast_to([200, 30, 60], (8, 8, 3)), atol=3)


@pytest.mark.parametrize(
  "content, message",
  [
    (b"no image at all", "task: it is not an image, expected BMP, GIF, JPEG or PNG$"),
    (jpeg(0)[:-50], "task: it is a JPEG image whose end is missing$"),
    (jpeg(0)[:30] + b"\xff\xd9", "task: an image cannot be decoded"),
  ],
)
def test_what_cannot_be_decoded_is_named(content, message):
  with pytest.raises(ValueError, match=message), photograph_errors("task"):
    whole(content)


def test_other_errors_are_left_alone():
  with pytest.raises(tf.errors.InvalidArgumentError), photograph_errors("task"):
    tf.reshape(tf.zeros([3]), [2])
  assert photograph_decoding.CENTER_FRACTION == 224 / 256
