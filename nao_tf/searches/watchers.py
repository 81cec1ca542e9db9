"""Observers of a search: its progress bar, its curves, its report, and callbacks of the user."""

import dataclasses
from collections.abc import Callable, Sequence
from typing import Protocol

from nao_tf.training.base import Epoch
from nao_tf.trial import Trial


class Watcher(Protocol):
  """Observes trials and their epochs."""

  def on_trial(self, trial: Trial) -> None:
    """Called with each closed trial."""

  def on_epoch(self, trial: int, epoch: Epoch) -> None:
    """Called with each epoch of the training of a trial."""


@dataclasses.dataclass(frozen=True)
class Watchers:
  """Several watchers as one.

  Attributes:
    watchers: watchers of trials and epochs.
    callbacks: called with trials alone, before the watchers.
  """

  watchers: Sequence[Watcher] = ()
  callbacks: Sequence[Callable[[Trial], None]] = ()

  def on_trial(self, trial: Trial) -> None:
    """Lets all take note of a trial that has closed."""
    for callback in self.callbacks:
      callback(trial)
    for watcher in self.watchers:
      watcher.on_trial(trial)

  def on_epoch(self, trial: int, epoch: Epoch) -> None:
    """Lets all watchers take note of an epoch of the training of a trial."""
    for watcher in self.watchers:
      watcher.on_epoch(trial, epoch)
