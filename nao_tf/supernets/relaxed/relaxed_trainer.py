"""The training of a relaxed network: its weights on training batches, its architecture parameters on validation batches.

Source: Liu et al., ICLR 2019, algorithm 1; with `order=0`, Xie et al., ICLR 2019, section 2: weights and architecture
parameters together, on training batches.
"""

import functools
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import tensorflow as tf

from nao_tf.networks.image_network import ImageNetworkConfig
from nao_tf.networks.precision import mixed_precision
from nao_tf.runs.shares import Shares
from nao_tf.spaces.base import SearchSpace
from nao_tf.supernets.full_size import check_relaxed_training
from nao_tf.supernets.functional import LentWeights
from nao_tf.supernets.relaxed import bilevel, mixtures
from nao_tf.supernets.relaxed.config import RelaxedConfig
from nao_tf.supernets.relaxed.expected_costs import CellCosts, log_costs
from nao_tf.supernets.relaxed.relaxations import relaxation_of
from nao_tf.supernets.relaxed.strengths import Strengths, summed
from nao_tf.tasks.base import BatchTask
from nao_tf.training import optimizers
from nao_tf.training.base import Metrics, checked_loss
from nao_tf.training.config import TrainingConfig, check_divisible
from nao_tf.training.distribution import distributed
from nao_tf.training.first_replica import sharing_of
from nao_tf.training.loss_scale import make_loss_scale
from nao_tf.training.regularization import Regularization
from nao_tf.training.remaining_batches import remaining_batches
from nao_tf.training.variables import tf_variable
from nao_tf.trial import Architecture

_SHUFFLED = 10_000
"""Validation examples that are shuffled at a time."""


