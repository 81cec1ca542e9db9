"""The declaration of a one-shot search, and the interface of its trainer. Does not import TensorFlow."""

from __future__ import annotations

import abc
import dataclasses
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from nao_tf.registries import load_place
from nao_tf.training.base import Metrics, Trainer

if TYPE_CHECKING:
  import tensorflow as tf

  from nao_tf.runs.shares import Shares
  from nao_tf.spaces.base import SearchSpace
  from nao_tf.supernets.config import SharingConfig
  from nao_tf.tasks.base import Configs, Task
  from nao_tf.trial import Architecture


TRAINING = "one_shot"
"""The training of the network that holds all architectures, in the directory of the search."""


class OneShotTrainer(Trainer, Protocol):
  """Trains a supernet epoch by epoch, and derives an architecture after each epoch.

  An epoch may have several phases, such as training the weights and then a controller. The metrics yielded by `fit`
  include `epoch`, `train_loss` (of the weights), `seconds` and, prefixed with `valid_`, metrics of the derived
  architecture or of the whole supernet. Further metrics, such as `entropy`, are also recorded in the journal. `state`
  holds everything needed to resume.

  Attributes:
    task: the task.
  """

  task: Task

  @abc.abstractmethod
  def architecture(self) -> Architecture:
    """Returns the currently derived architecture."""

  def shares(self) -> Sequence[Shares]:
    """Returns the probabilities of the choices of each decision, for the chart in the report; may be empty."""
    return ()

  def drawn(self) -> Iterator[tuple[Architecture, Metrics]]:
    """Yields architectures sampled at the end of the training, with their validation metrics.

    They are a function of the state. If there are any, the best of them wins; otherwise that of the last epoch does.
    """
    return iter(())


@dataclasses.dataclass(frozen=True)
class OneShotContext:
  """The context from which the trainer of a one-shot search is constructed.

  Attributes:
    task: the task.
    space: the search space.
    configs: how the supernet is built and trained.
    config: settings of the search.
    sharing_config: how paths share weights, for a search that samples paths.
    distribution: the `tf.distribute.Strategy` to train with.
    seed: random seed.
  """

  task: Task
  space: SearchSpace
  configs: Configs
  config: Any
  sharing_config: SharingConfig
  distribution: tf.distribute.Strategy
  seed: int


@dataclasses.dataclass(frozen=True)
class OneShotDefaults:
  """Defaults of a one-shot search for a kind of tasks.

  Attributes:
    space: name of the search space.
    configs: how the supernet is built and trained.
    children: how derived architectures are built and trained from scratch.
    check_space: function that raises a ValueError if the search does not support a space.
    validation_fraction: fraction of the training data to hold out; None for that of the task.
    config: settings of the search for such tasks; None for its general settings.
  """

  space: str
  configs: Configs
  children: Configs
  check_space: Callable[[SearchSpace], None]
  validation_fraction: float | None = None
  config: Any = None


@dataclasses.dataclass(frozen=True)
class OneShotSearch:
  """The declaration of a one-shot search.

  Attributes:
    config: settings of the search, a frozen dataclass.
    prefix: prefix of the flags of its settings, which searches with settings of the same class may share.
    trainer: import path of a function that constructs an `OneShotTrainer` from an `OneShotContext`.
    defaults: defaults for each supported kind of tasks.
    samples_paths: whether it uses `SharingConfig`, the settings of paths that share weights.
    data_check: import path of a function that raises a ValueError if the task of an `OneShotContext` has too little
      data; empty for none. The command line calls it before it announces the start of a search.
  """

  config: Any
  prefix: str
  trainer: str
  defaults: Mapping[str, OneShotDefaults]
  samples_paths: bool = False
  data_check: str = ""

  def defaults_for(self, kind: str) -> OneShotDefaults:
    """Returns the defaults for a kind of tasks.

    Raises:
      ValueError: if the search does not support such tasks.
    """
    if kind not in self.defaults:
      raise ValueError(f"there is no supernet for a task on {kind}, only for a task on {' or '.join(self.defaults)}")
    return self.defaults[kind]

  def config_for(self, kind: str) -> Any:
    """Returns the settings for a kind of tasks."""
    own = self.defaults[kind].config if kind in self.defaults else None
    return self.config if own is None else own

  def check_data(self, context: OneShotContext) -> None:
    """Checks that there is enough data, without building a network.

    Raises:
      ValueError: if there is not.
    """
    if self.data_check:
      load_place(self.data_check, "check of the data of a one-shot search")(context)

  def make_trainer(self, context: OneShotContext) -> OneShotTrainer:
    """Returns a fresh trainer.

    Raises:
      ValueError: if the parts of the context are incompatible.
    """
    trainer: OneShotTrainer = load_place(self.trainer, "trainer of a one-shot search")(context)
    return trainer
