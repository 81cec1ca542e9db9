"""Records how much a search used prior knowledge: `hints.jsonl`, with a line whenever that changes.

A hint is an earlier search, or a quantity known without training. The file is optional: it is only used for the report
and the final output of a search.
"""

import os
from collections.abc import Sequence
from typing import Any, NamedTuple

from nao_tf import fields
from nao_tf.runs.lines import read_lines
from nao_tf.runs.side_files import SideFile

HINTS_FILE = "hints.jsonl"
_LINE = "weights of hints"


class Hint(NamedTuple):
  """A source of prior knowledge, and how much the search uses it.

  Attributes:
    name: display name.
    weight: weight, in standard deviations of the scores per unit of the hint; 0 if it is not used.
  """

  name: str
  weight: float


class Hints(NamedTuple):
  """The hints of a search from some moment on.

  Attributes:
    after: how many trials were closed then.
    hints: all, in the order in which the search was told.
  """

  after: int
  hints: tuple[Hint, ...]


class HintsFile:
  """The file of a search, open for writing. The caller holds the lock of the directory."""

  def __init__(self, directory: str):
    """Opens the file of a directory, or starts one. A damaged file is set aside with a warning; see `SideFile`."""
    self._file = SideFile(os.path.join(directory, HINTS_FILE), _parsed, _LINE)
    self._last = self._file.rows[-1] if self._file.rows else None

  @property
  def last(self) -> tuple[Hint, ...]:
    """The most recently recorded hints; none if there are none."""
    return self._last.hints if self._last else ()

  def add(self, after: int, hints: Sequence[Hint]) -> None:
    """Records hints after so many trials, unless there are none, or they or later ones are recorded."""
    is_later = self._last is None or after > self._last.after
    if hints and is_later and tuple(hints) != self.last:
      self._last = Hints(after, tuple(hints))
      self._file.append({"after": after, "hints": [hint._asdict() for hint in hints]})

  def close(self) -> None:
    """Closes the file."""
    self._file.close()


def read_hints(directory: str) -> list[Hints]:
  """Returns the hints of a search, the first ones first; none if there is no file.

  Raises:
    ValueError: if the file is damaged; the message names the line.
  """
  path = os.path.join(directory, HINTS_FILE)
  return read_lines(path, _parsed, _LINE, allow_nan=False) if os.path.exists(path) else []


def in_words(hints: Sequence[Hint]) -> list[str]:
  """Returns a sentence about each hint."""
  return [
    f"{name} is used with a weight of {weight:.2f}"
    if weight
    else f"{name} is not used: it does not help to predict the rewards of this search"
    for name, weight in hints
  ]


def switched_at(history: Sequence[Hints], name: str) -> list[int]:
  """Returns after how many trials a hint was switched on or off, beginning with when it was first used."""
  found: list[int] = []
  is_used = False
  for after, hints in history:
    weight = dict(hints).get(name, 0.0)
    if bool(weight) != is_used:
      is_used = bool(weight)
      found.append(after)
  return found


def _parsed(value: Any) -> Hints:
  row = fields.members(value, _LINE, ("after", "hints"))
  hints = tuple(_hint(item) for item in fields.elements(row["hints"], "hints"))
  return Hints(fields.integer(row["after"], "after", 0), hints)


def _hint(value: Any) -> Hint:
  row = fields.members(value, "a hint", ("name", "weight"))
  return Hint(fields.text(row["name"], "name"), fields.number(row["weight"], "weight"))
