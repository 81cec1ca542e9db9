"""The base class of search strategies, which follow the ask-and-tell protocol.

1. `ask(count)` returns architectures that are valid, admitted by the space, and new: no encoding of them has been asked
   for before.
2. The architectures are evaluated anywhere, in any order and in parallel.
3. `tell(trials)` reports their evaluations, including failed ones. Not all have to be reported before the next `ask`.

The randomness of a strategy depends only on its seed and on the number of architectures asked for so far, so the same
sequence of calls returns the same architectures. An interrupted search is resumed by replaying the calls recorded in
its journal. `save` and `restore` cache what the strategy has learned, to make the replay fast.
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
"""An architecture and its origin."""

_RANDOM_ATTEMPTS = 200
_LARGEST_ENUMERATION = 1_000_000
_FILLING = 1
"""Random stream for filling up batches; proposals use the stream without a number."""


class SpaceExhausted(Exception):
  """Raised when all architectures of the search space have been asked for."""


class Strategy(abc.ABC):
  """Base class of search strategies, which propose architectures and learn from their evaluations.

  Subclasses implement `propose`. A strategy with settings takes them as the argument `config` and sets `config_class`
  to their class; the command line then has a flag for each field.

  Attributes:
    config_class: class of the settings, a frozen dataclass in which every field has a default; None if there are none.
    presets: named settings, including "default"; empty if there are none.
    preferred_space: default search space of this strategy; None for that of the task.
    preferred_evaluator: default evaluator of this strategy; None for "training".
    takes_objectives: whether multi-objective search is supported.
    objectives: the objectives of a multi-objective search; None to maximize the reward.
    space: the search space.
    seed: random seed.
    num_asked: number of architectures asked for so far.
  """

  config_class: ClassVar[type | None] = None
  presets: ClassVar[Mapping[str, Any]] = {}
  preferred_space: ClassVar[str | None] = None
  preferred_evaluator: ClassVar[str | None] = None
  takes_objectives: ClassVar[bool] = False

  def __init__(self, space: SearchSpace, *, seed: int = 0):
    """Initializes a strategy.

    Args:
      space: the search space.
      seed: random seed, not negative.

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
    """Switches to a multi-objective search. Call it before the first `ask` or `tell`.

    Raises:
      ValueError: if the strategy does not support several objectives.
    """
    if not self.takes_objectives:
      raise ValueError(f"the strategy {type(self).__name__} optimizes one reward, not {objectives}")
    self.objectives = objectives

  def ask(self, count: int = 1) -> list[Architecture]:
    """Returns the architectures to evaluate next.

    Args:
      count: number of architectures, at least 1.

    Returns:
      `count` valid architectures, each new up to its encoding; fewer if the space has no more.

    Raises:
      SpaceExhausted: if the space has no new architectures left that it admits.
      ValueError: if `count` is below 1.
    """
    if count < 1:
      raise ValueError(f"count must be at least 1, got {count}")
    batch = self._accept(self.propose(count, np.random.default_rng([self.seed, self.num_asked])), count)
    if len(batch) < count:
      batch += self._accept(self._random_proposals(_FILLING), count - len(batch))
    if not batch:
      raise SpaceExhausted(f"all architectures of {self.space.name} have already been proposed ({self.num_asked})")
    self.num_asked += len(batch)
    return batch

  def replace(self, asked: Sequence[Architecture], recorded: Sequence[Proposal]) -> None:
    """Replaces the result of the last `ask` by the architectures that were actually evaluated.

    It is used to resume a search whose journal holds other architectures than this version proposes.

    Args:
      asked: the result of the last `ask`.
      recorded: the recorded architectures and their origins, which count as asked for instead.
    """
    for architecture in asked:
      self._seen.discard(self.space.canonical(architecture))
      self._origins.pop(architecture, None)
    self.num_asked -= len(asked)
    self.count_as_asked(recorded)

  def count_as_asked(self, proposals: Iterable[Proposal]) -> None:
    """Counts architectures chosen by the caller as asked for.

    Raises:
      ValueError: if one of them does not belong to the space.
    """
    for architecture, origin in proposals:
      self.space.validate(architecture)
      self._note(architecture, origin)
      self.num_asked += 1

  def tell(self, trials: Iterable[Trial]) -> None:
    """Reports closed trials in any order, including trials that were never asked for (a warm start).

    Raises:
      ValueError: if a trial is open, or its architecture does not belong to the space.
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
    """Returns proposals with their origins, best first.

    Args:
      count: number of proposals wanted. The result may have more or fewer: proposals that are not new are dropped, and
        missing ones are filled up at random. An iterator is consumed only as far as needed; while it runs, its earlier
        proposals already count as asked for.
      rng: random generator, seeded by the seed and the number of architectures asked for so far.
    """

  def save(self, directory: str) -> None:
    """Saves what was learned to a directory, as a cache; by default does nothing. Without it, `restore` relearns."""
    del directory

  def restore(self, directory: str) -> int:
    """Restores what `save` wrote to a directory. Call it before the first `ask` or `tell`.

    Returns:
      The number of architectures asked for up to which replayed calls need no learning.
    """
    del directory
    return 0

  def origin(self, architecture: Architecture) -> Origin:
    """Returns the origin of an architecture that was asked for; `UNKNOWN` for any other."""
    return self._origins.get(architecture, UNKNOWN)

  def figures(self) -> Mapping[str, float]:
    """Returns named metrics of the strategy for monitoring a search; none by default.

    They are logged with the next trial that closes.
    """
    return {}

  def remarks(self) -> list[str]:
    """Returns remarks of the strategy to print at the end of a search; none by default."""
    return []

  def hints(self) -> list[Hint]:
    """Returns the hints given besides rewards, and how far the last proposals used them; none by default.

    It is empty until this process has determined that.
    """
    return []

  def prediction(self, architecture: Architecture) -> Prediction | None:
    """Returns the score predicted for an architecture before it was asked for; None if there is none."""
    del architecture
    return None

  def embedding_map(self) -> EmbeddingMap | None:
    """Returns the latest map of the learned embeddings, for reports; None if there is no new one."""
    return None

  @property
  def trials(self) -> list[Trial]:
    """All reported trials ordered by id, regardless of the order of reporting."""
    return [self._trials[key] for key in sorted(self._trials)]

  @property
  def scored(self) -> list[Trial]:
    """The reported trials that have a reward, ordered by id."""
    return [self._trials[key] for key in self._scored_keys]

  def best_trials(self, count: int) -> list[Trial]:
    """Returns the `count` best trials, best first: by reward, or by Pareto front in a multi-objective search."""
    if self.objectives is None:
      return top_trials(self.scored, count)
    return self.objectives.ranked(self.scored)[:count]

  @property
  def pending(self) -> list[Architecture]:
    """The architectures that were asked for but not reported yet, in the order of asking."""
    told = {architecture for _, architecture in self._trials}
    return [architecture for architecture in self._origins if architecture not in told]

  def latest_scored(self, count: int) -> list[Trial]:
    """Returns the `count` most recent trials that have a reward, ordered by id."""
    return [self._trials[key] for key in self._scored_keys[-count:]]

  def is_new(self, architecture: Architecture) -> bool:
    """Returns whether a valid architecture may be proposed: the space admits it, and no encoding of it is known."""
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
    """Yields random new architectures until none are left. Each must be accepted before the next is drawn."""
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
    """Stores a trial, replacing an earlier one with the same id and architecture."""
    key = trial.id, trial.architecture
    known = self._trials.get(key)
    if known is not None and known.reward is not None:
      self._scored_keys.remove(key)
    self._trials[key] = trial
    if trial.reward is not None:
      bisect.insort(self._scored_keys, key)
