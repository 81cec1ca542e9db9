"""The JSON files of a KerasTuner project, complete at any moment.

KerasTuner overwrites its files in place, so a kill can leave half a file. It also accepts directories on any file system
that TensorFlow knows, such as `gs://bucket/project`. Python's own file functions cannot write to those.
"""

import os
import tempfile
from typing import Any

import tensorflow as tf

from nao_tf.runs.json_files import parse_json, read_json, write_json


def is_remote(path: str) -> bool:
  """Whether a path is on a file system that only TensorFlow's file functions can reach."""
  return "://" in path


def write_project_file(path: str, value: Any) -> None:
  """Writes a JSON file of a project. At any moment there is either the old file or the new one.

  Args:
    path: local or remote.
    value: what to write.

  Raises:
    TypeError: if the value cannot be written as JSON. The old file stays.
  """
  if not is_remote(path):
    write_json(path, value)
    return
  with tempfile.TemporaryDirectory() as directory:
    local = os.path.join(directory, "value.json")
    write_json(local, value)
    tf.io.gfile.copy(local, f"{path}.tmp", overwrite=True)
  tf.io.gfile.rename(f"{path}.tmp", path, overwrite=True)


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
