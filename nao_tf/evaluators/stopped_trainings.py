"""Paused trainings of a search with rungs, in the subdirectory `rungs` of its directory.

Each candidate has a directory, named after its architecture, with checkpoints and the history of its epochs. All
workers share these directories. If the files of a candidate are missing or damaged, it is trained from scratch, which
takes longer but gives the same result.
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
  """The paused trainings of a search."""

  def __init__(self, directory: str):
    """Initializes with the directory of the search. Nothing is written yet."""
    self._directory = os.path.join(directory, TRAININGS_DIRECTORY)

  def train_on(
    self, trainer: NetworkTrainer, architecture: Architecture, until: int, on_epoch: Callable[[Epoch], None]
  ) -> Sequence[Metrics]:
    """Trains a candidate up to an epoch, resuming its paused training if there is one.

    Args:
      trainer: a fresh trainer, constructed in the same way as before.
      architecture: canonical encoding of the candidate.
      until: the epoch to pause after.
      on_epoch: called with each epoch that is trained in this call.

    Returns:
      The metrics of all epochs of the candidate. Those of the last one include validation metrics.
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
    """Deletes the files of a candidate that will not be resumed."""
    shutil.rmtree(self._path(architecture), ignore_errors=True)

  def _opened(self, trainer: NetworkTrainer, architecture: Architecture) -> TrainingDirectory:
    path = self._path(architecture)
    try:
      return TrainingDirectory(path, trainer, tensorboard=False)
    except ValueError as error:
      logging.warning("%s: training restarted from scratch (%s)", path, error)
      shutil.rmtree(path, ignore_errors=True)
      return TrainingDirectory(path, trainer, tensorboard=False)

  def _path(self, architecture: Architecture) -> str:
    name = hashlib.sha256(",".join(map(str, architecture)).encode()).hexdigest()[:16]
    return os.path.join(self._directory, name)
