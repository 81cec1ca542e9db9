import io

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_datasets as tfds

from nao_tf.tasks import make_task, photograph_records
from nao_tf.tasks.photograph_decoding import photograph_errors
from nao_tf.tasks.photograph_records import PhotographRecords
from nao_tf.training.config import TrainingConfig
from tests.support.photographs import NAMES, jpeg
from tests.support.tfds_sets import random_images, write_set

CONFIG = TrainingConfig(epochs=2, batch_size=16)
COUNT, SHARDS = 90, 5


def pictures(count, first=0):
  return [(io.BytesIO(jpeg(number)), number % len(NAMES)) for number in range(first, first + count)]


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory):
  directory = tmp_path_factory.mktemp("tfds")
  feature = tfds.features.Image(shape=(None, None, 3), encoding_format="jpeg")
  splits = {"train": pictures(COUNT), "validation": pictures(24, COUNT)}
  return write_set(directory, "scenes", splits, feature=feature, classes=NAMES, shards=SHARDS)


def arrays(dataset):
  return [tuple(part.numpy() for part in batch) for batch in dataset]


def contents(source, seed=None, chosen=None):
  seed = None if seed is None else tf.constant([seed, 0])
  return [(content, int(label), place) for content, label, place in arrays(source.contents("train", chosen, seed))]


def test_all_photographs_of_all_shards_come_as_they_were_stored(data_dir):
  source = PhotographRecords("scenes", data_dir=data_dir, image_size=24)
  assert len(tf.io.gfile.glob(f"{data_dir}/scenes/1.0.0/*train*")) == SHARDS
  fixed = contents(source)
  assert {content for content, _, _ in fixed} == {jpeg(number) for number in range(COUNT)}
  assert len({place for _, _, place in fixed}) == COUNT
  numbers = [int(place.split()[1]) for _, _, place in fixed]
  np.testing.assert_array_equal([label for _, label, _ in fixed], source.classes("train")[numbers])


def test_the_order_is_a_function_of_the_seed_and_mixes_shards(data_dir, monkeypatch):
  monkeypatch.setattr(photograph_records, "BUFFER_BYTES", 1)
  source = PhotographRecords("scenes", data_dir=data_dir, image_size=24)
  first, again, other = contents(source, 1), contents(source, 1), contents(source, 2)
  assert first == again and first != other and sorted(first) == sorted(other)
  shard_of = [int(place.split()[1]) // (COUNT // SHARDS) for _, _, place in first]
  assert len(set(shard_of[: 2 * SHARDS])) == SHARDS


def test_chosen_photographs_alone_are_given(data_dir):
  source = PhotographRecords("scenes", data_dir=data_dir, image_size=24)
  chosen = np.array([3, 50, 89])
  assert sorted(place for _, _, place in contents(source, 1, chosen)) == [
    f"example {number} of the split train".encode() for number in chosen
  ]


@pytest.mark.parametrize("hold_out", ["last", "stratified"])
def test_the_task_goes_on_at_an_epoch_as_if_it_had_not_stopped(data_dir, hold_out):
  task = make_task("scenes", data_dir=data_dir, photographs=True, image_size=24, hold_out=hold_out)
  assert [task.num_examples(split) for split in ("train", "valid", "test")] == [81, 9, 24]
  whole, resumed = (arrays(task.training_batches(CONFIG, seed=1, first_epoch=first)) for first in (0, 1))
  assert len(whole) == 10 and whole[0][0].shape == (16, 24, 24, 3)
  for expected, actual in zip(whole[5:], resumed, strict=True):
    np.testing.assert_array_equal(expected[0], actual[0])
  assert (whole[0][0] != whole[5][0]).any()
  within = arrays(task.training_batches(CONFIG, seed=1, first_step=3))
  for expected, actual in zip(whole[3:], within, strict=True):
    np.testing.assert_array_equal(expected[0], actual[0])
  assert sum(weights.sum() for _, _, weights in arrays(task.evaluation_batches("valid", 4))) == 9


def test_the_default_size_is_224_pixels_and_the_validation_split_is_for_tests(data_dir):
  task = make_task("scenes", data_dir=data_dir, photographs=True)
  assert task.input_shape == (224, 224, 3) and task.has_test_data() and task.pixels.dtype == "uint8"
  ((images, labels),) = arrays(task.raw_batches("test", 24))
  assert images.shape == (24, 224, 224, 3) and images.dtype == np.uint8
  np.testing.assert_array_equal(np.bincount(labels), [4] * 6)


def test_a_photograph_that_cannot_be_decoded_is_named(tmp_path):
  broken = jpeg(5)[:-200]
  examples = [*pictures(5), (io.BytesIO(broken), 5)]
  feature = tfds.features.Image(shape=(None, None, 3), encoding_format="jpeg")
  directory = write_set(tmp_path, "broken", {"train": examples}, feature=feature, classes=NAMES)
  task = make_task("broken", data_dir=directory, photographs=True, validation_fraction=0.0)
  message = "^broken: example 5 of the split train is a JPEG image whose end is missing$"
  with pytest.raises(ValueError, match=message), photograph_errors("broken"):
    arrays(task.raw_batches("train", 2))


def test_a_missing_shard_and_images_that_are_no_photographs_are_refused(tmp_path):
  feature = tfds.features.Image(shape=(None, None, 3), encoding_format="jpeg")
  directory = write_set(tmp_path, "torn", {"train": pictures(8)}, feature=feature, classes=NAMES, shards=2)
  path = sorted(tmp_path.glob("torn/1.0.0/*train*"))[1]
  path.unlink()
  with pytest.raises(FileNotFoundError, match=f"torn: there is no file .*{path.name} .1 files are missing"):
    make_task("torn", data_dir=directory, photographs=True)
  floats = [(image, 0) for image in random_images(3, dtype="float32")]
  directory = write_set(tmp_path, "floats", {"train": floats})
  with pytest.raises(ValueError, match="floats: its images are float32, so they are not photographs"):
    make_task("floats", data_dir=directory, photographs=True)
