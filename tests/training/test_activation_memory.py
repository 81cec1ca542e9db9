import dataclasses

import pytest
import tensorflow as tf
from tensorflow import keras

from nao_tf.training.activation_memory import activation_bytes
from tests.support.image_cases import NETWORK, TRAINING, make_trainer


class Dense:
  """A task whose network is two matrix products with a ReLU in between."""

  def losses(self, network, inputs, targets, step, training_config):
    del targets, step, training_config
    return tf.reduce_sum(network(tf.reshape(inputs, [-1, 6])), 1)


def test_activations_by_hand():
  network = keras.Sequential([keras.layers.Dense(5, use_bias=False), keras.layers.ReLU(), keras.layers.Dense(2)])
  network.build((None, 6))
  # Kept are the 6 numbers of the image for the first kernel, and the 5 of the ReLU for itself and the second kernel.
  assert activation_bytes(Dense(), network, TRAINING, (2, 3, 1)) == 4 * (6 + 5)


def of_network(mixed_precision="none", **changes):
  config = dataclasses.replace(TRAINING, mixed_precision=mixed_precision)
  trainer = make_trainer(config, dataclasses.replace(NETWORK, **changes))
  return activation_bytes(trainer.task, trainer.network, trainer.training_config, (8, 8, 1))


def test_they_grow_with_the_network_and_shrink_with_the_precision():
  plain, wide, half = of_network(), of_network(filters=8), of_network("bfloat16")
  assert wide == pytest.approx(2 * plain, rel=0.1)
  assert half == pytest.approx(plain / 2, rel=0.15)
