"""Trains an image supernet: each step trains the network of one architecture from the pool.

Architectures are scored like separate networks: on all validation examples, with moving averages of batch normalization
and without dropout. Since moving averages over the training of a supernet belong to none of its networks, they are
recomputed before an architecture is scored, as the means of the batch statistics over a few training batches, the same
for all architectures.

A step may split its batch into parts, all with the same architecture. In mixed precision the weights, the gradients of
a path, batch statistics, logits and losses are still float32.
"""

import functools
import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import tensorflow as tf

from nao_tf.networks.building import complete_network_config
from nao_tf.networks.image_network import ImageNetworkConfig
from nao_tf.networks.precision import mixed_precision
from nao_tf.spaces.base import SearchSpace
from nao_tf.spaces.nasbench201 import Nasbench201Space
from nao_tf.spaces.nasnet import NasnetSpace
from nao_tf.supernets.config import SharingConfig
from nao_tf.supernets.edge_supernet import EdgePathNetwork, EdgeSupernet
from nao_tf.supernets.full_size import check_shared_training
from nao_tf.supernets.image_supernet import ImageSupernet, PathNetwork, batch_statistics
from nao_tf.supernets.minibatches import Minibatches
from nao_tf.supernets.path_weights import PathWeights
from nao_tf.supernets.supernet_trainer import SupernetTrainer
from nao_tf.supernets.weight_bank import Path
from nao_tf.tasks.base import BatchTask
from nao_tf.training import optimizers
from nao_tf.training.accumulation import accumulated
from nao_tf.training.base import BatchProblem, Metrics, checked_loss
from nao_tf.training.config import TrainingConfig
from nao_tf.training.distribution import distributed
from nao_tf.training.loss_scale import make_loss_scale
from nao_tf.training.regularization import Regularization
from nao_tf.training.remaining_batches import remaining_batches
from nao_tf.trial import Architecture

_COUNT = "examples"


