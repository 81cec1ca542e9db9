"""The interfaces of trainers and of the problems they train on. These protocols depend on neither tasks nor networks."""

from __future__ import annotations

import abc
import dataclasses
import math
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, Protocol, runtime_checkable

if TYPE_CHECKING:
  import numpy as np
  import tensorflow as tf
  from tensorflow import keras

  from nao_tf.training.config import TrainingConfig

Metrics = dict[str, float]
"""Metrics by name."""


class Diverged(Exception):
  """Raised when the training loss becomes NaN or infinite.

  Attributes:
    epoch: number of the epoch, from 1.
    step: number of the step within the epoch, from 1.
    loss: the loss of that step.
    rate_factor: what the learning rate was multiplied with, if the training can go back to a checkpoint; None if not.
  """

  def __init__(self, epoch: int, step: int, loss: float):
    """Sets the attributes and the message."""
    super().__init__(f"diverged: the loss was {loss} in epoch {epoch}, step {step}")
    self.epoch, self.step, self.loss = epoch, step, loss
    self.rate_factor: float | None = None


def checked_loss(loss: tf.Tensor | None, epoch: int, step: int) -> float:
  """Converts a loss to a float; returns 0 for None.

  Args:
    loss: the loss of a step; None if no step has been run yet.
    epoch: number of the epoch, from 1.
    step: number of the step within the epoch, from 1.

  Raises:
    Diverged: if the loss is NaN or infinite.
  """
  value = 0.0 if loss is None else float(loss)
  if not math.isfinite(value):
    raise Diverged(epoch, step, value)
  return value


class BaseTrainingConfig(Protocol):
  """The common fields of all training configurations, which are frozen dataclasses."""

  __dataclass_fields__: ClassVar[dict[str, dataclasses.Field[Any]]]

  @property
  def epochs(self) -> int:
    """Number of passes over the training data."""

  @property
  def batch_size(self) -> int:
    """Number of examples, or streams of tokens, per step over all replicas."""

  @property
  def optimizer(self) -> str:
    """Name of the optimizer."""

  @property
  def evaluate_every(self) -> int:
    """Number of epochs between evaluations on the validation set."""


class Problem(Protocol):
  """What every trainer needs from a task.

  Attributes:
    name: name of the task, for messages.
  """

  name: str

  @abc.abstractmethod
  def num_examples(self, split: str) -> int:
    """Returns the number of examples in the split "train", "valid" or "test"; 0 if there is no such split."""

  def metrics(self, means: Mapping[str, float]) -> Metrics:
    """Computes the metrics of a network from the mean of each score over all examples."""
    return dict(means)


class BatchProblem(Problem, Protocol):
  """What `nao_tf.training.batch_trainer.BatchTrainer` needs from a task: batches of examples, losses and scores.

  Losses and scores are per example, so that the trainer can weight them: each replica contributes its share, and an
  evaluation counts every example once.
  """

  @abc.abstractmethod
  def steps_per_epoch(self, training_config: TrainingConfig) -> int:
    """Returns the number of batches per epoch.

    Raises:
      ValueError: if the data is too small for a single batch.
    """

  @abc.abstractmethod
  def training_batches(self, training_config: TrainingConfig, *, seed: int, first_epoch: int = 0) -> tf.data.Dataset:
    """Returns the training batches from an epoch to the last one, `steps_per_epoch` per epoch.

    Batches must be a function of (training_config, seed, epoch, step), so that a training resumed at an epoch sees the
    same batches as without the interruption.

    A training that is resumed within an epoch skips the earlier batches of that epoch. A task can do this itself,
    before reading or decoding anything, if it takes an argument `first_step`, the number of batches of the first epoch
    to skip.

    Args:
      training_config: how the network is trained.
      seed: random seed of the order of the examples and of data augmentation.
      first_epoch: the epoch to start with, from 0.

    Returns:
      A `tf.data.Dataset` of pairs (inputs, targets), each with `training_config.batch_size` examples.
    """

  @abc.abstractmethod
  def evaluation_batches(self, split: str, batch_size: int) -> tf.data.Dataset:
    """Returns the batches of a split for evaluation, all of the same size.

    Args:
      split: "train", "valid" or "test".
      batch_size: size of each batch; the last one is padded.

    Returns:
      A `tf.data.Dataset` of triples (inputs, targets, weights). The weights `[B]` are 1 for examples and 0 for padding.
    """

  @abc.abstractmethod
  def losses(
    self,
    network: keras.Model,
    inputs: tf.Tensor,
    targets: tf.Tensor,
    step: tf.Tensor,
    training_config: TrainingConfig,
  ) -> tf.Tensor:
    """Computes the training loss of each example, `[B]`.

    Args:
      network: the network.
      inputs: inputs of a batch from `training_batches`.
      targets: targets of that batch.
      step: number of the training step, from 0; dropout and other randomness are functions of it.
      training_config: how the network is trained.
    """

  @abc.abstractmethod
  def scores(self, network: keras.Model, inputs: tf.Tensor, targets: tf.Tensor) -> Mapping[str, tf.Tensor]:
    """Computes the scores of each example at inference, each `[B]`. Metrics are computed from their means over a split."""


