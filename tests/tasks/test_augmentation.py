import numpy as np
import pytest
import tensorflow as tf

from nao_tf.tasks import augmentation


def random_images(count, size=6, channels=2):
  return np.random.default_rng(0).integers(1, 256, (count, size, size, channels)).astype(np.uint8)


def test_a_centred_crop_is_the_image():
  images = random_images(3)
  cropped = augmentation.crop_flip(images, tf.fill([3, 2], 4), tf.zeros(3, tf.bool), 4)
  np.testing.assert_array_equal(cropped, images)


def test_a_crop_moves_the_image_and_fills_with_zeros():
  images = random_images(2)
  cropped = augmentation.crop_flip(images, tf.constant([[0, 1], [3, 2]]), tf.zeros(2, tf.bool), 2).numpy()
  np.testing.assert_array_equal(cropped[0, 2:, 1:], images[0, :4, :5])
  assert not cropped[0, :2].any() and not cropped[0, :, :1].any()
  np.testing.assert_array_equal(cropped[1, :5], images[1, 1:])
  assert not cropped[1, 5:].any()


def test_a_flip_mirrors_the_cropped_window():
  images = random_images(2)
  offsets = tf.constant([[0, 1], [0, 1]])
  plain = augmentation.crop_flip(images, offsets, tf.zeros(2, tf.bool), 2)
  flipped = augmentation.crop_flip(images, offsets, tf.constant([True, False]), 2)
  np.testing.assert_array_equal(flipped[0], plain[0, :, ::-1])
  np.testing.assert_array_equal(flipped[1], plain[1])


def test_erasing_sets_a_square_to_zero_and_nothing_else():
  images = random_images(2).astype(np.float32)
  expected = images.copy()
  expected[0, 1:4, 2:5] = 0
  expected[1, :2, 4:] = 0
  np.testing.assert_array_equal(augmentation.erase(images, tf.constant([[1, 2], [-1, 4]]), 3), expected)


@pytest.mark.parametrize("convention, highest", [("corner", 0), ("center", -8)])
def test_cutout_draws_corner_or_center_uniformly_from_the_image(convention, highest):
  images = tf.ones([4000, 32, 32, 1])
  erased = augmentation.random_cutout(images, [1, 2], size=16, convention=convention).numpy()[..., 0] == 0
  areas = erased.sum((1, 2))
  # A side is 16 pixels, less what is cut off: at one border, or at two.
  sides = [min(32, place + 16) - max(0, place) for place in range(highest, highest + 32)]
  mean, deviation = np.mean(sides) ** 2, np.std(np.outer(sides, sides))
  assert abs(areas.mean() - mean) < 5 * deviation / np.sqrt(4000)


def test_augmentation_is_a_function_of_its_seed():
  images = random_images(64)
  draws = [
    augmentation.random_crop_flip(images, seed, padding=2, flip=True).numpy() for seed in ([1, 2], [1, 2], [1, 3])
  ]
  np.testing.assert_array_equal(draws[0], draws[1])
  assert (draws[0] != draws[2]).any()


def test_standardized_images_have_zero_mean_and_unit_variance():
  images = augmentation.standardize(random_images(3)).numpy()
  np.testing.assert_allclose(images.mean((1, 2, 3)), 0, atol=1e-6)
  np.testing.assert_allclose(images.std((1, 2, 3)), 1, atol=1e-5)
