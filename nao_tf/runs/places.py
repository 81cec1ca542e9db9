"""Where a run may write: checks of paths that a person gives, before any work is done."""

import os
from typing import Any


def checked_directory(path: Any, name: str = "workdir") -> str:
  """Returns the path of the directory of a run, which need not exist.

  Args:
    path: a text or a `pathlib.Path`.
    name: what it was given as, for messages.

  Raises:
    ValueError: if it is something else, or empty.
    NotADirectoryError: if there is a file at the path, or at one above it.
  """
  if not isinstance(path, (str, os.PathLike)) or not os.fspath(path):
    raise ValueError(f"{name} must be the path of a directory, got {path!r}")
  directory = os.fspath(path)
  nearest = os.path.abspath(directory)
  while not os.path.lexists(nearest):
    nearest = os.path.dirname(nearest)
  if not os.path.isdir(nearest):
    raise NotADirectoryError(f"{name} must be a directory, got {directory}: {_shown(nearest, directory)} is a file")
  return directory


def _shown(nearest: str, directory: str) -> str:
  """Returns a path as it was given, absolute or not."""
  return "it" if nearest == os.path.abspath(directory) else os.path.relpath(nearest)
