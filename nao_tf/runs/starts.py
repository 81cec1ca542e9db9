"""When a search was started, and with which versions: `starts.jsonl`, one line for each process."""

import importlib.metadata
import os
import platform
import time
from typing import Any, NamedTuple

import nao_tf
from nao_tf import fields
from nao_tf.runs.lines import LinesFile, read_lines

STARTS_FILE = "starts.jsonl"
_PACKAGES = ("tensorflow", "tensorflow-cpu", "keras", "numpy")


class Start(NamedTuple):
  """A start of a search.

  Attributes:
    time: seconds since 1970.
    versions: of nao_tf, Python and packages, by name.
  """

  time: float
  versions: dict[str, str]


def record_start(directory: str) -> None:
  """Adds a line for this process. The caller holds the lock of the directory.

  Raises:
    OSError: if the file cannot be written.
  """
  lines = LinesFile(os.path.join(directory, STARTS_FILE))
  try:
    lines.append(Start(time.time(), _versions())._asdict(), to_disk=False)
  finally:
    lines.close()


def read_starts(directory: str) -> list[Start]:
  """Returns the starts of a search, the first one first; none if there is no file.

  Raises:
    ValueError: if the file is corrupt; the message names the line.
  """
  path = os.path.join(directory, STARTS_FILE)
  return read_lines(path, _parsed, "a start of a search", allow_nan=False) if os.path.exists(path) else []


def _versions() -> dict[str, str]:
  found = {"nao_tf": nao_tf.__version__, "python": platform.python_version()}
  for name in _PACKAGES:
    try:
      found[name] = importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
      continue
  return found


def _parsed(value: Any) -> Start:
  row = fields.members(value, "a start of a search", Start._fields)
  versions = fields.mapping(row["versions"], "versions")
  return Start(fields.number(row["time"], "time", 0), {name: fields.text(v, name) for name, v in versions.items()})
