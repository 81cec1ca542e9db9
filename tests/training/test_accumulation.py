import dataclasses

import numpy as np
import pytest
import tensorflow as tf

from nao_tf.networks.layers import Norm
from nao_tf.tasks import make_task, trainers
from nao_tf.training.accumulation import accumulated
from nao_tf.training.config import TrainingConfig, check_accumulation
from nao_tf.training.language_config import LanguageTrainingConfig
from tests.support.image_cases import GENOTYPE, NETWORK, TRAINING
from tests.training import test_language_trainer as language


def without_norms(network):
  """Lets batch norm compute as in inference, so that no example depends on another one."""
  for layer in network._flatten_layers(include_self=False):
    layer.trainable = layer.trainable and not isinstance(layer, Norm)


def image_trainer(count, optimizer, **changes):
  config = dataclasses.replace(TRAINING, accumulate_steps=count, optimizer=optimizer, **changes)
  return trainers.make_trainer(
    make_task("digits"),
    GENOTYPE,
    NETWORK,
    config,
    distribution=tf.distribute.get_strategy(),
    seed=3,
    on_network=without_norms,
  )


def language_trainer(count):
  network = language.NETWORK.without_dropout()
  return language.make_trainer(network=network, accumulate_steps=count, temporal_activation_weight=0.1)


def weights(trainer):
  return [np.array(tf.convert_to_tensor(weight)) for weight in trainer.network.trainable_variables]


@pytest.mark.parametrize("optimizer", ["SGD", pytest.param("Adafactor", marks=pytest.mark.slow)])
def test_the_update_of_an_image_network_is_that_of_the_whole_batch(optimizer):
  whole, parts = (image_trainer(count, optimizer) for count in (1, 4))
  batches = list(whole.task.training_batches(whole.training_config, seed=3).take(3))
  for images, labels in batches:
    losses = [float(trainer._train_step(images, labels)) for trainer in (whole, parts)]
    assert losses[1] == pytest.approx(losses[0], abs=1e-5)
  for a, b in zip(weights(whole), weights(parts)):
    np.testing.assert_allclose(a, b, atol=1e-5)


def test_the_update_of_a_language_model_is_that_of_the_whole_batch():
  whole, parts = (language_trainer(count) for count in (1, 2))
  before = language.values(whole)
  for start in (0, 10, 20):
    losses = [float(trainer._train_step(tf.constant(start), tf.constant(10))) for trainer in (whole, parts)]
    assert losses[1] == pytest.approx(losses[0], abs=1e-5)
  np.testing.assert_allclose(parts._progress.hidden, whole._progress.hidden, atol=1e-5)
  assert any(np.any(a != b) for a, b in zip(before, language.values(whole)))
  for a, b in zip(language.values(whole), language.values(parts)):
    np.testing.assert_allclose(a, b, atol=1e-5)


def test_sums_are_added_up_and_rows_are_put_in_order():
  batch = tf.reshape(tf.range(12.0), [6, 2])
  compute = lambda part: ([tf.reduce_sum(part, 0)], [2.0 * part])  # noqa: E731
  for count in (1, 2, 3, 6):
    (total,), (rows,) = accumulated(compute, [batch], count, size=6, zeros=lambda: [tf.zeros([2])], num_rows=1)
    np.testing.assert_array_equal(total, tf.reduce_sum(batch, 0))
    np.testing.assert_array_equal(rows, 2.0 * batch)


def test_a_batch_that_cannot_be_divided_is_refused():
  check_accumulation(64, 4, 2)
  with pytest.raises(ValueError, match="batch_size of 64 cannot be divided into accumulate_steps=3 equal parts$"):
    check_accumulation(64, 3, 1)
  with pytest.raises(ValueError, match="equal parts on each of 32 replicas"):
    check_accumulation(64, 4, 32)


@pytest.mark.parametrize("make", [TrainingConfig, LanguageTrainingConfig])
def test_a_batch_that_has_no_equal_parts_is_refused_by_the_configuration(make):
  assert make(batch_size=6, accumulate_steps=3).accumulate_steps == 3
  with pytest.raises(ValueError, match="a batch_size of 8 cannot be divided into accumulate_steps=3 equal parts$"):
    make(batch_size=8, accumulate_steps=3)