class ImageSupernetTrainer(SupernetTrainer):
  """The trainer of an image supernet.

  Attributes:
    task: the images.
    supernet: the supernet.
    training_config: how it is trained.
  """

  training_config: TrainingConfig

  def __init__(
    self,
    task: BatchProblem,
    supernet: ImageSupernet | EdgeSupernet,
    training_config: TrainingConfig,
    sharing_config: SharingConfig,
    *,
    distribution: tf.distribute.Strategy,
    seed: int,
  ) -> None:
    """Creates the weights, the optimizer and the graphs of the steps.

    Args:
      task: the task.
      supernet: the networks.
      training_config: how to train them, including the fields that the task fills in.
      sharing_config: how architectures are drawn and scored.
      distribution: the `tf.distribute.Strategy` of the process.
      seed: random seed of the order of examples and architectures.

    Raises:
      ValueError: as `SupernetTrainer`; or if the training examples do not fill one batch, or a batch cannot be divided
        into equal parts.
    """
    super().__init__(training_config, sharing_config, distribution=distribution, seed=seed)
    self.task, self.supernet = task, supernet
    self._steps_per_epoch = task.steps_per_epoch(training_config)
    make_optimizer = functools.partial(optimizers.make_optimizer, training_config, self._steps_per_epoch)
    with distribution.scope():
      self.weights = PathWeights(supernet.bank.initial(), supernet.bank.max_path, make_optimizer)
    self._loss_scale = make_loss_scale(training_config.mixed_precision)
    self._loss = tf.Variable(0.0, dtype=tf.float64, trainable=False)
    self._regularization = Regularization(training_config, self._replicas)
    self._train_step = tf.function(self._train, autograph=False)
    self._calibration_step = tf.function(self._calibrate, autograph=False)
    self._evaluation_step = tf.function(self._evaluate, autograph=False)
    self._minibatch_step = tf.function(self._evaluate_minibatch, autograph=False)
    self._count_step = tf.function(self._count, autograph=False)
    self._data: Iterator[Any] = iter(())

  @property
  def state(self) -> dict[str, Any]:
    """The checkpointed state, from which the training resumes as if it had not been interrupted."""
    return {**super().state, "loss": self._loss, **self._loss_scale.state}

  @property
  def steps_per_epoch(self) -> int:
    """The number of steps per epoch."""
    return self._steps_per_epoch

  def score(self, architecture: Architecture) -> Metrics:
    """Returns the metrics of an architecture on the validation examples."""
    choices = tf.constant(architecture, tf.int32)
    statistics = self._statistics(choices)
    return self._metrics(self._evaluation_step(*batch, choices, statistics) for batch in self._validation_batches)

  def score_on_minibatch(self, architecture: Architecture, number: int, *, calibrates: bool = False) -> Metrics:
    """Returns the metrics of an architecture on one minibatch; see `SupernetTrainer.score_on_minibatch`."""
    choices, minibatch = tf.constant(architecture, tf.int32), self._minibatches[number]
    if calibrates:
      return self._metrics([self._evaluation_step(*minibatch, choices, self._statistics(choices))])
    return self._metrics([self._minibatch_step(*minibatch, choices)])

  def num_parameters(self, architecture: Architecture) -> int:
    """Returns the number of trainable parameters of the network of an architecture, without those of an auxiliary head."""
    return int(self._count_step(tf.constant(architecture, tf.int32)))

  def _statistics(self, choices: tf.Tensor) -> tf.Tensor:
    """Returns the statistics of an architecture: the means of those of a few training batches."""
    calibrations = [self._calibration_step(*batch, choices) for batch in self._calibration_batches]
    return tf.add_n(calibrations) / len(calibrations)

  def _metrics(self, sums: Iterable[Mapping[str, tf.Tensor]]) -> Metrics:
    """Returns metrics, given the sum of each score over each batch, and the number of examples of the batch."""
    totals: dict[str, float] = {}
    for batch in sums:
      for name, total in batch.items():
        totals[name] = totals.get(name, 0.0) + float(total)
    count = totals.pop(_COUNT)
    return self.task.metrics({name: total / count for name, total in totals.items()})

  def _open_data(self) -> None:
    """Gets ready to read the batches from the current step on."""
    data = remaining_batches(self.task, self.training_config, seed=self._seed, step=self.num_steps_done)
    self._data = iter(distributed(data, self._distribution))

  def _train_epoch(self, number: int, on_step: Callable[[], None]) -> float:
    """Trains to the end of an epoch. The losses are read one step late, so that a device never waits for it."""
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
    """Resets the loss of the epoch."""
    self._loss.assign(0.0)

  @functools.cached_property
  def _calibration_batches(self) -> list[Any]:
    data = self.task.training_batches(self.training_config, seed=self._seed)
    data = data.take(self.sharing_config.calibration_batches)
    return list(distributed(data, self._distribution))

  @functools.cached_property
  def _validation_batches(self) -> list[Any]:
    available = self.task.num_examples("valid")
    count = min(self.sharing_config.validation_examples or available, available)
    num_batches = math.ceil(count / self.training_config.evaluation_batch_size)
    size = math.ceil(count / num_batches / self._replicas) * self._replicas
    data = self.task.evaluation_batches("valid", size).take(num_batches)
    return list(distributed(data, self._distribution))

  @functools.cached_property
  def _minibatches(self) -> Minibatches:
    size = min(self.training_config.batch_size, self.task.num_examples("valid"))
    size = size // self._replicas * self._replicas
    return Minibatches(self.task, size, self._distribution, seed=self._seed)

  def _train(self, inputs: tf.Tensor, targets: tf.Tensor, architecture: tf.Tensor) -> tf.Tensor:
    """Runs a step with a batch; returns its loss without the decay of the weights."""
    losses, made = self._distribution.run(self._replica_train, (inputs, targets, architecture))
    loss = self._distribution.reduce(tf.distribute.ReduceOp.SUM, losses, axis=None)
    self._loss.assign_add(tf.cast(loss, tf.float64))
    self._loss_scale.follow(self._distribution, made)
    return loss

  def _replica_train(
    self, inputs: tf.Tensor, targets: tf.Tensor, architecture: tf.Tensor
  ) -> tuple[tf.Tensor, tf.Tensor]:
    """Runs a step on a replica; returns its part of the loss, and whether the update was made."""
    path = self.supernet.path(architecture)
    weights = self.weights.read(path.positions)
    compute = functools.partial(self._loss_and_gradient, architecture, path, weights)
    (loss, gradient), _ = accumulated(
      compute,
      (inputs, targets),
      self.training_config.accumulate_steps,
      size=self.training_config.batch_size // self._replicas,
      zeros=lambda: [tf.zeros([]), tf.zeros_like(weights)],
    )
    (gradient,) = self._regularization(self._loss_scale.unscaled([gradient]), [weights])
    return loss, self.weights.apply(path.positions, weights, gradient, loss_scale=self._loss_scale)

  def _loss_and_gradient(
    self, architecture: tf.Tensor, path: Path, weights: tf.Tensor, inputs: tf.Tensor, targets: tf.Tensor
  ) -> tuple[list[tf.Tensor], list[tf.Tensor]]:
    """Returns what a part of a batch adds to the loss, and to the gradient of the weights on a path."""
    step = tf.convert_to_tensor(self.weights.optimizer.iterations)
    with tf.GradientTape() as tape:
      tape.watch(weights)
      network = self.supernet.network(architecture, path, weights)
      losses = self.task.losses(network, inputs, targets, step, self.training_config)
      loss = tf.reduce_sum(losses) / self.training_config.batch_size
      scaled = self._loss_scale.scaled(loss)
    return [loss, tape.gradient(scaled, weights)], []

  def _calibrate(self, inputs: tf.Tensor, targets: tf.Tensor, architecture: tf.Tensor) -> tf.Tensor:
    """Returns the statistics of a batch, padded with zeros to the length of the longest path."""
    del targets
    statistics = self._distribution.run(self._replica_calibrate, (inputs, architecture))
    return self._distribution.reduce(tf.distribute.ReduceOp.MEAN, statistics, axis=None)

  def _replica_calibrate(self, inputs: tf.Tensor, architecture: tf.Tensor) -> tf.Tensor:
    path = self.supernet.path(architecture)
    network = self.supernet.network(architecture, path, self.weights.read(path.positions))
    network(inputs, training=True)
    statistics = batch_statistics(network.statistics)
    length = self.supernet.bank.max_statistics
    return tf.ensure_shape(tf.pad(statistics, [[0, length - tf.size(statistics)]]), [length])

  def _evaluate(
    self,
    inputs: tf.Tensor,
    targets: tf.Tensor,
    weights: tf.Tensor,
    architecture: tf.Tensor,
    statistics: tf.Tensor,
  ) -> Mapping[str, tf.Tensor]:
    """Returns the sum of each score over a batch, and how many examples the batch has."""
    sums = self._distribution.run(self._replica_evaluate, (inputs, targets, weights, architecture, statistics))
    return self._summed(sums)

  def _summed(self, sums: Mapping[str, Any]) -> Mapping[str, tf.Tensor]:
    """Returns sums over all replicas, given those of each replica."""
    return {
      name: self._distribution.reduce(tf.distribute.ReduceOp.SUM, value, axis=None) for name, value in sums.items()
    }

  def _replica_evaluate(
    self,
    inputs: tf.Tensor,
    targets: tf.Tensor,
    weights: tf.Tensor,
    architecture: tf.Tensor,
    statistics: tf.Tensor,
  ) -> Mapping[str, tf.Tensor]:
    path = self.supernet.path(architecture)
    network = self.supernet.network(architecture, path, self.weights.read(path.positions), statistics)
    return self._sums(self.task.scores(network, inputs, targets), weights)

  def _evaluate_minibatch(
    self, inputs: tf.Tensor, targets: tf.Tensor, weights: tf.Tensor, architecture: tf.Tensor
  ) -> Mapping[str, tf.Tensor]:
    """Does the same as `_evaluate`, with the statistics of the batch itself."""
    return self._summed(
      self._distribution.run(self._replica_evaluate_minibatch, (inputs, targets, weights, architecture))
    )

  def _replica_evaluate_minibatch(
    self, inputs: tf.Tensor, targets: tf.Tensor, weights: tf.Tensor, architecture: tf.Tensor
  ) -> Mapping[str, tf.Tensor]:
    path = self.supernet.path(architecture)
    network = self.supernet.network(architecture, path, self.weights.read(path.positions))
    return self._sums(self.task.scores(_WithBatchStatistics(network), inputs, targets), weights)

  def _sums(self, scores: Mapping[str, tf.Tensor], weights: tf.Tensor) -> Mapping[str, tf.Tensor]:
    """Returns the sum of each score over the examples, and how many these are."""
    sums = {name: tf.reduce_sum(score * tf.cast(weights, score.dtype)) for name, score in scores.items()}
    return {**sums, _COUNT: tf.reduce_sum(weights)}

  def _count(self, architecture: tf.Tensor) -> tf.Tensor:
    return self.supernet.num_parameters(self.supernet.path(architecture))


