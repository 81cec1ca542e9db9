"""JSON files: written atomically, and read as untrusted data."""

import json
import math
import os
import re
from typing import Any

_LARGEST_FILE = 256 * 1024 * 1024
"""Bytes."""

_DEEPEST = 50
"""Levels of lists and objects."""

_MANY_DIGITS = re.compile(rb"[0-9]{19}")
_LARGEST_INTEGER = 2**63
_HALF_CHARACTER = re.compile(rb"\\u[dD][89a-fA-F]")
"""An escape that is half of a surrogate pair."""


def write_json(path: str, value: Any) -> None:
  """Writes a JSON file atomically, also with respect to power failures."""
  temporary = f"{path}.tmp"
  with open(temporary, "w", encoding="utf-8") as file:
    json.dump(value, file, indent=2)
    file.write("\n")
    file.flush()
    os.fsync(file.fileno())
  os.replace(temporary, path)


def read_json(path: str, *, allow_nan: bool = False) -> Any:
  """Returns the value of a JSON file; see `parse_json`.

  Args:
    path: path of the file.
    allow_nan: whether NaN and infinity may be in it.

  Raises:
    ValueError: if it is not JSON or exceeds a limit; the message names the file.
    OSError: if the file cannot be read.
  """
  size = os.path.getsize(path)
  if size > _LARGEST_FILE:
    raise ValueError(f"{path}: expected a JSON file of at most {_LARGEST_FILE} bytes, got {size} bytes")
  with open(path, "rb") as file:
    return parse_json(file.read(), path, allow_nan=allow_nan)


def parse_json(data: bytes, place: str, *, allow_nan: bool = False) -> Any:
  """Returns the value of JSON text from outside, within limits that keep the code behind it safe.

  Args:
    data: the text, in UTF-8.
    place: where it is from, for error messages: a path, or a path and a line.
    allow_nan: whether numbers may be NaN, infinite, or too large for a float.

  Raises:
    ValueError: if it is not JSON, is nested more than 50 levels deep, has an object with two members of one name, an
      integer of more than 64 bits, or, unless allowed, a number that is not finite. The message begins with the place.
  """
  try:
    value = json.loads(data.decode("utf-8"), object_pairs_hook=_distinct, **_number_hooks(data, allow_nan))
  except RecursionError as error:
    raise ValueError(f"{place}: JSON nested more than {_DEEPEST} levels deep") from error
  except ValueError as error:
    raise ValueError(f"{place}: not JSON within its limits ({error})") from error
  if _HALF_CHARACTER.search(data) and not _is_unicode(value):
    raise ValueError(f"{place}: JSON text that is not Unicode: half of a surrogate pair")
  if _is_deep(data) and _depth_exceeds(value, _DEEPEST):
    raise ValueError(f"{place}: JSON nested more than {_DEEPEST} levels deep")
  return value


def _distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
  """Returns the members of an object as a dict."""
  members = dict(pairs)
  if len(members) != len(pairs):
    names = [name for name, _ in pairs]
    raise ValueError(f"expected members of different names, got {max(names, key=names.count)[:40]!r} twice")
  return members


def _number_hooks(data: bytes, allow_nan: bool) -> dict[str, Any]:
  """Returns the arguments of `json.loads` that check numbers. A hook slows down reading, so it is set where needed."""
  hooks: dict[str, Any] = {}
  if not allow_nan:
    hooks |= {"parse_float": _finite, "parse_constant": _finite}
  if _MANY_DIGITS.search(data):
    hooks["parse_int"] = _integer
  return hooks


def _finite(text: str) -> float:
  value = float(text)
  if not math.isfinite(value):
    raise ValueError(f"expected finite numbers, got {text[:40]}")
  return value


def _integer(text: str) -> int:
  if len(text) > 20 or not -_LARGEST_INTEGER <= int(text) < _LARGEST_INTEGER:
    raise ValueError(f"expected integers of at most 64 bits, got {text[:40]}")
  return int(text)


def _is_unicode(value: Any) -> bool:
  """Returns whether all texts of a value can be written to a file or a terminal."""
  try:
    json.dumps(value, ensure_ascii=False).encode("utf-8")
  except UnicodeEncodeError:
    return False
  return True


def _is_deep(data: bytes) -> bool:
  """Returns whether there are enough brackets for more levels than are allowed."""
  return data.count(b"[") + data.count(b"{") > _DEEPEST


def _depth_exceeds(value: Any, levels: int) -> bool:
  if not isinstance(value, (list, dict)):
    return False
  parts = value.values() if isinstance(value, dict) else value
  return levels == 0 or any(_depth_exceeds(part, levels - 1) for part in parts)
