"""The place of an export: what is there is replaced only by something whole, and only if it is an export.

A new export is written to a staging directory first: `.export-NAME` beside the place NAME. Its lock keeps a second process
out, so whatever a process finds there after it got the lock is what a dead process left.

The new export takes its place in one of two ways:

* It is renamed to its place, or exchanged with the older export there. That is one step of the system: at every moment
  there is either the older export or the new one, whole.
* Where the system cannot do that, because the place is a mount point or the file system has no such step, a copy is
  committed in the directory `.export` within the place, and the files are then moved to their places one by one,
  `saved_model.pb` last. In between, `load_saved_model` reads the committed copy. If the process dies in between, the next
  export finishes what it began. A program that loads the place by itself may find a mixture as long as that has not
  happened.
"""

import contextlib
import hashlib
import os
import shutil
from collections.abc import Iterator

from nao_tf.runs.json_files import read_json, write_json
from nao_tf.runs.run_lock import LOCK_FILE, RunDirectoryInUse, RunLock
from nao_tf.serving.exchange import exchange
from nao_tf.serving.manifests import foreign_files, list_files
from nao_tf.training.disk import sync, sync_tree

MODEL_FILE = "saved_model.pb"
INSIDE = ".export"
"""The directory within a place that a committed copy is in."""

_LONGEST_NAME = 255
_ATTEMPTS = 20
_COMMITTED, _PREPARED, _DONE = "committed", "prepared", "done"
_WHOLE, _PARTS, _OBSOLETE = "model", "parts", "obsolete.json"


class ExportError(ValueError):
  """Raised when a SavedModel cannot be written or read, or its outputs differ from those of the network."""


class ExportTarget:
  """The place of an export.

  Attributes:
    path: absolute path of the directory, without symbolic links: an export goes to where a link points.
  """

  def __init__(self, directory: str):
    """Sets the attributes. Nothing is touched.

    Args:
      directory: path of the directory to export to.
    """
    self._given, self.path = directory, os.path.realpath(directory)

  @contextlib.contextmanager
  def staging(self) -> Iterator[str]:
    """Yields an empty directory to write a new export in, which is removed in the end.

    Raises:
      ExportError: if the place holds something else than an export, or another process is exporting there.
      OSError: if nothing can be written there.
    """
    if not self._is_committed():
      self._check()
    directory = self._staging_directory()
    lock = self._lock(directory)
    try:
      if self._is_committed():
        self._finish()
      _empty(directory)
      self._check()
      yield directory
    finally:
      self._remove(directory)
      lock.close()
    _remove_leftovers(os.path.dirname(self.path))

  def put(self, written: str) -> None:
    """Puts an export in its place.

    Args:
      written: path of the export, in the staging directory. It is gone afterwards, or the older export is there.

    Raises:
      OSError: if that is not possible. The older export is then untouched, or the next export finishes this one.
    """
    sync_tree(written)
    try:
      if os.path.isdir(self.path) and os.listdir(self.path):
        exchange(written, self.path)
      else:
        os.rename(written, self.path)
    except OSError:
      if not os.path.isdir(self.path):
        raise
      self._commit(written)
      self._finish()
    else:
      sync(os.path.dirname(self.path))

  def _check(self) -> None:
    """Raises ExportError if there is something else than an export, or more."""
    if not os.path.isdir(self.path):
      if os.path.lexists(self.path):
        raise ExportError(f"{self._given}: is a file; expected a directory to export to")
      return
    try:
      foreign = foreign_files(self.path, ignore=[INSIDE])
    except ValueError as error:
      raise ExportError(f"{self._given}: will not be replaced ({error}); choose another directory") from error
    if foreign:
      raise ExportError(
        f"{self._given}: will not be replaced, since {self._objection(foreign)}; choose another directory"
      )

  def _objection(self, foreign: list[str]) -> str:
    """Returns why a directory with foreign files is not replaced."""
    if not os.path.isfile(os.path.join(self.path, MODEL_FILE)):
      return f"it is not a SavedModel; {content(self.path)}"
    if MODEL_FILE in foreign:
      return f"its SavedModel is not an export of nao_tf; {content(self.path)}"
    return f"it holds {', '.join(foreign[:5])} beside an export"

  def _staging_directory(self) -> str:
    """Returns where to write: beside the place, or within it if that is another file system or not possible."""
    parent, name = os.path.split(self.path)
    if os.path.ismount(self.path) or (os.path.isdir(self.path) and not os.access(parent, os.W_OK)):
      return os.path.join(self.path, INSIDE)
    directory = f"{INSIDE}-{name}"
    if len(os.fsencode(directory)) > _LONGEST_NAME:
      directory = f"{INSIDE}-{hashlib.sha256(os.fsencode(name)).hexdigest()}"
    return os.path.join(parent, directory)

  def _lock(self, directory: str) -> RunLock:
    """Returns the lock of a staging directory, which is made."""
    for _ in range(_ATTEMPTS):
      try:
        lock = RunLock(directory)
      except RunDirectoryInUse as error:
        raise ExportError(f"{self._given}: another process is exporting there ({error})") from error
      except FileNotFoundError:  # The process before has just removed the directory.
        continue
      if _is_own_lock(directory):
        return lock
      lock.close()
    raise ExportError(f"{self._given}: other processes are exporting there; wait for them or choose another directory")

  def _is_committed(self) -> bool:
    """Returns whether there is a committed copy whose files have not all been moved to their places."""
    return os.path.isdir(os.path.join(self.path, INSIDE, _COMMITTED))

  def _remove(self, staging: str) -> None:
    """Removes the staging directory, and the one within the place unless a committed copy is in it."""
    inside = os.path.join(self.path, INSIDE)
    for directory in {staging, inside}:
      if directory != inside or not self._is_committed():
        shutil.rmtree(directory, ignore_errors=True)

  def _commit(self, written: str) -> None:
    """Copies an export into the place and commits it: from here on it is the one that is to be there."""
    inside = os.path.join(self.path, INSIDE)
    prepared = os.path.join(inside, _PREPARED)
    shutil.rmtree(prepared, ignore_errors=True)
    os.makedirs(prepared)
    for copy in (_WHOLE, _PARTS):
      shutil.copytree(written, os.path.join(prepared, copy))
    old = [name for name in list_files(self.path) if name.split("/")[0] != INSIDE]
    obsolete = sorted(set(old) - set(list_files(written)))
    write_json(os.path.join(prepared, _OBSOLETE), obsolete)
    sync_tree(prepared)
    os.rename(prepared, os.path.join(inside, _COMMITTED))
    sync(inside)

  def _finish(self) -> None:
    """Moves the files of a committed export to their places. What was moved before is not there any more."""
    committed = os.path.join(self.path, INSIDE, _COMMITTED)
    parts = os.path.join(committed, _PARTS)
    for name in sorted(list_files(parts), key=lambda name: (name == MODEL_FILE, name)):
      os.makedirs(os.path.dirname(os.path.join(self.path, name)), exist_ok=True)
      os.replace(os.path.join(parts, name), os.path.join(self.path, name))
    for name in read_json(os.path.join(committed, _OBSOLETE)):
      with contextlib.suppress(FileNotFoundError):
        os.remove(os.path.join(self.path, name))
    sync_tree(self.path)
    os.rename(committed, os.path.join(self.path, INSIDE, _DONE))
    shutil.rmtree(os.path.join(self.path, INSIDE, _DONE), ignore_errors=True)


