"""Training of a network on batches of examples, under the distribution of the process.

A step computes the losses of every replica's share of the batch, sums the gradients, adds the decay of the weights,
bounds their common norm, and lets the optimizer apply them. All replicas apply the same update. A training on several
replicas is therefore the training on one, as long as batch norm is synchronized and the network draws nothing at random.
"""

import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import tensorflow as tf
from tensorflow import keras

from nao_tf.training import optimizers
from nao_tf.training.base import BatchProblem, Metrics, checked_loss
from nao_tf.training.config import TrainingConfig
from nao_tf.training.distribution import check_divisible
from nao_tf.training.flat_weights import FlatWeights
from nao_tf.training.regularization import Regularization
from nao_tf.training.variables import tf_variable


class BatchTrainer:
  """The training of one network on batches; a `nao_tf.training.base.NetworkTrainer`.

  Attributes:
    task: what the network learns.
    training_config: how it is trained.
    network: the network.
    optimizer: its optimizer.
    epoch: a variable, the number of completed epochs.
    steps_per_epoch: how many steps an epoch has.
    resumes_within_epochs: False: the training is resumed at the beginning of an epoch.
  """

  resumes_within_epochs = False

  def __init__(
    self,
    task: BatchProblem,
    network: keras.Model,
    training_config: TrainingConfig,
    *,
    distribution: tf.distribute.Strategy,
    seed: int,
  ):
    """Makes the optimizer and the graphs of the steps.

    Args:
      task: what to learn.
      network: the network, built in the scope of the distribution.
      training_config: how to train it, with every field set that the task may fill in.
      distribution: the distribution of the process.
      seed: seed of the order of the examples and of their augmentation.

    Raises:
      ValueError: if there are fewer examples than a batch needs, or a batch cannot be divided among the replicas.
    """
    check_divisible(training_config.batch_size, distribution)
    self.task, self.network, self.training_config = task, network, training_config
    self._distribution, self._seed = distribution, seed
    self._replicas = distribution.num_replicas_in_sync
    self.steps_per_epoch = task.steps_per_epoch(training_config)
    with distribution.scope():
      self.optimizer = optimizers.make_optimizer(training_config, self.steps_per_epoch)
      self._flat = FlatWeights(self._trainable) if optimizers.is_elementwise(training_config.optimizer) else None
      optimizers.build_optimizer(self.optimizer, self._optimized)
    self.epoch = tf.Variable(0, dtype=tf.int64, trainable=False, name="epoch")
    self._regularization = Regularization(training_config, self._replicas)
    self._train_step = tf.function(self._distributed_train_step, autograph=False)
    self._evaluation_step = tf.function(self._distributed_evaluation_step, autograph=False)
    self._evaluation_data: dict[str, tf.distribute.DistributedDataset] = {}

  @property
  def num_steps_done(self) -> int:
    """How many steps have been made, in all epochs."""
    return optimizers.num_updates(self.optimizer)

  @property
  def learning_rate(self) -> float:
    """The learning rate at the present step."""
    return optimizers.current_learning_rate(self.optimizer)

  @property
  def state(self) -> dict[str, Any]:
    """What a checkpoint must hold to resume the training as if it had not been interrupted."""
    flat = {} if self._flat is None else {"weights": self._flat.vector}
    return {"network": self.network, "optimizer": self.optimizer, "epoch": self.epoch, **flat}

  def fit(self, *, on_step: Callable[[], None] = lambda: None) -> Iterator[Metrics]:
    """Trains from the present epoch to the last one.

    Args:
      on_step: called after each step.

    Yields:
      The metrics of each epoch: `epoch` (from 1), `train_loss`, `seconds`. Every `evaluate_every` epochs, and after the
      last epoch, also the metrics on the validation set, if there is one, with the prefix `valid_`.

    Raises:
      nao_tf.training.base.Diverged: if the loss becomes NaN or infinite.
    """
    first = int(self.epoch.numpy())
    if first >= self.training_config.epochs:
      return
    data = self.task.training_batches(self.training_config, seed=self._seed, first_epoch=first)
    batches = iter(self._distribution.experimental_distribute_dataset(data))
    for number in range(first + 1, self.training_config.epochs + 1):
      start = time.perf_counter()
      metrics = {"epoch": number, "train_loss": self._train_epoch(batches, number, on_step)}
      if self._evaluation_is_due(number):
        metrics.update({f"valid_{name}": value for name, value in self.evaluate("valid").items()})
      self.epoch.assign(number)
      yield {**metrics, "seconds": time.perf_counter() - start}

  def restore_best(self) -> None:
    """Does nothing: the last weights are exported, as in the paper."""

  def evaluate(self, split: str) -> Metrics:
    """Returns the metrics of the network on a split, with every example counted once.

    Raises:
      ValueError: if the split is empty.
    """
    count = self.task.num_examples(split)
    totals: dict[str, float] = {}
    for batch in self._evaluation_batches(split, count):
      for name, total in self._evaluation_step(*batch).items():
        totals[name] = totals.get(name, 0.0) + float(total)
    return self.task.metrics({name: total / count for name, total in totals.items()})

  def _train_epoch(self, batches: Iterator[Any], number: int, on_step: Callable[[], None]) -> float:
    """Trains for an epoch and returns its mean loss. Losses are read one step late, so the device never waits for it."""
    total, previous = 0.0, None
    for step in range(1, self.steps_per_epoch + 1):
      loss = self._train_step(*next(batches))
      total += checked_loss(previous, number, step - 1)
      previous = loss
      on_step()
    return (total + checked_loss(previous, number, self.steps_per_epoch)) / self.steps_per_epoch

  @property
  def _trainable(self) -> list[Any]:
    return self.network.trainable_variables

  @property
  def _optimized(self) -> list[Any]:
    """The variables that the optimizer sees."""
    return self._trainable if self._flat is None else [self._flat.vector]

  def _evaluation_is_due(self, epoch: int) -> bool:
    due = epoch % self.training_config.evaluate_every == 0 or epoch == self.training_config.epochs
    return due and self.task.num_examples("valid") > 0

  def _evaluation_batches(self, split: str, count: int) -> tf.distribute.DistributedDataset:
    if not count:
      raise ValueError(f"{self.task.name}: there are no {split} examples to evaluate on")
    if split not in self._evaluation_data:
      share = math.ceil(min(self.training_config.evaluation_batch_size, count) / self._replicas)
      batches = self.task.evaluation_batches(split, share * self._replicas)
      self._evaluation_data[split] = self._distribution.experimental_distribute_dataset(batches)
    return self._evaluation_data[split]

  def _distributed_train_step(self, inputs: Any, targets: Any) -> tf.Tensor:
    """Makes a step with a batch; returns its loss without the decay of the weights."""
    losses = self._distribution.run(self._replica_train_step, (inputs, targets))
    return self._distribution.reduce(tf.distribute.ReduceOp.SUM, losses, axis=None)

  def _replica_train_step(self, inputs: tf.Tensor, targets: tf.Tensor) -> tf.Tensor:
    step = tf.convert_to_tensor(self.optimizer.iterations)
    with tf.GradientTape() as tape:
      losses = self.task.losses(self.network, inputs, targets, step, self.training_config)
      loss = tf.reduce_sum(losses) / self.training_config.batch_size
    variables = [tf_variable(variable) for variable in self._trainable]  # TensorFlow makes no zeros for those of Keras.
    gradients = tape.gradient(loss, variables, unconnected_gradients=tf.UnconnectedGradients.ZERO)
    self._apply(gradients)
    return loss

  def _apply(self, gradients: Sequence[tf.Tensor]) -> None:
    """Lets the optimizer change the weights, all of them as one vector if it is elementwise."""
    if self._flat is None:
      self._optimize(gradients)
      return
    self._optimize([self._flat.pack(gradients)])
    self._flat.write_back()

  def _optimize(self, gradients: Sequence[tf.Tensor]) -> None:
    self.optimizer.apply_gradients(zip(self._regularization(gradients, self._optimized), self._optimized))

  def _distributed_evaluation_step(self, inputs: Any, targets: Any, weights: Any) -> Mapping[str, tf.Tensor]:
    sums = self._distribution.run(self._replica_evaluation_step, (inputs, targets, weights))
    return {
      name: self._distribution.reduce(tf.distribute.ReduceOp.SUM, value, axis=None) for name, value in sums.items()
    }

  def _replica_evaluation_step(
    self, inputs: tf.Tensor, targets: tf.Tensor, weights: tf.Tensor
  ) -> Mapping[str, tf.Tensor]:
    scores = self.task.scores(self.network, inputs, targets)
    return {name: tf.reduce_sum(score * tf.cast(weights, score.dtype)) for name, score in scores.items()}
