"""Trains a network on batches of examples, under a `tf.distribute.Strategy`.

Each step computes the losses of every replica's part of the batch, sums the gradients, adds weight decay, clips their
global norm, and applies the optimizer. All replicas apply the same update. So a training on several replicas equals one
on a single replica, as long as batch normalization is synchronized and the network uses no randomness.
"""

import contextlib
import functools
import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import tensorflow as tf
from tensorflow import keras

from nao_tf.training import optimizers
from nao_tf.training.accumulation import accumulated
from nao_tf.training.averaged_network import STATISTICS_BATCHES, AveragedNetwork
from nao_tf.training.base import BatchProblem, Metrics, checked_loss
from nao_tf.training.compilation import compiled_step
from nao_tf.training.config import TrainingConfig, check_accumulation, check_divisible, is_elementwise
from nao_tf.training.course import Course
from nao_tf.training.distribution import sharded
from nao_tf.training.first_replica import sharing_of
from nao_tf.training.flat_weights import FlatWeights
from nao_tf.training.loss_scale import make_loss_scale
from nao_tf.training.regularization import Regularization
from nao_tf.training.remaining_batches import remaining_batches
from nao_tf.training.run_options import check_compiled
from nao_tf.training.variables import tf_variable


class BatchTrainer:
  """The trainer of a network on batches; a `nao_tf.training.base.NetworkTrainer`.

  Attributes:
    task: the task.
    training_config: how the network is trained.
    distribution: the `tf.distribute.Strategy` to train with.
    network: the network.
    optimizer: its optimizer.
    epoch: a variable, the number of completed epochs.
    steps_per_epoch: number of steps per epoch.
    resumes_within_epochs: True: the training can be resumed between two steps.
    course: the loss of the epoch so far, and the factor of the learning rate.
    between_evaluation_steps: called after each step of an evaluation; does nothing by default.
  """

  resumes_within_epochs = True

  def __init__(
    self,
    task: BatchProblem,
    network: keras.Model,
    training_config: TrainingConfig,
    *,
    distribution: tf.distribute.Strategy,
    seed: int,
    jit_compile: str = "auto",
  ):
    """Creates the optimizer and the graphs of the steps.

    Args:
      task: the task.
      network: the network, built in the scope of the distribution.
      training_config: how to train it, including the fields that the task fills in.
      distribution: the `tf.distribute.Strategy` of the process.
      seed: seed of the order of the examples and of their augmentation.
      jit_compile: whether steps are compiled with XLA; see `nao_tf.training.compilation.compiled_step`.

    Raises:
      ValueError: if there are fewer examples than a batch needs, or a batch cannot be split among the replicas.
    """
    replicas = distribution.num_replicas_in_sync
    self.check(training_config, num_replicas=replicas, jit_compile=jit_compile)
    self.task, self.network, self.training_config = task, network, training_config
    self.distribution, self._seed = distribution, seed
    self._replicas = replicas
    self.steps_per_epoch = task.steps_per_epoch(training_config)
    self.course = Course()
    self.between_evaluation_steps: Callable[[], None] = lambda: None
    with distribution.scope():
      self.optimizer = optimizers.make_optimizer(
        training_config, self.steps_per_epoch, rate_factor=self.course.rate_factor
      )
      self._flat = FlatWeights(self._trainable) if is_elementwise(training_config.optimizer) else None
      optimizers.build_optimizer(self.optimizer, self._optimized)
    self._loss_scale = make_loss_scale(training_config.mixed_precision)
    self._average = AveragedNetwork(network) if training_config.average_weights != "none" else None
    self.epoch = tf.Variable(0, dtype=tf.int64, trainable=False, name="epoch")
    self._regularization = Regularization(training_config, self._replicas)
    self._train_step = compiled_step(self._distributed_train_step, jit_compile, distribution)
    self._statistics_step = tf.function(self._take_statistics_of_batch, autograph=False)
    self._share_statistics = sharing_of(network.non_trainable_variables, distribution)
    self._evaluation_step = tf.function(self._distributed_evaluation_step, autograph=False)
    self._evaluation_data: dict[str, tf.distribute.DistributedDataset] = {}

  @staticmethod
  def check(training_config: TrainingConfig, *, num_replicas: int, jit_compile: str = "auto") -> None:
    """Checks that a network can be trained so, before there is one.

    Args:
      training_config: how to train it.
      num_replicas: how many devices share a batch.
      jit_compile: whether steps are compiled with XLA.

    Raises:
      ValueError: if a batch cannot be split among the replicas or into its parts, or steps cannot be compiled.
    """
    check_divisible(training_config.batch_size, num_replicas)
    check_accumulation(training_config.batch_size, training_config.accumulate_steps, num_replicas)
    check_compiled(jit_compile, num_replicas)

  @property
  def num_steps_done(self) -> int:
    """The number of steps completed, over all epochs."""
    return optimizers.num_updates(self.optimizer)

  @property
  def learning_rate(self) -> float:
    """The learning rate at the current step."""
    return optimizers.current_learning_rate(self.optimizer)

  @property
  def state(self) -> dict[str, Any]:
    """The checkpointed state, from which the training resumes as if it had not been interrupted."""
    flat = {} if self._flat is None else {"weights": self._flat.vector}
    average = {} if self._average is None else {"averaged": self._average}
    own = {"network": self.network, "optimizer": self.optimizer, "epoch": self.epoch, "course": self.course}
    return {**own, **flat, **self._loss_scale.state, **average}

  def fit(self, *, on_step: Callable[[], None] = lambda: None) -> Iterator[Metrics]:
    """Trains from the current step to the last epoch.

    Args:
      on_step: called after each step.

    Yields:
      The metrics of each epoch: `epoch` (from 1), `train_loss`, `seconds`. Every `evaluate_every` epochs, and after the
      last epoch, also the metrics on the validation set, if there is one, with the prefix `valid_`.

    Raises:
      nao_tf.training.base.Diverged: if the loss becomes NaN or infinite.
    """
    first = int(self.epoch.numpy())
    if first < self.training_config.epochs:
      yield from self._fit(first, on_step)
    self.restore_best()

  def _fit(self, first: int, on_step: Callable[[], None]) -> Iterator[Metrics]:
    """Trains from the current step to the last epoch, of which there is at least one more than `first`."""
    optimizers.set_constant_rate(self.optimizer, self.training_config, float(self.course.rate_factor.numpy()))
    batches = iter(self._remaining_batches())
    for number in range(first + 1, self.training_config.epochs + 1):
      start = time.perf_counter()
      metrics = {"epoch": number, "train_loss": self._train_epoch(batches, number, on_step)}
      metrics.update(self._end_epoch(number))
      self.epoch.assign(number)
      self.course.start_epoch()
      yield {**metrics, "seconds": time.perf_counter() - start}

  def restore_best(self) -> None:
    """Loads the averaged weights into the network, if there are any; otherwise the last weights are exported."""
    if self._average is not None:
      self._average.restore()

  def evaluate(self, split: str) -> Metrics:
    """Returns the metrics of the network on a split. Every example counts once.

    Raises:
      ValueError: if the split is empty.
    """
    count = self.task.num_examples(split)
    self._share_statistics()
    totals: dict[str, float] = {}
    for batch in self._evaluation_batches(split, count):
      for name, total in self._evaluation_step(*batch).items():
        totals[name] = totals.get(name, 0.0) + float(total)
      self.between_evaluation_steps()
    return self.task.metrics({name: total / count for name, total in totals.items()})

  def _remaining_batches(self) -> tf.distribute.DistributedDataset:
    """Returns the batches from the current step on."""
    data = remaining_batches(self.task, self.training_config, seed=self._seed, step=self.num_steps_done)
    return sharded(data, self.distribution)

  def _train_epoch(self, batches: Iterator[Any], number: int, on_step: Callable[[], None]) -> float:
    """Trains to the end of an epoch and returns its mean loss. Losses are read one step late, so no device waits."""
    before, waiting = (number - 1) * self.steps_per_epoch, None
    for step in range(self.num_steps_done - before, self.steps_per_epoch):
      loss = self._train_step(*next(batches))
      checked_loss(waiting, number, step)
      waiting = loss
      on_step()
    checked_loss(waiting, number, self.steps_per_epoch)
    return float(self.course.loss.numpy()) / self.steps_per_epoch

  def _end_epoch(self, number: int) -> Metrics:
    """Averages the weights, if it is time, and returns the metrics on the validation set, if they are due."""
    config, average = self.training_config, self._average
    if average is not None and config.average_weights == "swa" and number >= config.first_averaged_epoch:
      average.include(number)
    if number % config.evaluate_every and number != config.epochs:
      return {}
    with contextlib.nullcontext() if average is None else average.in_use(self._take_statistics):
      valid = self.evaluate("valid") if self.task.num_examples("valid") else {}
    return {f"valid_{name}": value for name, value in valid.items()}

  def _take_statistics(self) -> None:
    """Calls the network in training with some batches, so that batch normalization takes its averages from them."""
    data = self.task.training_batches(self.training_config, seed=self._seed).take(STATISTICS_BATCHES)
    for batch in sharded(data, self.distribution):
      self._statistics_step(*batch)
      self.between_evaluation_steps()

  def _take_statistics_of_batch(self, inputs: Any, targets: Any) -> None:
    step = tf.constant(0, tf.int64)
    self.distribution.run(
      lambda images, labels: self.task.losses(self.network, images, labels, step, self.training_config),
      (inputs, targets),
    )

  @property
  def _trainable(self) -> list[Any]:
    return self.network.trainable_variables

  @property
  def _optimized(self) -> list[Any]:
    """The variables that the optimizer sees."""
    return self._trainable if self._flat is None else [self._flat.vector]

  def _evaluation_batches(self, split: str, count: int) -> tf.distribute.DistributedDataset:
    if not count:
      raise ValueError(f"{self.task.name}: there are no {split} examples to evaluate on")
    if split not in self._evaluation_data:
      share = math.ceil(min(self.training_config.evaluation_batch_size, count) / self._replicas)
      batches = self.task.evaluation_batches(split, share * self._replicas)
      self._evaluation_data[split] = sharded(batches, self.distribution)
    return self._evaluation_data[split]

  def _distributed_train_step(self, inputs: Any, targets: Any) -> tf.Tensor:
    """Runs a step with a batch; returns its loss without the decay of the weights."""
    losses, finite = self.distribution.run(self._replica_train_step, (inputs, targets))
    loss = self.distribution.reduce(tf.distribute.ReduceOp.SUM, losses, axis=None)
    self.course.add(loss)
    if self._average is not None and self.training_config.average_weights == "ema":
      self._average_step(self._average)
    self._loss_scale.follow(self.distribution, finite)
    return loss

  def _average_step(self, average: AveragedNetwork) -> None:
    """Includes the weights after a step in their average, from the first epoch on that is averaged."""
    first = (self.training_config.first_averaged_epoch - 1) * self.steps_per_epoch
    average.update(1.0 - self.training_config.average_decay, when=self.optimizer.iterations > first)

  def _replica_train_step(self, inputs: tf.Tensor, targets: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Runs a step on a replica; returns its part of the loss, and whether the gradients were finite."""
    compute = functools.partial(self._loss_and_gradients, tf.convert_to_tensor(self.optimizer.iterations))
    count, size = self.training_config.accumulate_steps, self.training_config.batch_size // self._replicas
    (loss, *gradients), _ = accumulated(compute, (inputs, targets), count, size=size, zeros=self._zeros)
    return loss, self._apply(gradients)

  def _loss_and_gradients(
    self, step: tf.Tensor, inputs: tf.Tensor, targets: tf.Tensor
  ) -> tuple[list[tf.Tensor], list[tf.Tensor]]:
    """Returns what a part of a batch adds to the loss, and to the gradient of each variable that the optimizer sees."""
    with tf.GradientTape() as tape:
      losses = self.task.losses(self.network, inputs, targets, step, self.training_config)
      loss = tf.reduce_sum(losses) / self.training_config.batch_size
      scaled = self._loss_scale.scaled(loss)
    variables = [tf_variable(variable) for variable in self._trainable]  # TensorFlow makes no zeros for those of Keras.
    gradients = tape.gradient(scaled, variables, unconnected_gradients=tf.UnconnectedGradients.ZERO)
    return [loss, *(gradients if self._flat is None else [self._flat.pack(gradients)])], []

  def _zeros(self) -> list[tf.Tensor]:
    """Returns what a sum of losses and gradients begins with."""
    variables = [tf_variable(variable) for variable in self._optimized]
    return [tf.zeros([], variables[0].dtype), *(tf.zeros(variable.shape, variable.dtype) for variable in variables)]

  def _apply(self, gradients: Sequence[tf.Tensor]) -> tf.Tensor:
    """Lets the optimizer change the weights, as one vector if it is elementwise; returns whether gradients are finite."""
    finite = self._optimize(gradients)
    if self._flat is not None:
      self._flat.write_back()
    return finite

  def _optimize(self, gradients: Sequence[tf.Tensor]) -> tf.Tensor:
    gradients = self._regularization(self._loss_scale.unscaled(gradients), self._optimized)
    return self._loss_scale.apply(self.optimizer, gradients, self._optimized)

  def _distributed_evaluation_step(self, inputs: Any, targets: Any, weights: Any) -> Mapping[str, tf.Tensor]:
    sums = self.distribution.run(self._replica_evaluation_step, (inputs, targets, weights))
    return {
      name: self.distribution.reduce(tf.distribute.ReduceOp.SUM, value, axis=None) for name, value in sums.items()
    }

  def _replica_evaluation_step(
    self, inputs: tf.Tensor, targets: tf.Tensor, weights: tf.Tensor
  ) -> Mapping[str, tf.Tensor]:
    scores = self.task.scores(self.network, inputs, targets)
    return {name: tf.reduce_sum(score * tf.cast(weights, score.dtype)) for name, score in scores.items()}
