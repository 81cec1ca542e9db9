import dataclasses
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import tensorflow as tf

from nao_tf.training.training_directory import HISTORY_FILE, TENSORBOARD, TrainingDirectory
from tests.support.image_cases import NETWORK, TRAINING, make_trainer, without_seconds


def weights(trainer):
  return [np.array(tf.convert_to_tensor(weight)) for weight in trainer.network.weights]


@pytest.mark.parametrize("optimizer", ["SGD", "Adam"])
def test_an_interrupted_training_goes_on_as_if_it_had_not_been(tmp_path, optimizer):
  config = dataclasses.replace(TRAINING, epochs=3, optimizer=optimizer)
  network = dataclasses.replace(NETWORK, drop_path_keep=0.7, dropout_keep=0.8)
  whole = make_trainer(config, network)
  expected = TrainingDirectory(str(tmp_path / "whole"), whole).fit()
  interrupted = TrainingDirectory(str(tmp_path / "cut"), make_trainer(config, network))
  for metrics in interrupted._trainer.fit():
    interrupted._record(metrics)
    break
  with open(tmp_path / "cut" / HISTORY_FILE, "a", encoding="utf-8") as file:
    file.write('{"epoch": 2, "train_loss": 1.0}\n{"epoch": 3, "tr')
  resumed = make_trainer(config, network)
  directory = TrainingDirectory(str(tmp_path / "cut"), resumed)
  assert [metrics["epoch"] for metrics in directory.history] == [1]
  assert without_seconds(directory.fit()) == without_seconds(expected)
  for a, b in zip(weights(whole), weights(resumed)):
    np.testing.assert_array_equal(a, b)


def test_a_finished_training_is_not_trained_again(tmp_path):
  first = TrainingDirectory(str(tmp_path), make_trainer()).fit()
  assert TrainingDirectory(str(tmp_path), make_trainer()).fit() == first


def test_a_training_writes_scalars_for_tensorboard(tmp_path):
  TrainingDirectory(str(tmp_path), make_trainer(dataclasses.replace(TRAINING, epochs=1))).fit()
  (file,) = (tmp_path / TENSORBOARD).iterdir()
  tags = {value.tag for event in tf.compat.v1.train.summary_iterator(str(file)) for value in event.summary.value}
  assert {"train_loss", "valid_accuracy", "valid_loss"} <= tags


def test_the_checkpoint_of_another_network_is_refused(tmp_path):
  TrainingDirectory(str(tmp_path), make_trainer(dataclasses.replace(TRAINING, epochs=1))).fit()
  other = make_trainer(network_config=dataclasses.replace(NETWORK, filters=6))
  with pytest.raises(ValueError, match="checkpoint is that of another network or optimizer"):
    TrainingDirectory(str(tmp_path), other)


KILLED = """
import dataclasses, sys
from tests.support.image_cases import TRAINING, make_trainer
from nao_tf.training.training_directory import TrainingDirectory
TrainingDirectory(sys.argv[1], make_trainer(dataclasses.replace(TRAINING, epochs=6))).fit()
"""


@pytest.mark.slow
def test_a_killed_training_ends_as_one_that_was_not(tmp_path):
  whole = TrainingDirectory(str(tmp_path / "whole"), make_trainer(dataclasses.replace(TRAINING, epochs=6))).fit()
  killed = tmp_path / "killed"
  for lines in (1, 3):
    process = subprocess.Popen([sys.executable, "-c", KILLED, str(killed)])
    while process.poll() is None and _num_lines(killed / HISTORY_FILE) < lines:
      time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait()
  subprocess.run([sys.executable, "-c", KILLED, str(killed)], check=True)
  trainer = make_trainer(dataclasses.replace(TRAINING, epochs=6))
  assert without_seconds(TrainingDirectory(str(killed), trainer).history) == without_seconds(whole)


def _num_lines(path):
  return len(path.read_text().splitlines()) if os.path.exists(path) else 0
