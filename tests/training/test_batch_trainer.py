import dataclasses
import math

import numpy as np
import pytest
import tensorflow as tf

from nao_tf.spaces.genotypes import Branch, Cell, CellGenotype, Node
from nao_tf.tasks import make_task, trainers
from nao_tf.training import batch_trainer
from nao_tf.training.base import Diverged
from tests.support.image_cases import NETWORK, TRAINING, make_trainer, without_seconds


def trainable(trainer):
  return [np.array(tf.convert_to_tensor(weight)) for weight in trainer.network.trainable_variables]


def few_digits(count=128):
  """Returns digits with that many examples to train on, 64 of which are a step."""
  return make_task("digits", train_examples=count)


def first_batch(trainer):
  return next(iter(trainer.task.training_batches(trainer.training_config, seed=3)))


def test_training_lowers_the_loss_and_finds_more_classes():
  history = list(make_trainer(dataclasses.replace(TRAINING, epochs=4)).fit())
  assert [metrics["epoch"] for metrics in history] == [1, 2, 3, 4]
  assert history[-1]["train_loss"] < 0.7 * history[0]["train_loss"]
  assert history[-1]["valid_accuracy"] > 0.4


@pytest.mark.parametrize("elementwise", [True, False])
def test_a_step_goes_against_the_bounded_gradient_of_loss_and_weight_decay(elementwise, monkeypatch, no_graphs):
  monkeypatch.setattr(batch_trainer, "is_elementwise", lambda name: elementwise)
  config = dataclasses.replace(
    TRAINING, momentum=0.0, nesterov=False, weight_decay=0.1, clip_norm=0.5, schedule="constant"
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


def test_weights_that_the_loss_does_not_depend_on_decay(no_graphs):
  cell = Cell((Node(Branch("max3x3", 1), Branch("identity", 1)),), outputs=(2,))
  config, default = dataclasses.replace(TRAINING, epochs=1, weight_decay=0.1), tf.distribute.get_strategy()
  genotype = CellGenotype(cell, cell)
  trainer = trainers.make_trainer(few_digits(), genotype, NETWORK, config, distribution=default, seed=3)
  unread = trainer.network.classifier.cells[-1].calibrations[0].trainable_weights[0]
  before = np.linalg.norm(unread.numpy())
  (metrics,) = trainer.fit()
  assert np.isfinite(metrics["train_loss"]) and 0 < np.linalg.norm(unread.numpy()) < before


def test_an_evaluation_counts_every_example_once(no_graphs):
  for size in (50, 287):
    trainer = make_trainer(dataclasses.replace(TRAINING, evaluation_batch_size=size))
    ((images, labels, _),) = trainer.task.evaluation_batches("valid", 287)
    logits = trainer.network(images, training=False)
    metrics = trainer.evaluate("valid")
    assert metrics["accuracy"] == pytest.approx(np.mean(np.argmax(logits, -1) == labels.numpy()))
    assert metrics["loss"] == pytest.approx(
      float(tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits))), rel=1e-5
    )


def test_validation_happens_at_intervals_and_at_the_end(no_graphs):
  history = make_trainer(dataclasses.replace(TRAINING, epochs=3, evaluate_every=2), task=few_digits(64)).fit()
  assert ["valid_accuracy" in metrics for metrics in history] == [False, True, True]


def test_a_training_is_a_function_of_its_seed(no_graphs):
  network = dataclasses.replace(NETWORK, drop_path_keep=0.7, dropout_keep=0.8, auxiliary=True)
  runs = [
    without_seconds(make_trainer(network_config=network, task=few_digits(64), seed=seed).fit()) for seed in (1, 1, 2)
  ]
  assert runs[0] == runs[1] != runs[2]


def test_a_loss_that_is_no_number_stops_the_training_and_says_where(no_graphs):
  config = dataclasses.replace(TRAINING, learning_rate=1e30, clip_norm=0.0)
  with pytest.raises(Diverged, match=r"the loss was (nan|inf) in epoch 1, step \d+") as error:
    list(make_trainer(config, task=few_digits(256)).fit())
  assert error.value.epoch == 1 and error.value.step > 1 and not math.isfinite(error.value.loss)
