import itertools

import numpy as np
import pytest
import tensorflow as tf
from tensorflow import keras

from nao_tf.tasks.image_datasets import read_dataset
from tests.support import shapes


def dataset(count=10, **options):
  images, names = shapes.shape_arrays(count, **options)
  return tf.data.Dataset.from_tensor_slices((images, (names == "square").astype(np.int32)))


def by_content(images, labels):
  return sorted((image.tobytes(), label) for image, label in zip(images, labels))


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("batch_size", [None, 3, 10])
def test_batches_and_single_examples_are_read(channels, batch_size):
  data = dataset(channels=channels)
  images, labels = read_dataset(data.batch(batch_size) if batch_size else data, "it")
  expected, names = shapes.shape_arrays(10, channels=channels)
  assert images.shape == (10, 16, 16, channels) and by_content(images, labels) == by_content(
    expected, names == "square"
  )


@pytest.mark.parametrize("batch_size", [None, 4])
def test_gray_images_without_channels_are_read(batch_size):
  data = dataset(channels=1).map(lambda image, label: (image[..., 0], label))
  assert read_dataset(data.batch(batch_size) if batch_size else data, "it")[0].shape == (10, 16, 16, 1)


def test_the_order_does_not_depend_on_a_shuffle():
  first, second = (read_dataset(dataset().shuffle(10, seed=seed), "it") for seed in (1, 2))
  assert np.array_equal(first[0], second[0]) and np.array_equal(first[1], second[1])


def test_images_of_several_sizes_need_a_size():
  def examples():
    for number in range(4):
      yield shapes.shape_image(number, (16, 16 + number % 2)), number % 2

  spec = tf.TensorSpec([None, None, 3], tf.uint8), tf.TensorSpec([], tf.int32)
  data = tf.data.Dataset.from_generator(examples, output_signature=spec)
  with pytest.raises(ValueError, match="it: expected images of one size"):
    read_dataset(data, "it")
  assert read_dataset(data, "it", image_size=8)[0].shape == (4, 8, 8, 3)


def test_the_dataset_of_a_directory_is_read(tmp_path):
  shapes.write_folders(tmp_path, 10)
  data = keras.utils.image_dataset_from_directory(str(tmp_path), image_size=(16, 16), batch_size=4)
  images, labels = read_dataset(data, "it")
  expected, names = shapes.shape_arrays(10)
  assert by_content(images, labels) == by_content(expected.astype(np.float32), names == "square")


@pytest.mark.parametrize(
  ("data", "message"),
  [
    (dataset().repeat(), "expected a finite dataset, got an infinite one"),
    (dataset().take(0), "expected at least one image, got an empty dataset"),
    (dataset().map(lambda image, label: image), r"expected pairs \(image, label\)"),
    (dataset().map(lambda image, label: {"image": image, "class": label}), r"expected pairs \(image, label\)"),
    (dataset().batch(2).map(lambda image, label: (image, tf.zeros([2, 3, 3]))), "one label for each image"),
    (dataset().map(lambda image, label: (image[0, 0], label)), "one label for each image; got images"),
  ],
)
def test_other_datasets_are_an_error(data, message):
  with pytest.raises(ValueError, match=f"^it: .*{message}"):
    read_dataset(data, "it")


def test_a_dataset_of_python_code_without_end_does_not_hang():
  def examples():
    for number in itertools.count():
      yield np.full((4, 4, 1), number % 3, np.uint8), number % 3

  spec = tf.TensorSpec([4, 4, 1], tf.uint8), tf.TensorSpec([], tf.int32)
  data = tf.data.Dataset.from_generator(examples, output_signature=spec).batch(100)
  with pytest.raises(ValueError, match="it: expected a finite dataset, got 1000 images so far, .* only 3 are"):
    read_dataset(data, "it")
