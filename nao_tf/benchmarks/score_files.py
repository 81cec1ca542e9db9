"""Scores of architectures on the disk, each taken once: the searches of a benchmark share them, and so does the next one.

Several processes add scores side by side, each to a file of its own. A process that dies loses nothing that it has added.
"""

import glob
import os
from typing import Any

from nao_tf import fields
from nao_tf.runs.lines import LinesFile, read_lines
from nao_tf.spaces.base import SearchSpace
from nao_tf.trial import Architecture

_MOST_FILES = 1000


class ScoreFiles:
  """The scores in a directory. It is also a context manager, which closes the file of this process."""

  def __init__(self, directory: str, space: SearchSpace):
    """Opens a file of this process, and reads all files.

    Args:
      directory: directory of the files; created if it does not exist.
      space: space of the architectures.

    Raises:
      ValueError: if a line is not the score of an architecture of the space; the message names it.
      OSError: if a file cannot be read or written.
    """
    os.makedirs(directory, exist_ok=True)
    self._directory, self._space = directory, space
    self._lines = _free_file(directory)
    self._scores: dict[Architecture, float | None] = {}
    self.refresh()

  def refresh(self) -> None:
    """Reads what other processes have added meanwhile."""
    for path in sorted(glob.glob(os.path.join(glob.escape(self._directory), "*.jsonl"))):
      self._scores.update(read_lines(path, self._entry, "the score of an architecture", allow_nan=False))

  def __len__(self) -> int:
    return len(self._scores)

  def __contains__(self, architecture: Architecture) -> bool:
    return architecture in self._scores

  def __getitem__(self, architecture: Architecture) -> float | None:
    return self._scores[architecture]

  def add(self, architecture: Architecture, score: float | None) -> None:
    """Adds the score of an architecture; None if it has none."""
    self._lines.append({"architecture": architecture, "score": score}, to_disk=False)
    self._scores[architecture] = score

  def close(self) -> None:
    """Closes the file of this process."""
    self._lines.close()

  def __enter__(self) -> "ScoreFiles":
    return self

  def __exit__(self, *_: object) -> None:
    self.close()

  def _entry(self, line: Any) -> tuple[Architecture, float | None]:
    row = fields.members(line, "a score", ("architecture", "score"))
    architecture = fields.integers(row["architecture"], "architecture")
    self._space.validate(architecture)
    return architecture, fields.number_or_none(row["score"], "score")


def _free_file(directory: str) -> LinesFile:
  """Returns the first file that no other process has open.

  Raises:
    OSError: if it cannot be written, or so many processes have files here.
  """
  for number in range(_MOST_FILES):
    try:
      return LinesFile(os.path.join(directory, f"{number}.jsonl"), locked=True)
    except BlockingIOError:
      continue
  raise OSError(f"{directory}: {_MOST_FILES} processes write scores here")
