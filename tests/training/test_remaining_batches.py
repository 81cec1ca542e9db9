import dataclasses

import numpy as np
import pytest
import tensorflow as tf

from nao_tf.tasks import image_reading, make_task
from nao_tf.tasks.photograph_folders import photograph_files
from nao_tf.training.config import TrainingConfig
from nao_tf.training.remaining_batches import remaining_batches
from tests.support.own_task import BrightCorners
from tests.support.photographs import write_photographs
from tests.support.real_data import data_path

CONFIG = TrainingConfig(epochs=2, batch_size=16, cutout_size=3)


def arrays(dataset):
  return [tuple(part.numpy() for part in batch) for batch in dataset]


def check_resumed(task, config, steps):
  """Checks that the batches from some steps on are those of a training that was not interrupted."""
  whole = arrays(task.training_batches(config, seed=1))
  assert len(whole) == config.epochs * task.steps_per_epoch(config)
  for step in steps:
    rest = arrays(remaining_batches(task, config, seed=1, step=step))
    for expected, actual in zip(whole[step:], rest, strict=True):
      np.testing.assert_array_equal(expected[0], actual[0])
      np.testing.assert_array_equal(expected[1], actual[1])


def test_images_in_memory_go_on_within_an_epoch():
  check_resumed(make_task("digits"), dataclasses.replace(CONFIG, batch_size=256), (1, 4, 7))


def test_a_stream_goes_on_within_an_epoch(monkeypatch):
  monkeypatch.setattr(image_reading, "IN_MEMORY_BYTES", 0)
  task = make_task("cifar10", data_dir=data_path("tfds"), train_examples=100, validation_fraction=0.01, image_size=8)
  check_resumed(task, CONFIG, (2, 7))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
  return write_photographs(tmp_path_factory.mktemp("photographs"), 40)


def test_photographs_go_on_within_an_epoch(folder):
  config = dataclasses.replace(CONFIG, batch_size=6)
  task = make_task("folder", image_dir=str(folder), photographs=True, image_size=24, validation_fraction=0.1)
  check_resumed(task, config, (4, task.steps_per_epoch(config) + 2))


def test_photographs_that_are_skipped_are_not_opened(folder):
  source, seed = photograph_files(str(folder), image_size=24), tf.constant([1, 2])
  places = [place for _, _, place in arrays(source.contents("train", None, seed))]
  rest = source.contents("train", None, seed, tf.constant(30, tf.int64))
  assert rest.cardinality() == 10
  assert [place for _, _, place in arrays(rest)] == places[30:]


def test_a_task_that_cannot_skip_goes_on_all_the_same():
  task = BrightCorners("corners")
  check_resumed(task, CONFIG, (3, 6))
