"""Multilayer perceptrons on handwritten digits, trained hundreds at a time.

This tuning problem is small enough to be solved exhaustively: all 4,032 configurations of eight hyperparameters are
trained, and tuners are compared on the table of the results. Networks of the same shape are trained together. Their
tensors have a leading axis C, and hyperparameters that do not change shapes are tensors as well. Layers, losses and
optimizers compute the same as those of Keras.
"""

import dataclasses
import itertools
from collections.abc import Mapping, Sequence
from typing import Any

import keras_tuner
import numpy as np
import numpy.typing as npt
import sklearn.datasets
import tensorflow as tf

NUM_CLASSES = 10
_NUM_TRAIN, _NUM_VALID = 500, 600
_BETAS, _ADAM_EPSILON, _NORM_EPSILON = (0.9, 0.999), 1e-7, 1e-3

Weights = list[tf.Tensor]
"""Kernels [C, inputs, outputs] and biases [C, 1, outputs] in turn, from the input on."""

Columns = dict[str, tf.Tensor]
"""The hyperparameters of C networks that do not change shapes, by name, [C, 1, 1] each."""


def declare(hp: keras_tuner.HyperParameters) -> None:
  """Declares the hyperparameters of a network."""
  hp.Int("layers", 1, 3)
  hp.Int("units", 8, 64, step=2, sampling="log")
  hp.Choice("activation", ["relu", "tanh"])
  hp.Boolean("normalize")
  hp.Float("dropout", 0.0, 0.4, step=0.2)
  hp.Float("learning_rate", 1e-4, 1e-1, step=10**0.5, sampling="log")
  hp.Choice("optimizer", ["sgd", "adam"])
  with hp.conditional_scope("optimizer", ["sgd"]):
    hp.Float("momentum", 0.0, 0.9, step=0.45)


@dataclasses.dataclass(frozen=True)
class Digits:
  """Three parts of the handwritten digits: images [N, 64] in [0, 1] and classes [N].

  Attributes:
    train: 500 images and their classes to train on.
    valid: 600 images and their classes to validate on.
    test: the other 697 images and their classes.
  """

  train: tuple[np.ndarray, np.ndarray]
  valid: tuple[np.ndarray, np.ndarray]
  test: tuple[np.ndarray, np.ndarray]

  @classmethod
  def load(cls) -> "Digits":
    """Returns the digits of scikit-learn, always split in the same way."""
    images, classes = sklearn.datasets.load_digits(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(images))
    images, classes = images[order].astype(np.float32) / 16, classes[order].astype(np.int32)
    ends = (0, _NUM_TRAIN, _NUM_TRAIN + _NUM_VALID, len(images))
    return cls(*((images[first:last], classes[first:last]) for first, last in itertools.pairwise(ends)))


def by_shape(configurations: Sequence[Mapping[str, Any]]) -> dict[tuple[int, int], list[int]]:
  """Returns the indices of configurations by (layers, units). Networks of one shape can be trained together."""
  groups: dict[tuple[int, int], list[int]] = {}
  for index, values in enumerate(configurations):
    groups.setdefault((values["layers"], values["units"]), []).append(index)
  return groups


def train(
  configurations: Sequence[Mapping[str, Any]], digits: Digits, *, epochs: int = 12, batch_size: int = 50, seed: int = 0
) -> tuple[np.ndarray, np.ndarray]:
  """Trains networks of one shape side by side.

  Args:
    configurations: hyperparameters of C networks, as in `declare`, with equal layers and units.
    digits: data to learn.
    epochs: passes over the training images.
    batch_size: a divisor of the number of training images.
    seed: seed of initial weights, order of images and dropout. All networks share them.

  Returns:
    Validation and test accuracies in percent, [C] each.

  Raises:
    ValueError: if the configurations have different shapes.
  """
  order = batches(len(digits.train[0]), batch_size, epochs, seed)
  weights = fit(configurations, *digits.train, order, seed=seed)
  columns = _columns(configurations)
  valid, test = (_accuracy(weights, columns, *part) for part in (digits.valid, digits.test))
  return valid.numpy(), test.numpy()


def fit(
  configurations: Sequence[Mapping[str, Any]], images: np.ndarray, classes: np.ndarray, order: tf.Tensor, *, seed: int
) -> Weights:
  """Returns the trained weights of C networks of one shape.

  Args:
    configurations: as in `train`.
    images: [N, inputs].
    classes: [N].
    order: indices of the images of each step, [steps, batch_size].
    seed: seed of initial weights and dropout.

  Raises:
    ValueError: if the configurations have different shapes.
  """
  shapes = list(by_shape(configurations))
  if len(shapes) != 1:
    raise ValueError(f"expected networks of one shape (layers, units), got {shapes}")
  layers, units = shapes[0]
  initial = initial_weights(layers, units, images.shape[1], seed)
  weights = [tf.repeat(weight[None], len(configurations), axis=0) for weight in initial]
  return _fit(weights, _columns(configurations), tf.constant(images), tf.constant(classes), order, seed)


def initial_weights(layers: int, units: int, num_inputs: int, seed: int) -> list[tf.Tensor]:
  """Returns Glorot-uniform kernels [inputs, outputs] and zero biases [1, outputs] in turn, from the input on."""
  sizes = [num_inputs, *(layers * (units,)), NUM_CLASSES]
  weights: list[tf.Tensor] = []
  for layer, (fan_in, fan_out) in enumerate(itertools.pairwise(sizes)):
    limit = (6 / (fan_in + fan_out)) ** 0.5
    weights += [tf.random.stateless_uniform((fan_in, fan_out), (seed, layer), -limit, limit), tf.zeros((1, fan_out))]
  return weights


