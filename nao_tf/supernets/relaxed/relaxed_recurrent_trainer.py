"""The training of a relaxed language model: its weights on the training text, its strengths on the validation text.

Each step has a segment of the training text and one of the validation text, which is begun again when it ends. A state is
carried along each of them. Strengths are trained with the dropout of the weights. No weights are averaged.

Source: Liu et al., ICLR 2019, section 3.1; the gradients are those of `nao_tf.supernets.relaxed.bilevel`.
"""

import functools
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from nao_tf.networks.language_model import Features, LanguageModelConfig
from nao_tf.networks.precision import mixed_precision
from nao_tf.networks.weight_sources import OWN_WEIGHTS, WeightSource
from nao_tf.runs.shares import Shares
from nao_tf.spaces.base import SearchSpace
from nao_tf.spaces.genotypes import RecurrentGenotype
from nao_tf.spaces.operation_names import ZERO
from nao_tf.spaces.recurrent import ACTIVATIONS, RecurrentSpace
from nao_tf.supernets.full_size import check_relaxed_training
from nao_tf.supernets.functional import LentWeights
from nao_tf.supernets.relaxed import bilevel, mixtures
from nao_tf.supernets.relaxed.config import RelaxedConfig
from nao_tf.supernets.relaxed.relaxed_recurrent_cell import RelaxedLanguageModel
from nao_tf.supernets.relaxed.strengths import Strengths, summed
from nao_tf.tasks.base import StreamTask
from nao_tf.training import optimizers
from nao_tf.training.base import Metrics, checked_loss
from nao_tf.training.config import check_divisible
from nao_tf.training.language_config import LanguageTrainingConfig, segment_lengths
from nao_tf.training.language_trainer import EVALUATION_TOKENS, Progress, activation_penalty, regularized
from nao_tf.training.loss_scale import make_loss_scale
from nao_tf.trial import Architecture

OPERATIONS = (ZERO, *ACTIVATIONS)


class _Segment(NamedTuple):
  """A segment of a text, and the state before it."""

  inputs: tf.Tensor
  targets: tf.Tensor
  hidden: tf.Tensor


