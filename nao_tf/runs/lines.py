"""Append-only files of JSON lines: the journal of a search, the rounds of a supernet, the history of a training.

A line reaches the disk before work goes on. A process that dies while it writes leaves a torn last line, which is
dropped when the file is opened for writing, and skipped by readers.
"""

import fcntl
import json
import os
import shutil
from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeVar

from nao_tf.runs.forks import close_in_forks
from nao_tf.runs.json_files import parse_json

Value = TypeVar("Value")


class LinesFile:
  """An append-only file of JSON lines, open for writing.

  Attributes:
    path: where it is.
  """

  def __init__(self, path: str, *, locked: bool = False):
    """Opens the file, makes it if there is none, and drops a torn last line.

    Args:
      path: path of the file; its directory exists.
      locked: whether no other process may open it with a lock as long as it is open here.

    Raises:
      BlockingIOError: if another process holds the lock.
      OSError: if the file cannot be read or written.
    """
    self.path = path
    self._file = open(path, "a+b", buffering=0)
    try:
      if locked:
        fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        close_in_forks(self._file)
      self._data = _whole_lines(self._file)
      self._size = self._file.truncate(len(self._data))
    except BaseException:
      self._file.close()
      raise

  def read(self, parse: Callable[[Any], Value], what: str, *, allow_nan: bool = True) -> list[Value]:
    """Returns what each line held when the file was opened; see `read_lines`."""
    return list(_parsed(self._data, self.path, parse, what, allow_nan))

  def append(self, record: Any, *, allow_nan: bool = False, to_disk: bool = True) -> None:
    """Writes one line to the disk, or nothing.

    Args:
      record: a JSON value.
      allow_nan: whether NaN and infinity may be in it, which only Python reads.
      to_disk: whether the line must survive a power cut, and not only the end of the process. This takes longer.

    Raises:
      FileReplacedError: if others deleted, replaced or changed the file since it was opened.
      OSError: if the disk is full or the file cannot be written.
      ValueError: if NaN or infinity is in the record and not allowed.
      TypeError: if the record is no JSON value.
    """
    line = json.dumps(record, allow_nan=allow_nan).encode() + b"\n"
    self._check_in_place()
    if self._file.write(line) != len(line):
      self._file.truncate(self._size)
      raise OSError(f"{self.path}: could not write a complete line; is the disk full?")
    self._size += len(line)
    if to_disk:
      os.fsync(self._file.fileno())

  def clear(self) -> None:
    """Removes all lines."""
    self._file.truncate(0)
    self._data, self._size = b"", 0

  def close(self) -> None:
    """Closes the file and gives up the lock."""
    self._file.close()

  def _check_in_place(self) -> None:
    """Raises FileReplacedError if others deleted, replaced or changed the file. What it held is then kept elsewhere."""
    state = os.fstat(self._file.fileno())
    if _is_at(self.path, state) and state.st_size == self._size:
      return
    kept = free_path(f"{self.path}.kept")
    os.makedirs(os.path.dirname(kept) or ".", exist_ok=True)
    self._file.seek(0)
    with open(kept, "xb") as copy:
      shutil.copyfileobj(self._file, copy)
    raise FileReplacedError(
      f"{self.path}: was deleted, replaced or changed while this process was writing to it; its content was saved to {kept}"
    )


def _is_at(path: str, state: os.stat_result) -> bool:
  """Returns whether the file with this state is at a path."""
  try:
    return os.path.samestat(os.stat(path), state)
  except FileNotFoundError:
    return False


class FileReplacedError(OSError):
  """Raised when others delete, replace or change a file that is open for writing."""


def free_path(path: str) -> str:
  """Returns the path, with a number behind it if a file is there."""
  paths = (path, *(f"{path}.{number}" for number in range(1, 1000)))
  return next(candidate for candidate in paths if not os.path.exists(candidate))


def read_lines(path: str, parse: Callable[[Any], Value], what: str, *, allow_nan: bool = True) -> list[Value]:
  """Returns what each line of a file holds, without opening it for writing.

  Args:
    path: path of the file.
    parse: turns the JSON value of a line into what is returned for it. It may raise ValueError, KeyError, TypeError.
    what: what a line is expected to be, for error messages: "a line of a journal".
    allow_nan: whether NaN and infinity may be in a line.

  Raises:
    ValueError: if a line is not JSON within the limits of `nao_tf.runs.json_files.parse_json`, or cannot be parsed; the
      message names file and line.
    OSError: if the file cannot be read.
  """
  with open(path, "rb") as file:
    return list(_parsed(_whole_lines(file), path, parse, what, allow_nan))


def write_lines(path: str, records: Iterable[Any]) -> None:
  """Replaces a file of lines. At any moment there is either the old file or the new one."""
  temporary = f"{path}.tmp"
  with open(temporary, "w", encoding="utf-8") as file:
    file.writelines(json.dumps(record) + "\n" for record in records)
    file.flush()
    os.fsync(file.fileno())
  os.replace(temporary, path)


def _whole_lines(file: Any) -> bytes:
  """Returns the content of a file up to the end of its last whole line."""
  file.seek(0)
  data = file.read()
  return data[: data.rfind(b"\n") + 1]


def _parsed(data: bytes, path: str, parse: Callable[[Any], Value], what: str, allow_nan: bool) -> Iterator[Value]:
  for number, line in enumerate(data.split(b"\n")[:-1], start=1):
    try:
      yield parse(parse_json(line, "the line", allow_nan=allow_nan))
    except (ValueError, KeyError, TypeError) as error:
      raise ValueError(f"{path}, line {number}: not {what} ({_reason(error)}): {line[:80]!r}") from error


def _reason(error: Exception) -> str:
  """Returns what an error says; a KeyError only says a key."""
  return str(error) if isinstance(error, ValueError) else repr(error)
