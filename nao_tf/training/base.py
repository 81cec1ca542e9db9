"""What a trainer is, and what it needs of a task. These are protocols: nothing here depends on a task or a network."""

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
  """Raised when the loss becomes NaN or infinite.

  Attributes:
    epoch: number of the epoch, from 1.
    step: number of the step within the epoch, from 1.
    loss: the loss of that step.
  """

  def __init__(self, epoch: int, step: int, loss: float):
    """Sets the attributes and the message."""
    super().__init__(f"diverged: the loss was {loss} in epoch {epoch}, step {step}")
    self.epoch, self.step, self.loss = epoch, step, loss


def checked_loss(loss: tf.Tensor | None, epoch: int, step: int) -> float:
  """Returns a loss as a number, 0 for None.

  Args:
    loss: the loss of a step; None if no step has been made yet.
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
  """What all training configurations have in common; they are frozen dataclasses."""

  __dataclass_fields__: ClassVar[dict[str, dataclasses.Field[Any]]]

  @property
  def epochs(self) -> int:
    """How many passes over the training data are made."""

  @property
  def batch_size(self) -> int:
    """How many examples, or streams of tokens, a step has over all replicas."""

  @property
  def optimizer(self) -> str:
    """Name of the optimizer."""

  @property
  def evaluate_every(self) -> int:
    """How many epochs lie between two evaluations on the validation set."""


class Problem(Protocol):
  """What every trainer needs of a task.

  Attributes:
    name: name of the task, for messages.
  """

  name: str

  @abc.abstractmethod
  def num_examples(self, split: str) -> int:
    """Returns how many examples "train", "valid" or "test" has; 0 if there is no such split."""

  def metrics(self, means: Mapping[str, float]) -> Metrics:
    """Returns the metrics of a network, given the mean of each score over all examples."""
    return dict(means)


class BatchProblem(Problem, Protocol):
  """What `nao_tf.training.batch_trainer.BatchTrainer` needs of a task: batches of examples, losses and scores.

  Losses and scores are per example, so that the trainer can weight them: with several replicas each replica
  contributes its share, and an evaluation counts every example once.
  """

  @abc.abstractmethod
  def steps_per_epoch(self, training_config: TrainingConfig) -> int:
    """Returns how many batches an epoch has.

    Raises:
      ValueError: if there is not even one.
    """

  @abc.abstractmethod
  def training_batches(self, training_config: TrainingConfig, *, seed: int, first_epoch: int = 0) -> tf.data.Dataset:
    """Returns all batches from an epoch to the last one, `steps_per_epoch` for each epoch.

    They are a function of (training_config, seed, epoch, step): a training that is resumed at an epoch sees the batches
    that it would have seen without the interruption.

    A training that is resumed within an epoch skips the batches before. A task may do that itself, before it reads or
    decodes anything, if it takes an argument `first_step`: how many batches of the first epoch to leave out.

    Args:
      training_config: how the network is trained.
      seed: seed of the order of the examples and of their augmentation.
      first_epoch: number of the epoch to begin with, from 0.

    Returns:
      Pairs (inputs, targets), each with `training_config.batch_size` examples.
    """

  @abc.abstractmethod
  def evaluation_batches(self, split: str, batch_size: int) -> tf.data.Dataset:
    """Returns a split in batches of one size.

    Args:
      split: "train", "valid" or "test".
      batch_size: size of each batch; the last one is padded to it.

    Returns:
      Triples (inputs, targets, weights). The weights `[B]` are 1 for an example and 0 for padding.
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
    """Returns the losses of a network in training, `[B]`.

    Args:
      network: the network.
      inputs: inputs of a batch from `training_batches`.
      targets: targets of that batch.
      step: number of the training step, from 0. Dropout and the like are functions of it.
      training_config: how the network is trained.
    """

  @abc.abstractmethod
  def scores(self, network: keras.Model, inputs: tf.Tensor, targets: tf.Tensor) -> Mapping[str, tf.Tensor]:
    """Returns scores of a network in inference, each `[B]`. Their means over a split are its metrics."""


