"""What a one-shot search declares, and what the trainer is that it makes. Nothing here imports TensorFlow."""

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
  """Trains a network that holds all architectures, an epoch at a time, and derives one after each epoch.

  What an epoch is, is up to it: an epoch of the weights and then one of a controller is one. The metrics that `fit` yields
  have `epoch`, `train_loss` (that of the weights), `seconds` and, with the prefix `valid_`, the metrics of what was derived
  or of the whole network. Others, such as `entropy`, go into the journal, too. All that it needs to go on is in `state`.

  Attributes:
    task: what is learned.
  """

  task: Task

  @abc.abstractmethod
  def architecture(self) -> Architecture:
    """Returns the architecture that the search would end with now."""

  def shares(self) -> Sequence[Shares]:
    """Returns the probabilities of the choices of each decision, for the chart of the report; may be empty."""
    return ()

  def drawn(self) -> Iterator[tuple[Architecture, Metrics]]:
    """Yields further architectures when the training has ended, with their metrics on the validation set.

    They are a function of the state. If there are any, the best of them wins; otherwise the last epoch's does.
    """
    return iter(())


@dataclasses.dataclass(frozen=True)
class OneShotContext:
  """What the trainer of a one-shot search is made from.

  Attributes:
    task: what is learned.
    space: the search space.
    configs: how the network that holds all architectures is built and trained.
    config: the search's own settings.
    sharing_config: how paths share weights, for a search that samples paths.
    distribution: the `tf.distribute.Strategy` of the process.
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
  """What a one-shot search does on a kind of task unless a person says otherwise.

  Attributes:
    space: name of what is searched.
    configs: how the network that holds all architectures is built and trained.
    children: how derived architectures are built and trained from scratch.
    check_space: raises ValueError if the search cannot search a space.
    validation_fraction: share of the training data that is held out; None for that of the task.
    config: the search's own settings for such tasks; None: as for all others.
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
    config: its settings, a frozen dataclass.
    prefix: what the flags of its settings begin with. Searches whose settings are of one class may share it.
    trainer: place of a function that makes an `OneShotTrainer` from an `OneShotContext`.
    defaults: by the kind of tasks that it is for.
    samples_paths: whether it uses the settings of paths that share weights, `SharingConfig`.
    data_check: place of a function that raises ValueError if the task of an `OneShotContext` has too little data; empty for
      none. The command line calls it before it says that a search begins.
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
      ValueError: if the search is for no such tasks.
    """
    if kind not in self.defaults:
      raise ValueError(
        f"there is no network that holds all architectures for a task on {kind}, only for a task on"
        f" {' or '.join(self.defaults)}"
      )
    return self.defaults[kind]

  def config_for(self, kind: str) -> Any:
    """Returns the settings for a kind of tasks."""
    own = self.defaults[kind].config if kind in self.defaults else None
    return self.config if own is None else own

  def check_data(self, context: OneShotContext) -> None:
    """Checks that the search can learn from the data, without making a network.

    Raises:
      ValueError: if it cannot.
    """
    if self.data_check:
      load_place(self.data_check, "check of the data of a one-shot search")(context)

  def make_trainer(self, context: OneShotContext) -> OneShotTrainer:
    """Returns a fresh trainer.

    Raises:
      ValueError: if what the context has does not fit together.
    """
    trainer: OneShotTrainer = load_place(self.trainer, "trainer of a one-shot search")(context)
    return trainer
