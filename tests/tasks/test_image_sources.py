import numpy as np
import pytest

from nao_tf.tasks import TASKS, make_task
from nao_tf.tasks.image_sources import DIGITS_TEST_EXAMPLES, DigitsSource, StreamedImageSource, TfdsSource
from tests.support.real_data import data_path


def test_an_unknown_task_is_named_with_what_there_is(tmp_path):
  with pytest.raises(ValueError, match="unknown task 'cifar_10'.*digits.*cifar10") as error:
    make_task("cifar_10", data_dir=str(tmp_path))
  assert all(name in str(error.value) for name in TASKS)


def test_missing_data_is_reported_with_where_and_how(tmp_path):
  with pytest.raises(FileNotFoundError, match=f"no data for 'cifar10' in {tmp_path}.*--download.*--data_dir"):
    make_task("cifar10", data_dir=str(tmp_path))


def test_a_set_that_is_not_of_labeled_images_is_refused(tmp_path):
  with pytest.raises(ValueError, match="expected images with one class label"):
    make_task("ag_news_subset", data_dir=str(tmp_path))


def test_digits_are_divided_into_the_same_two_parts_every_time():
  parts = {split: DigitsSource().load(split) for split in ("train", "test")}
  assert [len(labels) for _, labels in parts.values()] == [1437, DIGITS_TEST_EXAMPLES]
  for split, (images, labels) in parts.items():
    assert images.shape[1:] == (8, 8, 1) and images.dtype == np.uint8 and labels.dtype == np.int32
    np.testing.assert_array_equal(DigitsSource().load(split)[0], images)


def test_a_set_of_tensorflow_datasets_can_be_loaded_or_streamed():
  source = TfdsSource("cifar10", data_dir=data_path("tfds"), image_size=8)
  assert isinstance(source, StreamedImageSource) and not isinstance(DigitsSource(), StreamedImageSource)
  assert source.image_shape == (8, 8, 3) and source.num_examples("test") == 10_000
  streamed = list(source.stream("test", 3, 5).as_numpy_iterator())
  whole = list(source.stream("test").take(5).as_numpy_iterator())
  assert [label for _, label in streamed] == [label for _, label in whole[3:]]
  np.testing.assert_array_equal(streamed[0][0], whole[3][0])
