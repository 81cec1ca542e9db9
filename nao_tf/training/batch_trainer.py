"""Training: a network, its optimizer and the two steps, under the process's distribution.

A step computes the losses of every replica's share of the batch, adds up the gradients, adds the decay of the weights,
bounds their common norm and lets the optimizer apply them. All replicas apply the same, so a training under several of
them is the training under one, as long as batch norm is synchronized and the network draws nothing at random.
"""

import math
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import tensorflow as tf

from nao_tf.tasks.base import BatchTask
from nao_tf.training import optimizers
from nao_tf.training.config import TrainingConfig
from nao_tf.training.flat_weights import FlatWeights
from nao_tf.training.regularization import Regularization

Metrics = dict[str, float]


class Diverged(Exception):
  """A training whose loss is no number any more.

  Attributes:
    epoch: in which epoch, from 1.
    step: at which step of it, from 1.
    loss: what it was.
  """

  def __init__(self, epoch: int, step: int, loss: float):
    super().__init__(f"diverged: the loss was {loss} in epoch {epoch}, step {step}")
    self.epoch, self.step, self.loss = epoch, step, loss


class Trainer:
  """A network in training.

  Attributes:
    task: what it learns.
    config: the recipe, complete.
    network: the network.
    optimizer: its optimizer.
    epoch: a variable: how many epochs have been completed.
    steps_per_epoch: how many steps an epoch has.
    resumes_within_epochs: whether a training can go on from between two steps of an epoch. It cannot.
  """

  resumes_within_epochs = False

  def __init__(
    self,
    task: BatchTask,
    genotype: Any,
    network_config: Any,
    config: TrainingConfig,
    *,
    distribution: tf.distribute.Strategy,
    seed: int,
  ):
    """Builds the network and its optimizer.

    Args:
      task: what to learn.
      genotype: what a search space decodes to.
      network_config: how large and how regularized the network is.
      config: the recipe.
      distribution: the process's distribution.
      seed: of the weights, of the order of the examples and of everything drawn at random.

    Raises:
      ValueError: if the recipe does not fit the data, or a batch cannot be divided among the replicas.
    """
    self.task, self.config = task, task.recipe(config)
    self._distribution, self._seed = distribution, seed
    self._replicas = distribution.num_replicas_in_sync
    if config.batch_size % self._replicas:
      raise ValueError(f"a batch of {config.batch_size} cannot be divided among {self._replicas} replicas")
    self.steps_per_epoch = task.steps_per_epoch(self.config)
    with distribution.scope():
      self.network = task.build_network(genotype, network_config, self.config, seed=seed)
      self.optimizer = optimizers.make_optimizer(self.config, self.steps_per_epoch)
      self._flat = FlatWeights(self._trainable) if optimizers.is_elementwise(config.optimizer) else None
      if hasattr(self.optimizer, "build"):
        self.optimizer.build(self._optimized)
    self.epoch = tf.Variable(0, dtype=tf.int64, trainable=False, name="epoch")
    self._regularization = Regularization(config, self._replicas)
    self._train_step = tf.function(self._distributed_train_step, autograph=False)
    self._evaluation_step = tf.function(self._distributed_evaluation_step, autograph=False)
    self._evaluation_data: dict[str, Any] = {}

  @property
  def num_steps_done(self) -> int:
    """How many steps have been made, in all epochs."""
    return optimizers.num_updates(self.optimizer)

  @property
  def state(self) -> dict[str, Any]:
    """What a checkpoint must hold for the training to go on as if nothing had happened."""
    flat = {} if self._flat is None else {"weights": self._flat.vector}
    return {"network": self.network, "optimizer": self.optimizer, "epoch": self.epoch, **flat}

  def fit(self, *, on_step: Callable[[], None] = lambda: None) -> Iterator[Metrics]:
    """Trains from the epoch reached so far to the last, and yields the metrics of each epoch.

    Args:
      on_step: called after each step.

    Yields:
      `epoch` (from 1), `train_loss`, `seconds`; after every `evaluate_every` epochs and after the last also the metrics
      on the validation set, if there is one, with `valid_` before their names.

    Raises:
      Diverged: if the loss is no number any more.
    """
    first = int(self.epoch.numpy())
    if first >= self.config.epochs:
      return
    data = self.task.training_batches(self.config, seed=self._seed, first_epoch=first)
    batches = iter(self._distribution.experimental_distribute_dataset(data))
    for number in range(first + 1, self.config.epochs + 1):
      start = time.perf_counter()
      metrics = {"epoch": number, "train_loss": self._train_epoch(batches, number, on_step)}
      if self._evaluation_is_due(number):
        metrics.update({f"valid_{name}": value for name, value in self.evaluate("valid").items()})
      self.epoch.assign(number)
      yield {**metrics, "seconds": time.perf_counter() - start}

  def restore_best(self) -> None:
    """Does nothing: the last weights are what is exported, as in the paper."""

  def evaluate(self, split: str) -> Metrics:
    """Returns the network's metrics on a split, every example counted once."""
    count = self.task.num_examples(split)
    totals: dict[str, float] = {}
    for batch in self._evaluation_batches(split, count):
      for name, total in self._evaluation_step(*batch).items():
        totals[name] = totals.get(name, 0.0) + float(total)
    return self.task.metrics({name: total / count for name, total in totals.items()})

  def _train_epoch(self, batches: Iterator, number: int, on_step: Callable[[], None]) -> float:
    """Trains for an epoch; the losses are read one step late, so that a device never waits for it."""
    total, waiting = 0.0, None
    for step in range(1, self.steps_per_epoch + 1):
      loss = self._train_step(*next(batches))
      total += checked_loss(waiting, number, step - 1)
      waiting = loss
      on_step()
    return (total + checked_loss(waiting, number, self.steps_per_epoch)) / self.steps_per_epoch

  @property
  def _trainable(self) -> list:
    return self.network.trainable_variables

  @property
  def _optimized(self) -> list:
    """The variables that the optimizer sees."""
    return self._trainable if self._flat is None else [self._flat.vector]

  def _evaluation_is_due(self, epoch: int) -> bool:
    due = epoch % self.config.evaluate_every == 0 or epoch == self.config.epochs
    return due and self.task.num_examples("valid") > 0

  def _evaluation_batches(self, split: str, count: int):
    if not count:
      raise ValueError(f"{self.task.name}: there are no {split} examples to evaluate on")
    if split not in self._evaluation_data:
      share = math.ceil(min(self.config.evaluation_batch_size, count) / self._replicas)
      batches = self.task.evaluation_batches(split, share * self._replicas)
      self._evaluation_data[split] = self._distribution.experimental_distribute_dataset(batches)
    return self._evaluation_data[split]

  def _distributed_train_step(self, inputs, targets) -> tf.Tensor:
    """Makes a step with a batch; returns its loss without the decay of the weights."""
    losses = self._distribution.run(self._replica_train_step, (inputs, targets))
    return self._distribution.reduce(tf.distribute.ReduceOp.SUM, losses, axis=None)

  def _replica_train_step(self, inputs, targets) -> tf.Tensor:
    step = tf.convert_to_tensor(self.optimizer.iterations)
    with tf.GradientTape() as tape:
      losses = self.task.losses(self.network, inputs, targets, step, self.config)
      loss = tf.reduce_sum(losses) / self.config.batch_size
    gradients = tape.gradient(loss, self._trainable, unconnected_gradients=tf.UnconnectedGradients.ZERO)
    self._apply(gradients)
    return loss

  def _apply(self, gradients: list[tf.Tensor]) -> None:
    """Lets the optimizer change the weights, all in one vector if it may."""
    if self._flat is None:
      self._optimize(gradients)
      return
    self._optimize([self._flat.pack(gradients)])
    self._flat.write_back()

  def _optimize(self, gradients: list[tf.Tensor]) -> None:
    self.optimizer.apply_gradients(zip(self._regularization(gradients, self._optimized), self._optimized))

  def _distributed_evaluation_step(self, inputs, targets, weights) -> Mapping[str, tf.Tensor]:
    sums = self._distribution.run(self._replica_evaluation_step, (inputs, targets, weights))
    return {
      name: self._distribution.reduce(tf.distribute.ReduceOp.SUM, value, axis=None) for name, value in sums.items()
    }

  def _replica_evaluation_step(self, inputs, targets, weights) -> Mapping[str, tf.Tensor]:
    scores = self.task.scores(self.network, inputs, targets)
    return {name: tf.reduce_sum(score * tf.cast(weights, score.dtype)) for name, score in scores.items()}


def checked_loss(loss: tf.Tensor | None, epoch: int, step: int) -> float:
  """Returns a loss as a number, 0 if there is none yet.

  Args:
    loss: of a step.
    epoch: from 1.
    step: of the epoch, from 1.

  Raises:
    Diverged: if it is not finite.
  """
  value = 0.0 if loss is None else float(loss)
  if not math.isfinite(value):
    raise Diverged(epoch, step, value)
  return value
