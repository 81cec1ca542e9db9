import dataclasses
import math
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import tensorflow as tf

from nao_tf.training import optimizers
from nao_tf.training.batch_trainer import Diverged
from nao_tf.training.flat_weights import FlatWeights
from nao_tf.training.training_directory import HISTORY_FILE, TENSORBOARD, TrainingDirectory
from tests.support.image_cases import NETWORK, RECIPE, make_trainer, without_seconds


def weights(trainer):
  return [np.array(tf.convert_to_tensor(weight)) for weight in trainer.network.weights]


def trainable(trainer):
  return [np.array(tf.convert_to_tensor(weight)) for weight in trainer.network.trainable_variables]


def first_batch(trainer):
  return next(iter(trainer.task.training_batches(trainer.config, seed=3)))


def test_training_lowers_the_loss_and_finds_more_classes():
  history = list(make_trainer(dataclasses.replace(RECIPE, epochs=4)).fit())
  assert [metrics["epoch"] for metrics in history] == [1, 2, 3, 4]
  assert history[-1]["train_loss"] < 0.7 * history[0]["train_loss"]
  assert history[-1]["valid_accuracy"] > 0.4


@pytest.mark.parametrize("elementwise", [True, False])
def test_a_step_goes_against_the_bounded_gradient_of_loss_and_weight_decay(elementwise, monkeypatch):
  monkeypatch.setattr(optimizers, "is_elementwise", lambda name: elementwise)
  config = dataclasses.replace(
    RECIPE, momentum=0.0, nesterov=False, weight_decay=0.1, clip_norm=0.5, schedule="constant"
  )
  trainer, reference = make_trainer(config), make_trainer(config)
  images, labels = first_batch(trainer)
  with tf.GradientTape() as tape:
    logits = reference.network(images, training=True, step=0)
    loss = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits))
    decay = 0.05 * tf.add_n(
      [tf.reduce_sum(tf.convert_to_tensor(v) ** 2) for v in reference.network.trainable_variables]
    )
    total = loss + decay
  gradients = [g.numpy() for g in tape.gradient(total, reference.network.trainable_variables)]
  norm = math.sqrt(sum((g**2).sum() for g in gradients))
  before = trainable(trainer)
  np.testing.assert_allclose(trainer._train_step(images, labels), loss, rtol=1e-5)
  assert norm > 0.5
  for was, now, gradient in zip(before, trainable(trainer), gradients):
    np.testing.assert_allclose(now - was, -0.05 * 0.5 / norm * gradient, rtol=2e-2, atol=2e-5)


def test_flat_weights_are_the_variables_one_after_the_other_and_go_back():
  variables = [tf.Variable([[1.0, 2.0], [3.0, 4.0]]), tf.Variable(5.0), tf.Variable([6.0])]
  flat = FlatWeights(variables)
  np.testing.assert_array_equal(flat.vector, [1, 2, 3, 4, 5, 6])
  flat.vector.assign_add(tf.range(6.0))
  flat.write_back()
  np.testing.assert_array_equal(variables[0], [[1, 3], [5, 7]])
  np.testing.assert_array_equal(flat.pack(variables), flat.vector)


def test_an_evaluation_counts_every_example_once():
  trainer = make_trainer()
  for size in (50, 287):
    trainer = make_trainer(dataclasses.replace(RECIPE, evaluation_batch_size=size))
    ((images, labels, _),) = trainer.task.evaluation_batches("valid", 287)
    logits = trainer.network(images, training=False)
    metrics = trainer.evaluate("valid")
    assert metrics["accuracy"] == pytest.approx(np.mean(np.argmax(logits, -1) == labels.numpy()))
    assert metrics["loss"] == pytest.approx(
      float(tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits))), rel=1e-5
    )


def test_validation_happens_at_intervals_and_at_the_end():
  history = make_trainer(dataclasses.replace(RECIPE, epochs=3, evaluate_every=2)).fit()
  assert ["valid_accuracy" in metrics for metrics in history] == [False, True, True]


def test_a_training_is_a_function_of_its_seed():
  network = dataclasses.replace(NETWORK, drop_path_keep=0.7, dropout_keep=0.8, auxiliary=True)
  runs = [without_seconds(make_trainer(network=network, seed=seed).fit()) for seed in (1, 1, 2)]
  assert runs[0] == runs[1] != runs[2]


def test_a_loss_that_is_no_number_stops_the_training_and_says_where():
  config = dataclasses.replace(RECIPE, learning_rate=1e30, clip_norm=0.0)
  with pytest.raises(Diverged, match=r"the loss was (nan|inf) in epoch 1, step \d+") as error:
    list(make_trainer(config).fit())
  assert error.value.epoch == 1 and error.value.step > 1 and not math.isfinite(error.value.loss)


@pytest.mark.parametrize("optimizer", ["SGD", "Adam"])
def test_an_interrupted_training_goes_on_as_if_it_had_not_been(tmp_path, optimizer):
  config = dataclasses.replace(RECIPE, epochs=3, optimizer=optimizer)
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
  TrainingDirectory(str(tmp_path), make_trainer(dataclasses.replace(RECIPE, epochs=1))).fit()
  (file,) = (tmp_path / TENSORBOARD).iterdir()
  tags = {value.tag for event in tf.compat.v1.train.summary_iterator(str(file)) for value in event.summary.value}
  assert {"train_loss", "valid_accuracy", "valid_loss"} <= tags


def test_the_checkpoint_of_another_network_is_refused(tmp_path):
  TrainingDirectory(str(tmp_path), make_trainer(dataclasses.replace(RECIPE, epochs=1))).fit()
  other = make_trainer(network=dataclasses.replace(NETWORK, filters=6))
  with pytest.raises(ValueError, match="checkpoint is that of another network or optimizer"):
    TrainingDirectory(str(tmp_path), other)


KILLED = """
import dataclasses, sys
from tests.support.image_cases import RECIPE, make_trainer
from nao_tf.training.training_directory import TrainingDirectory
TrainingDirectory(sys.argv[1], make_trainer(dataclasses.replace(RECIPE, epochs=6))).fit()
"""


@pytest.mark.slow
def test_a_killed_training_ends_as_one_that_was_not(tmp_path):
  whole = TrainingDirectory(str(tmp_path / "whole"), make_trainer(dataclasses.replace(RECIPE, epochs=6))).fit()
  killed = tmp_path / "killed"
  for lines in (1, 3):
    process = subprocess.Popen([sys.executable, "-c", KILLED, str(killed)])
    while process.poll() is None and _num_lines(killed / HISTORY_FILE) < lines:
      time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait()
  subprocess.run([sys.executable, "-c", KILLED, str(killed)], check=True)
  trainer = make_trainer(dataclasses.replace(RECIPE, epochs=6))
  assert without_seconds(TrainingDirectory(str(killed), trainer).history) == without_seconds(whole)


def _num_lines(path):
  return len(path.read_text().splitlines()) if os.path.exists(path) else 0