class RelaxedTrainer:
  """Trains the weights and the architecture parameters of a relaxed network; a `nao_tf.training.base.Trainer`.

  Attributes:
    task: the images.
    training_config: how the weights are trained.
    config: how the architecture parameters are trained.
    network: the relaxed network.
    epoch: a variable, the number of completed epochs.
    resumes_within_epochs: True: the training can be resumed between two steps.
  """

  resumes_within_epochs = True

  def __init__(
    self,
    task: BatchTask,
    space: SearchSpace,
    network_config: ImageNetworkConfig,
    training_config: TrainingConfig,
    config: RelaxedConfig,
    *,
    distribution: tf.distribute.Strategy,
    seed: int,
  ) -> None:
    """Creates the network, the architecture parameters and the optimizers.

    Args:
      task: the task; architecture parameters are trained on its validation set.
      space: one that has a relaxation; see `nao_tf.supernets.relaxed.relaxations`.
      network_config: how large the network is.
      training_config: how the weights are trained, including the fields that the task fills in.
      config: how the architecture parameters are trained.
      distribution: the `tf.distribute.Strategy` of the process.
      seed: random seed.

    Raises:
      ValueError: if a batch cannot be split among the replicas, the space has no relaxation, there are fewer
        validation examples than a batch has, the optimizer of the weights is not SGD although the step of the weights
        is followed, or the configuration asks for what relaxed networks cannot do; see `nao_tf.supernets.full_size`.
    """
    check_relaxed_training(training_config, config)
    check_divisible(training_config.batch_size, distribution.num_replicas_in_sync)
    check_data(task, training_config, config)
    self.task, self.training_config, self.config = task, training_config, config
    self._relaxation, self._seed = relaxation_of(space), seed
    self._distribution, self._replicas = distribution, distribution.num_replicas_in_sync
    self.steps_per_epoch = task.steps_per_epoch(training_config)
    height, width, channels = task.input_shape
    with distribution.scope():
      with mixed_precision(training_config.mixed_precision):
        self.network = self._relaxation.network(
          network_config, num_classes=task.num_outputs, image_shape=(height, width, channels), seed=seed
        )
      self._strengths = Strengths(self._relaxation.shape, config, distribution=distribution, seed=seed)
      self.optimizer = optimizers.make_optimizer(training_config, self.steps_per_epoch)
      self.optimizer.build(self._weights)
    self._loss_scale = make_loss_scale(training_config.mixed_precision)
    self.epoch = tf.Variable(0, dtype=tf.int64, trainable=False, name="epoch")
    self._loss = tf.Variable(0.0, dtype=tf.float64, trainable=False)
    self._regularization = Regularization(training_config, self._replicas)
    self._step = tf.function(self._train, autograph=False)
    self._share_statistics = sharing_of(self.network.non_trainable_variables, distribution)
    self._evaluation_step = tf.function(self._evaluate, autograph=False)

  @property
  def state(self) -> dict[str, Any]:
    """The checkpointed state, from which the training resumes as if it had not been interrupted."""
    own = {"network": self.network, "optimizer": self.optimizer, "epoch": self.epoch, "loss": self._loss}
    return {**own, **self._strengths.state, **self._loss_scale.state}

  @property
  def strengths(self) -> tf.Variable:
    """A variable `[cells, edges, operations]`."""
    return self._strengths.variable

  @property
  def num_steps_done(self) -> int:
    """The number of steps completed, over all epochs."""
    return optimizers.num_updates(self.optimizer)

  @property
  def learning_rate(self) -> float:
    """The learning rate of the weights at the current step."""
    return optimizers.current_learning_rate(self.optimizer)

  def derived(self) -> Any:
    """Returns the genotype derived from the architecture parameters."""
    return self._relaxation.derive(self.strengths.numpy())

  def architecture(self) -> Architecture:
    """Returns the architecture derived from the architecture parameters."""
    return self._relaxation.architecture(self.strengths.numpy())

  def shares(self) -> list[Shares]:
    """Returns the softmax of the architecture parameters of each edge."""
    return self._relaxation.shares(self.strengths.numpy())

  def drawn(self) -> Iterator[tuple[Architecture, Metrics]]:
    """Yields nothing, since the architecture is derived from the architecture parameters."""
    return iter(())

  def fit(self, *, on_step: Callable[[], None] = lambda: None) -> Iterator[Metrics]:
    """Trains from the current step to the last epoch, or until the cells collapse to identities.

    Args:
      on_step: called after each step.

    Yields:
      The metrics of each epoch: `epoch` (from 1), `train_loss`, `seconds`; `entropy` of the mixtures in nats,
      `temperature`, `normal_identities` and `reduction_identities` of the derived cells; and the metrics of the relaxed
      network on the validation set with the prefix `valid_`.

    Raises:
      nao_tf.training.base.Diverged: if the loss becomes NaN or infinite.
    """
    for number in range(int(self.epoch) + 1, self.training_config.epochs + 1):
      if self.has_collapsed():
        return
      start = time.perf_counter()
      temperature = self._strengths.start_epoch(number - 1, self.training_config.epochs)
      loss = self._train_epoch(number, on_step)
      self.epoch.assign(number)
      self._loss.assign(0.0)
      valid = {f"valid_{name}": value for name, value in self.evaluate("valid").items()}
      figures = {"train_loss": loss, "temperature": temperature, **self._figures(), **valid}
      yield {"epoch": number, **figures, "seconds": time.perf_counter() - start}

  def has_collapsed(self) -> bool:
    """Returns whether the normal cell has more identities than the configuration allows."""
    return 0 < self.config.max_identities < self._relaxation.identities(self.derived())["normal_identities"]

  def evaluate(self, split: str) -> Metrics:
    """Returns the metrics of the relaxed network on a split; see `Strengths.mixture_of_evaluations`."""
    self._share_statistics()
    totals: dict[str, float] = {}
    for batch in self._evaluation_batches(split):
      for name, total in self._evaluation_step(*batch).items():
        totals[name] = totals.get(name, 0.0) + float(total)
    count = self.task.num_examples(split)
    return self.task.metrics({name: total / count for name, total in totals.items()})

  def _figures(self) -> Metrics:
    """Returns metrics of the architecture parameters."""
    entropy = mixtures.entropy(self.strengths.numpy())
    return {"entropy": entropy, **self._relaxation.identities(self.derived())}

  @property
  def _weights(self) -> list[Any]:
    return self.network.trainable_variables

  def _train_epoch(self, number: int, on_step: Callable[[], None]) -> float:
    """Trains to the end of an epoch. The losses are read one step late, so that a device never waits for it."""
    before, waiting = (number - 1) * self.steps_per_epoch, None
    training, validation = self._training_batches(number), self._validation_batches(number)
    for step in range(self.num_steps_done, before + self.steps_per_epoch):
      held_out = next(training) if validation is None else next(validation)
      batch = held_out if validation is None else next(training)
      loss = self._step(batch, held_out)
      checked_loss(waiting, number, step - before)
      waiting = loss
      on_step()
    checked_loss(waiting, number, self.steps_per_epoch)
    return float(self._loss) / self.steps_per_epoch

  def _training_batches(self, number: int) -> Iterator[Any]:
    """Returns the training batches from the current step to the end of an epoch."""
    step, end = self.num_steps_done, number * self.steps_per_epoch
    data = remaining_batches(self.task, self.training_config, seed=self._seed, step=step).take(end - step)
    return iter(distributed(data, self._distribution))

  def _validation_batches(self, number: int) -> Iterator[Any] | None:
    """Returns as many validation batches, each epoch in an order of its own; None if none are needed."""
    if self.config.order == 0:
      return None
    size, count = self.training_config.batch_size, self.task.num_examples("valid")
    data = self.task.evaluation_batches("valid", size).unbatch().filter(lambda x, y, weight: weight > 0)
    data = data.map(lambda x, y, weight: (x, y)).take(count)
    data = data.shuffle(min(count, _SHUFFLED), seed=self._seed + number, reshuffle_each_iteration=True).repeat()
    return self._rest_of(data.batch(size, drop_remainder=True).take(self.steps_per_epoch), number)

  def _rest_of(self, data: tf.data.Dataset, number: int) -> Iterator[Any]:
    """Returns the batches of an epoch from the current step on, divided among the replicas."""
    done = self.num_steps_done - (number - 1) * self.steps_per_epoch
    return iter(distributed(data.skip(done), self._distribution))

  @functools.cache  # noqa: B019 - as long-lived as the trainer
  def _evaluation_batches(self, split: str) -> tf.distribute.DistributedDataset:
    size = min(self.training_config.evaluation_batch_size, self.task.num_examples(split))
    size = -(-size // self._replicas) * self._replicas
    return distributed(self.task.evaluation_batches(split, size), self._distribution)

  def _train(self, batch: Any, held_out: Any) -> tf.Tensor:
    """Runs a step of the strengths and one of the weights; returns the loss of the latter without its decay."""
    losses, made = self._distribution.run(self._replica_train, (batch, held_out))
    loss = self._distribution.reduce(tf.distribute.ReduceOp.SUM, losses, axis=None)
    self._loss.assign_add(tf.cast(loss, tf.float64))
    self._loss_scale.follow(self._distribution, made)
    return loss

  def _replica_train(self, batch: Any, held_out: Any) -> tuple[tf.Tensor, tf.Tensor]:
    """Makes both steps on the part of the batch of a replica; returns its part of the loss, and whether both were made."""
    step = tf.convert_to_tensor(self.optimizer.iterations)
    moved = tf.constant(True)
    if self.config.order:
      moved = self._strengths.apply(self._strengths_gradient(batch, held_out, step), self._loss_scale)
    weights, strengths = self._weights, tf.convert_to_tensor(self.strengths)
    with tf.GradientTape() as tape:
      tape.watch(strengths)
      mixture = self._strengths.mixture(strengths, step)
      network = _Mixed(self.network, mixture)
      inputs, targets = batch
      losses = self.task.losses(network, inputs, targets, step, self.training_config)
      loss = tf.reduce_sum(losses) / self.training_config.batch_size
      total = self._loss_scale.scaled(loss + self._cost(mixture) / self._replicas)
    variables = [tf_variable(weight) for weight in weights]  # TensorFlow makes no zeros for those of Keras.
    *gradients, of_strengths = tape.gradient(total, [*variables, strengths], unconnected_gradients="zero")
    if not self.config.order:
      moved = self._strengths.apply(self._sum([of_strengths])[0], self._loss_scale)
    gradients = self._regularization(self._loss_scale.unscaled(gradients), weights)
    return loss, tf.logical_and(moved, self._loss_scale.apply(self.optimizer, gradients, weights))

  def _strengths_gradient(self, batch: Any, held_out: Any, step: tf.Tensor) -> tf.Tensor:
    """Returns the gradient of the architecture parameters, summed over the replicas."""
    weights = [tf.convert_to_tensor(weight) for weight in self._weights]
    strengths = tf.convert_to_tensor(self.strengths)
    validation = functools.partial(self._lent_loss, held_out, step, costs=True)
    if self.config.order == 1:
      return bilevel.first_order_gradient(strengths, weights, validation, summed=self._sum)
    return bilevel.second_order_gradient(
      strengths,
      weights,
      self._weight_step(),
      training=functools.partial(self._lent_loss, batch, step, costs=False),
      validation=validation,
      summed=self._sum,
    )

  def _lent_loss(
    self, batch: Any, step: tf.Tensor, weights: Sequence[tf.Tensor], strengths: tf.Tensor, *, costs: bool
  ) -> tf.Tensor:
    """Returns this replica's share of the loss, scaled, with weights that are lent.

    The statistics of batch normalization stay as they are.
    """
    mixture = self._strengths.mixture(strengths, step)
    network = _Mixed(self.network, mixture, self._lend(weights))
    inputs, targets = batch
    losses = self.task.losses(network, inputs, targets, step, self.training_config)
    loss = tf.reduce_sum(losses) / self.training_config.batch_size
    return self._loss_scale.scaled(loss + self._cost(mixture) / self._replicas if costs else loss)

  def _lend(self, weights: Sequence[tf.Tensor]) -> LentWeights:
    others = self.network.non_trainable_variables
    return LentWeights([*self._weights, *others], [*weights, *map(tf.convert_to_tensor, others)])

  def _weight_step(self) -> bilevel.WeightStep:
    """Returns the step that the optimizer will make, without the bound on its gradient."""
    momentum = self.training_config.momentum
    last = [tf.convert_to_tensor(slot) for slot in self.optimizer.momentums] if momentum else []
    rate = self.optimizer.learning_rate
    rate = rate(self.optimizer.iterations) if callable(rate) else tf.convert_to_tensor(rate)
    return bilevel.WeightStep(rate, momentum, last, self.training_config.weight_decay)

  def _cost(self, mixture: tf.Tensor) -> tf.Tensor:
    """Returns the weighted logarithms of the expected costs of all edges."""
    if not self.config.cost_weight:
      return tf.zeros([])
    return self.config.cost_weight * log_costs(mixture, self._cell_costs)

  @functools.cached_property
  def _cell_costs(self) -> list[CellCosts]:
    return self._relaxation.cell_costs(self.network, cost=self.config.cost)

  def _sum(self, gradients: Sequence[tf.Tensor]) -> list[tf.Tensor]:
    """Returns the gradients of a loss, given those of the scaled one, summed over the replicas."""
    return self._loss_scale.unscaled(summed(gradients, self._replicas))

  def _evaluate(self, inputs: tf.Tensor, targets: tf.Tensor, weights: tf.Tensor) -> Mapping[str, tf.Tensor]:
    sums = self._distribution.run(self._replica_evaluate, (inputs, targets, weights))
    return {
      name: self._distribution.reduce(tf.distribute.ReduceOp.SUM, value, axis=None) for name, value in sums.items()
    }

  def _replica_evaluate(self, inputs: tf.Tensor, targets: tf.Tensor, weights: tf.Tensor) -> Mapping[str, tf.Tensor]:
    network = _Mixed(self.network, self._strengths.mixture_of_evaluations())
    scores = self.task.scores(network, inputs, targets)
    return {name: tf.reduce_sum(score * tf.cast(weights, score.dtype)) for name, score in scores.items()}


class _Mixed:
  """A relaxed network with one mixture: called as an image network is."""

  def __init__(self, network: Any, mixture: tf.Tensor, weights: LentWeights | None = None) -> None:
    self._network, self._mixture, self._weights = network, mixture, weights
    self.config, self.auxiliary_head = network.config, None

  def __call__(self, images: tf.Tensor, training: bool = False, step: tf.Tensor | None = None) -> tf.Tensor:
    options = {} if self._weights is None else {"weights": self._weights}
    return self._network.call(images, self._mixture, training=training, step=step, **options)


def make_relaxed_trainer(
  task: BatchTask,
  space: SearchSpace,
  network_config: ImageNetworkConfig,
  training_config: TrainingConfig,
  config: RelaxedConfig,
  *,
  distribution: tf.distribute.Strategy,
  seed: int,
) -> RelaxedTrainer:
  """Returns a trainer of the relaxed network of a space of cells.

  Args:
    task: the task.
    space: space of cells whose output has all nodes, such as `darts`; or `nasbench201`.
    network_config: how large the network is.
    training_config: how its weights are trained.
    config: how its architecture parameters are trained.
    distribution: the `tf.distribute.Strategy` of the process.
    seed: random seed.

  Raises:
    ValueError: if the space is another one; or as `RelaxedTrainer`.
  """
  return RelaxedTrainer(
    task,
    space,
    network_config,
    task.complete_training_config(training_config),
    config,
    distribution=distribution,
    seed=seed,
  )


def check_data(task: BatchTask, training_config: TrainingConfig, config: RelaxedConfig) -> None:
  """Checks that there are enough validation examples to train architecture parameters on.

  Args:
    task: the task.
    training_config: how the weights are trained.
    config: how the architecture parameters are trained.

  Raises:
    ValueError: if there are not.
  """
  count = task.num_examples("valid")
  if config.order and count < training_config.batch_size:
    raise ValueError(
      f"{task.name}: architecture parameters are trained on validation batches of {training_config.batch_size} examples, but"
      f" there are {count}; use a larger validation_fraction, such as 0.5"
    )
