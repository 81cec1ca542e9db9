"""What a strategy is: something that is asked for architectures and told how they did.

The protocol, for whoever drives a strategy:

1. `ask(count)` returns architectures that are valid, admitted by the space, and new: no encoding of them was asked for
   before.
2. They are evaluated anywhere, in any order, as many at a time as one likes.
3. `tell(trials)` reports them, the failed ones too. Not all need to be told before the next `ask`.

The randomness of a strategy is a function of its seed and of how many architectures were asked for so far. So the same
sequence of calls gives the same architectures. An interrupted search is resumed by repeating the calls that its journal
holds. What a strategy has learned is a cache of those calls: `save` and `restore` make the repetition quick.
"""

import abc
import bisect
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, ClassVar

import numpy as np

from nao_tf.objectives import Objectives
from nao_tf.runs.embedding_maps import EmbeddingMap
from nao_tf.runs.hints import Hint
from nao_tf.runs.predictions import Prediction
from nao_tf.spaces.base import SearchSpace
from nao_tf.trial import RANDOM, UNKNOWN, Architecture, Origin, Trial, top_trials

Proposal = tuple[Architecture, Origin]
"""An architecture, and where it came from."""

_RANDOM_ATTEMPTS = 200
_LARGEST_ENUMERATION = 1_000_000
_FILLING = 1
"""The stream of random numbers that batches are filled up from. Proposals have the stream without a number."""


class SpaceExhausted(Exception):
  """Raised when every architecture of the space has been asked for."""


