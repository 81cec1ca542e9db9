"""Shuts a command down cleanly on Ctrl-C or a signal of the system, with the exit status that shells expect."""

import contextlib
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from types import FrameType

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Stopped(KeyboardInterrupt):
  """Raised where the program is when it is told to stop.

  Attributes:
    status: the exit status that a shell expects: 130 for Ctrl-C, 143 for SIGTERM.
  """

  def __init__(self, number: int):
    """Takes the number of the signal."""
    super().__init__(f"stopped by {signal.Signals(number).name}")
    self.status = 128 + number


@contextlib.contextmanager
def stopped_by_signals(how_to_go_on: str | Callable[[], str]) -> Iterator[None]:
  """Lets the first signal end the program in order, and the second one at once.

  Args:
    how_to_go_on: what the last line says, or a function that returns it, which is called then.

  Raises:
    SystemExit: with the status of the signal, when all that was under way has ended.
  """
  if threading.current_thread() is not threading.main_thread():
    yield
    return
  before = [signal.signal(number, _stop) for number in _SIGNALS]
  try:
    yield
  except Stopped as stop:
    advice = how_to_go_on if isinstance(how_to_go_on, str) else how_to_go_on()
    print(f"{stop}; {advice}", file=sys.stderr)
    raise SystemExit(stop.status) from stop
  finally:
    for number, handler in zip(_SIGNALS, before):
      signal.signal(number, handler)


@contextlib.contextmanager
def ended_at_once() -> Iterator[None]:
  """Lets signals end the process by themselves, during a call that does not come back to Python as long as it waits.

  The handlers are put back afterwards, also where the call has replaced them, as TensorFlow does with that of SIGTERM.
  """
  if threading.current_thread() is not threading.main_thread():
    yield
    return
  before = [signal.signal(number, signal.SIG_DFL) for number in _SIGNALS]
  try:
    yield
  finally:
    for number, handler in zip(_SIGNALS, before):
      signal.signal(number, handler)


def _stop(number: int, frame: FrameType | None) -> None:
  """Raises Stopped, and ends the process if that is told again."""
  del frame
  for other in _SIGNALS:
    signal.signal(other, _end)
  raise Stopped(number)


def _end(number: int, frame: FrameType | None) -> None:
  del frame
  os._exit(128 + number)
