"""What a task is: data, losses and scores. It knows nothing of supernets or exports.

A task of your own is a subclass of `BatchTask`, if its examples come in batches, or of `StreamTask`, if its data is a
text. The trainer, the supernet and the exporter are chosen by the class of the task: see `nao_tf.tasks.trainers`,
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
  """An example cannot be read, which was found out when it was its turn."""


@dataclasses.dataclass(frozen=True)
class Configs:
  """How networks are built and trained.

  Attributes:
    network_config: how large and how regularized networks are, a dataclass.
    training_config: how networks are trained, a dataclass.
  """

  network_config: NetworkConfig
  training_config: BaseTrainingConfig


class Task(Problem):
  """A learning problem: networks are built for it, trained on it and compared by it.

  To be chosen by name, a task must be made by `cls(name, data_dir=..., download=..., **options)`; see
  `nao_tf.tasks.make_task`.

  Attributes:
    name: key in the registry, or the name of the data set.
    kind: what its examples are, in one word: "images", "text". Tasks of one kind have the same configurations.
    space: name of the search space of its networks, if no other space is named.
    reward_metric: name of the metric that the reward is made of.
    genotypes: the types of genotypes that its networks are built from.
    child: how the children of a search are built and trained by default.
    final: how the network that a search has found is built and trained by default.
    final_options: options of the task that differ for the final training.
    hold_out: how its validation set is chosen if the option `hold_out` is not given; None for a task without that option.
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
    """Shape of one input of a network, without the batch axis: (H, W, C) of an image, () of a token."""

  @property
  @abc.abstractmethod
  def num_outputs(self) -> int:
    """How many logits a network has: the number of classes, or of words."""

  @abc.abstractmethod
  def steps_per_epoch(self, training_config: Any) -> int:
    """Returns how many steps an epoch has, approximately.

    Raises:
      ValueError: if there is not even one.
    """

  def complete_training_config(self, training_config: Any) -> Any:
    """Returns the configuration with the fields set that it leaves to the task."""
    return training_config

  def reward(self, metrics: Mapping[str, float]) -> float:
    """Returns the reward of a network with these metrics; higher is better."""
    return metrics[self.reward_metric]

  def check_data(self) -> None:
    """Checks the data to train on and that held out, as far as it can be known before a training reads it.

    Raises:
      ValueError: if something is wrong with it.
    """
    for split in ("train", "valid"):
      self.num_examples(split)

  def data_errors(self) -> contextlib.AbstractContextManager[None]:
    """Returns the context in which the data is read: there, an error of TensorFlow about an example says which it is.

    Raises:
      DamagedData: in the context, if an example cannot be read.
    """
    return contextlib.nullcontext()

  def has_test_data(self) -> bool:
    """Returns whether a trained network can be tested. It is asked before a training, which need not have a test set.

    Raises:
      ValueError: if there is a test set, and something is wrong with it.
    """
    return self.num_examples("test") > 0

  def use_earlier_split(self) -> None:
    """Divides the examples as version 0.2 did. It is called first of all, for a run that does not record its split."""

  def check_genotype(self, genotype: Any) -> None:
    """Checks that networks for this task are built from genotypes of this type.

    Raises:
      ValueError: if they are not.
    """
    if not isinstance(genotype, self.genotypes):
      expected = " or ".join(kind.__name__ for kind in self.genotypes)
      raise ValueError(
        f"{self.name}: its networks are built from a {expected}, got a {type(genotype).__name__}; give a search space for"
        f" {self.kind}, such as {self.space}"
      )


class BatchTask(Task, BatchProblem):
  """A task whose examples come in batches, each example by itself; see `nao_tf.training.base.BatchProblem`."""

  def steps_per_epoch(self, training_config: TrainingConfig) -> int:
    """Returns how many full batches the training examples make.

    Raises:
      ValueError: if there is not even one.
    """
    num_examples = self.num_examples("train")
    steps = num_examples // training_config.batch_size
    if not steps:
      raise ValueError(
        f"{self.name}: a batch of {training_config.batch_size} is more than the {num_examples} training examples"
      )
    return steps


class StreamTask(Task, StreamProblem):
  """A task on a text: its networks predict the next token. See `nao_tf.training.base.StreamProblem`."""

  def steps_per_epoch(self, training_config: LanguageTrainingConfig) -> int:
    """Returns how many segments of mean length the streams of the training text have.

    Raises:
      ValueError: if there is not even one token for each stream.
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
    ValueError: if it is unknown.
  """
  if split not in SPLITS:
    raise ValueError(f"unknown split {split!r}; expected one of {', '.join(SPLITS)}")
