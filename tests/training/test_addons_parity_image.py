import dataclasses

import numpy as np
import pytest

from nao_tf.tasks import augmentation, make_task
from nao_tf.training.training_directory import TrainingDirectory
from tests.support.image_cases import TRAINING, make_trainer, without_seconds

tfa = pytest.importorskip("tensorflow_addons", reason="TensorFlow Addons is not installed", exc_type=ImportError)


@pytest.mark.parametrize("size", [4, 16])
def test_cutout_erases_what_that_of_addons_does(size):
  rng = np.random.default_rng(0)
  images = rng.normal(size=(20, 32, 32, 3)).astype(np.float32)
  centers = rng.integers(0, 32, (20, 2)).astype(np.int32)
  expected = tfa.image.cutout(images, (size, size), centers)
  np.testing.assert_array_equal(augmentation.erase(images, centers - size // 2, size), expected)


@pytest.mark.parametrize("name", ["Addons>LAMB", "Addons>AdamW"])
def test_an_optimizer_of_addons_trains_by_name_and_goes_on_from_a_checkpoint(name, tmp_path, no_graphs):
  task = make_task("digits", train_examples=128)
  config = dataclasses.replace(TRAINING, epochs=3, optimizer=name, learning_rate=0.01, weight_decay=1e-4)
  trainer = make_trainer(config, task=task)
  assert type(trainer.optimizer).__module__.startswith("tensorflow_addons")
  whole = TrainingDirectory(str(tmp_path / "whole"), trainer).fit()
  assert whole[-1]["train_loss"] < whole[0]["train_loss"]
  cut = TrainingDirectory(str(tmp_path / "cut"), make_trainer(config, task=task))
  cut._record(next(cut._trainer.fit()))
  resumed = TrainingDirectory(str(tmp_path / "cut"), make_trainer(config, task=task)).fit()
  assert without_seconds(resumed) == without_seconds(whole)
