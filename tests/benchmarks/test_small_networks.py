import numpy as np
import pytest
import tensorflow as tf
from tensorflow import keras

from nao_tf.benchmarks import small_networks
from nao_tf.benchmarks.oracle_benchmark import every_configuration

BASE = {"layers": 2, "units": 8, "activation": "relu", "normalize": False, "dropout": 0.0, "learning_rate": 0.01}
SGD = {**BASE, "optimizer": "sgd", "momentum": 0.9}
ADAM = {**BASE, "optimizer": "adam"}


@pytest.fixture(scope="module")
def digits():
  return small_networks.Digits.load()


def keras_network(values, num_inputs, seed):
  """Returns the same network made of Keras' layers, with the same initial weights."""
  layers = [keras.layers.Input((num_inputs,))]
  for _ in range(values["layers"]):
    layers.append(keras.layers.Dense(values["units"]))
    if values["normalize"]:
      layers.append(keras.layers.LayerNormalization(center=False, scale=False))
    layers.append(keras.layers.Activation(values["activation"]))
  network = keras.Sequential([*layers, keras.layers.Dense(small_networks.NUM_CLASSES)])
  weights = small_networks.initial_weights(values["layers"], values["units"], num_inputs, seed)
  network.set_weights([weight.numpy() if i % 2 == 0 else weight.numpy()[0] for i, weight in enumerate(weights)])
  rate = values["learning_rate"]
  adam, sgd = keras.optimizers.Adam(rate), keras.optimizers.SGD(rate, momentum=values.get("momentum", 0.0))
  network.compile(
    adam if values["optimizer"] == "adam" else sgd, keras.losses.SparseCategoricalCrossentropy(from_logits=True)
  )
  return network


def test_networks_trained_side_by_side_are_those_that_keras_trains(digits):
  configurations = [SGD, ADAM, {**SGD, "activation": "tanh", "momentum": 0.45}, {**ADAM, "normalize": True}]
  images, classes = digits.train
  order = small_networks.batches(len(images), 50, 1, seed=3)
  weights = small_networks.fit(configurations, images, classes, order, seed=3)
  for number, values in enumerate(configurations):
    network = keras_network(values, images.shape[1], seed=3)
    for batch in order.numpy():
      network.train_on_batch(images[batch], classes[batch])
    for mine, other in zip(weights, network.get_weights()):
      np.testing.assert_allclose(np.squeeze(mine[number]), other, atol=2e-5)


def test_accuracies_are_those_of_the_networks(digits):
  valid, test = small_networks.train([ADAM, SGD], digits, epochs=2, seed=1)
  images, classes = digits.train
  order = small_networks.batches(len(images), 50, 2, seed=1)
  kernels = small_networks.fit([ADAM, SGD], images, classes, order, seed=1)
  for part, accuracies in ((digits.valid, valid), (digits.test, test)):
    hidden = part[0]
    for i in range(0, 4, 2):
      hidden = tf.nn.relu(hidden @ kernels[i][0] + kernels[i + 1][0])
    guesses = np.argmax(hidden @ kernels[4][0] + kernels[5][0], axis=-1)
    assert accuracies[0] == pytest.approx(100 * np.mean(guesses == part[1]), abs=0.2)


def test_networks_do_not_touch(digits):
  together = small_networks.train([ADAM, SGD, {**ADAM, "learning_rate": 0.1}], digits, epochs=1)
  alone = small_networks.train([SGD], digits, epochs=1)
  np.testing.assert_allclose(np.array(together)[:, 1], np.array(alone)[:, 0], atol=0.4)


def test_dropout_and_seeds_make_a_difference(digits):
  def trained(seed, **changes):
    return small_networks.train([{**ADAM, **changes}], digits, epochs=2, seed=seed)[0][0]

  assert trained(0) == trained(0)
  assert len({trained(0), trained(1), trained(0, dropout=0.4)}) == 3


def test_there_are_no_two_equal_configurations_and_twelve_shapes():
  configurations = every_configuration()
  assert len({repr(values) for values in configurations}) == 12 * 2 * 2 * 3 * 7 * (3 + 1) == 4032
  groups = small_networks.by_shape(configurations)
  assert len(groups) == 12 and sorted(row for rows in groups.values() for row in rows) == list(range(4032))


def test_networks_of_different_shapes_are_refused(digits):
  with pytest.raises(ValueError, match=r"one shape.*\(2, 8\), \(1, 8\)"):
    small_networks.train([SGD, {**SGD, "layers": 1}], digits)


def test_no_image_is_in_two_parts(digits):
  parts = (digits.train, digits.valid, digits.test)
  assert [len(images) for images, _ in parts] == [500, 600, 697]
  assert all(len(images) == len(classes) and images.max() == 1 for images, classes in parts)
