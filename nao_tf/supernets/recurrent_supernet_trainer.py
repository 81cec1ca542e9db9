"""Training of all language models of a space with shared weights: every segment of the text goes to one of them.

The state is carried from segment to segment whatever architecture comes next. Architectures are scored on the same tokens
of the validation text, each stream beginning without a past, and with nothing dropped.
"""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf

from nao_tf.networks.language_model import LanguageModel
from nao_tf.supernets.config import SharingConfig
from nao_tf.supernets.path_weights import PathWeights
from nao_tf.supernets.supernet_trainer import SharedTrainer
from nao_tf.training import optimizers
from nao_tf.training.batch_trainer import Diverged, Metrics
from nao_tf.training.language_config import LanguageTrainingConfig, segment_lengths
from nao_tf.training.language_trainer import EVALUATION_TOKENS, Progress, activation_penalty, regularized
from nao_tf.trial import Architecture


class SharedLanguageTrainer(SharedTrainer):
  """Language models with shared weights in training.

  Attributes:
    network: the language model whose cell is all cells.
  """

  def __init__(
    self,
    task: Any,
    make_network: Callable[[], LanguageModel],
    config: LanguageTrainingConfig,
    sharing: SharingConfig,
    *,
    distribution: tf.distribute.Strategy,
    seed: int,
  ):
    """Args:
      task: a `LanguageModeling`.
      make_network: makes the language model, whose cell is to be a `SharedRecurrentCell`.
      config: the recipe; there is no averaging of weights.
      sharing: how architectures are drawn and scored.
      distribution: the process's distribution.
      seed: of the segments and the architectures.

    Raises:
      ValueError: as `SharedTrainer`; or if the text is too short.
    """
    super().__init__(task, config, sharing, distribution=distribution, seed=seed)
    with tf.device("CPU:0"):
      self._inputs, self._targets = map(tf.constant, task.training_streams(config.batch_size))
    with distribution.scope():
      self.network = make_network()
      self._bank = self.network.cell.make_bank()
      make_optimizer = optimizers.optimizer_class(config.optimizer)
      self.weights = PathWeights(
        self._bank.initial(),
        self._bank.max_path,
        lambda: make_optimizer(learning_rate=config.learning_rate),
        self.network.trainable_variables,
      )
    self._progress = Progress(config.batch_size, self.network.num_state_units)
    self._train_step = tf.function(self._train, autograph=False)
    shapes = (([None, None], tf.int32), ([None, None], tf.int32), ([None, None], tf.float32))
    signature = [*(tf.TensorSpec(*spec) for spec in shapes), tf.TensorSpec([None, self.network.num_state_units])]
    signature += [tf.TensorSpec([2 * self.network.cell.cells.num_nodes], tf.int32)]
    self._evaluation_step = tf.function(self._evaluate, input_signature=signature, autograph=False)
    self._validation: tuple[np.ndarray, ...] | None = None

  @property
  def state(self) -> dict[str, Any]:
    return {**super().state, "network": self.network, "progress": self._progress}

  @property
  def steps_per_epoch(self) -> int:
    return len(self._lengths(0))

  def score(self, architecture: Architecture) -> Metrics:
    inputs, targets, weights = self._validation_streams()
    choices, length = tf.constant(architecture, tf.int32), max(1, EVALUATION_TOKENS // len(inputs))
    total, hidden = 0.0, self.network.initial_state(len(inputs))
    for start in range(0, inputs.shape[1], length):
      part = [tf.constant(array[:, start : start + length]) for array in (inputs, targets, weights)]
      loss, hidden = self._evaluation_step(*part, hidden, choices)
      total += float(loss)
    return self.task.metrics({"loss": total / float(weights.sum())})

  def num_parameters(self, architecture: Architecture) -> int:
    del architecture  # All have as many.
    return self.task.num_parameters(self.network) + self._bank.max_path

  def _lengths(self, epoch: int) -> list[int]:
    """Returns the lengths of the segments of the epoch with that number, from 0."""
    return segment_lengths(self.config, self._inputs.shape[1], np.random.default_rng([self._seed, epoch]))

  def _validation_streams(self) -> tuple[np.ndarray, ...]:
    """Returns inputs, targets and weights of the validation text, cut after the number of examples to score on."""
    if self._validation is None:
      streams = self.task.evaluation_streams("valid", self.config.evaluation_streams)
      wanted = self.sharing.validation_examples or streams[0].size
      self._validation = tuple(stream[:, : math.ceil(wanted / len(stream))] for stream in streams)
    return self._validation

  def _train_epoch(self, number: int, on_step: Callable[[], None]) -> float:
    """Trains from the segment reached so far to the end of the epoch; returns its loss per token."""
    lengths = self._lengths(number - 1)
    for segment in range(int(self._progress.segment), len(lengths)):
      rate = self.config.learning_rate * lengths[segment] / self.config.segment_length
      self.weights.optimizer.learning_rate = rate
      place = tf.constant(sum(lengths[:segment])), tf.constant(lengths[segment])
      loss = float(self._train_step(*place, self._drawn(self.num_steps_done)))
      if not math.isfinite(loss):
        raise Diverged(number, segment + 1, loss)
      on_step()
    return float(self._progress.loss) / sum(lengths)

  def _close_epoch(self) -> None:
    self._progress.start_epoch()

  def _train(self, start, length, architecture) -> tf.Tensor:
    """Makes a step with the segment that begins at `start`; returns its cross-entropy per token."""
    losses, hidden = self._distribution.run(self._replica_train, (start, length, architecture))
    loss = self._distribution.reduce(tf.distribute.ReduceOp.SUM, losses, axis=None)
    self._progress.advance(loss, length, tf.concat(self._distribution.experimental_local_results(hidden), 0))
    return loss

  def _replica_train(self, start, length, architecture) -> tuple[tf.Tensor, tf.Tensor]:
    rows = self.config.batch_size // self._replicas
    first = rows * tf.distribute.get_replica_context().replica_id_in_sync_group
    with tf.device("CPU:0"):
      inputs, targets = (tf.slice(x, [first, start], [rows, length]) for x in (self._inputs, self._targets))
    hidden = tf.slice(self._progress.hidden, [first, 0], [rows, self.network.num_state_units])
    step = tf.convert_to_tensor(self.weights.optimizer.iterations)
    positions = self._bank.path(self.network.cell.selectors(architecture)).positions
    kernels, others = self.weights.read(positions), self.network.trainable_variables
    with tf.GradientTape() as tape:
      tape.watch(kernels)
      with self.network.cell.bound(architecture, kernels):
        features = self.network.features(inputs, hidden, training=True, step=step)
      loss = tf.reduce_mean(self.network.token_losses(features, targets)) / self._replicas
      total = loss + activation_penalty(features, self.config) / self._replicas
    gradients = tape.gradient(total, [kernels, *others])
    gradient, *rest = regularized(gradients, [kernels, *others], self.config, self._replicas)
    self.weights.apply(positions, kernels, gradient, rest)
    return loss, features.state

  def _evaluate(self, inputs, targets, weights, hidden, architecture) -> tuple[tf.Tensor, tf.Tensor]:
    positions = self._bank.path(self.network.cell.selectors(architecture)).positions
    with self.network.cell.bound(architecture, self.weights.read(positions)):
      features = self.network.features(inputs, hidden)
    return tf.reduce_sum(self.network.token_losses(features, targets) * weights), features.state
