"""Checkpoints on disk: numbered files in a directory. The last two and the best one are kept.

A checkpoint is flushed to disk before an older one is deleted. If a checkpoint is damaged, the one before it is used.
TensorFlow's own file `checkpoint`, which names the newest one, is written for other programs but not read here.
"""

import contextlib
import os
import re
import shutil
from collections.abc import Mapping
from typing import Any, NamedTuple

import tensorflow as tf
from absl import logging

from nao_tf import fields
from nao_tf.runs.json_files import read_json, write_json
from nao_tf.training.disk import ADVICE, check_free, sync
from nao_tf.training.literal_paths import literal_path
from nao_tf.training.variables import tf_variable

KEPT = 2
"""How many checkpoints are kept, beside the best one."""
BEST_FILE = "best.json"
"""Names the best checkpoint."""

_ADDED = ("course",)
"""Objects that checkpoints of earlier versions do not hold. They keep their initial values then."""

_NAME = "ckpt"
_INDEX = re.compile(rf"{_NAME}-([0-9]+)\.index")
_ANY_FILE = re.compile(rf"{_NAME}-([0-9]+)[._].*")
_NAMES = re.compile(r"\{\{.*?\}\}|\[Op:[^]]*\]")
"""Names of operations in the messages of TensorFlow."""
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
      directory: created if it does not exist.
      state: what a checkpoint holds: trackable objects by name.

    Raises:
      OtherCheckpoint: if the newest whole checkpoint was written with another network or optimizer.
      OSError: if the directory cannot be created or read.
    """
    os.makedirs(directory, exist_ok=True)
    self._directory, self._checkpoint = directory, tf.train.Checkpoint(**state)
    self.restored = restore_newest(directory, state)
    self._state = state
    self._whole = [] if self.restored.number is None else [self.restored.number]
    self._last = max(numbers(directory), default=None)
    self._best = self._recorded_best()

  def is_current(self) -> bool:
    """Returns whether no other process has written a checkpoint since the last one was restored or saved here."""
    return max(numbers(self._directory), default=None) == self._last

  def is_empty(self) -> bool:
    """Returns whether there is no checkpoint yet, not even a damaged one."""
    return self._last is None

  def save(self, number: int, *, is_best: bool = False) -> None:
    """Writes a checkpoint, and removes those that are no longer needed once it is on the disk.

    Args:
      number: number of the checkpoint. It gets a higher one if there is a newer checkpoint already.
      is_best: whether it is better than all before. It is kept until a better one is there.

    Raises:
      OSError: if the checkpoint cannot be written, because the disk is full for example. Nothing of it is left then,
        and the checkpoints before it are whole.
    """
    number = max([number, *(existing + 1 for existing in numbers(self._directory))])
    self._write(number)
    self._whole, self._last = [*self._whole, number][-KEPT:], number
    self._point_to(self._whole)
    if is_best:
      self._best = number
      write_json(os.path.join(self._directory, BEST_FILE), {"number": number})
    self._remove_before(self._whole[0])

  def go_back(self) -> int | None:
    """Restores the last checkpoint once more; returns its number, None if there is none.

    Raises:
      OtherCheckpoint: if it is that of another network or optimizer.
    """
    return restore_newest(self._directory, self._state).number

  def _recorded_best(self) -> int | None:
    """Returns the number of the best checkpoint; None if there is none, or one from before was restored."""
    try:
      number = best_number(self._directory)
    except ValueError as error:
      logging.warning("%s; the next epoch is taken as the best one", error)
      return None
    return None if number is None or number > max(self._whole, default=-1) else number

  def _write(self, number: int) -> None:
    name = f"{_NAME}-{number}"
    check_free(self._directory, self._size_of_last() or self._size_of_state())
    try:
      with literal_path(self._directory) as plain:
        self._checkpoint.write(os.path.join(plain, name))
    except tf.errors.OpError as error:
      self._remove(number)
      before = "the previous one is intact" if self._whole else "there is no earlier one"
      raise OSError(
        f"{os.path.join(self._directory, name)}: the checkpoint cannot be written, is the disk full?"
        f" ({_reason(error)}); {before}: {ADVICE}"
      ) from error
    self._sync(name)

  def _size_of_last(self) -> int:
    """Returns how many bytes the last checkpoint has; 0 if there is none."""
    prefix = f"{_NAME}-{self._last}."
    files = [file for file in os.listdir(self._directory) if file.startswith(prefix)]
    return sum(os.path.getsize(os.path.join(self._directory, file)) for file in files)

  def _size_of_state(self) -> int:
    """Returns how many bytes the variables have that a checkpoint holds."""
    everything = tf.train.TrackableView(self._checkpoint).descendants()
    found = (tf_variable(each) for each in everything if isinstance(each, tf.Variable) or hasattr(each, "value"))
    variables = {id(variable): variable for variable in found if isinstance(variable, tf.Variable)}
    return sum(variable.shape.num_elements() * variable.dtype.size for variable in variables.values())

  def _remove(self, number: int) -> None:
    """Removes what there is of a checkpoint that could not be written."""
    for file in os.listdir(self._directory):
      match = _ANY_FILE.fullmatch(file)
      if match and int(match[1]) == number:
        with contextlib.suppress(OSError):
          _remove(os.path.join(self._directory, file))

  def _sync(self, name: str) -> None:
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
    """Removes all older checkpoints but the best, and what a killed process left of one. Each index goes first."""
    for name in sorted(os.listdir(self._directory), key=lambda name: not name.endswith(".index")):
      match = _ANY_FILE.fullmatch(name)
      if match and int(match[1]) < number and int(match[1]) != self._best:
        _remove(os.path.join(self._directory, name))


def numbers(directory: str) -> list[int]:
  """Returns the numbers of the checkpoints in a directory, whole or not, in ascending order; none if it is missing."""
  if not os.path.isdir(directory):
    return []
  return sorted(int(match[1]) for match in map(_INDEX.fullmatch, os.listdir(directory)) if match)


def best_number(directory: str) -> int | None:
  """Returns the number of the best checkpoint of a directory; None if there is none.

  Raises:
    ValueError: if the file that names it holds something else.
  """
  path = os.path.join(directory, BEST_FILE)
  if not os.path.exists(path):
    return None
  row = fields.members(read_json(path), "the best checkpoint", ("number",))
  number = fields.integer(row["number"], f"{path}: number", 0)
  return number if number in numbers(directory) else None


def restore_best(directory: str, state: Mapping[str, Any]) -> Restored:
  """Restores the best checkpoint of a directory, as `restore_newest` does the newest.

  Raises:
    OtherCheckpoint: if it is that of another network or optimizer.
    ValueError: if the file that names it holds something else.
  """
  number = best_number(directory)
  return Restored(None) if number is None else _restore_first(directory, [number], state)


def restore_newest(directory: str, state: Mapping[str, Any]) -> Restored:
  """Restores the newest whole checkpoint of a directory. Another process may be writing there.

  A warning names each newer checkpoint that is damaged.

  Args:
    directory: directory of the checkpoints; it may be missing.
    state: what to restore: trackable objects by name. A checkpoint may hold more.

  Raises:
    OtherCheckpoint: if the newest whole checkpoint was written with another network or optimizer.
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
  held = {key.partition("/")[0] for key, _ in tf.train.list_variables(prefix)}
  known = {name: value for name, value in state.items() if name in held or name not in _ADDED}
  try:
    status = tf.train.Checkpoint(**known).read(prefix)
    status.assert_existing_objects_matched().expect_partial()
  except (AssertionError, ValueError, tf.errors.OpError) as error:
    raise OtherCheckpoint(str(error)) from error


def _reason(error: tf.errors.OpError) -> str:
  """Returns the message of an error of TensorFlow without the names of operations and files, which are temporary."""
  return _NAMES.sub("", error.message).split("; ")[-1].strip()


def _remove(path: str) -> None:
  if os.path.isdir(path):
    shutil.rmtree(path)
  else:
    os.remove(path)
