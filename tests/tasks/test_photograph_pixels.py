import numpy as np
import tensorflow as tf

from nao_tf.tasks import photograph_pixels

PIXELS = np.random.default_rng(0).integers(0, 256, (5, 7, 3), np.uint8)


def test_pixels_and_class_are_read_as_they_were_written():
  content = tf.constant(photograph_pixels.encoded(PIXELS, 300))
  assert photograph_pixels.is_whole(content) and photograph_pixels.label_of(content) == 300
  np.testing.assert_array_equal(photograph_pixels.pixels_of(content), PIXELS)


def test_a_file_that_is_cut_off_anywhere_is_incomplete():
  content = photograph_pixels.encoded(PIXELS, 1)
  assert not any(photograph_pixels.is_whole(tf.constant(content[:length])) for length in range(4, len(content)))