def batches(num_images: int, batch_size: int, epochs: int, seed: int) -> tf.Tensor:
  """Returns indices of the images of each step, [steps, batch_size]."""
  rng = np.random.default_rng(seed)
  order = np.concatenate([rng.permutation(num_images) for _ in range(epochs)])
  return tf.constant(order.reshape(-1, batch_size))


def _columns(configurations: Sequence[Mapping[str, Any]]) -> Columns:
  """Returns the hyperparameters that do not change shapes."""
  return {
    "tanh": _column([values["activation"] == "tanh" for values in configurations], bool),
    "normalize": _column([values["normalize"] for values in configurations], bool),
    "adam": _column([values["optimizer"] == "adam" for values in configurations], bool),
    "dropout": _column([values["dropout"] for values in configurations]),
    "learning_rate": _column([values["learning_rate"] for values in configurations]),
    "momentum": _column([values.get("momentum", 0.0) for values in configurations]),
  }


def _column(values: Sequence[Any], dtype: npt.DTypeLike = np.float32) -> tf.Tensor:
  return tf.constant(np.asarray(values, dtype).reshape(-1, 1, 1))


@tf.function(reduce_retracing=True)
def _fit(
  weights: Weights, columns: Columns, images: tf.Tensor, classes: tf.Tensor, order: tf.Tensor, seed: int
) -> Weights:
  """Returns the weights [C, ...] after one step for each row of `order`."""
  first = [tf.zeros_like(weight) for weight in weights]  # Adam's first moments, or SGD's velocities.
  second = [tf.zeros_like(weight) for weight in weights]
  for step in tf.range(len(order)):
    batch = tf.gather(images, order[step])
    labels = tf.gather(classes, order[step])
    with tf.GradientTape() as tape:
      tape.watch(weights)
      loss = _loss(_logits(weights, columns, batch, (seed, step)), labels)
    gradients = tape.gradient(loss, weights)
    updated = [_update(columns, tf.cast(step + 1, tf.float32), *row) for row in zip(weights, gradients, first, second)]
    weights, first, second = (list(tensors) for tensors in zip(*updated))
  return weights


def _logits(
  weights: Weights, columns: Columns, images: tf.Tensor, seed: tuple[int, tf.Tensor] | None = None
) -> tf.Tensor:
  """Returns logits [C, B, classes] for images [B, inputs].

  Args:
    weights: kernels and biases.
    columns: hyperparameters.
    images: [B, inputs].
    seed: seed of dropout and number of the step; None: no dropout.
  """
  hidden = tf.repeat(images[None], tf.shape(weights[0])[0], axis=0)
  for layer in range(0, len(weights) - 2, 2):
    hidden = tf.matmul(hidden, weights[layer]) + weights[layer + 1]
    mean, variance = tf.nn.moments(hidden, axes=[-1], keepdims=True)
    hidden = tf.where(columns["normalize"], (hidden - mean) * tf.math.rsqrt(variance + _NORM_EPSILON), hidden)
    hidden = tf.where(columns["tanh"], tf.tanh(hidden), tf.nn.relu(hidden))
    if seed is not None:
      chances = tf.random.stateless_uniform(tf.shape(hidden)[1:], (seed[0] * 1000 + layer, seed[1]))
      hidden = tf.where(chances >= columns["dropout"], hidden / (1 - columns["dropout"]), 0.0)
  return tf.matmul(hidden, weights[-2]) + weights[-1]


def _loss(logits: tf.Tensor, classes: tf.Tensor) -> tf.Tensor:
  """Returns the cross-entropy, averaged over images [B] and summed over networks. Their gradients are independent."""
  labels = tf.one_hot(classes, NUM_CLASSES)[None]
  return -tf.reduce_sum(tf.reduce_mean(tf.reduce_sum(labels * tf.nn.log_softmax(logits), axis=-1), axis=-1))


def _update(
  columns: Columns, step: tf.Tensor, weight: tf.Tensor, gradient: tf.Tensor, first: tf.Tensor, second: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
  """Returns a weight and its two moments after a step of Adam or of SGD with momentum, as in Keras.

  Args:
    columns: hyperparameters.
    step: number of the step, from 1.
    weight: a kernel or a bias.
    gradient: its gradient.
    first: Adam's first moment or SGD's velocity.
    second: Adam's second moment.
  """
  rate, (beta_1, beta_2) = columns["learning_rate"], _BETAS
  velocity = columns["momentum"] * first - rate * gradient
  mean = beta_1 * first + (1 - beta_1) * gradient
  second = beta_2 * second + (1 - beta_2) * gradient**2
  corrected = rate * tf.sqrt(1 - beta_2**step) / (1 - beta_1**step)
  change = tf.where(columns["adam"], -corrected * mean / (tf.sqrt(second) + _ADAM_EPSILON), velocity)
  return weight + change, tf.where(columns["adam"], mean, velocity), second


@tf.function(reduce_retracing=True)
def _accuracy(weights: Weights, columns: Columns, images: tf.Tensor, classes: tf.Tensor) -> tf.Tensor:
  """Returns accuracies in percent, [C]."""
  guesses = tf.argmax(_logits(weights, columns, images), axis=-1, output_type=tf.int32)
  return 100 * tf.reduce_mean(tf.cast(guesses == classes[None], tf.float32), axis=-1)
