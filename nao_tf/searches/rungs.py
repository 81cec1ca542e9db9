"""Successive halving: candidates are trained for a few epochs, and only the better ones continue to the next rung.

There are three ways to decide which candidates are promoted:

* asynchronous: a candidate is promoted as soon as it is among the best `1/reduction` of those that have a result at its
  rung. No worker ever waits. This is ASHA (Li et al., "A System for Massively Parallel Hyperparameter Tuning", MLSys
  2020).
* halving: a bracket of candidates starts together, just enough to leave one at the top rung. When all have a result,
  the best `1/reduction` are promoted; then the next bracket starts (Jamieson and Talwalkar, AISTATS 2016).
* hyperband: like halving, but brackets take turns in starting at the lowest rung, at the second one, and so on up to
  the top (Li et al., "Hyperband", JMLR 2018).
"""

import abc
import dataclasses
import itertools
import math
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from nao_tf import fields
from nao_tf.trial import Trial

PROMOTIONS = ("asynchronous", "halving", "hyperband")
_EXPECTED = "two or more ascending numbers of epochs, such as 1, 3, 9"


@dataclasses.dataclass(frozen=True)
class RungConfig:
  """Settings of a search with rungs.

  Attributes:
    epochs: numbers of epochs after which candidates are compared, ascending. The last one is the length of a full
      training.
    reduction: reduction factor: one of this many candidates is promoted from each rung to the next.
    promotion: which candidates are promoted: "asynchronous", "halving" or "hyperband".
    max_epochs: maximum total number of training epochs of all candidates; nothing that would exceed it is started. None
      for no limit.
  """

  epochs: tuple[int, ...]
  reduction: int = 3
  promotion: str = PROMOTIONS[0]
  max_epochs: int | None = None

  def __post_init__(self) -> None:
    """Checks the numbers.

    Raises:
      ValueError: if one is out of range; the message says what was expected.
    """
    object.__setattr__(self, "epochs", fields.integers(self.epochs, "rungs"))
    if len(self.epochs) < 2 or self.epochs[0] < 1 or any(b <= a for a, b in itertools.pairwise(self.epochs)):
      raise ValueError(f"rungs must be {_EXPECTED}, got {self.epochs}")
    fields.integer(self.reduction, "reduction", 2)
    if self.promotion not in PROMOTIONS:
      raise ValueError(f"promotion must be one of {', '.join(PROMOTIONS)}, got {self.promotion!r}")
    if self.max_epochs is not None and fields.integer(self.max_epochs, "max_epochs") < self.epochs[0]:
      raise ValueError(f"max_epochs must be at least {self.epochs[0]}, the lowest rung, got {self.max_epochs}")

  @property
  def top(self) -> int:
    """The index of the highest rung."""
    return len(self.epochs) - 1

  def cost(self, trial: Trial) -> int:
    """Returns the number of epochs that an open trial trains for at its current rung."""
    return self.epochs[trial.rung] - (self.epochs[trial.rung - 1] if trial.evaluation else 0)

  def total_epochs(self, trials: Sequence[Trial]) -> int:
    """Returns the total number of epochs of all trials, including running ones; failed trials count their whole rung."""
    return sum(self.epochs[trial.rung] for trial in trials)

  @property
  def settings(self) -> dict[str, object]:
    """The settings that determine the course of a search, as JSON values; `max_epochs` may change and is left out."""
    return {"rungs": list(self.epochs), "reduction": self.reduction, "promotion": self.promotion}


