"""The base classes of tasks: data, losses and metrics, independent of supernets and exports.

To define your own task, subclass `BatchTask` if its data consists of examples in batches, or `StreamTask` if it is a
text. The class of the task determines the trainer, the supernet and the exporter; see `nao_tf.tasks.trainers`,
`nao_tf.supernets` and `nao_tf.serving`.
"""

from __future__ import annotations

import abc
import contextlib
import dataclasses
import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from nao_tf.training.base import BaseTrainingConfig, BatchProblem, Problem, StreamProblem

if TYPE_CHECKING:
  from nao_tf.networks.building import NetworkConfig
  from nao_tf.training.config import TrainingConfig
  from nao_tf.training.language_config import LanguageTrainingConfig

SPLITS = ("train", "valid", "test")


class DamagedData(ValueError):
  """An example cannot be read. This was detected while reading it, during a training or an evaluation."""


@dataclasses.dataclass(frozen=True)
class Configs:
  """How networks are built and trained.

  Attributes:
    network_config: size and regularization of the network, a dataclass.
    training_config: how the network is trained, a dataclass.
  """

  network_config: NetworkConfig
  training_config: BaseTrainingConfig


class Task(Problem):
  """Base class of tasks: learning problems that networks are built for, trained on and evaluated on.

  A task that can be chosen by name must have a constructor `cls(name, data_dir=..., download=..., **options)`; see
  `nao_tf.tasks.make_task`.

  Attributes:
    name: registered name, or the name of the data set.
    kind: kind of its examples in one word, such as "images" or "text". Tasks of the same kind use the same
      configurations.
    space: name of the default search space.
    reward_metric: name of the metric from which the reward is computed.
    genotypes: types of genotypes that its networks can be built from.
    child: default configurations of the candidate networks of a search.
    final: default configurations of the final network.
    final_options: task options that differ for the final training.
    hold_out: default of the option `hold_out`, which says how the validation set is chosen; None if there is no such
      option.
    earlier_hold_out: how it was chosen in version 0.2 and before; see `use_earlier_split`.
  """

  name: str
  kind: str
  space: str
  reward_metric: str
  genotypes: tuple[type, ...]
  child: Configs
  final: Configs
  final_options: Mapping[str, Any] = {}
  hold_out: str | None = None
  earlier_hold_out: str | None = None

  @property
  @abc.abstractmethod
  def input_shape(self) -> tuple[int, ...]:
    """Shape of a network input without the batch axis: (H, W, C) for images, () for tokens."""

  @property
  @abc.abstractmethod
  def num_outputs(self) -> int:
    """Number of logits of a network: the number of classes, or the vocabulary size."""

  @abc.abstractmethod
  def steps_per_epoch(self, training_config: Any) -> int:
    """Returns the approximate number of steps per epoch.

    Raises:
      ValueError: if the data is too small for a single step.
    """

  def complete_training_config(self, training_config: Any) -> Any:
    """Returns a training configuration in which the fields left to the task are filled in."""
    return training_config

  def reward(self, metrics: Mapping[str, float]) -> float:
    """Computes the reward from the metrics of a network; higher is better."""
    return metrics[self.reward_metric]

  def check_data(self) -> None:
    """Checks the training and validation data, as far as possible before training.

    Raises:
      ValueError: if the data is invalid.
    """
    for split in ("train", "valid"):
      self.num_examples(split)

  def data_errors(self) -> contextlib.AbstractContextManager[None]:
    """Returns a context manager in which errors of TensorFlow about an example are raised as errors that name it.

    Raises:
      DamagedData: inside the context, if an example cannot be read.
    """
    return contextlib.nullcontext()

  def has_test_data(self) -> bool:
    """Returns whether there is a test set. It is called before training, which does not need one.

    Raises:
      ValueError: if there is a test set, but it is invalid.
    """
    return self.num_examples("test") > 0

  def use_earlier_split(self) -> None:
    """Splits the examples as in version 0.2. It is called before anything else, for runs that do not record their split."""

  def prepare_nothing(self) -> None:
    """Reads the data where it is, and writes no copy of it. It is called before anything else, to plan a training."""

  def check_genotype(self, genotype: Any) -> None:
    """Checks that networks for this task can be built from a genotype of this type.

    Raises:
      ValueError: if they cannot.
    """
    if not isinstance(genotype, self.genotypes):
      expected = " or ".join(kind.__name__ for kind in self.genotypes)
      raise ValueError(
        f"{self.name}: its networks are built from a {expected}, got a {type(genotype).__name__}; use a search space for"
        f" {self.kind}, such as {self.space}"
      )


class BatchTask(Task, BatchProblem):
  """Base class of tasks whose data are independent examples in batches; see `nao_tf.training.base.BatchProblem`."""

  def steps_per_epoch(self, training_config: TrainingConfig) -> int:
    """Returns the number of full batches of training examples.

    Raises:
      ValueError: if there are fewer examples than one batch.
    """
    num_examples = self.num_examples("train")
    steps = num_examples // training_config.batch_size
    if not steps:
      raise ValueError(
        f"{self.name}: a batch of {training_config.batch_size} is more than the {num_examples} training examples"
      )
    return steps


class StreamTask(Task, StreamProblem):
  """Base class of language modeling tasks, that is, predicting the next token; see `nao_tf.training.base.StreamProblem`."""

  def steps_per_epoch(self, training_config: LanguageTrainingConfig) -> int:
    """Returns the number of segments of mean length in each stream of the training text.

    Raises:
      ValueError: if there is less than one token per stream.
    """
    length = self.num_examples("train") // training_config.batch_size
    if not length:
      raise ValueError(
        f"{self.name}: a text of {self.num_examples('train')} tokens cannot be divided into"
        f" {training_config.batch_size} streams"
      )
    return math.ceil(length / training_config.segment_length)


def check_split(split: str) -> None:
  """Checks the name of a split.

  Raises:
    ValueError: if it is not one of "train", "valid" and "test".
  """
  if split not in SPLITS:
    raise ValueError(f"unknown split {split!r}; expected one of {', '.join(SPLITS)}")
