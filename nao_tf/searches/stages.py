"""The stages in which the trials of a search are evaluated: at once, or rung by rung."""

import dataclasses
from collections.abc import Iterable, Iterator, Sequence

from nao_tf.runs.journal import Entry, Promotion
from nao_tf.searches.comparable_rewards import ComparableRewards
from nao_tf.searches.rungs import RungConfig, make_scheduler
from nao_tf.trial import Trial


class Stages:
  """Each trial is evaluated at once, as in a search without rungs."""

  def events(self, entries: Iterable[Entry]) -> Iterator[list[Trial] | Trial]:
    """Yields the events of a journal to replay against a strategy, and records them.

    Raises:
      ValueError: if the journal is that of a search with rungs.
    """
    for entry in entries:
      if isinstance(entry, Promotion):
        raise ValueError(f"trial {entry.trial.id} was promoted, but this search has no rungs")
      yield entry

  def num_new(self, batch_size: int) -> int:
    """Returns how many new trials may be requested now, out of `batch_size`."""
    return batch_size

  def begun(self, batch: Sequence[Trial]) -> list[Trial]:
    """Returns new trials as they start, and records them."""
    return list(batch)

  def promoted(self) -> Trial | None:
    """Returns the next trial to promote, and records it; None if there is none now."""
    return None

  def told(self, closed: Trial) -> Iterable[Trial]:
    """Returns what to report to a strategy when a trial has closed, and records it."""
    return [closed]

  def work(self, trial: Trial) -> Trial:
    """Returns a trial in the form in which an executor takes it."""
    return trial

  def done(self, closed: Trial) -> Trial:
    """Returns a closed trial of an executor as a trial of the search."""
    return closed


class RungStages(Stages):
  """Trials begin at a low rung, and the better ones go on.

  An executor is given an architecture with one more number, the rung; see `nao_tf.evaluators.rung_evaluator`.
  """

  def __init__(self, config: RungConfig):
    """Initializes without trials."""
    self._scheduler, self._rewards = make_scheduler(config), ComparableRewards(config)
    self._at_work: dict[int, Trial] = {}

  def events(self, entries: Iterable[Entry]) -> Iterator[list[Trial] | Trial]:
    """See `Stages.events`."""
    for entry in entries:
      if isinstance(entry, Promotion):
        self._scheduler.begin([entry.trial])
      elif isinstance(entry, Trial):
        yield from self.told(entry)
      else:
        self._scheduler.begin(entry)
        yield entry

  def num_new(self, batch_size: int) -> int:
    """See `Stages.num_new`."""
    return self._scheduler.num_new(batch_size)

  def begun(self, batch: Sequence[Trial]) -> list[Trial]:
    """See `Stages.begun`."""
    begun = [dataclasses.replace(trial, rung=self._scheduler.first_rung) for trial in batch]
    self._scheduler.begin(begun)
    return begun

  def promoted(self) -> Trial | None:
    """See `Stages.promoted`."""
    promoted = self._scheduler.next_promotion()
    if promoted is not None:
      self._scheduler.begin([promoted])
    return promoted

  def told(self, closed: Trial) -> Iterable[Trial]:
    """Returns the trial and others whose rewards have changed with it, all with comparable rewards."""
    self._scheduler.note(closed)
    return self._rewards.update(closed)

  def work(self, trial: Trial) -> Trial:
    """See `Stages.work`."""
    self._at_work[trial.id] = trial
    return Trial(trial.id, (*trial.architecture, trial.rung), trial.origin)

  def done(self, closed: Trial) -> Trial:
    """See `Stages.done`."""
    trial = self._at_work.pop(closed.id)
    return trial if closed.evaluation is None else trial.close(closed.evaluation)


def stages_of(config: RungConfig | None) -> Stages:
  """Returns the stages of a search with rungs, or without."""
  return Stages() if config is None else RungStages(config)
