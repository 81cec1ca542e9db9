"""The directory of a training: checkpoints to resume from, the history of the epochs, and scalars for TensorBoard.

A checkpoint is saved after each epoch, and from time to time in between. The last two are kept, and that of the epoch
with the lowest validation loss. On Ctrl-C or SIGTERM a checkpoint is saved after the current step before the process
exits. If the loss is not finite, the training can return to its last checkpoint, once.

The line of an epoch in the history is flushed to disk before its checkpoint is. A process that dies in between leaves
one line too many, which is dropped when the training is resumed; the training then repeats the steps since its last
checkpoint exactly.

If the last checkpoint is damaged, the training resumes from the one before it. The history is then truncated to that
epoch, and the old one is kept as `history.jsonl.1`. Only one process at a time may write to the directory.
"""

import contextlib
import math
import os
import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import tensorflow as tf
from absl import logging
from tensorflow import keras

from nao_tf.runs.event_files import EventFiles
from nao_tf.runs.held_signals import HeldSignals, held_signals
from nao_tf.runs.lines import LinesFile, write_lines
from nao_tf.runs.progress_bars import progress_bar
from nao_tf.runs.run_lock import RunLock
from nao_tf.runs.settings import RunDirectoryError
from nao_tf.training import checkpoints
from nao_tf.training.averaged_network import AveragedNetwork
from nao_tf.training.averaging import BestWeights
from nao_tf.training.base import Diverged, EvaluatingTrainer, Metrics, Trainer, learning_rate_of, shown_metrics
from nao_tf.training.checkpoints import Checkpoints, OtherCheckpoint, Restored
from nao_tf.training.course import weights_are_finite
from nao_tf.training.history import CHECKPOINTS, HISTORY_FILE, read_history
from nao_tf.training.run_options import CHECKPOINT_SECONDS

if TYPE_CHECKING:
  import tqdm

TENSORBOARD = "tensorboard"
_LOSS = "valid_loss"
_LINE_SECONDS = 60.0
"""Time between two lines of progress in a log file."""


