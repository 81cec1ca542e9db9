"""Training of an image supernet: every step is one of a separate network, that of an architecture of the pool.

Scores are taken as a separate network's would be: all validation examples, batch norm by its averages, nothing dropped.
The averages that weights shared by many networks would have are those of none of them. So before an architecture is
scored its own are taken: the means of the batch statistics over a few training batches, the same for all architectures.
"""

import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import tensorflow as tf

from nao_tf.supernets.config import SharingConfig
from nao_tf.supernets.image_supernet import ImageSupernet, batch_statistics
from nao_tf.supernets.path_weights import PathWeights
from nao_tf.supernets.supernet_trainer import SharedTrainer
from nao_tf.tasks.base import BatchTask
from nao_tf.training import optimizers
from nao_tf.training.batch_trainer import Metrics, checked_loss
from nao_tf.training.config import TrainingConfig
from nao_tf.training.regularization import Regularization
from nao_tf.trial import Architecture


class SharedImageTrainer(SharedTrainer):
  """An image supernet in training.

  Attributes:
    supernet: the networks.
  """

  def __init__(
    self,
    task: BatchTask,
    make_supernet: Callable[[], ImageSupernet],
    config: TrainingConfig,
    sharing: SharingConfig,
    *,
    distribution: tf.distribute.Strategy,
    seed: int,
  ):
    """Args:
      task: what to learn.
      make_supernet: makes the networks.
      config: the recipe.
      sharing: how architectures are drawn and scored.
      distribution: the process's distribution.
      seed: of the order of examples and architectures.

    Raises:
      ValueError: as `SharedTrainer`; or if the recipe does not fit the data.
    """
    super().__init__(task, task.recipe(config), sharing, distribution=distribution, seed=seed)
    self._steps_per_epoch = task.steps_per_epoch(self.config)
    self.supernet = make_supernet()
    bank = self.supernet.bank
    with distribution.scope():
      self.weights = PathWeights(
        bank.initial(), bank.max_path, lambda: optimizers.make_optimizer(self.config, self.steps_per_epoch)
      )
    self._loss = tf.Variable(0.0, dtype=tf.float64, trainable=False)
    self._regularization = Regularization(self.config, self._replicas)
    self._train_step = tf.function(self._train, autograph=False)
    self._calibration_step = tf.function(self._calibrate, autograph=False)
    self._evaluation_step = tf.function(self._evaluate, autograph=False)
    self._count_step = tf.function(self._count, autograph=False)
    self._data: Iterator = iter(())
    self._fixed_batches: dict[str, list] = {}

  @property
  def state(self) -> dict[str, Any]:
    return {**super().state, "loss": self._loss}

  @property
  def steps_per_epoch(self) -> int:
    return self._steps_per_epoch

  def score(self, architecture: Architecture) -> Metrics:
    """Returns an architecture's metrics on the validation examples."""
    choices = tf.constant(architecture, tf.int32)
    calibrations = [self._calibration_step(*batch, choices) for batch in self._calibration_batches()]
    statistics = tf.add_n(calibrations) / len(calibrations)
    totals: dict[str, float] = {}
    for batch in self._validation_batches():
      for name, total in self._evaluation_step(*batch, choices, statistics).items():
        totals[name] = totals.get(name, 0.0) + float(total)
    count = totals.pop(_COUNT)
    return self.task.metrics({name: total / count for name, total in totals.items()})

  def num_parameters(self, architecture: Architecture) -> int:
    return int(self._count_step(tf.constant(architecture, tf.int32)))

  def _open_data(self) -> None:
    epoch = int(self.epoch)
    data = self.task.training_batches(self.config, seed=self._seed, first_epoch=epoch)
    data = data.skip(self.num_steps_done - epoch * self.steps_per_epoch)
    self._data = iter(self._distribution.experimental_distribute_dataset(data))

  def _train_epoch(self, number: int, on_step: Callable[[], None]) -> float:
    """Trains to the end of an epoch; the losses are read one step late, so that a device never waits for it."""
    before = (number - 1) * self.steps_per_epoch
    waiting = None
    for step in range(self.num_steps_done, before + self.steps_per_epoch):
      loss = self._train_step(*next(self._data), self._drawn(step))
      checked_loss(waiting, number, step - before)
      waiting = loss
      on_step()
    checked_loss(waiting, number, self.steps_per_epoch)
    return float(self._loss) / self.steps_per_epoch

  def _close_epoch(self) -> None:
    self._loss.assign(0.0)

  def _calibration_batches(self) -> list:
    if "calibration" not in self._fixed_batches:
      data = self.task.training_batches(self.config, seed=self._seed).take(self.sharing.calibration_batches)
      self._fixed_batches["calibration"] = list(self._distribution.experimental_distribute_dataset(data))
    return self._fixed_batches["calibration"]

  def _validation_batches(self) -> list:
    if "validation" not in self._fixed_batches:
      available = self.task.num_examples("valid")
      count = min(self.sharing.validation_examples or available, available)
      num_batches = math.ceil(count / self.config.evaluation_batch_size)
      size = math.ceil(count / num_batches / self._replicas) * self._replicas
      data = self.task.evaluation_batches("valid", size).take(num_batches)
      self._fixed_batches["validation"] = list(self._distribution.experimental_distribute_dataset(data))
    return self._fixed_batches["validation"]

  def _train(self, inputs, targets, architecture) -> tf.Tensor:
    """Makes a step with a batch; returns its loss without the decay of the weights."""
    losses = self._distribution.run(self._replica_train, (inputs, targets, architecture))
    loss = self._distribution.reduce(tf.distribute.ReduceOp.SUM, losses, axis=None)
    self._loss.assign_add(tf.cast(loss, tf.float64))
    return loss

  def _replica_train(self, inputs, targets, architecture) -> tf.Tensor:
    step = tf.convert_to_tensor(self.weights.optimizer.iterations)
    path = self.supernet.path(architecture)
    weights = self.weights.read(path.positions)
    with tf.GradientTape() as tape:
      tape.watch(weights)
      network = self.supernet.network(architecture, path, weights)
      losses = self.task.losses(network, inputs, targets, step, self.config)
      loss = tf.reduce_sum(losses) / self.config.batch_size
    gradients = self._regularization([tape.gradient(loss, weights)], [weights])
    self.weights.apply(path.positions, weights, *gradients)
    return loss

  def _calibrate(self, inputs, targets, architecture) -> tf.Tensor:
    """Returns the statistics of a batch, filled up with zeros to those of the longest path."""
    del targets
    statistics = self._distribution.run(self._replica_calibrate, (inputs, architecture))
    return self._distribution.reduce(tf.distribute.ReduceOp.MEAN, statistics, axis=None)

  def _replica_calibrate(self, inputs, architecture) -> tf.Tensor:
    path = self.supernet.path(architecture)
    network = self.supernet.network(architecture, path, self.weights.read(path.positions))
    network(inputs, training=True)
    statistics = batch_statistics(network.statistics)
    length = self.supernet.bank.max_statistics
    return tf.ensure_shape(tf.pad(statistics, [[0, length - tf.size(statistics)]]), [length])

  def _evaluate(self, inputs, targets, weights, architecture, statistics) -> Mapping[str, tf.Tensor]:
    sums = self._distribution.run(self._replica_evaluate, (inputs, targets, weights, architecture, statistics))
    return {
      name: self._distribution.reduce(tf.distribute.ReduceOp.SUM, value, axis=None) for name, value in sums.items()
    }

  def _replica_evaluate(self, inputs, targets, weights, architecture, statistics) -> Mapping[str, tf.Tensor]:
    path = self.supernet.path(architecture)
    network = self.supernet.network(architecture, path, self.weights.read(path.positions), statistics)
    scores = self.task.scores(network, inputs, targets)
    sums = {name: tf.reduce_sum(score * tf.cast(weights, score.dtype)) for name, score in scores.items()}
    return {**sums, _COUNT: tf.reduce_sum(weights)}

  def _count(self, architecture) -> tf.Tensor:
    return self.supernet.num_parameters(self.supernet.path(architecture))


_COUNT = "examples"
