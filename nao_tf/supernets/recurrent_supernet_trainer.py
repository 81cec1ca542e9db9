"""Trains a supernet of language models: each segment of the text trains one architecture.

The state is carried from segment to segment, whatever architecture comes next. Architectures are scored on the same
tokens of the validation text. Each stream starts from the zero state, and there is no dropout.

A step may split its streams into parts, all with the same architecture. In mixed precision the cell computes in half
precision; weights, gradients, the softmax, losses and the state are still float32.
"""

import functools
import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from nao_tf.networks.language_model import LanguageModelConfig
from nao_tf.networks.parameter_counts import num_parameters
from nao_tf.networks.precision import mixed_precision
from nao_tf.spaces.base import SearchSpace
from nao_tf.spaces.recurrent import ACTIVATIONS, RecurrentSpace
from nao_tf.supernets.config import SharingConfig
from nao_tf.supernets.full_size import check_shared_training
from nao_tf.supernets.path_weights import PathWeights
from nao_tf.supernets.recurrent_supernet import RecurrentSupernet
from nao_tf.supernets.shared_recurrent_cell import AllRecurrentCells
from nao_tf.supernets.supernet_trainer import SupernetTrainer
from nao_tf.tasks.base import StreamTask
from nao_tf.training import optimizers
from nao_tf.training.accumulation import accumulated
from nao_tf.training.base import Metrics, StreamProblem, checked_loss
from nao_tf.training.language_config import LanguageTrainingConfig, segment_lengths
from nao_tf.training.language_trainer import EVALUATION_TOKENS, Progress, activation_penalty, regularized
from nao_tf.training.loss_scale import make_loss_scale
from nao_tf.trial import Architecture


