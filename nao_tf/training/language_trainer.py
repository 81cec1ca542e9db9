"""Training of language models: segments of random length, a state carried from one to the next, averaged weights.

The recipe is AWD-LSTM's (Merity, Keskar, Socher, ICLR 2018): gradient descent on the cross-entropy plus activation
regularization, with the learning rate in proportion to the segment's length; once the validation loss stalls, the mean
of the weights is what is evaluated. Everything random is a function of (seed, epoch, step), and all that a training is
between two steps is in variables, so that it can go on from any step as if nothing had happened.
"""

import math
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from nao_tf.training import optimizers
from nao_tf.training.averaging import BestWeights, NonMonotonicTrigger, WeightAverage
from nao_tf.training.batch_trainer import Diverged, Metrics
from nao_tf.training.language_config import LanguageTrainingConfig, segment_lengths

EVALUATION_TOKENS = 2048


class LanguageModelTrainer:
  """A language model in training.

  Attributes:
    task: the text.
    config: the recipe.
    network: the language model; after `fit` with the weights that were best on the validation text.
    optimizer: its optimizer.
    epoch: a variable: how many epochs have been completed.
    resumes_within_epochs: whether a checkpoint between two steps is one to go on from. It is.
  """

  resumes_within_epochs = True

  def __init__(
    self,
    task: Any,
    genotype: Any,
    network_config: Any,
    config: LanguageTrainingConfig,
    *,
    distribution: tf.distribute.Strategy,
    seed: int,
  ):
    """Builds the language model and its optimizer.

    Args:
      task: a `LanguageModeling`.
      genotype: of the cell.
      network_config: a `LanguageModelConfig`.
      config: the recipe.
      distribution: the process's distribution.
      seed: of the weights, of the segments and of everything drawn at random.

    Raises:
      ValueError: if the text is too short, or the streams cannot be divided among the replicas.
    """
    self.task, self.config = task, config
    self._distribution, self._seed, self._replicas = distribution, seed, distribution.num_replicas_in_sync
    if config.batch_size % self._replicas:
      raise ValueError(f"a batch of {config.batch_size} streams cannot be divided among {self._replicas} replicas")
    with tf.device("CPU:0"):
      self._inputs, self._targets = map(tf.constant, task.training_streams(config.batch_size))
    with distribution.scope():
      self.network = task.build_network(genotype, network_config, seed=seed)
      self.optimizer = optimizers.optimizer_class(config.optimizer)(learning_rate=config.learning_rate)
      if hasattr(self.optimizer, "build"):
        self.optimizer.build(self._trainable)
      self._average = WeightAverage(self._trainable)
      self._best = BestWeights(self._trainable)
    self._trigger = NonMonotonicTrigger(config.averaging_patience)
    self._make_progress_variables()
    self._train_step = tf.function(self._distributed_train_step, autograph=False)
    self._average_step = tf.function(self._average.update, autograph=False)
    shapes = (([None, None], tf.int32), ([None, None], tf.int32), ([None, None], tf.float32))
    signature = [*(tf.TensorSpec(*spec) for spec in shapes), tf.TensorSpec([None, self.network.num_state_units])]
    self._evaluation_step = tf.function(self._evaluate_segment, input_signature=signature, autograph=False)

  @property
  def state(self) -> dict[str, Any]:
    """What a checkpoint must hold for the training to go on as if nothing had happened."""
    return {
      "network": self.network,
      "optimizer": self.optimizer,
      "average": self._average,
      "trigger": self._trigger,
      "best": self._best,
      "epoch": self.epoch,
      "progress": self._progress,
    }

  @property
  def num_steps_done(self) -> int:
    """How many steps have been made, in all epochs."""
    return optimizers.num_updates(self.optimizer)

  @property
  def steps_per_epoch(self) -> int:
    """How many steps the first epoch has; the others have about as many."""
    return len(self._lengths(0))

  def fit(self, *, on_step: Callable[[], None] = lambda: None) -> Iterator[Metrics]:
    """Trains from the step reached so far to the last epoch, and yields the metrics of each epoch.

    Args:
      on_step: called after each step.

    Yields:
      `epoch` (from 1), `train_loss` (nats per token), `averaging` (1 if weights are being averaged), `seconds`; after
      every `evaluate_every` epochs and after the last also the metrics on the validation text, with `valid_` before
      their names.

    Raises:
      Diverged: if the loss is no number any more.
    """
    for number in range(int(self.epoch) + 1, self.config.epochs + 1):
      start = time.perf_counter()
      train_loss = self._train_epoch(number, on_step)
      metrics = {"epoch": number, "train_loss": train_loss, "averaging": float(self._is_averaging)}
      if number % self.config.evaluate_every == 0 or number == self.config.epochs:
        metrics.update(self._validate())
      self.epoch.assign(number)
      self._progress.start_epoch()
      yield {**metrics, "seconds": time.perf_counter() - start}
    self.restore_best()

  def restore_best(self) -> None:
    """Gives the network the weights, averaged or not, that were best on the validation text, if there was an evaluation."""
    self._best.restore()

  def evaluate(self, split: str) -> Metrics:
    """Returns the language model's metrics on a split, every token counted once."""
    num_streams = self.config.test_streams if split == "test" else self.config.evaluation_streams
    inputs, targets, weights = self.task.evaluation_streams(split, num_streams)
    length = max(1, EVALUATION_TOKENS // len(inputs))
    total, hidden = 0.0, self.network.initial_state(len(inputs))
    for start in range(0, inputs.shape[1], length):
      part = np.s_[:, start : start + length]
      loss, hidden = self._evaluation_step(*map(tf.constant, (inputs[part], targets[part], weights[part])), hidden)
      total += float(loss)
    return self.task.metrics({"loss": total / float(weights.sum())})

  @property
  def _trainable(self) -> list:
    return self.network.trainable_variables

  @property
  def _is_averaging(self) -> bool:
    return bool(self._average.active.numpy())

  def _make_progress_variables(self) -> None:
    self.epoch = tf.Variable(0, dtype=tf.int64, trainable=False, name="epoch")
    self._progress = Progress(self.config.batch_size, self.network.num_state_units)

  def _lengths(self, epoch: int) -> list[int]:
    """Returns the lengths of the segments of the epoch with that number, from 0."""
    return segment_lengths(self.config, self._inputs.shape[1], np.random.default_rng([self._seed, epoch]))

  def _train_epoch(self, number: int, on_step: Callable[[], None]) -> float:
    """Trains from the segment reached so far to the end of the epoch; returns its loss per token."""
    if 0 < self.config.averaging_epoch <= number:
      self._average.start()
    lengths = self._lengths(number - 1)
    for segment in range(int(self._progress.segment), len(lengths)):
      self.optimizer.learning_rate = self.config.learning_rate * lengths[segment] / self.config.segment_length
      loss = float(self._train_step(tf.constant(sum(lengths[:segment])), tf.constant(lengths[segment])))
      if not math.isfinite(loss):
        raise Diverged(number, segment + 1, loss)
      if self._is_averaging:
        self._average_step()
      on_step()
    return float(self._progress.loss) / sum(lengths)

  def _validate(self) -> Metrics:
    """Returns the metrics on the validation text, of the averaged weights if there are any."""
    usable = self._average.usable
    if usable:
      self._average.swap()
    metrics = self.evaluate("valid")
    self._best.offer(metrics["loss"])
    if usable:
      self._average.swap()
    if self._trigger.pull(metrics["loss"]) and self.config.averaging_patience:
      self._average.start()
    return {f"valid_{name}": value for name, value in metrics.items()}

  def _distributed_train_step(self, start, length) -> tf.Tensor:
    """Makes a step with the segment that begins at `start`; returns its cross-entropy per token."""
    losses, hidden = self._distribution.run(self._replica_train_step, (start, length))
    loss = self._distribution.reduce(tf.distribute.ReduceOp.SUM, losses, axis=None)
    self._progress.advance(loss, length, tf.concat(self._distribution.experimental_local_results(hidden), 0))
    return loss

  def _replica_train_step(self, start, length) -> tuple[tf.Tensor, tf.Tensor]:
    rows = self.config.batch_size // self._replicas
    first = rows * tf.distribute.get_replica_context().replica_id_in_sync_group
    with tf.device("CPU:0"):
      inputs, targets = (tf.slice(x, [first, start], [rows, length]) for x in (self._inputs, self._targets))
    hidden = tf.slice(self._progress.hidden, [first, 0], [rows, self.network.num_state_units])
    step = tf.convert_to_tensor(self.optimizer.iterations)
    with tf.GradientTape() as tape:
      features = self.network.features(inputs, hidden, training=True, step=step)
      loss = tf.reduce_mean(self.network.token_losses(features, targets)) / self._replicas
      total = loss + activation_penalty(features, self.config) / self._replicas
    gradients = tape.gradient(total, self._trainable)
    gradients = regularized(gradients, self._trainable, self.config, self._replicas)
    self.optimizer.apply_gradients(zip(gradients, self._trainable))
    return loss, features.state

  def _evaluate_segment(self, inputs, targets, weights, hidden) -> tuple[tf.Tensor, tf.Tensor]:
    features = self.network.features(inputs, hidden)
    return tf.reduce_sum(self.network.token_losses(features, targets) * weights), features.state


class Progress(tf.Module):
  """Where in an epoch a training is.

  Attributes:
    segment: number of segments done.
    loss: sum over the positions done of the cross-entropy per token.
    hidden: the state after the last of them, `[B, S]`.
  """

  def __init__(self, batch_size: int, num_state_units: int):
    super().__init__()
    self.segment = tf.Variable(0, trainable=False)
    self.loss = tf.Variable(0.0, dtype=tf.float64, trainable=False)
    self.hidden = tf.Variable(tf.zeros([batch_size, num_state_units]), trainable=False)

  def advance(self, loss, length, hidden) -> None:
    """Notes that a segment has been done."""
    self.segment.assign_add(1)
    self.loss.assign_add(tf.cast(loss, tf.float64) * tf.cast(length, tf.float64))
    self.hidden.assign(hidden)

  def start_epoch(self) -> None:
    """Goes back to the beginning of the text."""
    for variable in (self.segment, self.loss, self.hidden):
      variable.assign(tf.zeros_like(variable))


def activation_penalty(features, config: LanguageTrainingConfig) -> tf.Tensor:
  """Returns the activation regularization (Merity, McCann, Socher, 2017, "Revisiting activation regularization").

  It is alpha * mean(dropped^2) + beta * mean((outputs[1:] - outputs[:-1])^2).

  Args:
    features: of a segment; see `nao_tf.networks.language_model.Features`.
    config: has alpha and beta.
  """
  penalty = tf.zeros([])
  if config.activation_weight:
    penalty += config.activation_weight * tf.reduce_mean(tf.square(features.dropped))
  if config.temporal_activation_weight:
    differences = tf.square(features.outputs[1:] - features.outputs[:-1])
    mean = tf.math.divide_no_nan(tf.reduce_sum(differences), tf.cast(tf.size(differences), tf.float32))
    penalty += config.temporal_activation_weight * mean
  return penalty


def regularized(gradients: Sequence, weights: Sequence, config: LanguageTrainingConfig, num_replicas: int) -> list:
  """Returns the gradients of all replicas together, bounded in norm, plus the decay of the weights.

  An optimizer adds up what the replicas hand it, so each hands in its share. To be called in a replica's context.

  Args:
    gradients: of the replica's loss.
    weights: what they are gradients of, tensors or variables.
    config: has bound and decay.
    num_replicas: of the distribution strategy.
  """
  gradients = [tf.convert_to_tensor(gradient) for gradient in gradients]
  if num_replicas > 1:
    gradients = tf.distribute.get_replica_context().all_reduce(tf.distribute.ReduceOp.SUM, gradients)
  if config.clip_norm:
    gradients, _ = tf.clip_by_global_norm(gradients, config.clip_norm)
  if config.weight_decay:
    gradients = [g + config.weight_decay * tf.convert_to_tensor(w) for g, w in zip(gradients, weights)]
  return [g / num_replicas for g in gradients] if num_replicas > 1 else gradients