def check_target(directory: str) -> None:
  """Checks that a SavedModel can be written to a directory, before any long work starts.

  Raises:
    ExportError: if the directory contains anything other than an export, or another process is exporting there.
    OSError: if the directory cannot be written to.
  """
  with ExportTarget(directory).staging():
    pass


def complete_export(directory: str) -> str:
  """Returns where the export of a directory is whole: the directory itself, or the copy that is about to be moved there."""
  committed = os.path.join(directory, INSIDE, _COMMITTED, _WHOLE)
  return committed if os.path.isdir(committed) else directory


def content(directory: str) -> str:
  """Returns what a directory holds, for an error message."""
  if not os.path.isdir(directory):
    return "it is not a directory"
  return f"it holds {', '.join(sorted(os.listdir(directory))[:5]) or 'nothing'}"


def _is_own_lock(directory: str) -> bool:
  """Returns whether the file of a lock that this process has just got is still the one in the directory."""
  try:
    return bool(read_json(os.path.join(directory, LOCK_FILE))["process"] == os.getpid())
  except (FileNotFoundError, ValueError, KeyError, TypeError):
    return False


def _remove_leftovers(parent: str) -> None:
  """Removes the staging directories of dead processes, those whose lock is free, for whatever place they were."""
  for name in os.listdir(parent):
    directory = os.path.join(parent, name)
    if name.startswith(f"{INSIDE}-") and os.path.isfile(os.path.join(directory, LOCK_FILE)):
      with contextlib.suppress(RunDirectoryInUse, OSError), RunLock(directory):
        shutil.rmtree(directory)


def _empty(directory: str) -> None:
  """Removes everything in a staging directory but the lock."""
  for name in os.listdir(directory):
    path = os.path.join(directory, name)
    if os.path.isdir(path):
      shutil.rmtree(path)
    elif name != LOCK_FILE:
      os.remove(path)
