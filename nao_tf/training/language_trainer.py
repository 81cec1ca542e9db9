"""Trains language models on segments of random length, with state carried between segments and weight averaging.

This is the training procedure of AWD-LSTM (Merity, Keskar, Socher, ICLR 2018): gradient descent on the cross-entropy
plus activation regularization, with a learning rate proportional to the length of the segment. Once the validation loss
stalls, the averaged weights are evaluated instead of the weights. All randomness is a function of (seed, epoch, step),
and the whole state between two steps is in variables, so a training can be resumed at any step.
"""

import functools
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Protocol

import numpy as np
import tensorflow as tf

from nao_tf.training import optimizers
from nao_tf.training.accumulation import accumulated
from nao_tf.training.averaging import BestWeights, NonMonotonicTrigger, WeightAverage
from nao_tf.training.base import Metrics, StreamProblem, checked_loss
from nao_tf.training.config import check_accumulation, check_divisible
from nao_tf.training.course import Course
from nao_tf.training.distribution import agreed, gathered
from nao_tf.training.language_config import LanguageTrainingConfig, segment_lengths
from nao_tf.training.loss_scale import make_loss_scale

EVALUATION_TOKENS = 2048


class SegmentFeatures(Protocol):
  """What a language model computes for a segment, before the softmax."""

  @property
  def outputs(self) -> tf.Tensor:
    """Outputs of the cell, `[T, B, H]`."""

  @property
  def dropped(self) -> tf.Tensor:
    """The outputs after dropout, which the softmax reads, `[T, B, H]`."""

  @property
  def state(self) -> tf.Tensor:
    """The state to begin the next segment with, `[B, S]`."""


class SegmentNetwork(Protocol):
  """What the training needs of a language model; it is a `keras.Model` as well.

  Attributes:
    num_state_units: S, the size of the state that is carried from segment to segment.
    trainable_variables: the weights.
  """

  num_state_units: int
  trainable_variables: list[Any]

  def initial_state(self, batch_size: int) -> tf.Tensor:
    """Returns the state before a text, `[B, S]`."""

  def features(
    self, tokens: tf.Tensor, state: tf.Tensor | None = None, *, training: bool = False, step: tf.Tensor | None = None
  ) -> SegmentFeatures:
    """Returns the features of a segment `[B, T]` of tokens."""

  def token_losses(self, features: Any, targets: tf.Tensor) -> tf.Tensor:
    """Returns the negative log-probability of each target `[B, T]` in nats, `[B, T]`."""


