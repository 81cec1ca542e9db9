"""Which workers of a distributed search are alive.

KerasTuner's chief learns of a worker's death from nobody and waits for it for ever. So workers send a sign of life
every few seconds, over one of the calls that KerasTuner's client has, and the chief keeps a roll.
"""

import contextlib
import threading
import time
from collections.abc import Callable, Iterator

BEATS_PER_TIMEOUT = 6


class Roll:
  """Who has sent a sign of life, and when. Workers that never do are not judged.

  Attributes:
    timeout: seconds of silence after which a worker counts as dead.
    was_called: whether there ever was a sign of life.
  """

  def __init__(self, timeout: float, *, clock: Callable[[], float] = time.monotonic):
    """Args:
      timeout: seconds of silence after which a worker counts as dead.
      clock: gives the time in seconds.

    Raises:
      ValueError: if `timeout` is not above 0.
    """
    if not timeout > 0:
      raise ValueError(f"a worker's timeout must be above 0 seconds, got {timeout}")
    self.timeout = timeout
    self._clock = clock
    self._heard: dict[str, float] = {}
    self.was_called = False

  def __len__(self) -> int:
    return len(self._heard)

  def __contains__(self, worker: str) -> bool:
    return worker in self._heard

  def hear(self, worker: str) -> None:
    """Notes a sign of life."""
    self.was_called = True
    self._heard[worker] = self._clock()

  def strike(self, worker: str) -> None:
    """Forgets a worker, if it is on the roll."""
    self._heard.pop(worker, None)

  def excuse(self, seconds: float) -> None:
    """Leaves a time out of account in which nobody could be heard."""
    for worker in self._heard:
      self._heard[worker] += seconds

  @property
  def silent(self) -> list[str]:
    """The workers that have been silent for too long."""
    now = self._clock()
    return [worker for worker, heard in self._heard.items() if now - heard > self.timeout]


@contextlib.contextmanager
def repeating(call: Callable[[], None], seconds: float, *, ignored: tuple[type[Exception], ...] = ()) -> Iterator[None]:
  """Calls something once, and then again and again in another thread as long as the context lasts.

  Args:
    call: what to call.
    seconds: pause between two calls.
    ignored: exceptions after which it goes on.
  """
  call()
  done = threading.Event()

  def repeat():
    while not done.wait(seconds):
      with contextlib.suppress(*ignored):
        call()

  thread = threading.Thread(target=repeat, daemon=True)
  thread.start()
  try:
    yield
  finally:
    done.set()
    thread.join(max(seconds, 1.0))  # It may be in a call that lasts.
