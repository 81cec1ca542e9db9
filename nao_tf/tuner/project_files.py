"""The JSON files of a KerasTuner project, complete at any moment.

KerasTuner overwrites its files in place, so a kill can leave half a file. It also accepts directories on any file system
that TensorFlow knows, such as `gs://bucket/project`. Python's own file functions cannot write to those.
"""

import json
import os
from typing import Any

import tensorflow as tf

from nao_tf.runs.json_files import parse_json, read_json


def is_remote(path: str) -> bool:
  """Whether a path is on a file system that only TensorFlow's file functions can reach."""
  return "://" in path


def absolute_path(directory: str | os.PathLike[str]) -> str:
  """Returns a directory by a path that means the same wherever the process goes.

  Args:
    directory: local or remote.
  """
  path = os.fspath(directory)
  return path if is_remote(path) else os.path.abspath(path)


def write_project_file(path: str, value: Any) -> None:
  """Writes a JSON file of a project. At any moment there is either the old file or the new one.

  It is written several times a trial and grows with the trials, so it has no line breaks: those take ten times as long.

  Args:
    path: local or remote.
    value: what to write.

  Raises:
    TypeError: if the value cannot be written as JSON. The old file stays.
  """
  text = json.dumps(value)
  temporary = f"{path}.tmp"
  if is_remote(path):
    with tf.io.gfile.GFile(temporary, "w") as file:
      file.write(text)
    tf.io.gfile.rename(temporary, path, overwrite=True)
    return
  with open(temporary, "w", encoding="utf-8") as file:
    file.write(text)
    file.flush()
    os.fsync(file.fileno())
  os.replace(temporary, path)


def read_project_file(path: str) -> Any:
  """Returns the value of a JSON file of a project. Metrics in it may be NaN or infinite.

  Args:
    path: local or remote.

  Raises:
    ValueError: if there is no file, or it is not JSON within its limits; the message names the file.
  """
  if not tf.io.gfile.exists(path):
    raise ValueError(f"{path}: there is no such file")
  if not is_remote(path):
    return read_json(path, allow_nan=True)
  with tf.io.gfile.GFile(path, "rb") as file:
    return parse_json(file.read(), path, allow_nan=True)
