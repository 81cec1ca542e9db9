"""Policies: probability distributions over architectures that are trained on rewards.

A policy makes one decision after another. Shapes: L is the number of decisions, K the largest number of choices.
"""

import abc
from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf
from tensorflow import keras

from nao_tf.controller.keras_defaults import float32_defaults
from nao_tf.controller.vocabulary import START_TOKEN, Vocabulary
from nao_tf.spaces.base import SearchSpace
from nao_tf.strategies.reinforce_config import ReinforceConfig
from nao_tf.training.variables import tf_variable
from nao_tf.trial import Architecture

_IMPOSSIBLE = -1e9
_TABLE_SCALE = 1e-3
_LSTM_RANGE = 0.08
"""Weights of the LSTM are drawn from [-0.08, 0.08] (Zoph and Le 2017)."""


def make_policy(space: SearchSpace, config: ReinforceConfig, *, seed: int) -> "Policy":
  """Returns an untrained policy.

  Args:
    space: the space to sample architectures from.
    config: type, size and training of the policy.
    seed: random seed of its weights.
  """
  with float32_defaults():
    return {"table": TablePolicy, "lstm": LstmPolicy}[config.policy](space, config, seed)


class Policy(keras.layers.Layer, abc.ABC):
  """A probability distribution over tuples of choices, trained with REINFORCE or PPO.

  Attributes:
    space: the space to sample architectures from.
    optimizer: optimizer of its weights.
  """

  def __init__(self, space: SearchSpace, config: ReinforceConfig, seed: int):
    """Initializes what all policies have; subclasses make their variables and then call `_ready`."""
    super().__init__(name="policy")
    self.space = space
    sizes = np.array([decision.size for decision in space.decisions])
    self._mask = np.where(np.arange(sizes.max()) < sizes[:, None], 0.0, _IMPOSSIBLE).astype(np.float32)
    self._config, self._seed, self._vocabulary = config, seed, Vocabulary.of(space)
    self.optimizer = keras.optimizers.Adam(config.learning_rate)

  @abc.abstractmethod
  def logits(self, choices: tf.Tensor) -> tf.Tensor:
    """Returns the logits of each decision conditioned on the earlier choices, [B, L, K].

    Args:
      choices: int32 [B, L].
    """

  @abc.abstractmethod
  def _sampled(self, count: int, seeds: np.ndarray) -> np.ndarray:
    """Returns samples, int [count, L].

    Args:
      count: how many.
      seeds: for each decision, [L, 2].
    """

  def sample(self, count: int, rng: np.random.Generator) -> list[tuple[Architecture, float]]:
    """Returns samples and their log probabilities.

    A sample has a choice for each decision, but may violate constraints of the space between decisions.
    """
    architectures = self.draw(count, rng)
    log_probabilities, _ = self.log_probabilities(tf.constant(architectures, tf.int32))
    return list(zip(architectures, log_probabilities.numpy().tolist()))

  def draw(self, count: int, rng: np.random.Generator) -> list[Architecture]:
    """Returns samples; see `sample`."""
    choices = self._sampled(count, rng.integers(2**31, size=(len(self._mask), 2)))
    return [tuple(row) for row in choices.tolist()]

  def log_probabilities(self, choices: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Returns the log probability of each sample, [B], and the total entropy of its decisions, [B]."""
    log_probabilities, entropies, _ = self._describe_rows(choices)
    return log_probabilities, entropies

  def probabilities(self, choices: tf.Tensor) -> tf.Tensor:
    """Returns the probabilities of each decision conditioned on the earlier choices, [B, L, K]."""
    return self._describe_rows(choices)[2]

  def update(
    self,
    architectures: Sequence[Architecture],
    advantages: Sequence[float],
    old_log_probabilities: Sequence[float],
  ) -> None:
    """Performs one gradient step on samples.

    Args:
      architectures: B samples.
      advantages: differences between their rewards and the baseline, [B].
      old_log_probabilities: log probabilities of the samples when they were sampled, [B].
    """
    self._step(
      tf.constant(architectures, tf.int32),
      tf.constant(advantages, tf.float32),
      tf.constant(old_log_probabilities, tf.float32),
    )

  def loss(self, choices: tf.Tensor, advantages: tf.Tensor, old_log_probabilities: tf.Tensor) -> tf.Tensor:
    """Returns the loss: minus the mean objective of the samples, minus the weighted entropy.

    The objective of a sample is its advantage times its log probability (REINFORCE), or the clipped surrogate objective
    with the ratio of its current to its old probability (PPO).
    """
    log_probabilities, entropies, _ = self._describe(choices)
    clip = self._config.clip_ratio
    if clip:
      ratio = tf.exp(log_probabilities - old_log_probabilities)
      gains = tf.minimum(ratio * advantages, tf.clip_by_value(ratio, 1 - clip, 1 + clip) * advantages)
    else:
      gains = log_probabilities * advantages
    return -tf.reduce_mean(gains) - self._config.entropy_weight * tf.reduce_mean(entropies)

  def _ready(self) -> None:
    """Creates the graphs, after the variables. Operation by operation, an LSTM takes many times as long."""
    self.optimizer.build(self.trainable_variables)
    rows = tf.TensorSpec([None, len(self._mask)], tf.int32)
    self._describe_rows: Any = tf.function(self._describe, input_signature=[rows], autograph=False)
    signature = [rows, tf.TensorSpec([None]), tf.TensorSpec([None])]
    self._step: Any = tf.function(self._descend, input_signature=signature, autograph=False)

  def _describe(self, choices: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """Returns what `log_probabilities` and `probabilities` return."""
    logits = self.logits(choices) + self._mask
    log_softmax = tf.nn.log_softmax(logits)
    chosen = tf.gather(log_softmax, choices, batch_dims=2)
    entropies = -tf.reduce_sum(tf.exp(log_softmax) * log_softmax, -1)
    return tf.reduce_sum(chosen, 1), tf.reduce_sum(entropies, 1), tf.nn.softmax(logits)

  def _descend(self, choices: tf.Tensor, advantages: tf.Tensor, old_log_probabilities: tf.Tensor) -> None:
    variables = self.trainable_variables
    with tf.GradientTape() as tape:
      loss = self.loss(choices, advantages, old_log_probabilities)
    self.optimizer.apply_gradients(zip(tape.gradient(loss, variables), variables))


class TablePolicy(Policy):
  """An independent softmax for each decision (Dong et al., NATS-Bench)."""

  def __init__(self, space: SearchSpace, config: ReinforceConfig, seed: int):
    """Makes logits that are all about 0; see `make_policy`."""
    super().__init__(space, config, seed)
    normal = keras.initializers.RandomNormal(stddev=_TABLE_SCALE, seed=seed)
    self._table = self.add_weight(name="logits", shape=self._mask.shape, initializer=normal)
    self._ready()

  def logits(self, choices: tf.Tensor) -> tf.Tensor:
    """Returns the same logits for all samples, [B, L, K]."""
    return tf.tile(tf_variable(self._table)[None], [tf.shape(choices)[0], 1, 1])

  def _sampled(self, count: int, seeds: np.ndarray) -> np.ndarray:
    rows = tf.random.stateless_categorical(tf_variable(self._table) + self._mask, count, seeds[0])
    return np.asarray(rows).T


class LstmPolicy(Policy):
  """A recurrent network conditioned on the earlier choices (Zoph and Le 2017; NASNet)."""

  def __init__(self, space: SearchSpace, config: ReinforceConfig, seed: int):
    """Creates the network; see `make_policy`."""
    super().__init__(space, config, seed)
    length, choices = self._mask.shape
    shapes = {
      "embeddings": (self._vocabulary.size, config.units),
      "kernels": (length, config.units, choices),
      "biases": (length, choices),
    }
    weights = [
      self.add_weight(name=name, shape=shape, initializer=_uniform(seed, number))
      for number, (name, shape) in enumerate(shapes.items())
    ]
    self._embeddings, self._kernels, self._biases = map(tf_variable, weights)
    cells = [_lstm_cell(config.units, seed, len(shapes) + 2 * layer) for layer in range(config.num_layers)]
    self._cells = cells
    self._rnn = keras.layers.RNN(keras.layers.StackedRNNCells(cells), return_sequences=True)
    self._rnn(tf.zeros((1, length, config.units)))
    signature = [tf.TensorSpec([], tf.int32), tf.TensorSpec([length, 2], tf.int32)]
    self._draw_rows: Any = tf.function(self._drawn, input_signature=signature, autograph=False)
    self._ready()

  def logits(self, choices: tf.Tensor) -> tf.Tensor:
    """Returns the logits of each decision conditioned on the earlier choices, [B, L, K]."""
    tokens = choices + tf.constant(self._vocabulary.offsets, tf.int32)
    before = tf.pad(tokens[:, :-1], [[0, 0], [1, 0]], constant_values=START_TOKEN)
    states = self._rnn(tf.gather(self._embeddings, before))
    return tf.einsum("blu,luk->blk", states, self._kernels) + self._biases

  def _sampled(self, count: int, seeds: np.ndarray) -> np.ndarray:
    return np.asarray(self._draw_rows(tf.constant(count, tf.int32), tf.constant(seeds, tf.int32)))

  def _drawn(self, count: tf.Tensor, seeds: tf.Tensor) -> tf.Tensor:
    """Returns samples, int32 [count, L]."""
    tokens = tf.fill([count], START_TOKEN)
    states = [[tf.zeros((count, self._config.units))] * 2 for _ in self._cells]
    columns = []
    for position, offset in enumerate(self._vocabulary.offsets):
      output = tf.gather(self._embeddings, tokens)
      for layer, cell in enumerate(self._cells):
        output, states[layer] = cell(output, states[layer])
      logits = output @ self._kernels[position] + self._biases[position] + self._mask[position]
      choices = tf.random.stateless_categorical(logits, 1, seeds[position], dtype=tf.int32)[:, 0]
      columns.append(choices)
      tokens = choices + offset
    return tf.stack(columns, 1)


def _lstm_cell(units: int, seed: int, number: int) -> keras.layers.Layer:
  """Returns a layer of the LSTM, with weights of the numbers from `number` on."""
  return keras.layers.LSTMCell(
    units, kernel_initializer=_uniform(seed, number), recurrent_initializer=_uniform(seed, number + 1)
  )


def _uniform(seed: int, number: int) -> keras.initializers.Initializer:
  """Returns what draws the weight of a number."""
  return keras.initializers.RandomUniform(-_LSTM_RANGE, _LSTM_RANGE, seed=1000 * seed + number)
