"""When a search was started, and with which versions: `starts.jsonl`, one line for each process."""

import importlib.metadata
import os
import platform
import time
from typing import Any, NamedTuple

import nao_tf
from nao_tf import fields
from nao_tf.runs.lines import read_lines
from nao_tf.runs.side_files import SideFile

STARTS_FILE = "starts.jsonl"
_LINE = "a start of a search"
_PACKAGES = ("tensorflow", "tensorflow-cpu", "keras", "numpy")


class Start(NamedTuple):
  """A start of a search.

  Attributes:
    time: seconds since 1970.
    versions: versions of nao_tf, Python and packages, by name.
  """

  time: float
  versions: dict[str, str]


def record_start(directory: str) -> None:
  """Adds a line for this process. The caller holds the lock of the directory. See `SideFile` for a damaged file."""
  file = SideFile(os.path.join(directory, STARTS_FILE), _parsed, _LINE)
  file.append(Start(time.time(), _versions())._asdict())
  file.close()


def read_starts(directory: str) -> list[Start]:
  """Returns the starts of a search, the first one first; none if there is no file.

  Raises:
    ValueError: if the file is damaged; the message names the line.
  """
  path = os.path.join(directory, STARTS_FILE)
  return read_lines(path, _parsed, _LINE, allow_nan=False) if os.path.exists(path) else []


def _versions() -> dict[str, str]:
  found = {"nao_tf": nao_tf.__version__, "python": platform.python_version()}
  for name in _PACKAGES:
    try:
      found[name] = importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
      continue
  return found


def _parsed(value: Any) -> Start:
  row = fields.members(value, _LINE, Start._fields)
  versions = fields.mapping(row["versions"], "versions")
  return Start(fields.number(row["time"], "time", 0), {name: fields.text(v, name) for name, v in versions.items()})
