"""The driver of a strategy: asks it, tells it, and repeats what was asked and told before.

The search loop, benchmarks on tables and KerasTuner's oracle all talk to a strategy through a `Driver`.
"""

from collections.abc import Iterable, Sequence

from absl import logging

from nao_tf.strategies.base import Proposal, SpaceExhausted, Strategy
from nao_tf.trial import Trial

Event = Sequence[Trial] | Trial
"""What happened in a search: a batch of trials was asked for, or a trial was closed."""


class Driver:
  """Drives one strategy through one search.

  Attributes:
    strategy: the strategy.
    num_trials: how many trials were asked for so far.
  """

  def __init__(self, strategy: Strategy, *, cache: str | None = None, num_earlier: int = 0):
    """Takes a strategy that was asked and told nothing.

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
    """Gives the strategy what it has learned before, from the cache. To be called before anything is asked or told."""
    if self._cache is not None:
      self.strategy.restore(self._cache)

  def ask(self, count: int) -> list[Trial]:
    """Returns open trials to evaluate next, at most `count`.

    Raises:
      SpaceExhausted: if the space has no new architecture left.
    """
    first = self.num_trials
    batch = [Trial(first + i, a, self.strategy.origin(a)) for i, a in enumerate(self.strategy.ask(count))]
    self.num_trials += len(batch)
    return batch

  def tell(self, trials: Iterable[Trial]) -> None:
    """Tells the strategy about closed trials."""
    self.strategy.tell(trials)

  def save(self) -> None:
    """Writes the cache. To be called when the latest batch is on record."""
    if self._cache is not None:
      self.strategy.save(self._cache)

  def count_as_asked(self, proposals: Sequence[Proposal]) -> list[Trial]:
    """Returns open trials of architectures that somebody else has chosen; the strategy counts them as asked for."""
    first = self.num_trials
    self.strategy.count_as_asked(proposals)
    self.num_trials += len(proposals)
    return [Trial(first + i, architecture, origin) for i, (architecture, origin) in enumerate(proposals)]

  def replay(self, events: Iterable[Event]) -> list[Trial]:
    """Repeats what happened in a search; returns the trials that are still open.

    Raises:
      ValueError: if an architecture on record is not one of the space.
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
    """Asks again for a batch that is on record.

    What is on record prevails. If the strategy now asks for other architectures, because it is of another version or
    runs on another machine, there is one warning, and the search goes on from what was evaluated.

    Raises:
      ValueError: if an architecture on record is not one of the space.
    """
    try:
      asked = self.ask(len(recorded))
    except SpaceExhausted:
      asked = []
    if [trial.architecture for trial in asked] != [trial.architecture for trial in recorded]:
      self.replace(asked, recorded)

  def replace(self, asked: Sequence[Trial], recorded: Sequence[Trial]) -> None:
    """Takes back the last batch: the recorded one was evaluated instead. Warns the first time."""
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
    again = f"asks for {now[before.id].architecture} ({now[before.id].origin})" if before.id in now else "asks for none"
    logging.warning(
      "Trial %d on record is %s (%s), but this version %s. The search goes on with what is on record; from here on it may"
      " differ from an uninterrupted one.",
      before.id,
      before.architecture,
      before.origin,
      again,
    )