class Strategy(abc.ABC):
  """Proposes architectures and learns from their evaluations. Subclasses implement `propose`.

  A strategy with settings of its own takes them as the argument `config` and names their class in `config_class`. The
  command line then has a flag for each field.

  Attributes:
    config_class: the class of the settings, a frozen dataclass with a default for each field; None if there are none.
    presets: settings by name, "default" among them; empty if there is no choice.
    preferred_space: name of the space that is searched if none is named; None for that of the task.
    preferred_evaluator: name of the evaluator that is used if none is named; None for "training".
    takes_objectives: whether it can search for several objectives.
    objectives: what it searches for, if that is several objectives; None for the reward alone.
    space: what is searched.
    seed: of all randomness.
    num_asked: how many architectures were asked for so far.
  """

  config_class: ClassVar[type | None] = None
  presets: ClassVar[Mapping[str, Any]] = {}
  preferred_space: ClassVar[str | None] = None
  preferred_evaluator: ClassVar[str | None] = None
  takes_objectives: ClassVar[bool] = False

  def __init__(self, space: SearchSpace, *, seed: int = 0):
    """Sets up a strategy that was asked and told nothing.

    Args:
      space: what to search.
      seed: of all its randomness, not negative.

    Raises:
      ValueError: if the seed is negative.
    """
    if seed < 0:
      raise ValueError(f"seed must not be negative, got {seed}")
    self.space = space
    self.seed = seed
    self.num_asked = 0
    self.objectives: Objectives | None = None
    self._origins: dict[Architecture, Origin] = {}
    self._seen: set[Architecture] = set()
    self._trials: dict[tuple[int, Architecture], Trial] = {}
    self._scored_keys: list[tuple[int, Architecture]] = []

  def pursue(self, objectives: Objectives) -> None:
    """Searches for several objectives from now on. To be called before anything is asked or told.

    Raises:
      ValueError: if the strategy searches for the reward alone.
    """
    if not self.takes_objectives:
      raise ValueError(f"the strategy {type(self).__name__} searches for the reward alone, not for {objectives}")
    self.objectives = objectives

  def ask(self, count: int = 1) -> list[Architecture]:
    """Returns architectures to evaluate next.

    Args:
      count: how many, at least 1.

    Returns:
      `count` valid architectures, each new up to its encoding; fewer if the space has no more.

    Raises:
      SpaceExhausted: if the space has none left, or none that it admits.
      ValueError: if `count` is below 1.
    """
    if count < 1:
      raise ValueError(f"count must be at least 1, got {count}")
    batch = self._accept(self.propose(count, np.random.default_rng([self.seed, self.num_asked])), count)
    if len(batch) < count:
      batch += self._accept(self._random_proposals(_FILLING), count - len(batch))
    if not batch:
      raise SpaceExhausted(f"all architectures of {self.space.name} have been asked for ({self.num_asked})")
    self.num_asked += len(batch)
    return batch

  def replace(self, asked: Sequence[Architecture], recorded: Sequence[Proposal]) -> None:
    """Takes back the last `ask`: others were evaluated instead.

    This is how a search goes on whose journal holds other architectures than this version asks for.

    Args:
      asked: what `ask` returned.
      recorded: what counts as asked for in its place, with the origins on record.
    """
    for architecture in asked:
      self._seen.discard(self.space.canonical(architecture))
      self._origins.pop(architecture, None)
    self.num_asked -= len(asked)
    self.count_as_asked(recorded)

  def count_as_asked(self, proposals: Iterable[Proposal]) -> None:
    """Counts architectures as asked for that somebody else has chosen.

    Raises:
      ValueError: if one is not an architecture of the space.
    """
    for architecture, origin in proposals:
      self.space.validate(architecture)
      self._note(architecture, origin)
      self.num_asked += 1

  def tell(self, trials: Iterable[Trial]) -> None:
    """Reports closed trials, in any order and any number; also ones that were never asked for, as a warm start.

    Raises:
      ValueError: if a trial is open or its architecture is not one of the space.
    """
    for trial in trials:
      if trial.evaluation is None:
        raise ValueError(f"trial {trial.id} has no evaluation")
      if (trial.id, trial.architecture) not in self._trials:  # It may be told again, with another reward.
        self.space.validate(trial.architecture)
        self._seen.add(self.space.canonical(trial.architecture))
      self._enter(trial if self.objectives is None else self.objectives.complete(trial))

  @abc.abstractmethod
  def propose(self, count: int, rng: np.random.Generator) -> Iterable[Proposal]:
    """Returns proposals with their origins, the best first.

    Args:
      count: how many are wanted. More or fewer may come: those that are not new are dropped, and what is missing is
        filled up with random ones. An iterator is read only as far as needed, and sees its earlier proposals as not
        new.
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

  def origin(self, architecture: Architecture) -> Origin:
    """Returns where an architecture that was asked for came from; `UNKNOWN` for any other."""
    return self._origins.get(architecture, UNKNOWN)

  def figures(self) -> Mapping[str, float]:
    """Returns numbers that say how the strategy is doing, by name, for those who watch the search; none by default.

    What changes with each call is shown with the next trial that closes.
    """
    return {}

  def remarks(self) -> list[str]:
    """Returns sentences about itself for the end of a search; none by default."""
    return []

  def hints(self) -> list[Hint]:
    """Returns what it was told beside rewards and how far it used that for its last proposals; none by default.

    Nothing is returned before this process has found it out.
    """
    return []

  def prediction(self, architecture: Architecture) -> Prediction | None:
    """Returns the score that was predicted for an architecture before it was asked for; None if there is none."""
    del architecture
    return None

  def embedding_map(self) -> EmbeddingMap | None:
    """Returns a map of what was learned last, if there is one that was not returned yet; for reports."""
    return None

  @property
  def trials(self) -> list[Trial]:
    """All trials told, ordered by id, whatever the order of telling."""
    return [self._trials[key] for key in sorted(self._trials)]

  @property
  def scored(self) -> list[Trial]:
    """The trials that have a reward, ordered by id."""
    return [self._trials[key] for key in self._scored_keys]

  def best_trials(self, count: int) -> list[Trial]:
    """Returns the `count` best trials that have a reward, best first: by reward, or by front if there are objectives."""
    if self.objectives is None:
      return top_trials(self.scored, count)
    return self.objectives.ranked(self.scored)[:count]

  @property
  def pending(self) -> list[Architecture]:
    """The architectures that were asked for and not told yet, in the order of asking."""
    told = {architecture for _, architecture in self._trials}
    return [architecture for architecture in self._origins if architecture not in told]

  def latest_scored(self, count: int) -> list[Trial]:
    """Returns the `count` trials of highest id that have a reward, ordered by id."""
    return [self._trials[key] for key in self._scored_keys[-count:]]

  def is_new(self, architecture: Architecture) -> bool:
    """Whether a valid architecture can be proposed: no encoding was asked for or told, and the space admits it."""
    return self.space.canonical(architecture) not in self._seen and self.space.is_admitted(architecture)

  def random_new(self, rng: np.random.Generator) -> Architecture | None:
    """Returns a random new architecture; None if there is none left, as far as a small space can be enumerated."""
    for _ in range(_RANDOM_ATTEMPTS):
      architecture = self.space.sample(rng)
      if self.is_new(architecture):
        return architecture
    remaining = self._enumerate_new()
    return remaining[rng.integers(len(remaining))] if remaining else None

  def random_proposals(self, rng: np.random.Generator) -> Iterator[Proposal]:
    """Yields random new architectures until there are none left. Each must be accepted before the next is drawn."""
    while (architecture := self.random_new(rng)) is not None:
      yield architecture, RANDOM

  def _random_proposals(self, stream: int) -> Iterator[Proposal]:
    return self.random_proposals(np.random.default_rng([self.seed, self.num_asked, stream]))

  def _enumerate_new(self) -> list[Architecture]:
    if self.space.size > _LARGEST_ENUMERATION:
      return []
    return [architecture for architecture in self.space.enumerate() if self.is_new(architecture)]

  def _accept(self, proposals: Iterable[Proposal], count: int) -> list[Architecture]:
    accepted: list[Architecture] = []
    for architecture, origin in proposals:
      if self.space.is_valid(architecture) and self.is_new(architecture):
        self._note(architecture, origin)
        accepted.append(architecture)
      if len(accepted) == count:
        break
    return accepted

  def _note(self, architecture: Architecture, origin: Origin) -> None:
    self._seen.add(self.space.canonical(architecture))
    self._origins[architecture] = origin

  def _enter(self, trial: Trial) -> None:
    """Keeps a trial, in place of an earlier one of the same id and architecture."""
    key = trial.id, trial.architecture
    known = self._trials.get(key)
    if known is not None and known.reward is not None:
      self._scored_keys.remove(key)
    self._trials[key] = trial
    if trial.reward is not None:
      bisect.insort(self._scored_keys, key)
