"""Append-only files of JSON lines that only reports read. Whatever happens to one of them, the search goes on."""

import os
from collections.abc import Callable, Iterator
from typing import Any, Generic, TypeVar

from absl import logging

from nao_tf.runs.json_files import parse_json
from nao_tf.runs.lines import LinesFile, free_path

Row = TypeVar("Row")


class SideFile(Generic[Row]):
  """A file of lines, open for writing. It never raises because of what is in the file or where it is.

  A file with damaged lines is set aside, and its good lines are kept. If the file cannot be written, there is one warning
  and no further line is written.

  Attributes:
    rows: what the lines held when the file was opened.
  """

  def __init__(self, path: str, parse: Callable[[Any], Row], what: str):
    """Opens the file, or starts one. The caller holds the lock of its directory.

    Args:
      path: path of the file.
      parse: turns the JSON value of a line into a row. It may raise ValueError, KeyError, TypeError.
      what: what a line is expected to be, for warnings: "a prediction".
    """
    self.rows: list[Row] = []
    self._path = path
    self._lines: LinesFile | None = None
    try:
      self._open(parse, what)
    except OSError as error:
      self._give_up(error)

  def append(self, record: Any) -> None:
    """Writes one line, if the file can be written."""
    if self._lines is None:
      return
    try:
      self._lines.append(record, to_disk=False)
    except ValueError as error:  # NaN or infinity.
      logging.warning("%s: a line was not written (%s)", self._path, error)
    except OSError as error:
      self.close()
      self._give_up(error)

  def close(self) -> None:
    """Closes the file."""
    if self._lines is not None:
      self._lines.close()
      self._lines = None

  def _open(self, parse: Callable[[Any], Row], what: str) -> None:
    self._lines = LinesFile(self._path)
    try:
      self.rows = self._lines.read(parse, what, allow_nan=False)
    except ValueError as error:
      self._lines.close()
      self._repair(parse, str(error))

  def _repair(self, parse: Callable[[Any], Row], reason: str) -> None:
    """Sets the file aside and starts a new one with the lines that can be read."""
    aside = free_path(f"{self._path}.damaged")
    os.replace(self._path, aside)
    self._lines = LinesFile(self._path)
    for value, row in _good_lines(aside, parse):
      self._lines.append(value, to_disk=False)
      self.rows.append(row)
    logging.warning("%s; the file was renamed to %s, and its %d valid lines were kept", reason, aside, len(self.rows))

  def _give_up(self, error: OSError) -> None:
    self._lines = None
    logging.warning("%s cannot be written, so the report will lack its data (%s)", self._path, error)


def _good_lines(path: str, parse: Callable[[Any], Row]) -> Iterator[tuple[Any, Row]]:
  """Yields the JSON value and the row of each line that can be read."""
  with open(path, "rb") as file:
    for line in file:
      try:
        value = parse_json(line, "the line", allow_nan=False)
        yield value, parse(value)
      except (ValueError, KeyError, TypeError):
        continue
