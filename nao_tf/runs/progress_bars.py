"""Progress of a long piece of work: a bar on a terminal, lines with the time in a log file."""

import sys
import time
from collections.abc import Callable
from typing import Any

import tqdm

_LINE = "{n_fmt}/{total_fmt} {unit} [{elapsed}<{remaining}]{postfix}"


def progress_bar(
  total: int | None, unit: str, *, initial: int = 0, shown: bool = True, seconds: float = 0.0
) -> "tqdm.tqdm[Any]":
  """Returns a bar of progress on the standard error stream. Its time left follows from the mean time so far.

  Args:
    total: how many there are; None if that is not known.
    unit: what they are, in the singular.
    initial: how many are done already.
    shown: whether to show anything.
    seconds: in a log file, the time between two lines; 0 for a line each.
  """
  if is_live() or not shown:
    return tqdm.tqdm(total=total, initial=initial, unit=unit, dynamic_ncols=True, smoothing=0, disable=not shown)
  return _Lines(
    total=total,
    initial=initial,
    unit=unit,
    bar_format=_LINE,
    mininterval=seconds,
    miniters=1,
    delay=1e-9,
    smoothing=0,
  )


def is_live() -> bool:
  """Returns whether what is shown can change in its place: on a terminal or in a notebook, and not in a log file."""
  return sys.stderr.isatty() or type(sys.stderr).__module__.partition(".")[0] == "ipykernel"


class _Lines(tqdm.tqdm):
  """Writes its state as a line with the time."""

  monitor_interval = 0

  @staticmethod
  def status_printer(file: Any) -> Callable[[str], None]:
    """Returns a function that writes a line."""

    def write(text: str) -> None:
      file.write(f"{time.strftime('%Y-%m-%d %H:%M:%S')} {text.strip()}\n")
      file.flush()

    return write

  def close(self) -> None:
    """Ends it; the last line was written before."""
    self.leave = False
    self.disable = True