class RelaxedRecurrentTrainer:
  """Trains the weights and the architecture parameters of a relaxed language model; a `nao_tf.training.base.Trainer`.

  Attributes:
    task: the text.
    training_config: how the weights are trained.
    config: how the architecture parameters are trained.
    network: the relaxed language model.
    optimizer: optimizer of the weights.
    epoch: a variable, the number of completed epochs.
    resumes_within_epochs: True: the training can be resumed between two steps.
  """

  resumes_within_epochs = True

  def __init__(
    self,
    task: StreamTask,
    space: RecurrentSpace,
    network_config: LanguageModelConfig,
    training_config: LanguageTrainingConfig,
    config: RelaxedConfig,
    *,
    distribution: tf.distribute.Strategy,
    seed: int,
  ) -> None:
    """Creates the network, the architecture parameters and the optimizers.

    Args:
      task: the task.
      space: space of recurrent cells. An edge may also be absent, as in DARTS.
      network_config: how large the language model is.
      training_config: how its weights are trained.
      config: how its architecture parameters are trained.
      distribution: the `tf.distribute.Strategy` of the process.
      seed: random seed.

    Raises:
      ValueError: if the streams cannot be split among the replicas, a text is too short for them, the optimizer is
        not SGD although its step is followed, or a cost is asked for.
    """
    check_relaxed_training(training_config, config)
    check_divisible(training_config.batch_size, distribution.num_replicas_in_sync)
    check_data(task, training_config, config)
    self.task, self.training_config, self.config = task, training_config, config
    self._space, self._seed, self._num_nodes = space, seed, len(space.decisions) // 2
    self._distribution, self._replicas = distribution, distribution.num_replicas_in_sync
    with tf.device("CPU:0"):
      self._text = tuple(map(tf.constant, task.training_streams(training_config.batch_size)))
      self._held_out = _held_out_streams(task, training_config.batch_size) if config.order else ()
    shape = (mixtures.num_recurrent_edges(self._num_nodes), len(OPERATIONS))
    with distribution.scope():
      with mixed_precision(training_config.mixed_precision):
        self.network = RelaxedLanguageModel(OPERATIONS, self._num_nodes, network_config, task.num_outputs, seed)
      self._strengths = Strengths(shape, config, distribution=distribution, seed=seed)
      self.optimizer = optimizers.optimizer_class(training_config.optimizer)(
        learning_rate=training_config.learning_rate
      )
      optimizers.build_optimizer(self.optimizer, self._weights)
    self._loss_scale = make_loss_scale(training_config.mixed_precision)
    self.epoch = tf.Variable(0, dtype=tf.int64, trainable=False, name="epoch")
    self._progress = Progress(training_config.batch_size, network_config.units)
    self._held_out_hidden = tf.Variable(tf.zeros([training_config.batch_size, network_config.units]), trainable=False)
    self._step = tf.function(self._train, autograph=False)
    shapes = (([None, None], tf.int32), ([None, None], tf.int32), ([None, None], tf.float32))
    signature = [*(tf.TensorSpec(*spec) for spec in shapes), tf.TensorSpec([None, network_config.units])]
    self._evaluation_step = tf.function(self._evaluate, input_signature=signature, autograph=False)

  @property
  def strengths(self) -> tf.Variable:
    """A variable `[edges, operations]`."""
    return self._strengths.variable

  @property
  def state(self) -> dict[str, Any]:
    """The checkpointed state, from which the training resumes as if it had not been interrupted."""
    own = {"network": self.network, "optimizer": self.optimizer, "epoch": self.epoch, "progress": self._progress}
    return {**own, **self._strengths.state, "held_out_hidden": self._held_out_hidden, **self._loss_scale.state}

  @property
  def num_steps_done(self) -> int:
    """The number of steps completed, over all epochs."""
    return optimizers.num_updates(self.optimizer)

  @property
  def steps_per_epoch(self) -> int:
    """The number of steps in the first epoch; other epochs have about as many."""
    return len(self._lengths(0))

  @property
  def learning_rate(self) -> float:
    """The learning rate of a segment of the usual length; each segment has its share of it."""
    return self.training_config.learning_rate

  def derived(self) -> RecurrentGenotype:
    """Returns the discrete cell derived from the architecture parameters."""
    return mixtures.derive_recurrent(self.strengths.numpy(), OPERATIONS, self._num_nodes)

  def architecture(self) -> Architecture:
    """Returns the architecture derived from the architecture parameters."""
    return self._space.encode(self.derived())

  def shares(self) -> list[Shares]:
    """Returns the softmax of the architecture parameters of each edge."""
    return mixtures.recurrent_shares(self.strengths.numpy(), OPERATIONS, self._num_nodes)

  def drawn(self) -> Iterator[tuple[Architecture, Metrics]]:
    """Yields nothing, since the architecture is derived from the architecture parameters."""
    return iter(())

  def fit(self, *, on_step: Callable[[], None] = lambda: None) -> Iterator[Metrics]:
    """Trains from the current step to the last epoch, or until the cell collapses to identities.

    Args:
      on_step: called after each step.

    Yields:
      The metrics of each epoch: `epoch` (from 1), `train_loss` (nats per token), `seconds`; `entropy` of the mixtures
      in nats, `temperature`, `identities` of the derived cell; and the metrics of the relaxed language model on the
      validation text with the prefix `valid_`.

    Raises:
      nao_tf.training.base.Diverged: if the loss becomes NaN or infinite.
    """
    for number in range(int(self.epoch) + 1, self.training_config.epochs + 1):
      if 0 < self.config.max_identities < self._num_identities():
        return
      start = time.perf_counter()
      temperature = self._strengths.start_epoch(number - 1, self.training_config.epochs)
      loss = self._train_epoch(number, on_step)
      self.epoch.assign(number)
      self._progress.start_epoch()
      self._held_out_hidden.assign(tf.zeros_like(self._held_out_hidden))
      valid = {f"valid_{name}": value for name, value in self.evaluate("valid").items()}
      figures = {"entropy": mixtures.entropy(self.strengths.numpy()), "identities": float(self._num_identities())}
      seconds = time.perf_counter() - start
      yield {"epoch": number, "train_loss": loss, "temperature": temperature, **figures, **valid, "seconds": seconds}

  def evaluate(self, split: str) -> Metrics:
    """Returns the metrics of the relaxed language model on a split; see `Strengths.mixture_of_evaluations`."""
    inputs, targets, weights = self.task.evaluation_streams(split, self.training_config.evaluation_streams)
    length = max(1, EVALUATION_TOKENS // len(inputs))
    total, hidden = 0.0, self.network.initial_state(len(inputs))
    for start in range(0, inputs.shape[1], length):
      part = np.s_[:, start : start + length]
      loss, hidden = self._evaluation_step(*map(tf.constant, (inputs[part], targets[part], weights[part])), hidden)
      total += float(loss)
    return self.task.metrics({"loss": total / float(weights.sum())})

  @property
  def _weights(self) -> list[Any]:
    return self.network.trainable_variables

  def _num_identities(self) -> int:
    return sum(node.activation == "identity" for node in self.derived().nodes)

  def _lengths(self, epoch: int) -> list[int]:
    """Returns the lengths of the segments of an epoch, whose number counts from 0."""
    return segment_lengths(self.training_config, self._text[0].shape[1], np.random.default_rng([self._seed, epoch]))

  def _train_epoch(self, number: int, on_step: Callable[[], None]) -> float:
    """Trains from the present segment to the end of the epoch; returns the loss per token of the epoch."""
    lengths = self._lengths(number - 1)
    for segment in range(int(self._progress.segment), len(lengths)):
      rate = self.training_config.learning_rate * lengths[segment] / self.training_config.segment_length
      self.optimizer.learning_rate = rate
      loss = self._step(tf.constant(sum(lengths[:segment])), tf.constant(lengths[segment]), tf.constant(rate))
      checked_loss(loss, number, segment + 1)
      on_step()
    return float(self._progress.loss) / sum(lengths)

  def _train(self, start: tf.Tensor, length: tf.Tensor, rate: tf.Tensor) -> tf.Tensor:
    """Runs a step of the strengths and one of the weights; returns the cross-entropy per token of the latter."""
    losses, hidden, held_out, made = self._distribution.run(self._replica_train, (start, length, rate))
    loss = self._distribution.reduce(tf.distribute.ReduceOp.SUM, losses, axis=None)
    self._progress.advance(loss, length, tf.concat(self._distribution.experimental_local_results(hidden), 0))
    self._held_out_hidden.assign(tf.concat(self._distribution.experimental_local_results(held_out), 0))
    self._loss_scale.follow(self._distribution, made)
    return loss

  def _replica_train(
    self, start: tf.Tensor, length: tf.Tensor, rate: tf.Tensor
  ) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor]:
    """Returns this replica's share of the loss, the states after the two segments, and whether both steps were made."""
    step = tf.convert_to_tensor(self.optimizer.iterations)
    segment, held_out = (
      self._segment(self._text, start, length, self._progress.hidden),
      self._rows(self._held_out_hidden),
    )
    moved = tf.constant(True)
    if self.config.order:
      held_out, moved = self._step_of_strengths(segment, start, length, rate, step)
    weights, strengths = self._weights, tf.convert_to_tensor(self.strengths)
    with tf.GradientTape() as tape:
      tape.watch(strengths)
      features, loss = self._loss(segment, self._strengths.mixture(strengths, step), step)
      total = loss + activation_penalty(features, self.training_config) / self._replicas
      scaled = self._loss_scale.scaled(total)
    *gradients, of_strengths = tape.gradient(scaled, [*weights, strengths])
    if not self.config.order:
      moved = self._strengths.apply(self._sum([of_strengths])[0], self._loss_scale)
    gradients = regularized(self._loss_scale.unscaled(gradients), weights, self.training_config, self._replicas)
    made = tf.logical_and(moved, self._loss_scale.apply(self.optimizer, gradients, weights))
    return loss, features.state, held_out, made

  def _step_of_strengths(
    self, segment: _Segment, start: tf.Tensor, length: tf.Tensor, rate: tf.Tensor, step: tf.Tensor
  ) -> tuple[tf.Tensor, tf.Tensor]:
    """Runs a step of the strengths; returns the state after the segment of the validation text, and if it was made."""
    total = self._held_out[0].shape[1]
    begin = start % total
    held_out = self._segment(self._held_out, begin, tf.minimum(length, total - begin), self._held_out_hidden)
    states: list[tf.Tensor] = []
    weights, strengths = (
      [tf.convert_to_tensor(weight) for weight in self._weights],
      tf.convert_to_tensor(self.strengths),
    )
    validation = functools.partial(self._lent_loss, held_out, step, states)
    if self.config.order == 1:
      gradient = bilevel.first_order_gradient(strengths, weights, validation, summed=self._sum)
    else:
      config = self.training_config
      moves = bilevel.WeightStep(rate, decay=config.weight_decay, clip_norm=config.clip_norm)
      training = functools.partial(self._lent_loss, segment, step, [])
      gradient = bilevel.second_order_gradient(
        strengths, weights, moves, training=training, validation=validation, summed=self._sum
      )
    return states[-1], self._strengths.apply(gradient, self._loss_scale)

  def _lent_loss(
    self,
    segment: _Segment,
    step: tf.Tensor,
    states: list[tf.Tensor],
    weights: Sequence[tf.Tensor],
    strengths: tf.Tensor,
  ) -> tf.Tensor:
    """Returns this replica's scaled share of the loss with lent weights, and appends the state after the segment."""
    lent = LentWeights(self._weights, weights)
    features, loss = self._loss(segment, self._strengths.mixture(strengths, step), step, lent)
    states.append(features.state)
    return self._loss_scale.scaled(loss)

  def _loss(
    self, segment: _Segment, mixture: tf.Tensor, step: tf.Tensor, weights: WeightSource = OWN_WEIGHTS
  ) -> tuple[Features, tf.Tensor]:
    """Returns the features of a segment and this replica's share of its cross-entropy per token."""
    with self.network.bound(mixture, weights):
      features = self.network.features(segment.inputs, segment.hidden, training=True, step=step)
      losses = self.network.token_losses(features, segment.targets)
    return features, tf.reduce_mean(losses) / self._replicas

  def _segment(self, text: Sequence[tf.Tensor], start: tf.Tensor, length: tf.Tensor, hidden: tf.Variable) -> _Segment:
    """Returns the part of a segment that is this replica's."""
    rows = self.training_config.batch_size // self._replicas
    with tf.device("CPU:0"):
      inputs, targets = (tf.slice(x, [self._first_row(), start], [rows, length]) for x in text)
    return _Segment(inputs, targets, self._rows(hidden))

  def _rows(self, hidden: tf.Variable) -> tf.Tensor:
    rows = self.training_config.batch_size // self._replicas
    return tf.slice(hidden, [self._first_row(), 0], [rows, hidden.shape[1]])

  def _first_row(self) -> tf.Tensor:
    rows = self.training_config.batch_size // self._replicas
    return rows * tf.distribute.get_replica_context().replica_id_in_sync_group

  def _sum(self, gradients: Sequence[tf.Tensor]) -> list[tf.Tensor]:
    """Returns the gradients of a loss, given those of the scaled one, summed over the replicas."""
    return self._loss_scale.unscaled(summed([tf.convert_to_tensor(gradient) for gradient in gradients], self._replicas))

  def _evaluate(
    self, inputs: tf.Tensor, targets: tf.Tensor, weights: tf.Tensor, hidden: tf.Tensor
  ) -> tuple[tf.Tensor, tf.Tensor]:
    """Returns the sum of the weighted losses of a segment, and the state after it."""
    with self.network.bound(self._strengths.mixture_of_evaluations()):
      features = self.network.features(inputs, hidden)
      return tf.reduce_sum(self.network.token_losses(features, targets) * weights), features.state


