"""Signals that wait for a good moment: the end of a training step, after which a checkpoint can be written."""

import contextlib
import signal
import threading
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any

from absl import logging

_SIGNALS = (signal.SIGINT, signal.SIGTERM)

Handler = Callable[[int, FrameType | None], Any] | int | signal.Handlers | None


class HeldSignals:
  """Ctrl-C and SIGTERM, which wait until they are delivered. The second one does not wait.

  A signal that the process ignores stays ignored, such as Ctrl-C in a job that a script has put into the background.

  Attributes:
    waiting: number of the signal that waits; None if there is none.
  """

  def __init__(self) -> None:
    """Holds nothing yet."""
    self.waiting: int | None = None
    self._before: dict[int, Handler] = {}

  def hold(self) -> None:
    """Begins to hold signals. Only the main thread of a process can; in others nothing is held."""
    if threading.current_thread() is threading.main_thread():
      heard = [number for number in _SIGNALS if signal.getsignal(number) not in (signal.SIG_IGN, None)]
      self._before = {number: signal.signal(number, self._receive) for number in heard}

  def release(self) -> None:
    """Ends it: signals are handled as they were before."""
    before, self._before = self._before, {}
    for number, handler in before.items():
      signal.signal(number, handler)

  def deliver(self) -> None:
    """Hands the signal that waits to the handler from before, which ends the program or raises an error; then releases."""
    self.release()
    if self.waiting is not None:
      number, self.waiting = self.waiting, None
      signal.raise_signal(number)

  def _receive(self, number: int, frame: FrameType | None) -> None:
    del frame
    again, self.waiting = self.waiting is not None, number
    if again:
      self.deliver()
    else:
      logging.info("%s: stopping after this step, with a checkpoint; a second signal stops at once", _name(number))


@contextlib.contextmanager
def held_signals() -> Iterator[HeldSignals]:
  """Holds Ctrl-C and SIGTERM as long as the context is open. What waits at its end is delivered then."""
  held = HeldSignals()
  held.hold()
  try:
    yield held
  finally:
    held.deliver()


def _name(number: int) -> str:
  return signal.Signals(number).name
