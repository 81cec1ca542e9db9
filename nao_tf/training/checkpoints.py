"""Checkpoints on disk: numbered files in a directory of their own.

A checkpoint is on the disk, not only in the memory of the system, before an older one is removed. A checkpoint that is
damaged does not hide the one before it. TensorFlow's own file `checkpoint`, which names the newest, is written for other
programs and not read here.
"""

import os
import re
import shutil
from collections.abc import Mapping
from typing import Any, NamedTuple

import tensorflow as tf
from absl import logging

from nao_tf.training.disk import sync
from nao_tf.training.literal_paths import literal_path

KEPT = 2
"""How many checkpoints are kept."""

_NAME = "ckpt"
_INDEX = re.compile(rf"{_NAME}-([0-9]+)\.index")
_ANY_FILE = re.compile(rf"{_NAME}-([0-9]+)[._].*")
_POINTER = "checkpoint"
_ATTEMPTS = 20


class Restored(NamedTuple):
  """What was found in a directory of checkpoints.

  Attributes:
    number: number of the checkpoint that was restored; None if there is none, or none is whole.
    damaged: what is wrong with each newer one, in words that name the file.
  """

  number: int | None
  damaged: tuple[str, ...] = ()


class OtherCheckpoint(ValueError):
  """Raised when a checkpoint is whole, but that of another network or optimizer."""


class Checkpoints:
  """The directory of checkpoints of one training, open for writing."""

  def __init__(self, directory: str, state: Mapping[str, Any]):
    """Restores the newest whole checkpoint, if there is one.

    Args:
      directory: made if it does not exist.
      state: what a checkpoint holds: trackable objects by name.

    Raises:
      OtherCheckpoint: if the newest whole checkpoint is that of another network or optimizer.
      OSError: if the directory cannot be made or read.
    """
    os.makedirs(directory, exist_ok=True)
    self._directory, self._checkpoint = directory, tf.train.Checkpoint(**state)
    self.restored = restore_newest(directory, state)
    self._whole = [] if self.restored.number is None else [self.restored.number]
    self._last = max(numbers(directory), default=None)

  def is_current(self) -> bool:
    """Returns whether no other process has written a checkpoint since the last one was restored or saved here."""
    return max(numbers(self._directory), default=None) == self._last

  def save(self, number: int) -> None:
    """Writes a checkpoint, and removes those that are no longer needed once it is on the disk.

    Args:
      number: of the checkpoint. It gets a higher one if there is a newer checkpoint already.

    Raises:
      OSError: if the checkpoint cannot be written.
    """
    number = max([number, *(existing + 1 for existing in numbers(self._directory))])
    self._write(f"{_NAME}-{number}")
    self._whole, self._last = [*self._whole, number][-KEPT:], number
    self._point_to(self._whole)
    self._remove_before(self._whole[0])

  def _write(self, name: str) -> None:
    try:
      with literal_path(self._directory) as plain:
        self._checkpoint.write(os.path.join(plain, name))
    except tf.errors.OpError as error:
      raise OSError(f"{os.path.join(self._directory, name)}: cannot be written ({error.message})") from error
    for file in os.listdir(self._directory):
      if file.startswith(f"{name}."):
        sync(os.path.join(self._directory, file))
    sync(self._directory)

  def _point_to(self, whole: list[int]) -> None:
    """Writes the file that `tf.train.latest_checkpoint` reads."""
    path = os.path.join(self._directory, _POINTER)
    lines = [f'model_checkpoint_path: "{_NAME}-{whole[-1]}"']
    lines += [f'all_model_checkpoint_paths: "{_NAME}-{number}"' for number in whole]
    with open(f"{path}.tmp", "w", encoding="utf-8") as file:
      file.write("\n".join(lines) + "\n")
    os.replace(f"{path}.tmp", path)

  def _remove_before(self, number: int) -> None:
    """Removes all older checkpoints, and what a killed process left of one. The index of a checkpoint goes first."""
    for name in sorted(os.listdir(self._directory), key=lambda name: not name.endswith(".index")):
      match = _ANY_FILE.fullmatch(name)
      if match and int(match[1]) < number:
        _remove(os.path.join(self._directory, name))


def numbers(directory: str) -> list[int]:
  """Returns the numbers of the checkpoints in a directory, whole or not, in ascending order; none if it is missing."""
  if not os.path.isdir(directory):
    return []
  return sorted(int(match[1]) for match in map(_INDEX.fullmatch, os.listdir(directory)) if match)


def restore_newest(directory: str, state: Mapping[str, Any]) -> Restored:
  """Restores the newest whole checkpoint of a directory. Another process may be writing there.

  A warning names each newer checkpoint that is damaged.

  Args:
    directory: of the checkpoints; it may be missing.
    state: what to restore: trackable objects by name. A checkpoint may hold more.

  Raises:
    OtherCheckpoint: if the newest whole checkpoint is that of another network or optimizer.
  """
  for _ in range(_ATTEMPTS):
    present = numbers(directory)
    restored = _restore_first(directory, present[::-1], state)
    if restored.number is not None or numbers(directory) == present:
      break
  for text in restored.damaged:
    logging.warning("%s", text)
  return restored


def holds(directory: str, name: str) -> bool:
  """Returns whether the newest whole checkpoint of a directory holds an object with a name."""
  for number in numbers(directory)[::-1]:
    with literal_path(directory) as plain:
      prefix = os.path.join(plain, f"{_NAME}-{number}")
      if _flaw(prefix) is None:
        return any(key.startswith(f"{name}/") for key, _ in tf.train.list_variables(prefix))
  return False


def _restore_first(directory: str, candidates: list[int], state: Mapping[str, Any]) -> Restored:
  """Restores the first candidate that is whole."""
  damaged: list[str] = []
  for number in candidates:
    with literal_path(directory) as plain:
      flaw = _flaw(os.path.join(plain, f"{_NAME}-{number}"))
      if flaw is None:
        _restore(os.path.join(plain, f"{_NAME}-{number}"), state)
        return Restored(number, tuple(damaged))
    if number in numbers(directory):  # Else another process has removed it.
      damaged.append(f"{os.path.join(directory, f'{_NAME}-{number}')}: the checkpoint is damaged ({flaw})")
  return Restored(None, tuple(damaged))


def _flaw(prefix: str) -> str | None:
  """Returns what is wrong with the files of a checkpoint; None if every value in them can be read."""
  try:
    reader = tf.train.load_checkpoint(prefix)
    for name in reader.get_variable_to_shape_map():
      reader.get_tensor(name)
  except Exception as error:  # What damaged bytes lead to is not documented.
    return str(error).split("\n")[0] or type(error).__name__
  return None


def _restore(prefix: str, state: Mapping[str, Any]) -> None:
  """Restores a whole checkpoint."""
  try:
    status = tf.train.Checkpoint(**state).read(prefix)
    status.assert_existing_objects_matched().expect_partial()
  except (AssertionError, ValueError, tf.errors.OpError) as error:
    raise OtherCheckpoint(str(error)) from error


def _remove(path: str) -> None:
  if os.path.isdir(path):
    shutil.rmtree(path)
  else:
    os.remove(path)
