"""Which workers of a distributed search are alive.

KerasTuner's chief does not notice when a worker dies, and waits for it forever. So workers send heartbeats, and the
chief notes when it last heard from each of them, by a heartbeat or otherwise.
"""

import contextlib
import time
from collections.abc import Callable, Iterator


class WorkerRoll:
  """The workers, with the time at which each was last heard from.

  Attributes:
    timeout: seconds of silence after which a worker counts as dead.
    was_used: whether any worker has ever been heard from.
  """

  def __init__(self, timeout: float, *, clock: Callable[[], float] = time.monotonic):
    """Sets up an empty roll.

    Args:
      timeout: seconds of silence after which a worker counts as dead.
      clock: returns the time in seconds.

    Raises:
      ValueError: if `timeout` is not above 0.
    """
    if not timeout > 0:
      raise ValueError(f"a worker's timeout must be above 0 seconds, got {timeout}")
    self.timeout = timeout
    self.was_used = False
    self._clock = clock
    self._last_heartbeats: dict[str, float] = {}

  def __len__(self) -> int:
    return len(self._last_heartbeats)

  def __contains__(self, worker: str) -> bool:
    return worker in self._last_heartbeats

  def record_heartbeat(self, worker: str) -> None:
    """Notes that a worker is alive now."""
    self.was_used = True
    self._last_heartbeats[worker] = self._clock()

  def remove(self, worker: str) -> None:
    """Removes a worker, if it is on the roll."""
    self._last_heartbeats.pop(worker, None)

  def extend(self, seconds: float) -> None:
    """Gives all workers more time, for example because heartbeats could not be received for so long."""
    for worker in self._last_heartbeats:
      self._last_heartbeats[worker] += seconds

  @contextlib.contextmanager
  def paused(self) -> Iterator[None]:
    """Does not count the time spent in the context as silence: the chief is too busy then to receive heartbeats."""
    start = self._clock()
    try:
      yield
    finally:
      self.extend(self._clock() - start)

  @property
  def dead(self) -> list[str]:
    """The workers that were last heard from more than `timeout` seconds ago."""
    now = self._clock()
    return [worker for worker, last in self._last_heartbeats.items() if now - last > self.timeout]
