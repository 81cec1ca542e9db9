import numpy as np
import pytest
import tensorflow as tf

from nao_tf.tasks import image_reading, make_task
from nao_tf.tasks.image_classification import ImageClassification
from nao_tf.training.config import TrainingConfig
from tests.support.array_source import StreamedArrays, array_task, arrays, raw_arrays
from tests.support.real_data import data_path
from tests.support.tfds_sets import examples, random_images, write_set

CONFIG = TrainingConfig(epochs=2, batch_size=128)


def test_a_set_in_the_order_of_its_classes_is_divided_alike():
  labels = np.repeat(np.arange(5), 20)
  task = array_task((random_images(100), labels), train_examples=50)
  np.testing.assert_array_equal(np.bincount(raw_arrays(task, "valid")[1]), [2] * 5)
  np.testing.assert_array_equal(np.bincount(raw_arrays(task, "train")[1]), [10] * 5)


def test_the_log_says_how_images_were_divided_and_which_classes_are_missing(caplog):
  labels = np.repeat(np.arange(3), [40, 40, 1])
  with caplog.at_level("INFO", logger="absl"):
    array_task((random_images(81), labels)).num_examples("train")
  assert "arrays: 73 images for training, 8 held out for validation (stratified)" in caplog.text
  assert "arrays: classes without an image held out: 1, such as class 2" in caplog.text


def test_digits_are_divided_into_train_valid_and_test():
  task = make_task("digits")
  assert [task.num_examples(split) for split in ("train", "valid", "test")] == [1150, 287, 360]
  assert task.input_shape == (8, 8, 1) and task.num_outputs == 10


def test_the_validation_set_does_not_depend_on_the_training_subset():
  whole, part = (make_task("digits", train_examples=count) for count in (None, 200))
  assert part.num_examples("train") == 200
  for a, b in zip(arrays(whole.evaluation_batches("valid", 287)), arrays(part.evaluation_batches("valid", 287))):
    np.testing.assert_array_equal(a[0], b[0])


def test_without_a_held_out_part_all_is_for_training():
  task = make_task("digits", validation_fraction=0.0)
  assert (task.num_examples("train"), task.num_examples("valid")) == (1437, 0)


def test_more_training_examples_than_there_are_are_refused():
  with pytest.raises(ValueError, match="train_examples is 5000, but there are only 1150"):
    make_task("digits", train_examples=5000).num_examples("train")


def test_cifar10_holds_out_a_tenth_of_each_class_or_the_last_tenth():
  task = make_task("cifar10", data_dir=data_path("tfds"), train_examples=1000)
  for split, count in (("train", 100), ("valid", 500)):
    labels = np.concatenate([labels for _, labels in task.raw_batches(split, 500)])
    np.testing.assert_array_equal(np.bincount(labels), [count] * 10)
  task = make_task("cifar10", data_dir=data_path("tfds"), train_examples=1000, hold_out="last")
  assert (task.num_examples("train"), task.num_examples("valid")) == (1000, 5000)
  assert task.input_shape == (32, 32, 3) and task.labels[:2] == ("airplane", "automobile")
  images, labels = next(iter(task.training_batches(CONFIG, seed=0)))
  assert images.shape == (128, 32, 32, 3) and images.dtype == tf.float32 and labels.dtype == tf.int32
  images, labels, weights = next(iter(task.evaluation_batches("valid", 500)))
  np.testing.assert_allclose(tf.reduce_mean(images, (1, 2, 3)), 0, atol=1e-4)
  assert weights.shape == (500,)


@pytest.mark.parametrize("global_seed", [0, 1])
def test_a_set_too_large_for_memory_is_streamed(monkeypatch, global_seed):
  tf.random.set_seed(global_seed)  # As the binaries do it.
  monkeypatch.setattr(image_reading, "IN_MEMORY_BYTES", 0)
  task = make_task("cifar10", data_dir=data_path("tfds"), train_examples=600, validation_fraction=0.01, image_size=8)
  assert (task.num_examples("train"), task.num_examples("valid")) == (600, 500)
  whole, resumed = (arrays(task.training_batches(CONFIG, seed=1, first_epoch=first)) for first in (0, 1))
  assert len(whole) == 8 and whole[0][0].shape == (128, 8, 8, 3)
  for expected, actual in zip(whole[4:], resumed, strict=True):
    np.testing.assert_array_equal(expected[0], actual[0])
  assert sum(weights.sum() for _, _, weights in arrays(task.evaluation_batches("valid", 300))) == 500


def test_a_streamed_set_holds_out_a_share_of_each_class(monkeypatch, tmp_path):
  images, labels = random_images(60), np.repeat(np.arange(3), 20)
  directory = write_set(tmp_path, "in_order", {"train": examples(images, labels), "test": examples(images, labels)})
  in_memory = make_task("in_order", data_dir=directory, train_examples=30)
  expected = {split: raw_arrays(in_memory, split) for split in ("train", "valid", "test")}
  monkeypatch.setattr(image_reading, "IN_MEMORY_BYTES", 0)
  task = make_task("in_order", data_dir=directory, train_examples=30)
  for split, (pictures, classes) in expected.items():
    streamed = raw_arrays(task, split)
    np.testing.assert_array_equal(np.bincount(streamed[1]), np.bincount(classes))
    if split != "train":  # The same part of a class, of which a stream takes the first and an array any.
      np.testing.assert_array_equal(np.sort(streamed[0].sum((1, 2, 3))), np.sort(pictures.sum((1, 2, 3))))
  np.testing.assert_array_equal(np.bincount(expected["valid"][1]), [2, 2, 2])
  np.testing.assert_array_equal(np.bincount(expected["train"][1]), [10, 10, 10])


def test_a_stream_that_cannot_be_chosen_from_holds_out_the_last_images_and_says_so(caplog):
  source = StreamedArrays((random_images(20), np.arange(20) % 2))
  with caplog.at_level("WARNING"):
    task = ImageClassification("arrays", source)
    np.testing.assert_array_equal(raw_arrays(task, "valid")[1], [0, 1])
  assert "arrays: its classes are unknown until they are read, so the last images are held out" in caplog.text
  with pytest.raises(ValueError, match="only the last images can be held out"):
    ImageClassification("arrays", source, hold_out="stratified").num_examples("train")
