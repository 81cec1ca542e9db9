"""Checks of paths given by a user, before any work is done."""

import os
from typing import Any


def checked_directory(path: Any, name: str = "workdir") -> str:
  """Returns the path of the directory of a run, which may not exist yet.

  Args:
    path: a string or a `pathlib.Path`.
    name: name of the argument, for error messages.

  Raises:
    ValueError: if it is of another type, or empty.
    NotADirectoryError: if the path or one of its parents is a file.
  """
  if not isinstance(path, (str, os.PathLike)) or not os.fspath(path):
    raise ValueError(f"{name} must be the path of a directory, got {path!r}")
  directory = os.fspath(path)
  nearest = _nearest(directory)
  if not os.path.isdir(nearest):
    raise NotADirectoryError(f"{name} must be a directory, got {directory}: {_shown(nearest, directory)} is a file")
  return directory


def check_writable(directory: str) -> None:
  """Checks that a directory can be written, or created if it does not exist.

  Raises:
    PermissionError: if it cannot.
  """
  nearest = _nearest(directory)
  if not os.access(nearest, os.W_OK | os.X_OK):
    raise PermissionError(f"{directory}: {_shown(nearest, directory)} cannot be written")


def _nearest(directory: str) -> str:
  """Returns the path, or the first one above it that exists."""
  nearest = os.path.abspath(directory)
  while not os.path.lexists(nearest):
    nearest = os.path.dirname(nearest)
  return nearest


def _shown(nearest: str, directory: str) -> str:
  """Returns a path as it was given, absolute or not."""
  if nearest == os.path.abspath(directory):
    return "it"
  return nearest if os.path.isabs(directory) else os.path.relpath(nearest)