class StreamProblem(Problem, Protocol):
  """What `nao_tf.training.language_trainer.LanguageModelTrainer` needs of a task: parallel streams of tokens."""

  @abc.abstractmethod
  def training_streams(self, num_streams: int) -> tuple[np.ndarray, np.ndarray]:
    """Returns the training text as parallel streams.

    Returns:
      Inputs and targets, int32 `[B, T]`. A target is the token that follows its input.

    Raises:
      ValueError: if there is not even one token for each stream.
    """

  @abc.abstractmethod
  def evaluation_streams(self, split: str, num_streams: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Returns a split as parallel streams.

    Returns:
      Inputs, targets and weights, `[B, T]`. The weights are 1 for a token of the text and 0 for padding.
    """


class Trainer(Protocol):
  """A training that `nao_tf.training.training_directory.TrainingDirectory` can run and resume.

  Attributes:
    epoch: a variable, the number of completed epochs.
    resumes_within_epochs: whether the training can be resumed between two steps of an epoch.
  """

  epoch: tf.Variable
  resumes_within_epochs: bool

  @property
  def training_config(self) -> BaseTrainingConfig:
    """How the network is trained, with every field set that the task may fill in."""

  @property
  def steps_per_epoch(self) -> int:
    """How many steps an epoch has, approximately."""

  @property
  def num_steps_done(self) -> int:
    """How many steps have been made, in all epochs."""

  @property
  def state(self) -> dict[str, Any]:
    """What a checkpoint must hold to resume the training as if it had not been interrupted."""

  def fit(self, *, on_step: Callable[[], None] = lambda: None) -> Iterator[Metrics]:
    """Trains from the present state to the last epoch.

    Args:
      on_step: called after each step.

    Yields:
      The metrics of each epoch: `epoch` (from 1), `train_loss`, `seconds`. Metrics on the validation set, from time to
      time, have the prefix `valid_`.

    Raises:
      Diverged: if the loss becomes NaN or infinite.
    """


@runtime_checkable
class EvaluatingTrainer(Protocol):
  """A trainer that can be interrupted within an evaluation.

  Attributes:
    between_evaluation_steps: called after each step of an evaluation. If it raises an error, the trainer is left as it was
      before the evaluation.
  """

  between_evaluation_steps: Callable[[], None]


class Epoch(NamedTuple):
  """An epoch of a training, for those who watch it.

  Attributes:
    number: from 1.
    total: how many the training has.
    metrics: of the epoch, as `Trainer.fit` yields them, with the learning rate.
  """

  number: int
  total: int
  metrics: Metrics


def watched_epochs(trainer: Trainer, watch: Callable[[Epoch], None]) -> Iterator[Metrics]:
  """Trains as `Trainer.fit` does, and shows each epoch to a function before it is yielded."""
  for metrics in trainer.fit():
    watch(Epoch(int(metrics["epoch"]), trainer.training_config.epochs, {**metrics, **learning_rate_of(trainer)}))
    yield metrics


def learning_rate_of(trainer: Trainer) -> Metrics:
  """Returns the learning rate of a trainer as a metric; none if its attribute `learning_rate` is missing."""
  rate = getattr(trainer, "learning_rate", None)
  return {} if rate is None else {"learning_rate": float(rate)}


def shown_metrics(metrics: Mapping[str, float]) -> Metrics:
  """Returns the metrics of an epoch that curves show: its number is their axis."""
  return {name: float(value) for name, value in metrics.items() if name != "epoch"}


class NetworkTrainer(Trainer, Protocol):
  """The training of one network.

  Attributes:
    network: the network.
  """

  network: keras.Model

  def evaluate(self, split: str) -> Metrics:
    """Returns the metrics of the network on a split, with every example counted once."""

  def restore_best(self) -> None:
    """Gives the network the weights that are to be exported, as `fit` does when it ends."""
