"""A supernet in training, of whatever task: in each step one architecture of a pool."""

import abc
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import tensorflow as tf

from nao_tf.supernets.architecture_pool import Pool
from nao_tf.supernets.config import SharingConfig
from nao_tf.supernets.path_weights import PathWeights
from nao_tf.training import optimizers
from nao_tf.training.batch_trainer import Metrics
from nao_tf.trial import Architecture


class SharedTrainer(abc.ABC):
  """Trains shared weights, and scores architectures with them.

  It can be trained by a `TrainingDirectory`: to the end of a round, which is the last epoch on a pool.

  Attributes:
    task: what the networks learn.
    config: the recipe, complete.
    weights: the shared weights and the optimizer; subclasses make them.
    epoch: a variable: how many epochs have been completed.
    resumes_within_epochs: whether a training can go on from between two steps of an epoch. It can.
  """

  resumes_within_epochs = True
  weights: PathWeights

  def __init__(
    self, task: Any, config: Any, sharing: SharingConfig, *, distribution: tf.distribute.Strategy, seed: int
  ):
    """Args:
      task: what to learn.
      config: the recipe, complete.
      sharing: how architectures are drawn and scored.
      distribution: the process's distribution.
      seed: of the order of examples and architectures.

    Raises:
      ValueError: if a batch cannot be divided among the replicas, or the optimizer does not update each number by itself.
    """
    if not optimizers.is_elementwise(config.optimizer):
      raise ValueError(
        f"shared weights need an optimizer that updates each number by itself, such as SGD or Adam, got {config.optimizer}"
      )
    self.task, self.config, self.sharing = task, config, sharing
    self._distribution, self._seed, self._replicas = distribution, seed, distribution.num_replicas_in_sync
    if config.batch_size % self._replicas:
      raise ValueError(f"a batch of {config.batch_size} cannot be divided among {self._replicas} replicas")
    self.epoch = tf.Variable(0, dtype=tf.int64, trainable=False, name="epoch")
    self._pool: Pool | None = None
    self._last_epoch = 0

  @property
  def state(self) -> dict[str, Any]:
    """What a checkpoint must hold for the training to go on as if nothing had happened."""
    return {**self.weights.state, "epoch": self.epoch}

  @property
  @abc.abstractmethod
  def steps_per_epoch(self) -> int:
    """How many steps an epoch has, about."""

  @property
  def num_steps_done(self) -> int:
    """How many steps have been made, in all epochs."""
    return optimizers.num_updates(self.weights.optimizer)

  def start_round(self, architectures: Sequence[Architecture], last_epoch: int) -> None:
    """Says what `fit` trains on, and until when.

    Args:
      architectures: the pool.
      last_epoch: number of the last epoch on it.
    """
    sizes = [self.num_parameters(a) for a in architectures] if self.sharing.sampling == "parameters" else None
    self._pool = Pool(architectures, seed=self._seed, weights=sizes)
    self._last_epoch = last_epoch

  def fit(self, *, on_step: Callable[[], None] = lambda: None) -> Iterator[Metrics]:
    """Trains on the pool from the step reached so far to the last epoch, and yields the metrics of each epoch.

    Args:
      on_step: called after each step.

    Yields:
      `epoch` (from 1), `train_loss`, `seconds`.

    Raises:
      Diverged: if the loss is no number any more.
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
    """Returns an architecture's metrics on the validation examples."""

  @abc.abstractmethod
  def num_parameters(self, architecture: Architecture) -> int:
    """Returns how many trainable parameters an architecture's network has."""

  def _drawn(self, step: int) -> tf.Tensor:
    """Returns the architecture of a training step, int32 `[decisions]`."""
    return tf.constant(self._pool.architecture(step), tf.int32)

  def _open_data(self) -> None:
    """Gets ready to train from the step reached so far."""

  @abc.abstractmethod
  def _train_epoch(self, number: int, on_step: Callable[[], None]) -> float:
    """Trains from the step reached so far to the end of an epoch; returns its loss."""

  def _close_epoch(self) -> None:
    """Begins to count anew."""
