"""Exports of networks for images that are not bytes: they take such images, and say in which range."""

import json

import numpy as np
import pytest

from nao_tf import serving
from nao_tf.serving import image_export
from nao_tf.tasks.augmentation import standardize
from nao_tf.training.config import TrainingConfig
from tests.support.array_source import array_task
from tests.support.image_cases import GENOTYPE, make_trainer
from tests.support.tfds_sets import random_images

CONFIG = TrainingConfig(epochs=1, batch_size=16)
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
      network = make_trainer(CONFIG, task=task).network
      serving.export_network(network, directory, genotype=GENOTYPE, task=task)
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
