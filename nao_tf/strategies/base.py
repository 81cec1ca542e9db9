"""What a strategy is: something that is asked for architectures and told how they did.

The protocol, for whoever drives a strategy:

1. `ask(count)` returns architectures that are valid and new: no encoding of them was asked for before.
2. They are evaluated anywhere, in any order, as many at a time as one likes.
3. `tell(trials)` reports them, the failed ones too. Nothing requires that all are told before the next `ask`.

A strategy's randomness is a function of its seed and of how many architectures were asked for so far, so the same
sequence of calls gives the same architectures: that is how an interrupted search is resumed, by repeating the calls
that its journal holds. What a strategy has learned is a cache of those calls; `save` and `restore` make the repetition
quick.
"""

import abc
from collections.abc import Iterable, Sequence

import numpy as np

from nao_tf.spaces.base import SearchSpace
from nao_tf.trial import Architecture, Trial

_RANDOM_ATTEMPTS = 200
_LARGEST_ENUMERATION = 1_000_000


class SpaceExhausted(Exception):
  """Every architecture of the space has been asked for."""


class Strategy(abc.ABC):
  """Proposes architectures and learns from their evaluations. Subclasses implement `propose`."""

  def __init__(self, space: SearchSpace, *, seed: int = 0):
    """Args:
    space: what to search.
    seed: of all its randomness, not negative.
    """
    if seed < 0:
      raise ValueError(f"seed must not be negative, got {seed}")
    self.space = space
    self.seed = seed
    self.num_asked = 0
    self._origins: dict[Architecture, str] = {}
    self._seen: set[Architecture] = set()
    self._trials: dict[tuple[int, Architecture], Trial] = {}

  def ask(self, count: int = 1) -> list[Architecture]:
    """Returns architectures to evaluate next.

    Args:
      count: how many, at least 1.

    Returns:
      `count` valid architectures, each new up to encoding; fewer if the space has no more.

    Raises:
      SpaceExhausted: if the space has none left.
      ValueError: if `count` is below 1.
    """
    if count < 1:
      raise ValueError(f"count must be at least 1, got {count}")
    rng = np.random.default_rng([self.seed, self.num_asked])
    batch = self._accept(self.propose(count, rng), count)
    while len(batch) < count and (spare := self.random_new(rng)) is not None:
      batch += self._accept([(spare, "random")], 1)
    if not batch:
      raise SpaceExhausted(f"all architectures of {self.space.name} have been asked for ({self.num_asked})")
    self.num_asked += len(batch)
    return batch

  def tell(self, trials: Iterable[Trial]) -> None:
    """Reports closed trials, in any order and any number; also ones that were never asked for, as a warm start.

    Raises:
      ValueError: if a trial is open or its architecture is not one of the space.
    """
    for trial in trials:
      if trial.evaluation is None:
        raise ValueError(f"trial {trial.id} has no evaluation")
      self.space.validate(trial.architecture)
      self._seen.add(self.space.canonical(trial.architecture))
      self._trials[trial.id, trial.architecture] = trial

  @abc.abstractmethod
  def propose(self, count: int, rng: np.random.Generator) -> Iterable[tuple[Architecture, str]]:
    """Returns proposals with their origins, the best first.

    Args:
      count: how many are wanted. More or fewer may come: those that are not new are dropped, and what is missing is
        filled with random ones.
      rng: a function of the seed and the number of architectures asked for so far.
    """

  def save(self, directory: str) -> None:
    """Writes what was learned, a cache: without it `restore` finds nothing and the same is learned again."""
    del directory

  def restore(self, directory: str) -> int:
    """Reads what `save` wrote into the directory. To be called before anything is asked or told.

    Returns:
      The number of asked architectures up to which repeating the calls will need no learning.
    """
    del directory
    return 0

  def origin(self, architecture: Architecture) -> str:
    """Returns in words where an architecture that was asked for came from; empty for any other."""
    return self._origins.get(architecture, "")

  @property
  def trials(self) -> list[Trial]:
    """All trials told, ordered by id, whatever the order of telling."""
    return [self._trials[key] for key in sorted(self._trials)]

  @property
  def scored(self) -> list[Trial]:
    """The trials that have a reward, ordered by id."""
    return [trial for trial in self.trials if trial.reward is not None]

  def is_new(self, architecture: Architecture) -> bool:
    """Whether no encoding of the architecture was asked for or told."""
    return self.space.canonical(architecture) not in self._seen

  def random_new(self, rng: np.random.Generator) -> Architecture | None:
    """Returns a random new architecture; None if there is none left, as far as a small space can be enumerated."""
    for _ in range(_RANDOM_ATTEMPTS):
      architecture = self.space.sample(rng)
      if self.is_new(architecture):
        return architecture
    remaining = self._enumerate_new()
    return remaining[rng.integers(len(remaining))] if remaining else None

  def _enumerate_new(self) -> list[Architecture]:
    if self.space.size > _LARGEST_ENUMERATION:
      return []
    return [architecture for architecture in self.space.enumerate() if self.is_new(architecture)]

  def _accept(self, proposals: Iterable[tuple[Architecture, str]], count: int) -> list[Architecture]:
    accepted: list[Architecture] = []
    for architecture, origin in proposals:
      if len(accepted) == count:
        break
      if self.space.is_valid(architecture) and self.is_new(architecture):
        self._seen.add(self.space.canonical(architecture))
        self._origins[architecture] = origin
        accepted.append(architecture)
    return accepted


def top_trials(trials: Sequence[Trial], count: int) -> list[Trial]:
  """Returns the `count` trials of highest reward, best first, earlier ones first among equals."""
  return sorted(trials, key=lambda trial: (-trial.reward, trial.id))[:count]