class StreamProblem(Problem, Protocol):
  """What `nao_tf.training.language_trainer.LanguageModelTrainer` needs from a task: parallel streams of tokens."""

  @abc.abstractmethod
  def training_streams(self, num_streams: int) -> tuple[np.ndarray, np.ndarray]:
    """Returns the training text as parallel streams.

    Returns:
      Inputs and targets, int32 `[B, T]`. The target is the token that follows the input.

    Raises:
      ValueError: if there is less than one token per stream.
    """

  @abc.abstractmethod
  def evaluation_streams(self, split: str, num_streams: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Returns a split as parallel streams.

    Returns:
      Inputs, targets and weights, `[B, T]`. The weights are 1 for tokens of the text and 0 for padding.
    """


class Trainer(Protocol):
  """A training that `nao_tf.training.training_directory.TrainingDirectory` can run and resume.

  Attributes:
    epoch: a variable with the number of completed epochs.
    resumes_within_epochs: whether the training can be resumed between two steps of an epoch.
  """

  epoch: tf.Variable
  resumes_within_epochs: bool

  @property
  def training_config(self) -> BaseTrainingConfig:
    """The training configuration, including the fields that the task fills in."""

  @property
  def steps_per_epoch(self) -> int:
    """The approximate number of steps per epoch."""

  @property
  def num_steps_done(self) -> int:
    """The number of steps completed, over all epochs."""

  @property
  def state(self) -> dict[str, Any]:
    """The checkpointed state, from which the training resumes as if it had not been interrupted."""

  def fit(self, *, on_step: Callable[[], None] = lambda: None) -> Iterator[Metrics]:
    """Trains from the current state to the last epoch.

    Args:
      on_step: called after each step.

    Yields:
      The metrics of each epoch: `epoch` (from 1), `train_loss` and `seconds`. After epochs with an evaluation, also
      validation metrics with the prefix `valid_`.

    Raises:
      Diverged: if the loss becomes NaN or infinite.
    """


@runtime_checkable
class EvaluatingTrainer(Protocol):
  """A trainer that can be interrupted during an evaluation.

  Attributes:
    between_evaluation_steps: called after each step of an evaluation. If it raises an error, the trainer keeps its
      state from before the evaluation.
  """

  between_evaluation_steps: Callable[[], None]


class Epoch(NamedTuple):
  """An epoch of a training, as reported to callbacks.

  Attributes:
    number: number of the epoch, from 1.
    total: total number of epochs of the training.
    metrics: metrics of the epoch, as yielded by `Trainer.fit`, and the learning rate.
  """

  number: int
  total: int
  metrics: Metrics


def watched_epochs(trainer: Trainer, watch: Callable[[Epoch], None]) -> Iterator[Metrics]:
  """Trains like `Trainer.fit` and calls a function with each epoch before it is yielded."""
  for metrics in trainer.fit():
    watch(Epoch(int(metrics["epoch"]), trainer.training_config.epochs, {**metrics, **learning_rate_of(trainer)}))
    yield metrics


def learning_rate_of(trainer: Trainer) -> Metrics:
  """Returns the learning rate of a trainer as a metric; empty if it has no attribute `learning_rate`."""
  rate = getattr(trainer, "learning_rate", None)
  return {} if rate is None else {"learning_rate": float(rate)}


def shown_metrics(metrics: Mapping[str, float]) -> Metrics:
  """Returns the metrics of an epoch to plot, without its number, which is the x axis."""
  return {name: float(value) for name, value in metrics.items() if name != "epoch"}


class NetworkTrainer(Trainer, Protocol):
  """A trainer of a single network.

  Attributes:
    network: the network.
  """

  network: keras.Model

  def evaluate(self, split: str) -> Metrics:
    """Returns the metrics of the network on a split. Every example counts once."""

  def restore_best(self) -> None:
    """Restores the weights to export, as `fit` does at its end."""