class RecurrentSupernetTrainer(SupernetTrainer):
  """The trainer of a supernet of language models. There is no weight averaging.

  Attributes:
    task: the text.
    supernet: the supernet.
    training_config: how it is trained.
  """

  training_config: LanguageTrainingConfig

  def __init__(
    self,
    task: StreamProblem,
    supernet: RecurrentSupernet,
    training_config: LanguageTrainingConfig,
    sharing_config: SharingConfig,
    *,
    distribution: tf.distribute.Strategy,
    seed: int,
  ) -> None:
    """Creates the weights in the bank, the optimizer and the graphs of the steps.

    Args:
      task: the text to learn.
      supernet: the language models, made in the scope of the distribution.
      training_config: how to train them.
      sharing_config: how architectures are drawn and scored.
      distribution: the `tf.distribute.Strategy` of the process.
      seed: random seed of the lengths of the segments and of the order of the architectures.

    Raises:
      ValueError: as `SupernetTrainer`; or if the text is too short.
    """
    super().__init__(training_config, sharing_config, distribution=distribution, seed=seed)
    self.task, self.supernet = task, supernet
    with tf.device("CPU:0"):
      self._inputs, self._targets = map(tf.constant, task.training_streams(training_config.batch_size))
    bank, num_state_units = supernet.bank, supernet.network.num_state_units
    make_optimizer = optimizers.optimizer_class(training_config.optimizer)
    with distribution.scope():
      self.weights = PathWeights(
        bank.initial(),
        bank.max_path,
        functools.partial(make_optimizer, learning_rate=training_config.learning_rate),
        supernet.network.trainable_variables,
      )
    self._loss_scale = make_loss_scale(training_config.mixed_precision)
    self._progress = Progress(training_config.batch_size, num_state_units)
    self._train_step = tf.function(self._train, autograph=False)
    shapes = (([None, None], tf.int32), ([None, None], tf.int32), ([None, None], tf.float32))
    signature = [*(tf.TensorSpec(*spec) for spec in shapes), tf.TensorSpec([None, num_state_units])]
    signature += [tf.TensorSpec([2 * supernet.cell.cells.num_nodes], tf.int32)]
    self._evaluation_step = tf.function(self._evaluate, input_signature=signature, autograph=False)

  @property
  def state(self) -> dict[str, Any]:
    """The checkpointed state, from which the training resumes as if it had not been interrupted."""
    return {**super().state, "network": self.supernet.network, "progress": self._progress, **self._loss_scale.state}

  @property
  def steps_per_epoch(self) -> int:
    """The number of steps in the first epoch; other epochs have about as many."""
    return len(self._lengths(0))

  def score(self, architecture: Architecture) -> Metrics:
    """Returns the metrics of an architecture on the validation tokens."""
    inputs, targets, weights = self._validation_streams
    choices, length = tf.constant(architecture, tf.int32), max(1, EVALUATION_TOKENS // len(inputs))
    total, hidden = 0.0, self.supernet.network.initial_state(len(inputs))
    for start in range(0, inputs.shape[1], length):
      part = [tf.constant(array[:, start : start + length]) for array in (inputs, targets, weights)]
      loss, hidden = self._evaluation_step(*part, hidden, choices)
      total += float(loss)
    return self.task.metrics({"loss": total / float(weights.sum())})

  def score_on_minibatch(self, architecture: Architecture, number: int, *, calibrates: bool = False) -> Metrics:
    """Returns the metrics of an architecture on one segment of each stream of the validation text, without a past.

    See `SupernetTrainer.score_on_minibatch`.
    """
    del calibrates  # There is no batch norm.
    part = [tf.constant(array) for array in self._segment(number)]
    hidden = self.supernet.network.initial_state(len(part[0]))
    loss, _ = self._evaluation_step(*part, hidden, tf.constant(architecture, tf.int32))
    return self.task.metrics({"loss": float(loss) / float(tf.reduce_sum(part[2]))})

  def num_parameters(self, architecture: Architecture) -> int:
    """Returns the number of trainable parameters of a language model; all have as many."""
    del architecture
    return num_parameters(self.supernet.network) + self.supernet.bank.max_path

  def _lengths(self, epoch: int) -> list[int]:
    """Returns the lengths of the segments of an epoch, whose number counts from 0."""
    return segment_lengths(self.training_config, self._inputs.shape[1], np.random.default_rng([self._seed, epoch]))

  @functools.cached_property
  def _validation_streams(self) -> tuple[np.ndarray, ...]:
    """Inputs, targets and weights of the validation text, cut after the number of tokens to score on."""
    streams = self.task.evaluation_streams("valid", self.training_config.evaluation_streams)
    count = self.sharing_config.validation_examples or streams[0].size
    return tuple(stream[:, : math.ceil(count / len(stream))] for stream in streams)

  def _segment(self, number: int) -> list[np.ndarray]:
    """Returns inputs, targets and weights of a segment of the validation text."""
    length = self.training_config.segment_length
    count = max(1, self._minibatch_streams[0].shape[1] // length)
    pass_, place = divmod(number, count)
    start = length * int(np.random.default_rng([self._seed, pass_]).permutation(count)[place])
    return [stream[:, start : start + length] for stream in self._minibatch_streams]

  @functools.cached_property
  def _minibatch_streams(self) -> tuple[np.ndarray, ...]:
    """Inputs, targets and weights of the validation text, as many streams of it as are trained on."""
    return self.task.evaluation_streams("valid", self.training_config.batch_size)

  def _train_epoch(self, number: int, on_step: Callable[[], None]) -> float:
    """Trains from the present segment to the end of the epoch; returns the loss per token of the epoch."""
    lengths = self._lengths(number - 1)
    for segment in range(int(self._progress.segment), len(lengths)):
      rate = self.training_config.learning_rate * lengths[segment] / self.training_config.segment_length
      self.weights.optimizer.learning_rate = rate
      start, length = tf.constant(sum(lengths[:segment])), tf.constant(lengths[segment])
      loss = self._train_step(start, length, self._drawn(self.num_steps_done))
      checked_loss(loss, number, segment + 1)
      on_step()
    return float(self._progress.loss) / sum(lengths)

  def _close_epoch(self) -> None:
    """Goes back to the beginning of the text."""
    self._progress.start_epoch()

  def _train(self, start: tf.Tensor, length: tf.Tensor, architecture: tf.Tensor) -> tf.Tensor:
    """Runs a step with the segment that begins at `start`; returns its cross-entropy per token."""
    losses, hidden, made = self._distribution.run(self._replica_train, (start, length, architecture))
    loss = self._distribution.reduce(tf.distribute.ReduceOp.SUM, losses, axis=None)
    self._progress.advance(loss, length, tf.concat(self._distribution.experimental_local_results(hidden), 0))
    self._loss_scale.follow(self._distribution, made)
    return loss

  def _replica_train(
    self, start: tf.Tensor, length: tf.Tensor, architecture: tf.Tensor
  ) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """Runs a step on a replica; returns its part of the loss, its state, and whether it was made."""
    config, network = self.training_config, self.supernet.network
    rows = config.batch_size // self._replicas
    first = rows * tf.distribute.get_replica_context().replica_id_in_sync_group
    with tf.device("CPU:0"):
      inputs, targets = (tf.slice(x, [first, start], [rows, length]) for x in (self._inputs, self._targets))
    hidden = tf.slice(self._progress.hidden, [first, 0], [rows, network.num_state_units])
    positions = self.supernet.path(architecture).positions
    kernels = self.weights.read(positions)
    compute = functools.partial(self._loss_and_gradients, architecture, kernels)
    zeros = functools.partial(self._zeros, kernels)
    (loss, *gradients), (state,) = accumulated(
      compute, (inputs, targets, hidden), config.accumulate_steps, size=rows, zeros=zeros, num_rows=1
    )
    return loss, state, self._apply(positions, kernels, gradients)

  def _apply(self, positions: tf.Tensor, kernels: tf.Tensor, gradients: Sequence[tf.Tensor]) -> tf.Tensor:
    """Lets the optimizer change the weights on a path; returns whether the gradients are finite."""
    weights = [kernels, *self.supernet.network.trainable_variables]
    gradient, *rest = regularized(self._loss_scale.unscaled(gradients), weights, self.training_config, self._replicas)
    return self.weights.apply(positions, kernels, gradient, rest, loss_scale=self._loss_scale)

  def _zeros(self, kernels: tf.Tensor) -> list[tf.Tensor]:
    """Returns what a sum of losses and gradients begins with."""
    others = self.supernet.network.trainable_variables
    return [tf.zeros([]), tf.zeros_like(kernels), *(tf.zeros(variable.shape) for variable in others)]

  def _loss_and_gradients(
    self, architecture: tf.Tensor, kernels: tf.Tensor, inputs: tf.Tensor, targets: tf.Tensor, hidden: tf.Tensor
  ) -> tuple[list[tf.Tensor], list[tf.Tensor]]:
    """Returns what some streams add to the loss and to the gradient of each weight, and their state afterwards."""
    network, share = self.supernet.network, 1.0 / (self.training_config.accumulate_steps * self._replicas)
    step = tf.convert_to_tensor(self.weights.optimizer.iterations)
    with tf.GradientTape() as tape:
      tape.watch(kernels)
      with self.supernet.cell.bound(architecture, kernels):
        features = network.features(inputs, hidden, training=True, step=step)
      loss = tf.reduce_mean(network.token_losses(features, targets)) * share
      total = loss + activation_penalty(features, self.training_config) * share
      scaled = self._loss_scale.scaled(total)
    gradients = tape.gradient(scaled, [kernels, *network.trainable_variables])
    return [loss, *map(tf.convert_to_tensor, gradients)], [features.state]

  def _evaluate(
    self, inputs: tf.Tensor, targets: tf.Tensor, weights: tf.Tensor, hidden: tf.Tensor, architecture: tf.Tensor
  ) -> tuple[tf.Tensor, tf.Tensor]:
    """Returns the sum of the weighted losses of a segment, and the state after it."""
    network, positions = self.supernet.network, self.supernet.path(architecture).positions
    with self.supernet.cell.bound(architecture, self.weights.read(positions)):
      features = network.features(inputs, hidden)
    return tf.reduce_sum(network.token_losses(features, targets) * weights), features.state


def check_recurrent_supernet(
  task: StreamTask,
  space: SearchSpace,
  network_config: LanguageModelConfig,
  training_config: LanguageTrainingConfig,
  *,
  num_replicas: int,
) -> None:
  """Checks that there is a supernet of language models; see `nao_tf.supernets.check_supernet`."""
  if not isinstance(space, RecurrentSpace) or not isinstance(network_config, LanguageModelConfig):
    raise ValueError(
      f"{task.name}: a recurrent supernet needs a RecurrentSpace, such as rnn12, and a LanguageModelConfig, got a"
      f" {type(space).__name__} and a {type(network_config).__name__}"
    )
  check_shared_training(training_config, num_replicas=num_replicas)


def make_recurrent_supernet_trainer(
  task: StreamTask,
  space: SearchSpace,
  network_config: LanguageModelConfig,
  training_config: LanguageTrainingConfig,
  sharing_config: SharingConfig,
  *,
  distribution: tf.distribute.Strategy,
  seed: int,
) -> RecurrentSupernetTrainer:
  """Returns a trainer of the supernet of all language models of a space of recurrent cells.

  The arguments are those of `nao_tf.supernets.make_supernet_trainer`.

  Raises:
    ValueError: if the space or the network_config is of another kind, or the training_config does not fit shared
      weights,
      the text or the replicas.
  """
  check_recurrent_supernet(task, space, network_config, training_config, num_replicas=distribution.num_replicas_in_sync)
  training_config = task.complete_training_config(training_config)
  cells = AllRecurrentCells(len(space.decisions) // 2, ACTIVATIONS)
  with distribution.scope(), mixed_precision(training_config.mixed_precision):
    supernet = RecurrentSupernet(cells, network_config, vocabulary_size=task.num_outputs, seed=seed)
  return RecurrentSupernetTrainer(task, supernet, training_config, sharing_config, distribution=distribution, seed=seed)
