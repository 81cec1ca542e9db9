"""The directory of a training: checkpoints to resume from, the history of the epochs, scalars for TensorBoard.

A checkpoint is written after each epoch. A training that can be resumed within an epoch also writes one from time to
time in between. The line of an epoch in the history reaches the disk before its checkpoint does. A process that dies in
between leaves one line too many. That line is dropped when the training is resumed, and the training repeats the steps
since its last checkpoint exactly.
"""

import os
import time

import tensorflow as tf
import tqdm

from nao_tf.runs.lines import LinesFile, read_lines, write_lines
from nao_tf.training.base import Metrics, Trainer

HISTORY_FILE = "history.jsonl"
CHECKPOINTS = "checkpoints"
TENSORBOARD = "tensorboard"
_KEPT = 2
_CHECKPOINT_SECONDS = 120.0


class TrainingDirectory:
  """The directory of a training.

  Attributes:
    history: the metrics of all epochs so far, including those of earlier processes.
  """

  def __init__(self, directory: str, trainer: Trainer, *, checkpoint_seconds: float = _CHECKPOINT_SECONDS):
    """Opens the directory and restores the last checkpoint in it, if there is one.

    Args:
      directory: path of the directory; it is made if it does not exist.
      trainer: a fresh trainer, with the same settings as earlier ones with this directory.
      checkpoint_seconds: time between two checkpoints within an epoch, if the training can be resumed there.

    Raises:
      ValueError: if the checkpoint is of another network or optimizer.
      OSError: if the directory cannot be made or written.
    """
    os.makedirs(directory, exist_ok=True)
    self._trainer, self._path = trainer, os.path.join(directory, HISTORY_FILE)
    self._checkpoint_seconds, self._saved_at = checkpoint_seconds, time.monotonic()
    checkpoint = tf.train.Checkpoint(**trainer.state)
    self._manager = tf.train.CheckpointManager(checkpoint, os.path.join(directory, CHECKPOINTS), max_to_keep=_KEPT)
    restore_latest(directory, trainer)
    self.history = [metrics for metrics in read_history(directory) if metrics["epoch"] <= int(trainer.epoch.numpy())]
    write_lines(self._path, self.history)
    self._lines = LinesFile(self._path)
    self._writer = tf.summary.create_file_writer(os.path.join(directory, TENSORBOARD))

  def fit(self, *, progress: bool = False) -> list[Metrics]:
    """Trains to the last epoch and records each epoch; returns the history.

    Args:
      progress: whether to show a progress bar.

    Raises:
      nao_tf.training.base.Diverged: if the loss becomes NaN or infinite.
    """
    trainer = self._trainer
    total, done = trainer.training_config.epochs * trainer.steps_per_epoch, trainer.num_steps_done
    with tqdm.tqdm(total=total, initial=done, unit="step", disable=not progress, dynamic_ncols=True) as bar:
      for metrics in trainer.fit(on_step=lambda: self._on_step(bar)):
        self._record(metrics)
        bar.set_postfix({name: f"{value:.4g}" for name, value in metrics.items() if name != "seconds"})
    return self.history

  def _on_step(self, bar: tqdm.tqdm) -> None:
    bar.update()
    if self._trainer.resumes_within_epochs and time.monotonic() - self._saved_at >= self._checkpoint_seconds:
      self._save()

  def _save(self) -> None:
    self._manager.save(checkpoint_number=self._trainer.num_steps_done)
    self._saved_at = time.monotonic()

  def _record(self, metrics: Metrics) -> None:
    self.history.append(metrics)
    self._lines.append(metrics, allow_nan=True)
    self._save()
    with self._writer.as_default(step=metrics["epoch"]):
      for name, value in metrics.items():
        tf.summary.scalar(name, value)
    self._writer.flush()


def restore_latest(directory: str, trainer: Trainer) -> bool:
  """Restores a fresh trainer from the last checkpoint of a training directory; returns whether there is one.

  Raises:
    ValueError: if the checkpoint is of another network or optimizer.
  """
  latest = tf.train.latest_checkpoint(os.path.join(directory, CHECKPOINTS))
  if latest is None:
    return False
  try:
    tf.train.Checkpoint(**trainer.state).restore(latest).assert_existing_objects_matched()
  except (AssertionError, ValueError) as error:
    raise ValueError(f"{directory}: its checkpoint is that of another network or optimizer ({error})") from error
  return True


def read_history(directory: str) -> list[Metrics]:
  """Returns the metrics of all epochs that a training directory holds; none if there is no history.

  Raises:
    ValueError: if a line is not JSON; the message names it.
  """
  path = os.path.join(directory, HISTORY_FILE)
  return read_lines(path, dict, "an epoch of a training") if os.path.exists(path) else []