class TrainingDirectory:
  """The directory of a training. It is also a context manager, which closes its files.

  No other process can open the directory while it is being opened, and during `fit`.

  Attributes:
    history: the metrics of all epochs so far, including those of earlier processes.
  """

  def __init__(
    self,
    directory: str,
    trainer: Trainer,
    *,
    checkpoint_seconds: float = CHECKPOINT_SECONDS,
    checkpoint_steps: int = 0,
    nan_rate_factor: float = 0.0,
    lock: RunLock | None = None,
    tensorboard: bool = True,
  ):
    """Opens the directory and restores the last whole checkpoint in it, if there is one.

    Args:
      directory: path of the directory; it is created if it does not exist.
      trainer: a fresh trainer, with the same settings as earlier ones with this directory.
      checkpoint_seconds: time between two checkpoints within an epoch, if the training can be resumed there.
      checkpoint_steps: steps between two checkpoints within an epoch; 0: by time alone.
      nan_rate_factor: if the loss is not finite, the training goes back to its last checkpoint, or to its start, and
        on with its learning rate times this. It does so once, and once more in a later process with a smaller factor.
        0: it ends.
      lock: the lock of the directory, if the caller holds it as long as this is used; None to take it when needed.
      tensorboard: whether to write scalars for TensorBoard.

    Raises:
      nao_tf.runs.run_lock.RunDirectoryInUse: if another process has the lock.
      ValueError: if the checkpoint is of another network or optimizer, the history cannot be read, or there is a
        history but no whole checkpoint.
      OSError: if the directory cannot be created or written.
    """
    self._directory, self._path, self._lock = directory, os.path.join(directory, HISTORY_FILE), lock
    self._trainer, self._is_open = trainer, True
    self._checkpoint_seconds, self._saved_at = checkpoint_seconds, time.monotonic()
    self._checkpoint_steps, self._steps_since, self._nan_rate_factor = checkpoint_steps, 0, nan_rate_factor
    with self._locked():
      recorded, begun = read_history(directory), os.path.isdir(os.path.join(directory, CHECKPOINTS))
      self._checkpoints = _open_checkpoints(directory, trainer.state)
      self.history = [metrics for metrics in recorded if metrics["epoch"] <= int(trainer.epoch.numpy())]
      if len(self.history) < len(recorded):
        self._cut(recorded, begun)
      _warn_of_gaps(self._path, self.history, int(trainer.epoch.numpy()))
      self._lines = LinesFile(self._path)
      self._events = EventFiles(os.path.join(directory, TENSORBOARD)) if tensorboard else None
    self._last_shown = (self._events.last_step or 0) if self._events else 0

  def fit(
    self,
    *,
    progress: bool = False,
    until: int | None = None,
    on_epoch: Callable[[Metrics], None] = lambda metrics: None,
  ) -> list[Metrics]:
    """Trains to the last epoch and records each epoch; returns the history.

    Args:
      progress: whether to show a progress bar.
      until: the epoch to pause after; None for the last one.
      on_epoch: called with the metrics of each epoch that is trained in this call.

    Raises:
      nao_tf.training.base.Diverged: if the loss becomes NaN or infinite.
      nao_tf.runs.run_lock.RunDirectoryInUse: if another process holds the lock.
      RunDirectoryError: if another process has trained here since the directory was opened, or `close` was called.
      OSError: if the directory cannot be written to.
    """
    if not self._is_open:
      raise RunDirectoryError(f"{self._directory}: was closed; open it again to continue")
    with self._locked():
      if not self._checkpoints.is_current():
        raise RunDirectoryError(
          f"{self._directory}: another process has trained here in the meantime; open it again to continue"
        )
      self._show_rest()
      if until is None or int(self._trainer.epoch.numpy()) < until:
        self._save_start()
        self._fit(progress, until, on_epoch)
    return self.history

  def close(self) -> None:
    """Closes the files. May be called more than once."""
    if self._is_open:
      self._is_open = False
      self._lines.close()
      if self._events is not None:
        self._events.close()

  def __enter__(self) -> "TrainingDirectory":
    return self

  def __exit__(self, *_: object) -> None:
    self.close()

  def _fit(self, progress: bool, until: int | None, on_epoch: Callable[[Metrics], None]) -> None:
    """Trains, and writes a checkpoint before a signal ends the process. If its handler returns, the training goes on."""
    while True:
      with held_signals() as signals:
        try:
          return self._train(progress, signals, until, on_epoch)
        except _Told:
          self._save()

  def _train(
    self, progress: bool, signals: HeldSignals, until: int | None, on_epoch: Callable[[Metrics], None]
  ) -> None:
    """Trains, and goes back to the last checkpoint if the loss is not finite, if that is wanted and possible."""
    try:
      self._train_on(progress, signals, until, on_epoch)
    except Diverged as error:
      if not self._goes_back(error):
        raise
      self._train(progress, signals, until, on_epoch)

  def _train_on(
    self, progress: bool, signals: HeldSignals, until: int | None, on_epoch: Callable[[Metrics], None]
  ) -> None:
    """Trains from the current step on."""
    trainer = self._trainer
    if isinstance(trainer, EvaluatingTrainer):
      trainer.between_evaluation_steps = lambda: _check(signals)
    total, done = trainer.training_config.epochs * trainer.steps_per_epoch, trainer.num_steps_done
    with progress_bar(total, "step", initial=done, shown=progress, seconds=_LINE_SECONDS) as bar:
      for metrics in trainer.fit(on_step=lambda: self._on_step(bar, signals)):
        self._record(metrics)
        bar.set_postfix({name: f"{value:.4g}" for name, value in metrics.items() if name != "seconds"})
        on_epoch(metrics)
        if metrics["epoch"] == until:
          return
        _check(signals)

  def _on_step(self, bar: "tqdm.tqdm[Any]", signals: HeldSignals) -> None:
    bar.update()
    self._steps_since += 1
    _check(signals)
    if self._trainer.resumes_within_epochs and self._is_due():
      self._save()

  def _is_due(self) -> bool:
    """Returns whether it is time for a checkpoint within an epoch."""
    by_steps = 0 < self._checkpoint_steps <= self._steps_since
    return by_steps or time.monotonic() - self._saved_at >= self._checkpoint_seconds

  def _save(self, *, is_best: bool = False) -> None:
    """Writes a checkpoint, unless the weights are not finite: the next step will find that out."""
    self._steps_since, self._saved_at = 0, time.monotonic()
    if weights_are_finite(self._trainer.state):
      self._checkpoints.save(self._trainer.num_steps_done, is_best=is_best)
      self._saved_at = time.monotonic()

  def _save_start(self) -> None:
    """Writes a checkpoint of the initial weights, so that a training that diverges early can go back to them."""
    if self._nan_rate_factor and self._trainer.num_steps_done == 0 and self._checkpoints.is_empty():
      self._save()

  def _goes_back(self, error: Diverged) -> bool:
    """Goes back to the last checkpoint after the loss was not finite; returns whether that was wanted and possible."""
    course = self._trainer.state.get("course")
    if course is None or self._checkpoints.is_empty():
      return False
    error.rate_factor = float(course.rate_factor.numpy())
    if not course.may_go_back(self._nan_rate_factor) or (number := self._checkpoints.go_back()) is None:
      return False
    course.set_back(self._nan_rate_factor / float(course.rate_factor.numpy()))
    logging.warning(
      "%s: %s; restored the checkpoint of step %d; the learning rate is multiplied by %g",
      *(self._directory, error, number, self._nan_rate_factor),
    )
    self._save()
    return True

  def _record(self, metrics: Metrics) -> None:
    if not weights_are_finite(self._trainer.state):
      raise Diverged(int(metrics["epoch"]), self._trainer.steps_per_epoch, math.nan)
    is_best = _is_best(metrics, self.history)
    self.history.append(metrics)
    self._lines.append(metrics, allow_nan=True)
    self._save(is_best=is_best)
    if self._events is not None:
      self._show(self._events, int(metrics["epoch"]))

  def _show(self, events: EventFiles, epoch: int) -> None:
    """Shows an epoch in TensorBoard, and those before it that a process which was killed did not show."""
    if self._last_shown >= epoch:  # The training has gone back to a checkpoint from before.
      events.rewind(epoch)
      self._last_shown = epoch - 1
    rates = {epoch: learning_rate_of(self._trainer)}
    for metrics in self.history:
      if (number := int(metrics["epoch"])) > self._last_shown:
        events.add(number, {**shown_metrics(metrics), **rates.get(number, {})})
    self._last_shown = epoch
    events.flush()

  def _show_rest(self) -> None:
    """Shows the last epoch that is recorded, if a process was killed before it did."""
    last = int(self.history[-1]["epoch"]) if self.history else 0
    if self._events is not None and last > self._last_shown:
      self._show(self._events, last)

  def _cut(self, recorded: list[Metrics], begun: bool) -> None:
    """Cuts the history to what was restored, and keeps the old one if that is more than a kill explains.

    Args:
      recorded: the history on disk.
      begun: whether there was a directory of checkpoints before.
    """
    restored, epoch = self._checkpoints.restored, int(self._trainer.epoch.numpy())
    number_cut = len(recorded) - len(self.history)
    _check_restored(self._path, restored, is_kill=begun and number_cut == 1)
    if number_cut > 1 or restored.number is None or restored.damaged:
      kept = _free_path(self._path)
      shutil.copyfile(self._path, kept)
      logging.warning(
        "%s: truncated to epoch %d, the last one with a valid checkpoint; the old history was saved to %s",
        self._path,
        epoch,
        kept,
      )
    write_lines(self._path, self.history)

  def _locked(self) -> contextlib.AbstractContextManager[Any]:
    """Returns a context in which this process has the lock of the directory."""
    return RunLock(self._directory) if self._lock is None else contextlib.nullcontext()


