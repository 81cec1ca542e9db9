"""Exports of networks for images that are not bytes: they take such images, and say in which range."""

import json

import numpy as np
import pytest
import tensorflow as tf

from nao_tf import serving
from nao_tf.serving import image_export
from nao_tf.serving.plain_image_models import image_model_of
from nao_tf.serving.trained_networks import TrainedNetwork
from nao_tf.tasks.augmentation import standardize
from nao_tf.tasks.own_files import FolderClassification
from nao_tf.tasks.pixels import Pixels
from nao_tf.training.config import TrainingConfig
from tests.support import one_convolution, shapes
from tests.support.array_source import array_task
from tests.support.image_cases import GENOTYPE, make_trainer
from tests.support.tfds_sets import random_images

LABELS = np.arange(40) % 2


def task_of(dtype, low, high):
  images = random_images(40, (8, 8, 1), dtype, low=low, high=high)
  return array_task((images, LABELS), (images[:9], LABELS[:9]))


@pytest.fixture(scope="module")
def exports(tmp_path_factory):
  """Returns an untrained network on a task, and its export, making each only once."""
  made = {}

  def export(dtype, low, high):
    if dtype not in made:
      task = task_of(dtype, low, high)
      directory = str(tmp_path_factory.mktemp(dtype) / "model")
      network = one_convolution.make_network(task)
      serving.export_network(network, directory, genotype=one_convolution.GENOTYPE, task=task)
      made[dtype] = task, network, directory
    return made[dtype]

  return export


@pytest.mark.parametrize(
  "dtype, low, high", [("uint16", 0, 65535), ("float32", -3, 3), ("bool", 0, 1), ("int16", -9, 90)]
)
def test_an_export_takes_the_images_of_the_set_and_says_their_range(exports, dtype, low, high):
  task, network, directory = exports(dtype, low, high)
  exported = image_export.load_exported(directory)
  images, _ = next(iter(task.raw_batches("test", 9)))
  expected = network(standardize(task.pixels.scaled(images)), training=False)
  np.testing.assert_allclose(exported(images)["logits"], expected, rtol=1e-4, atol=1e-4)
  np.testing.assert_allclose(exported(images.numpy().astype(np.float32))["logits"], expected, rtol=1e-4, atol=1e-4)
  with open(f"{directory}/assets/pixels.json", encoding="utf-8") as file:
    assert json.load(file) == {"dtype": dtype, "low": task.pixels.low, "high": task.pixels.high}
  assert serving.evaluate_exported(directory, task)["num_examples"] == 9


def test_an_export_is_not_measured_on_images_of_another_range(exports):
  _, _, directory = exports("uint16", 0, 65535)
  with pytest.raises(
    image_export.ExportError, match="made for images that are uint16 in 0..65535, but .* uint8 in 0..255"
  ):
    serving.evaluate_exported(directory, task_of("uint8", 0, 255))


def test_the_keras_model_of_files_of_16_bits_takes_their_numbers(tmp_path):
  images = shapes.write_wide_folders(tmp_path, 8, size=(8, 8), channels=1)
  task = FolderClassification(image_dir=str(tmp_path), validation_fraction=0.25)
  network = make_trainer(TrainingConfig(epochs=1, batch_size=2), task=task).network
  model = image_model_of(TrainedNetwork(str(tmp_path), network, GENOTYPE, task, 1))
  standard = standardize(tf.cast(images, tf.float32) / 257)
  expected = tf.nn.softmax(network(standard, training=False))
  np.testing.assert_allclose(model(images), expected, atol=1e-5)
  assert task.pixels == Pixels("uint16", 0, 65535)