class Scheduler(abc.ABC):
  """Decides which trial is begun at which rung. What it decides follows from what it was told, and in which order.

  Attributes:
    config: the rungs.
    num_epochs: epochs of all that was begun.
  """

  def __init__(self, config: RungConfig):
    """Initializes without trials."""
    self.config, self.num_epochs = config, 0
    self._trials: dict[int, Trial] = {}
    self._results: list[dict[int, float]] = [{} for _ in config.epochs]

  def begin(self, trials: Sequence[Trial]) -> None:
    """Records open trials: new ones that begin together, or one that goes on at its next rung."""
    self._trials.update((trial.id, trial) for trial in trials)
    self.num_epochs += sum(map(self.config.cost, trials))

  def note(self, trial: Trial) -> None:
    """Records the result of a trial at its rung. A failed one is the worst, and never goes on."""
    self._trials[trial.id] = trial
    self._results[trial.rung][trial.id] = -math.inf if trial.reward is None else trial.reward

  @property
  def first_rung(self) -> int:
    """The rung that new trials begin at."""
    return 0

  def next_promotion(self) -> Trial | None:
    """Returns a trial as it goes on at its next rung; None if there is none, or the epochs are used up."""
    best = self._best_to_promote()
    if best is None or self.config.cost(best.promote()) > self._epochs_left:
      return None
    return best.promote()

  def num_new(self, batch_size: int) -> int:
    """Returns how many new trials may begin together now, `batch_size` if the scheduler does not mind."""
    return min(self._num_wanted(batch_size), self._epochs_left // self.config.epochs[self.first_rung])

  @property
  def _epochs_left(self) -> int:
    return sys.maxsize if self.config.max_epochs is None else max(0, self.config.max_epochs - self.num_epochs)

  @abc.abstractmethod
  def _best_to_promote(self) -> Trial | None:
    """Returns the trial that is to go on first; None if none is."""

  @abc.abstractmethod
  def _num_wanted(self, batch_size: int) -> int:
    """Returns how many new trials are to begin together now."""

  def _best_of(self, results: Mapping[int, float]) -> list[int]:
    """Returns the best `1/reduction` of trials, rounded down, best first; ties go to the earlier one."""
    ranked = sorted(results, key=lambda number: (-results[number], number))
    best = ranked[: len(results) // self.config.reduction]
    return [number for number in best if results[number] > -math.inf]


class AsynchronousHalving(Scheduler):
  """Lets a trial go on as soon as it is among the best of its rung."""

  def _best_to_promote(self) -> Trial | None:
    """Returns the best trial of the highest rung where one may go on."""
    for rung in reversed(range(self.config.top)):
      best = self._best_of(self._results[rung])
      waiting = (self._trials[number] for number in best if self._trials[number].rung == rung)
      if (trial := next(waiting, None)) is not None:
        return trial
    return None

  def _num_wanted(self, batch_size: int) -> int:
    """Returns `batch_size`: new trials may begin at any time."""
    return batch_size


class Brackets(Scheduler):
  """Lets trials begin together, and the best of them go on when all have a result."""

  def __init__(self, config: RungConfig):
    """Begins before the first bracket."""
    super().__init__(config)
    self._kinds = bracket_kinds(config)
    self._num_brackets = 0
    self._bracket: list[int] = []
    self._bracket_rung = 0

  def begin(self, trials: Sequence[Trial]) -> None:
    """See `Scheduler.begin`."""
    super().begin(trials)
    if all(trial.evaluation is None for trial in trials):
      self._num_brackets += 1
      self._bracket, self._bracket_rung = [trial.id for trial in trials], trials[0].rung

  @property
  def first_rung(self) -> int:
    """The rung that the next bracket begins at."""
    return self._next_kind[1]

  @property
  def _next_kind(self) -> tuple[int, int]:
    return self._kinds[self._num_brackets % len(self._kinds)]

  def _best_to_promote(self) -> Trial | None:
    """Returns the best trial of the bracket that is to go on, when all at its rung have a result."""
    waiting, _ = self._waiting()
    return waiting[0] if waiting else None

  def _num_wanted(self, batch_size: int) -> int:
    """Returns the size of the next bracket; 0 as long as one is under way."""
    del batch_size
    waiting, is_complete = self._waiting()
    return self._next_kind[0] if is_complete and not waiting else 0

  def _waiting(self) -> tuple[list[Trial], bool]:
    """Returns the trials of the bracket that wait to go on, best first, and whether none is under way."""
    at_rung = self._bracket
    for rung in range(self._bracket_rung, self.config.top):
      if not self._results[rung].keys() >= set(at_rung):
        return [], False
      at_rung = self._best_of({number: self._results[rung][number] for number in at_rung})
      waiting = [self._trials[number] for number in at_rung if self._trials[number].rung == rung]
      if waiting:
        return waiting, True
    return [], self._results[self.config.top].keys() >= set(at_rung)


def bracket_kinds(config: RungConfig) -> list[tuple[int, int]]:
  """Returns how many trials begin together and at which rung, for each kind of bracket; their turns are in this order.

  Brackets of Hyperband cost about the same: the lower one begins, the more trials it has.
  """
  if config.promotion != "hyperband":
    return [(config.reduction**config.top, 0)]
  sizes = [math.ceil(len(config.epochs) / (s + 1) * config.reduction**s) for s in range(len(config.epochs))]
  return [(sizes[s], config.top - s) for s in reversed(range(len(sizes)))]


def make_scheduler(config: RungConfig) -> Scheduler:
  """Returns the scheduler of a search with rungs."""
  return AsynchronousHalving(config) if config.promotion == "asynchronous" else Brackets(config)


def _tuple_of(epochs: Any) -> tuple[int, ...]:
  """Returns the epochs of rungs as a tuple; an empty one for None.

  Raises:
    ValueError: if they are not several.
  """
  if epochs is not None and (isinstance(epochs, str) or not isinstance(epochs, Iterable)):
    raise ValueError(f"rungs must be {_EXPECTED}, got {epochs!r}")
  return () if epochs is None else tuple(epochs)


def rungs_of(
  epochs: Sequence[int] | None, reduction: int, promotion: str, max_epochs: int | None, overrides: Mapping[str, object]
) -> RungConfig | None:
  """Returns the rungs of a search in one call; None if there are none.

  Args:
    epochs: epochs of each rung; None or empty for no rungs.
    reduction: see `RungConfig`.
    promotion: see `RungConfig`.
    max_epochs: see `RungConfig`.
    overrides: fields of the configuration of trainings; `epochs` must be that of the last rung if it is given.

  Raises:
    ValueError: if a number is out of range, or does not fit the others.
  """
  given = _tuple_of(epochs)
  if not given:
    if max_epochs is not None:
      raise ValueError(
        f"max_epochs limits a search with rungs; pass rungs, such as (1, 3, 9); got max_epochs {max_epochs}"
      )
    return None
  config = RungConfig(given, reduction, promotion, max_epochs)
  whole = overrides.get("epochs", config.epochs[-1])
  if whole != config.epochs[-1]:
    raise ValueError(
      f"the last rung is the length of a full training, {config.epochs[-1]} epochs, but epochs is {whole}"
    )
  return config
