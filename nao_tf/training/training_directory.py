"""What a training leaves on disk: checkpoints to go on from, the history of its epochs, scalars for TensorBoard.

There is a checkpoint after each epoch and, where a training can go on from there, one from time to time in between. An
epoch's line in the history reaches the disk before its checkpoint does. A process that dies in between leaves a line too
many, which is dropped when the training goes on: it then repeats the steps since its last checkpoint as they were.
"""

import json
import os
import time

import tensorflow as tf
import tqdm

from nao_tf.tasks.base import NetworkTrainer
from nao_tf.training.batch_trainer import Metrics

HISTORY_FILE = "history.jsonl"
CHECKPOINTS = "checkpoints"
TENSORBOARD = "tensorboard"
_KEPT = 2
_CHECKPOINT_SECONDS = 120.0


class TrainingDirectory:
  """A trainer's directory.

  Attributes:
    history: the metrics of all epochs so far, those of earlier processes included.
  """

  def __init__(self, directory: str, trainer: NetworkTrainer, *, checkpoint_seconds: float = _CHECKPOINT_SECONDS):
    """Opens a directory, makes it if need be, and puts the trainer where the last checkpoint in it was.

    Args:
      directory: where.
      trainer: a fresh trainer with the same settings as those before it.
      checkpoint_seconds: from one checkpoint to the next within an epoch, if the trainer can go on from there.

    Raises:
      ValueError: if the checkpoint is that of another network or optimizer.
      OSError: if the directory cannot be made or written.
    """
    os.makedirs(directory, exist_ok=True)
    self._trainer, self._path = trainer, os.path.join(directory, HISTORY_FILE)
    self._checkpoint_seconds, self._saved_at = checkpoint_seconds, time.monotonic()
    checkpoint = tf.train.Checkpoint(**trainer.state)
    self._manager = tf.train.CheckpointManager(checkpoint, os.path.join(directory, CHECKPOINTS), max_to_keep=_KEPT)
    restore_latest(directory, trainer)
    self.history = [metrics for metrics in _read(self._path) if metrics["epoch"] <= int(trainer.epoch.numpy())]
    _write(self._path, self.history)
    self._writer = tf.summary.create_file_writer(os.path.join(directory, TENSORBOARD))

  def fit(self, *, progress: bool = False) -> list[Metrics]:
    """Trains to the last epoch, recording each; returns the history.

    Args:
      progress: whether to show a progress bar.

    Raises:
      Diverged: if the loss is no number any more.
    """
    trainer = self._trainer
    total, done = trainer.config.epochs * trainer.steps_per_epoch, trainer.num_steps_done
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
    with open(self._path, "a", encoding="utf-8") as file:
      file.write(json.dumps(metrics) + "\n")
      file.flush()
      os.fsync(file.fileno())
    self._save()
    with self._writer.as_default(step=metrics["epoch"]):
      for name, value in metrics.items():
        tf.summary.scalar(name, value)
    self._writer.flush()


def restore_latest(directory: str, trainer: NetworkTrainer) -> bool:
  """Puts a fresh trainer where the last checkpoint of a training directory was; returns whether there was one.

  Raises:
    ValueError: if the checkpoint is that of another network or optimizer.
  """
  latest = tf.train.latest_checkpoint(os.path.join(directory, CHECKPOINTS))
  if latest is None:
    return False
  try:
    tf.train.Checkpoint(**trainer.state).restore(latest).assert_existing_objects_matched()
  except (AssertionError, ValueError) as error:
    raise ValueError(f"{directory}: its checkpoint is that of another network or optimizer ({error})") from error
  return True


def _read(path: str) -> list[Metrics]:
  """Returns the lines of a history, without one that a dying process left torn."""
  if not os.path.exists(path):
    return []
  with open(path, encoding="utf-8") as file:
    return [json.loads(line) for line in file if line.endswith("\n")]


def _write(path: str, history: list[Metrics]) -> None:
  temporary = f"{path}.tmp"
  with open(temporary, "w", encoding="utf-8") as file:
    file.writelines(json.dumps(metrics) + "\n" for metrics in history)
  os.replace(temporary, path)