class _Told(Exception):
  """Raised between two steps if the process was told to end."""


def _check(signals: HeldSignals) -> None:
  """Raises _Told if a signal waits."""
  if signals.waiting is not None:
    raise _Told


def _is_best(metrics: Metrics, history: Sequence[Metrics]) -> bool:
  """Returns whether the validation loss of an epoch is lower than that of all before, if there is one."""
  before = [other[_LOSS] for other in history if not math.isnan(other.get(_LOSS, math.nan))]
  return metrics.get(_LOSS, math.inf) < min(before, default=math.inf)


def restore_latest(directory: str, trainer: Trainer) -> bool:
  """Restores a fresh trainer from the last intact checkpoint of a training directory; returns whether there is one.

  Raises:
    ValueError: if the checkpoint is of another network or optimizer, or all checkpoints are damaged.
  """
  return _restore(directory, trainer.state)


def restore_network(directory: str, network: keras.Model, *, best: bool = False) -> int | None:
  """Loads the weights to export, those of the last intact checkpoint of a training, into a fresh network.

  Args:
    directory: directory of the training, which may still be running.
    network: a network built in the same way as in the training.
    best: whether to load the checkpoint of the epoch with the lowest validation loss instead of the last one.

  Returns:
    The number of completed epochs; None if there is no checkpoint.

  Raises:
    ValueError: if the checkpoint is of another network, or all checkpoints are damaged.
  """
  epoch, weights = tf.Variable(0, dtype=tf.int64, trainable=False), BestWeights(network.trainable_variables)
  if not _restore(directory, {"network": network, "epoch": epoch}, best=best):
    return None
  for name, kept in (("best", weights), ("averaged", AveragedNetwork(network))):
    if checkpoints.holds(os.path.join(directory, CHECKPOINTS), name):
      _restore(directory, {"network": network, "epoch": epoch, name: kept}, best=best)
      kept.restore()
  return int(epoch)


