import colorsys

import numpy as np
import tensorflow as tf

from nao_tf.tasks.color_jitter import change_colors, random_color_jitter

IMAGES = np.random.default_rng(0).uniform(60, 180, (3, 5, 4, 3)).astype(np.float32)
LUMINANCE = np.array([0.299, 0.587, 0.114])


def changed(images=IMAGES, **changes):
  neutral = {"brightness": 1.0, "contrast": 1.0, "saturation": 1.0, "hue": 0.0}
  values = {name: tf.fill([len(images)], value) for name, value in {**neutral, **changes}.items()}
  return change_colors(tf.constant(images), **values).numpy()


def test_each_change_is_what_its_name_says():
  np.testing.assert_allclose(changed(), IMAGES, atol=0.05)
  np.testing.assert_allclose(changed(brightness=1.2), 1.2 * IMAGES, atol=0.05)
  gray = IMAGES @ LUMINANCE
  mean = gray.mean((1, 2))[:, None, None, None]
  np.testing.assert_allclose(changed(contrast=0.5), mean + 0.5 * (IMAGES - mean), atol=0.05)
  np.testing.assert_allclose(changed(saturation=0.0), np.repeat(gray[..., None], 3, -1), atol=0.05)
  np.testing.assert_array_equal(changed(brightness=9.0), 255)


def test_the_hue_turns_and_the_luminance_stays():
  red = np.full((1, 1, 1, 3), [150.0, 90.0, 90.0], np.float32)
  turned = changed(red, hue=1 / 3)[0, 0, 0]
  hue = colorsys.rgb_to_hsv(*turned / 255)[0]
  assert min(abs(hue - 1 / 3), abs(hue - 2 / 3)) < 0.08  # Which way a third of a turn goes does not matter.
  np.testing.assert_allclose(turned @ LUMINANCE, red[0, 0, 0] @ LUMINANCE, atol=0.1)
  np.testing.assert_allclose(changed(red, hue=1.0), red, atol=0.05)


def test_each_image_is_changed_by_itself_as_the_seed_says():
  images = np.repeat(IMAGES[:1], 64, 0)
  seed = tf.constant([1, 2])
  first, again = (random_color_jitter(images, seed, strength=0.4, hue=0.2).numpy() for _ in range(2))
  np.testing.assert_array_equal(first, again)
  means = first.mean((1, 2)) @ LUMINANCE
  assert len(np.unique(means.round(3))) > 60
  brightness = means / (IMAGES[0].mean((0, 1)) @ LUMINANCE)
  assert 0.55 < brightness.min() < 0.75 and 1.2 < brightness.max() < 1.41
  np.testing.assert_array_equal(random_color_jitter(images, seed, strength=0.0), images)
