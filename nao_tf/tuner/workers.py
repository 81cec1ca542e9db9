"""Keeps track of the workers of a distributed search that are alive.

KerasTuner's chief does not notice when a worker dies, and waits for it forever. Here workers send heartbeats, and the
chief records when it last heard from each of them, by a heartbeat or otherwise.
"""

import contextlib
import time
from collections.abc import Callable, Iterator


class WorkerRoll:
  """The known workers, with the time at which each was last heard from.

  Attributes:
    timeout: time without a sign of life after which a worker is considered dead, in seconds.
    was_used: whether any worker has ever been heard from.
  """

  def __init__(self, timeout: float, *, clock: Callable[[], float] = time.monotonic):
    """Initializes an empty roll.

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
    """Records that a worker is alive now."""
    self.was_used = True
    self._last_heartbeats[worker] = self._clock()

  def remove(self, worker: str) -> None:
    """Removes a worker, if it is known."""
    self._last_heartbeats.pop(worker, None)

  def extend(self, seconds: float) -> None:
    """Gives all workers more time, for example because heartbeats could not be received for a while."""
    for worker in self._last_heartbeats:
      self._last_heartbeats[worker] += seconds

  @contextlib.contextmanager
  def paused(self) -> Iterator[None]:
    """Excludes the time spent in the context, in which the chief is too busy to receive heartbeats, from the timeout."""
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
