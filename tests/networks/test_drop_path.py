"""Drop-path as layers: rates, schedule, files."""

import numpy as np
import pytest
import tensorflow as tf
from tensorflow import keras

from nao_tf.networks.drop_path import DropPath, DropPathSchedule

IMAGES = np.ones((400, 2, 2, 3), np.float32)


def progress_of(model, training=False):
  return model(IMAGES[:1], training=training).numpy().item()


def test_a_branch_is_dropped_as_far_as_the_schedule_is():
  layer = DropPath(0.5)
  for progress, share in ((0.0, 0.0), (0.5, 0.25), (1.0, 0.5)):
    outputs = np.array(layer([IMAGES, tf.fill([len(IMAGES), 1, 1, 1], progress)], training=True))
    assert outputs.reshape(len(IMAGES), -1).std(1).max() < 1e-6, "a sample is dropped as a whole"
    assert set(np.unique(outputs.round(4))) <= {0.0, np.float32(round(1 / (1 - share), 4))}
    assert abs((outputs == 0).mean() - share) < 0.13  # 5 sigma
  np.testing.assert_array_equal(layer([IMAGES, tf.ones([len(IMAGES), 1, 1, 1])]), IMAGES)


def test_the_schedule_counts_steps_of_training_and_goes_on_in_a_file(tmp_path):
  inputs = keras.Input((2, 2, 3))
  model = keras.Model(inputs, DropPathSchedule(4)(inputs))
  assert [progress_of(model, True) for _ in range(3)] == [0.0, 0.25, 0.5]
  assert progress_of(model) == progress_of(model) == 0.75
  model.save(tmp_path / "x.keras")
  loaded = keras.models.load_model(tmp_path / "x.keras")
  assert [progress_of(loaded, True) for _ in range(3)] == [0.75, 1.0, 1.0]


def test_a_schedule_of_no_steps_is_over_at_once():
  assert progress_of(DropPathSchedule(0), True) == 1.0


def test_numbers_out_of_range_are_refused():
  with pytest.raises(ValueError, match="steps must be at least 0, got -1"):
    DropPathSchedule(-1)
  with pytest.raises(ValueError, match=r"rate must be in \[0, 1\), got 1.0"):
    DropPath(1.0)
