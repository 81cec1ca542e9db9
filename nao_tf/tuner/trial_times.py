"""Running times of trials, used to detect trials that exceed the time limit."""

import time
from collections.abc import Callable


class TrialTimes:
  """Start times of running trials, by trial id.

  Attributes:
    limit: time limit of a trial, in seconds; None for no limit.
  """

  def __init__(self, limit: float | None, *, clock: Callable[[], float] = time.monotonic):
    """Initializes without trials.

    Args:
      limit: seconds that a trial may take; None for no limit.
      clock: returns the time in seconds.

    Raises:
      ValueError: if `limit` is not above 0.
    """
    if limit is not None and not limit > 0:
      raise ValueError(f"trial_timeout must be above 0 seconds, or None for no limit, got {limit}")
    self.limit = limit
    self._clock = clock
    self._starts: dict[str, float] = {}

  def start(self, trial_id: str) -> None:
    """Records that a trial starts now, unless it is already running."""
    self._starts.setdefault(trial_id, self._clock())

  def end(self, trial_id: str) -> None:
    """Removes a trial, if it is known."""
    self._starts.pop(trial_id, None)

  @property
  def overdue(self) -> list[str]:
    """The trials that have been running for more than `limit` seconds."""
    if self.limit is None:
      return []
    now = self._clock()
    return [trial_id for trial_id, start in self._starts.items() if now - start > self.limit]