class _WithBatchStatistics:
  """A network whose batch normalization takes the statistics of each batch even where nothing is trained."""

  def __init__(self, network: PathNetwork | EdgePathNetwork) -> None:
    self._network, self.config, self.auxiliary_head = network, network.config, network.auxiliary_head

  def __call__(self, images: tf.Tensor, training: bool = False, step: tf.Tensor | None = None) -> tf.Tensor:
    """Returns the logits [B, num_classes]; nothing is dropped."""
    del training, step
    outputs = self._network(images, training=True)
    return outputs["logits"] if isinstance(outputs, dict) else outputs


def check_image_supernet(
  task: BatchTask,
  space: SearchSpace,
  network_config: ImageNetworkConfig,
  training_config: TrainingConfig,
  *,
  num_replicas: int,
) -> None:
  """Checks that there is a supernet of image networks; see `nao_tf.supernets.check_supernet`."""
  if not isinstance(space, NasnetSpace | Nasbench201Space) or not isinstance(network_config, ImageNetworkConfig):
    raise ValueError(
      f"{task.name}: an image supernet needs a NasnetSpace, such as nasnet5, or nasbench201, and an ImageNetworkConfig,"
      f" got a {type(space).__name__} and a {type(network_config).__name__}"
    )
  if network_config.synchronized_norm and num_replicas > 1:
    raise ValueError(
      "synchronized_norm must be False: with shared weights each replica computes its own batch statistics"
    )
  check_shared_training(training_config, num_replicas=num_replicas)