class LanguageModelTrainer:
  """The trainer of a language model; a `nao_tf.training.base.NetworkTrainer`.

  Attributes:
    task: the text.
    training_config: how the language model is trained.
    network: the language model. After `fit` it has the weights with the lowest validation loss.
    optimizer: its optimizer.
    epoch: a variable, the number of completed epochs.
    resumes_within_epochs: True: the training can be resumed between two steps.
    course: the factor of the learning rate.
    between_evaluation_steps: called after each step of an evaluation; does nothing by default.
  """

  resumes_within_epochs = True

  def __init__(
    self,
    task: StreamProblem,
    network: SegmentNetwork,
    training_config: LanguageTrainingConfig,
    *,
    distribution: tf.distribute.Strategy,
    seed: int,
    jit_compile: str = "auto",
  ):
    """Creates the optimizer and the graphs of the steps.

    Args:
      task: the text to learn.
      network: the language model, built in the scope of the distribution.
      training_config: how to train it.
      distribution: the `tf.distribute.Strategy` of the process.
      seed: seed of the lengths of the segments.
      jit_compile: not "on": XLA would compile the step anew for each length of a segment.

    Raises:
      ValueError: if the text is too short, or the streams cannot be split among the replicas.
    """
    replicas = distribution.num_replicas_in_sync
    self.check(training_config, num_replicas=replicas, jit_compile=jit_compile)
    self.task, self.network, self.training_config = task, network, training_config
    self._distribution, self._seed, self._replicas = distribution, seed, replicas
    with tf.device("CPU:0"):
      self._inputs, self._targets = map(tf.constant, task.training_streams(training_config.batch_size))
    with distribution.scope():
      self.optimizer = optimizers.optimizer_with_rate(training_config.optimizer, training_config.learning_rate)
      optimizers.build_optimizer(self.optimizer, self._trainable)
      self._average = WeightAverage(self._trainable)
      self._best = BestWeights(self._trainable)
    self.course = Course()
    self.between_evaluation_steps: Callable[[], None] = lambda: None
    self._trigger = NonMonotonicTrigger(training_config.averaging_patience)
    self.epoch = tf.Variable(0, dtype=tf.int64, trainable=False, name="epoch")
    self._loss_scale = make_loss_scale(training_config.mixed_precision)
    self._progress = Progress(training_config.batch_size, network.num_state_units)
    self._train_step = tf.function(self._distributed_train_step, autograph=False)
    self._average_step = tf.function(self._average.update, autograph=False)
    shapes = (([None, None], tf.int32), ([None, None], tf.int32), ([None, None], tf.float32))
    signature = [*(tf.TensorSpec(*spec) for spec in shapes), tf.TensorSpec([None, network.num_state_units])]
    self._evaluation_step = tf.function(self._evaluate_segment, input_signature=signature, autograph=False)

  @staticmethod
  def check(training_config: LanguageTrainingConfig, *, num_replicas: int, jit_compile: str = "auto") -> None:
    """Checks that a language model can be trained so, before there is one.

    Args:
      training_config: how to train it.
      num_replicas: how many devices share the streams.
      jit_compile: not "on".

    Raises:
      ValueError: if the streams cannot be split among the replicas or into parts, or steps are to be compiled.
    """
    check_divisible(training_config.batch_size, num_replicas)
    if jit_compile == "on":
      raise ValueError("jit_compile=on is for images: a language model would be recompiled for every segment length")
    check_accumulation(training_config.batch_size, training_config.accumulate_steps, num_replicas)

  @property
  def state(self) -> dict[str, Any]:
    """The checkpointed state, from which the training resumes as if it had not been interrupted."""
    return {
      **self._loss_scale.state,
      "network": self.network,
      "optimizer": self.optimizer,
      "average": self._average,
      "trigger": self._trigger,
      "best": self._best,
      "epoch": self.epoch,
      "progress": self._progress,
      "course": self.course,
    }

  @property
  def learning_rate(self) -> float:
    """The learning rate for a segment of the usual length, which is scaled by the length of each segment."""
    return self.training_config.learning_rate * float(self.course.rate_factor.numpy())

  @property
  def num_steps_done(self) -> int:
    """The number of steps completed, over all epochs."""
    return optimizers.num_updates(self.optimizer)

  @property
  def steps_per_epoch(self) -> int:
    """The number of steps in the first epoch; other epochs have about as many."""
    return len(self._lengths(0))

  def fit(self, *, on_step: Callable[[], None] = lambda: None) -> Iterator[Metrics]:
    """Trains from the current step to the last epoch.

    Args:
      on_step: called after each step.

    Yields:
      The metrics of each epoch: `epoch` (from 1), `train_loss` (nats per token), `averaging` (1 if weights are being
      averaged), `seconds`. Every `evaluate_every` epochs, and after the last epoch, also the metrics on the validation
      text, with the prefix `valid_`.

    Raises:
      nao_tf.training.base.Diverged: if the loss becomes NaN or infinite.
    """
    for number in range(int(self.epoch.numpy()) + 1, self.training_config.epochs + 1):
      start = time.perf_counter()
      train_loss = self._train_epoch(number, on_step)
      metrics = {"epoch": number, "train_loss": train_loss, "averaging": float(self._is_averaging)}
      if number % self.training_config.evaluate_every == 0 or number == self.training_config.epochs:
        metrics.update(self._validate())
      self.epoch.assign(number)
      self._progress.start_epoch()
      yield {**metrics, "seconds": time.perf_counter() - start}
    self.restore_best()

  def restore_best(self) -> None:
    """Loads the weights, averaged or not, with the lowest validation loss, if it was evaluated."""
    self._best.restore()

  def evaluate(self, split: str) -> Metrics:
    """Returns the metrics of the language model on a split. Every token counts once."""
    num_streams = self.training_config.test_streams if split == "test" else self.training_config.evaluation_streams
    inputs, targets, weights = self.task.evaluation_streams(split, num_streams)
    length = max(1, EVALUATION_TOKENS // len(inputs))
    total, hidden = 0.0, self.network.initial_state(len(inputs))
    for start in range(0, inputs.shape[1], length):
      part = np.s_[:, start : start + length]
      loss, hidden = self._evaluation_step(*map(tf.constant, (inputs[part], targets[part], weights[part])), hidden)
      total += float(loss)
      self.between_evaluation_steps()
    return self.task.metrics({"loss": total / float(weights.sum())})

  @property
  def _trainable(self) -> list[Any]:
    return self.network.trainable_variables

  @property
  def _is_averaging(self) -> bool:
    return bool(self._average.active.numpy())

  def _lengths(self, epoch: int) -> list[int]:
    """Returns the lengths of the segments of an epoch, whose number counts from 0."""
    return segment_lengths(self.training_config, self._inputs.shape[1], np.random.default_rng([self._seed, epoch]))

  def _train_epoch(self, number: int, on_step: Callable[[], None]) -> float:
    """Trains from the present segment to the end of the epoch; returns the loss per token of the epoch."""
    config = self.training_config
    if 0 < config.averaging_epoch <= number:
      self._average.start()
    lengths, rate = self._lengths(number - 1), self.learning_rate
    for segment in range(int(self._progress.segment.numpy()), len(lengths)):
      self.optimizer.learning_rate = rate * lengths[segment] / config.segment_length
      loss = self._train_step(tf.constant(sum(lengths[:segment])), tf.constant(lengths[segment]))
      checked_loss(loss, number, segment + 1)
      if self._is_averaging:
        self._average_step()
      on_step()
    return float(self._progress.loss.numpy()) / sum(lengths)

  def _validate(self) -> Metrics:
    """Returns the metrics on the validation text, of the averaged weights if there are any."""
    with self._average.in_use():
      metrics = self.evaluate("valid")
      loss = agreed(metrics["loss"], self._distribution)
      self._best.offer(loss)
    if self._trigger.pull(loss) and self.training_config.averaging_patience:
      self._average.start()
    return {f"valid_{name}": value for name, value in metrics.items()}

  def _distributed_train_step(self, start: tf.Tensor, length: tf.Tensor) -> tf.Tensor:
    """Runs a step with the segment that begins at `start`; returns its cross-entropy per token."""
    losses, hidden, finite = self._distribution.run(self._replica_train_step, (start, length))
    loss = self._distribution.reduce(tf.distribute.ReduceOp.SUM, losses, axis=None)
    self._progress.advance(loss, length, gathered(hidden, self._distribution))
    self._loss_scale.follow(self._distribution, finite)
    return loss

  def _replica_train_step(self, start: tf.Tensor, length: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    rows = self.training_config.batch_size // self._replicas
    first = rows * tf.distribute.get_replica_context().replica_id_in_sync_group
    with tf.device("CPU:0"):
      inputs, targets = (tf.slice(x, [first, start], [rows, length]) for x in (self._inputs, self._targets))
    hidden = tf.slice(self._progress.hidden, [first, 0], [rows, self.network.num_state_units])
    config, step = self.training_config, tf.convert_to_tensor(self.optimizer.iterations)
    compute = functools.partial(self._loss_and_gradients, step)
    (loss, *gradients), (state,) = accumulated(
      compute, (inputs, targets, hidden), config.accumulate_steps, size=rows, zeros=self._zeros, num_rows=1
    )
    return loss, state, self._apply(gradients)

  def _apply(self, gradients: Sequence[tf.Tensor]) -> tf.Tensor:
    """Lets the optimizer change the weights; returns whether the gradients are finite."""
    unscaled = self._loss_scale.unscaled(gradients)
    gradients = regularized(unscaled, self._trainable, self.training_config, self._replicas)
    return self._loss_scale.apply(self.optimizer, gradients, self._trainable)

  def _zeros(self) -> list[tf.Tensor]:
    """Returns what a sum of losses and gradients begins with."""
    return [tf.zeros([]), *(tf.zeros(variable.shape) for variable in self._trainable)]

  def _loss_and_gradients(
    self, step: tf.Tensor, inputs: tf.Tensor, targets: tf.Tensor, hidden: tf.Tensor
  ) -> tuple[list[tf.Tensor], list[tf.Tensor]]:
    """Returns what some streams add to the loss and to the gradient of each variable, and their state afterwards.

    Args:
      step: number of the step.
      inputs: inputs of these streams, `[B, T]`.
      targets: targets of these streams, `[B, T]`.
      hidden: their state before, `[B, S]`.
    """
    share = 1.0 / (self.training_config.accumulate_steps * self._replicas)
    with tf.GradientTape() as tape:
      features = self.network.features(inputs, hidden, training=True, step=step)
      loss = tf.reduce_mean(self.network.token_losses(features, targets)) * share
      total = loss + activation_penalty(features, self.training_config) * share
      scaled = self._loss_scale.scaled(total)
    gradients = tape.gradient(scaled, self._trainable)
    return [loss, *map(tf.convert_to_tensor, gradients)], [features.state]

  def _evaluate_segment(
    self, inputs: tf.Tensor, targets: tf.Tensor, weights: tf.Tensor, hidden: tf.Tensor
  ) -> tuple[tf.Tensor, tf.Tensor]:
    features = self.network.features(inputs, hidden)
    return tf.reduce_sum(self.network.token_losses(features, targets) * weights), features.state


class Progress(tf.Module):
  """How far a training has come in an epoch.

  Attributes:
    segment: a variable, the number of segments done.
    loss: a variable, the sum of the cross-entropy per token over the positions done.
    hidden: a variable, the state after the last segment done, `[B, S]`.
  """

  def __init__(self, batch_size: int, num_state_units: int):
    """Creates the variables, for the beginning of an epoch.

    Args:
      batch_size: B, the number of streams.
      num_state_units: S, the size of the state.
    """
    super().__init__()
    self.segment = tf.Variable(0, trainable=False)
    self.loss = tf.Variable(0.0, dtype=tf.float64, trainable=False)
    self.hidden = tf.Variable(tf.zeros([batch_size, num_state_units]), trainable=False)

  def advance(self, loss: tf.Tensor, length: tf.Tensor, hidden: tf.Tensor) -> None:
    """Records that a segment is done.

    Args:
      loss: the cross-entropy per token of the segment.
      length: the length of the segment.
      hidden: the state after the segment, `[B, S]`.
    """
    self.segment.assign_add(1)
    self.loss.assign_add(tf.cast(loss, tf.float64) * tf.cast(length, tf.float64))
    self.hidden.assign(hidden)

  def start_epoch(self) -> None:
    """Goes back to the beginning of the text."""
    for variable in (self.segment, self.loss, self.hidden):
      variable.assign(tf.zeros_like(variable))


def activation_penalty(features: SegmentFeatures, training_config: LanguageTrainingConfig) -> tf.Tensor:
  """Returns the activation regularization (Merity, McCann, Socher, 2017, "Revisiting activation regularization").

  It is alpha * mean(dropped^2) + beta * mean((outputs[1:] - outputs[:-1])^2).

  Args:
    features: the features of a segment.
    training_config: has alpha and beta.
  """
  penalty = tf.zeros([])
  if training_config.activation_weight:
    penalty += training_config.activation_weight * tf.reduce_mean(tf.square(features.dropped))
  if training_config.temporal_activation_weight:
    differences = tf.square(features.outputs[1:] - features.outputs[:-1])
    mean = tf.math.divide_no_nan(tf.reduce_sum(differences), tf.cast(tf.size(differences), tf.float32))
    penalty += training_config.temporal_activation_weight * mean
  return penalty


def regularized(
  gradients: Sequence[Any], weights: Sequence[Any], training_config: LanguageTrainingConfig, num_replicas: int
) -> list[tf.Tensor]:
  """Returns the sum of the gradients of all replicas, bounded in norm, plus the decay of the weights.

  An optimizer adds up what the replicas pass to it, so each replica gets its share of the sum. Call it in the context of
  a replica.

  Args:
    gradients: gradients of the loss of the replica.
    weights: the tensors or variables that the gradients belong to.
    training_config: has bound and decay.
    num_replicas: number of replicas of the distribution.
  """
  sums = [tf.convert_to_tensor(gradient) for gradient in gradients]
  if num_replicas > 1:
    sums = tf.distribute.get_replica_context().all_reduce(tf.distribute.ReduceOp.SUM, sums)
  if training_config.clip_norm:
    sums, _ = tf.clip_by_global_norm(sums, training_config.clip_norm)
  if training_config.weight_decay:
    sums = [s + training_config.weight_decay * tf.convert_to_tensor(w) for s, w in zip(sums, weights)]
  return [s / num_replicas for s in sums] if num_replicas > 1 else sums