def has_begun(directory: str) -> bool:
  """Returns whether a directory contains results of a training: an epoch in its history, or a checkpoint."""
  path = os.path.join(directory, HISTORY_FILE)
  has_epochs = os.path.exists(path) and os.path.getsize(path) > 0
  return has_epochs or bool(checkpoints.numbers(os.path.join(directory, CHECKPOINTS)))


def _restore(directory: str, state: Mapping[str, Any], *, best: bool = False) -> bool:
  """Restores trackable objects by name; see `restore_latest`."""
  restore = checkpoints.restore_best if best else checkpoints.restore_newest
  try:
    restored = restore(os.path.join(directory, CHECKPOINTS), state)
  except OtherCheckpoint as error:
    raise _other_network(directory, error) from error
  if restored.number is None and restored.damaged:
    raise ValueError(f"{directory}: no checkpoint is valid; {'; '.join(restored.damaged)}")
  return restored.number is not None


def _open_checkpoints(directory: str, state: Mapping[str, Any]) -> Checkpoints:
  try:
    return Checkpoints(os.path.join(directory, CHECKPOINTS), state)
  except OtherCheckpoint as error:
    raise _other_network(directory, error) from error


def _other_network(directory: str, error: Exception) -> ValueError:
  return ValueError(f"{directory}: its checkpoint was written with another network or optimizer ({error})")


def _check_restored(path: str, restored: Restored, *, is_kill: bool) -> None:
  """Raises a ValueError if a history has epochs, but no checkpoint could be restored.

  Args:
    path: path of the history.
    restored: what was restored.
    is_kill: whether that is what a process leaves that is killed before its first checkpoint is written.
  """
  if restored.number is not None or (is_kill and not restored.damaged):
    return
  found = "; ".join(restored.damaged) or f"there is no checkpoint in {os.path.join(os.path.dirname(path), CHECKPOINTS)}"
  raise ValueError(
    f"{path}: records the epochs of a training, but no checkpoint is valid ({found}); restore a checkpoint, choose"
    " another directory, or delete this one to start over"
  )


def _warn_of_gaps(path: str, history: list[Metrics], epochs: int) -> None:
  """Warns of epochs that were trained and are not in the history."""
  missing = sorted(set(range(1, epochs + 1)) - {int(metrics["epoch"]) for metrics in history})
  if missing:
    logging.warning("%s: %d of the trained epochs are missing, the first is %d", path, len(missing), missing[0])


def _free_path(path: str) -> str:
  """Returns the first of `path.1`, `path.2`, ... that does not exist."""
  candidates: Iterator[str] = (f"{path}.{number}" for number in range(1, len(os.listdir(os.path.dirname(path))) + 2))
  return next(candidate for candidate in candidates if not os.path.exists(candidate))
