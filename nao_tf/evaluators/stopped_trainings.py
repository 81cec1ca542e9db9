"""Trainings that were stopped after some epochs, and can go on: `rungs` in the directory of a search.

Each child has a directory with its checkpoints and the history of its epochs there, named after its architecture. All
workers of a search see the same directory. If the files of a child are missing or damaged, it is trained from the
beginning, which costs time and gives the same result.
"""

import hashlib
import os
import shutil
from collections.abc import Callable, Sequence

from absl import logging

from nao_tf.evaluators.rung_evaluator import TRAININGS_DIRECTORY
from nao_tf.training.base import Epoch, Metrics, NetworkTrainer, learning_rate_of
from nao_tf.training.training_directory import TrainingDirectory
from nao_tf.trial import Architecture


class StoppedTrainings:
  """The trainings of a search that may go on."""

  def __init__(self, directory: str):
    """Takes the directory of the search. Nothing is written yet."""
    self._directory = os.path.join(directory, TRAININGS_DIRECTORY)

  def train_on(
    self, trainer: NetworkTrainer, architecture: Architecture, until: int, on_epoch: Callable[[Epoch], None]
  ) -> Sequence[Metrics]:
    """Trains a child up to an epoch, from where it was left.

    Args:
      trainer: fresh, the same as before.
      architecture: of the child, canonical.
      until: the epoch to stop after.
      on_epoch: called with each epoch that is trained now.

    Returns:
      The metrics of all its epochs. Those of the last one have the metrics on the validation set.
    """

    def watch(metrics: Metrics) -> None:
      shown = {**metrics, **learning_rate_of(trainer)}
      on_epoch(Epoch(int(metrics["epoch"]), trainer.training_config.epochs, shown))

    with self._opened(trainer, architecture) as training:
      *before, last = training.fit(until=until, on_epoch=watch)
    if not any(name.startswith("valid_") for name in last):
      last = {**last, **{f"valid_{name}": value for name, value in trainer.evaluate("valid").items()}}
    return [*before, last]

  def forget(self, architecture: Architecture) -> None:
    """Removes the files of a child that does not go on."""
    shutil.rmtree(self._path(architecture), ignore_errors=True)

  def _opened(self, trainer: NetworkTrainer, architecture: Architecture) -> TrainingDirectory:
    path = self._path(architecture)
    try:
      return TrainingDirectory(path, trainer, tensorboard=False)
    except ValueError as error:
      logging.warning("%s: trained from the beginning (%s)", path, error)
      shutil.rmtree(path, ignore_errors=True)
      return TrainingDirectory(path, trainer, tensorboard=False)

  def _path(self, architecture: Architecture) -> str:
    name = hashlib.sha256(",".join(map(str, architecture)).encode()).hexdigest()[:16]
    return os.path.join(self._directory, name)
