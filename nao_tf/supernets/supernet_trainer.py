"""The base class of supernet trainers, in which each step trains one architecture of a pool."""

import abc
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import tensorflow as tf

from nao_tf.supernets.architecture_pool import Pool
from nao_tf.supernets.architecture_sampler import TRAINING, ArchitectureSampler
from nao_tf.supernets.config import SharingConfig
from nao_tf.supernets.full_size import check_shared_training
from nao_tf.supernets.path_weights import PathWeights
from nao_tf.training import optimizers
from nao_tf.training.base import BaseTrainingConfig, Metrics
from nao_tf.training.config import check_divisible
from nao_tf.trial import Architecture


class SupernetTrainer(abc.ABC):
  """Trains shared weights, and scores architectures with them.

  It is a `nao_tf.training.base.Trainer` and can be run by a `TrainingDirectory` to the end of a round, which is the
  last epoch on a pool.

  Attributes:
    training_config: how the supernet is trained, including the fields that the task fills in.
    sharing_config: how architectures are sampled and scored.
    weights: the shared weights and the optimizer; created by subclasses.
    epoch: a variable, the number of completed epochs.
    resumes_within_epochs: True: the training can be resumed between two steps.
  """

  resumes_within_epochs = True
  training_config: BaseTrainingConfig
  weights: PathWeights

  def __init__(
    self,
    training_config: BaseTrainingConfig,
    sharing_config: SharingConfig,
    *,
    distribution: tf.distribute.Strategy,
    seed: int,
  ) -> None:
    """Initializes everything but the weights.

    Args:
      training_config: how to train the supernet, including the fields that the task fills in.
      sharing_config: how architectures are drawn and scored.
      distribution: the `tf.distribute.Strategy` of the process.
      seed: random seed of the order of examples and architectures.

    Raises:
      ValueError: if a batch cannot be split among the replicas, or the configuration asks for what shared weights cannot
        do; see `nao_tf.supernets.full_size`.
    """
    check_shared_training(training_config, num_replicas=distribution.num_replicas_in_sync)
    check_divisible(training_config.batch_size, distribution.num_replicas_in_sync)
    self.training_config, self.sharing_config = training_config, sharing_config
    self._distribution, self._seed, self._replicas = distribution, seed, distribution.num_replicas_in_sync
    self.epoch = tf.Variable(0, dtype=tf.int64, trainable=False, name="epoch")
    self._sampler: ArchitectureSampler | None = None
    self._last_epoch = 0

  @property
  def state(self) -> dict[str, Any]:
    """The checkpointed state, from which the training resumes as if it had not been interrupted."""
    return {**self.weights.state, "epoch": self.epoch}

  @property
  @abc.abstractmethod
  def steps_per_epoch(self) -> int:
    """The approximate number of steps per epoch."""

  @property
  def num_steps_done(self) -> int:
    """The number of steps completed, over all epochs."""
    return optimizers.num_updates(self.weights.optimizer)

  @property
  def learning_rate(self) -> float:
    """The learning rate at the current step."""
    return optimizers.current_learning_rate(self.weights.optimizer)

  def start_round(self, architectures: Sequence[Architecture], last_epoch: int) -> None:
    """Sets the pool of architectures that `fit` trains on, and the last epoch.

    Args:
      architectures: the pool.
      last_epoch: number of the last epoch on it.
    """
    by_size = self.sharing_config.sampling == "parameters"
    sizes = [self.num_parameters(a) for a in architectures] if by_size else None
    self.start_sampling(Pool(architectures, seed=self._seed, weights=sizes), last_epoch)

  def start_sampling(self, sampler: ArchitectureSampler, last_epoch: int) -> None:
    """Sets the sampler that `fit` samples the architecture of each step from, and the last epoch.

    Args:
      sampler: the sampler.
      last_epoch: number of the last epoch.
    """
    self._sampler, self._last_epoch = sampler, last_epoch

  def fit(self, *, on_step: Callable[[], None] = lambda: None) -> Iterator[Metrics]:
    """Trains from the current step to the last epoch, with the architectures of the pool or of another sampler.

    Args:
      on_step: called after each step.

    Yields:
      The metrics of each epoch: `epoch` (from 1), `train_loss`, `seconds`.

    Raises:
      nao_tf.training.base.Diverged: if the loss becomes NaN or infinite.
    """
    first = int(self.epoch)
    if first < self._last_epoch:
      self._open_data()
    for number in range(first + 1, self._last_epoch + 1):
      start = time.perf_counter()
      metrics = {"epoch": number, "train_loss": self._train_epoch(number, on_step)}
      self.epoch.assign(number)
      self._close_epoch()
      yield {**metrics, "seconds": time.perf_counter() - start}

  @abc.abstractmethod
  def score(self, architecture: Architecture) -> Metrics:
    """Returns the metrics of an architecture on the validation examples."""

  @abc.abstractmethod
  def score_on_minibatch(self, architecture: Architecture, number: int, *, calibrates: bool = False) -> Metrics:
    """Returns the metrics of an architecture on one minibatch of validation examples.

    Args:
      architecture: the architecture.
      number: number of the minibatch. Each pass over the validation examples has an order of its own.
      calibrates: whether batch normalization uses statistics of training batches; otherwise those of the minibatch.
    """

  @abc.abstractmethod
  def num_parameters(self, architecture: Architecture) -> int:
    """Returns the number of trainable parameters of the network of an architecture."""

  def _drawn(self, step: int) -> tf.Tensor:
    """Returns the architecture of a training step, int32 `[decisions]`."""
    if self._sampler is None:
      raise ValueError("a supernet is trained on a pool: call start_round first")
    return tf.constant(self._sampler.sample(1, (TRAINING, step))[0], tf.int32)

  def _open_data(self) -> None:
    """Gets ready to train from the current step."""

  @abc.abstractmethod
  def _train_epoch(self, number: int, on_step: Callable[[], None]) -> float:
    """Trains from the current step to the end of an epoch; returns its loss."""

  def _close_epoch(self) -> None:
    """Resets what is counted within an epoch."""