def make_relaxed_recurrent_trainer(
  task: StreamTask,
  space: SearchSpace,
  network_config: LanguageModelConfig,
  training_config: LanguageTrainingConfig,
  config: RelaxedConfig,
  *,
  distribution: tf.distribute.Strategy,
  seed: int,
) -> RelaxedRecurrentTrainer:
  """Returns a trainer of the relaxed language model of a space of recurrent cells.

  The arguments are those of `RelaxedRecurrentTrainer`.

  Raises:
    ValueError: if the space is another one; or as `RelaxedRecurrentTrainer`.
  """
  if not isinstance(space, RecurrentSpace):
    raise ValueError(f"{space.name}: a search by gradients on a text needs recurrent cells, such as those of rnn9")
  training_config = task.complete_training_config(training_config)
  return RelaxedRecurrentTrainer(
    task, space, network_config, training_config, config, distribution=distribution, seed=seed
  )


def _held_out_streams(task: StreamTask, num_streams: int) -> tuple[tf.Tensor, ...]:
  """Returns inputs and targets of the validation text, `[B, T]`; what does not fill a stream is cut off."""
  inputs, targets, _ = task.evaluation_streams("valid", 1)
  length = inputs.size // num_streams
  return tuple(tf.constant(text[0, : num_streams * length].reshape(num_streams, length)) for text in (inputs, targets))


def check_data(task: StreamTask, training_config: LanguageTrainingConfig, config: RelaxedConfig) -> None:
  """Checks that the validation text is long enough to train architecture parameters on.

  Args:
    task: the task.
    training_config: how the weights are trained.
    config: how the architecture parameters are trained.

  Raises:
    ValueError: if it is not.
  """
  count = task.num_examples("valid")
  if config.order and count < 2 * training_config.batch_size:
    raise ValueError(
      f"{task.name}: architecture parameters are trained on {training_config.batch_size} streams of the validation text,"
      f" which has only {count} tokens; use a smaller batch_size"
    )