def make_image_supernet_trainer(
  task: BatchTask,
  space: NasnetSpace | Nasbench201Space,
  network_config: ImageNetworkConfig,
  training_config: TrainingConfig,
  sharing_config: SharingConfig,
  *,
  distribution: tf.distribute.Strategy,
  seed: int,
) -> ImageSupernetTrainer:
  """Returns a trainer of the supernet of all image networks of a cell space.

  The arguments are those of `nao_tf.supernets.make_supernet_trainer`.

  Raises:
    ValueError: if the space or the network_config is of another kind, the training_config does not fit shared weights,
      the data or the replicas, or batch normalization is to be synchronized among several replicas.
  """
  replicas = distribution.num_replicas_in_sync
  check_image_supernet(task, space, network_config, training_config, num_replicas=replicas)
  training_config = task.complete_training_config(training_config)
  num_steps = training_config.epochs * task.steps_per_epoch(training_config)
  network_config = complete_network_config(network_config, num_steps=num_steps, num_replicas=replicas)
  with mixed_precision(training_config.mixed_precision):
    supernet = _make_supernet(task, space, network_config, sharing_config, seed)
  return ImageSupernetTrainer(task, supernet, training_config, sharing_config, distribution=distribution, seed=seed)


def _make_supernet(
  task: BatchTask,
  space: NasnetSpace | Nasbench201Space,
  network_config: ImageNetworkConfig,
  sharing_config: SharingConfig,
  seed: int,
) -> ImageSupernet | EdgeSupernet:
  height, width, channels = task.input_shape
  image_shape = height, width, channels
  if isinstance(space, Nasbench201Space):
    return EdgeSupernet(network_config, num_classes=task.num_outputs, image_shape=image_shape, seed=seed)
  return ImageSupernet(
    [operation.name for operation in space.operations],
    network_config,
    num_nodes=space.num_nodes,
    num_classes=task.num_outputs,
    image_shape=image_shape,
    seed=seed,
    weights_per_input=sharing_config.weights_per_input,
    concatenates_nodes=space.concatenates_nodes,
  )
