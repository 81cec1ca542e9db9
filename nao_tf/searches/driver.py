"""The driver of a strategy, which requests architectures, reports trials, and replays recorded searches.

The search loop, benchmarks on tables and KerasTuner oracles all use strategies through a `Driver`.
"""

from collections.abc import Iterable, Sequence

from absl import logging

from nao_tf.strategies.base import Proposal, SpaceExhausted, Strategy
from nao_tf.trial import Trial

Event = Sequence[Trial] | Trial
"""What happened in a search: a batch of trials was asked for, or a trial was closed."""


class Driver:
  """Drives a strategy through a search.

  Attributes:
    strategy: the strategy.
    num_trials: number of trials requested so far.
  """

  def __init__(self, strategy: Strategy, *, cache: str | None = None, num_earlier: int = 0):
    """Initializes with a fresh strategy.

    Args:
      strategy: proposes.
      cache: directory for what the strategy learns, so that repeating is quick; None for no cache. The cache may be
        deleted at any time: the strategy then learns the same again.
      num_earlier: how many trials there were before this strategy began.
    """
    self.strategy = strategy
    self.num_trials = strategy.num_asked = num_earlier
    self._cache = cache
    self._has_warned = False

  def restore(self) -> None:
    """Restores what the strategy has learned from the cache. Call it before anything is asked or told."""
    if self._cache is not None:
      self.strategy.restore(self._cache)

  def ask(self, count: int) -> list[Trial]:
    """Requests at most `count` open trials to evaluate next.

    Raises:
      SpaceExhausted: if the space has no new architecture left.
    """
    first = self.num_trials
    batch = [Trial(first + i, a, self.strategy.origin(a)) for i, a in enumerate(self.strategy.ask(count))]
    self.num_trials += len(batch)
    return batch

  def tell(self, trials: Iterable[Trial]) -> None:
    """Reports closed trials to the strategy."""
    self.strategy.tell(trials)

  def save(self) -> None:
    """Saves the cache. Call it after the latest batch has been recorded."""
    if self._cache is not None:
      self.strategy.save(self._cache)

  def count_as_asked(self, proposals: Sequence[Proposal]) -> list[Trial]:
    """Returns open trials of architectures chosen by the caller; the strategy counts them as asked for."""
    first = self.num_trials
    self.strategy.count_as_asked(proposals)
    self.num_trials += len(proposals)
    return [Trial(first + i, architecture, origin) for i, (architecture, origin) in enumerate(proposals)]

  def replay(self, events: Iterable[Event]) -> list[Trial]:
    """Replays the events of a recorded search; returns the trials that are still open.

    Raises:
      ValueError: if a recorded architecture does not belong to the space.
    """
    still_open: dict[int, Trial] = {}
    for event in events:
      if isinstance(event, Trial):
        still_open.pop(event.id, None)
        self.tell([event])
      else:
        self.repeat(event)
        still_open.update((trial.id, trial) for trial in event)
    return list(still_open.values())

  def repeat(self, recorded: Sequence[Trial]) -> None:
    """Requests a recorded batch again.

    The record takes precedence. If the strategy now proposes other architectures, because of another version or
    machine, a warning is logged once, and the search continues from what was evaluated.

    Raises:
      ValueError: if a recorded architecture does not belong to the space.
    """
    try:
      asked = self.ask(len(recorded))
    except SpaceExhausted:
      asked = []
    if [trial.architecture for trial in asked] != [trial.architecture for trial in recorded]:
      self.replace(asked, recorded)

  def replace(self, asked: Sequence[Trial], recorded: Sequence[Trial]) -> None:
    """Replaces the last batch by the recorded one. Logs a warning the first time."""
    self._warn(asked, recorded)
    self.num_trials += len(recorded) - len(asked)
    self.strategy.replace(
      [trial.architecture for trial in asked], [(trial.architecture, trial.origin) for trial in recorded]
    )

  def _warn(self, asked: Sequence[Trial], recorded: Sequence[Trial]) -> None:
    if self._has_warned:
      return
    self._has_warned = True
    now = {trial.id: trial for trial in asked}
    before = next(t for t in recorded if t.id not in now or now[t.id].architecture != t.architecture)
    again = f"proposes {now[before.id].architecture} ({now[before.id].origin})" if before.id in now else "proposes none"
    logging.warning(
      "Trial %d in the journal is %s (%s), but this version %s. The search continues with the trials in the journal; from"
      " here on it may differ from an uninterrupted search.",
      before.id,
      before.architecture,
      before.origin,
      again,
    )
