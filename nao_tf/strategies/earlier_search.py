"""The trials of an earlier search of the same space, on other data or with a smaller budget, for a warm start.

NAO's Gaussian process learns from them; see `nao_tf.strategies.warm_start`. Some of the initial architectures are the
best ones of the earlier search.
"""

import dataclasses
import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence

from nao_tf.runs.journal import read_search
from nao_tf.spaces import make_space
from nao_tf.spaces.base import SearchSpace
from nao_tf.strategies.base import Proposal, Strategy
from nao_tf.trial import Origin, Trial, top_trials

EARLIER = Origin("earlier")
"""The origin of an architecture that was one of the best of an earlier search."""

_FEWEST = 5


@dataclasses.dataclass(frozen=True)
class EarlierSearch:
  """The results of an earlier search.

  Attributes:
    directory: directory of the earlier search.
    trials: its trials with a reward, best first.
  """

  directory: str
  trials: Sequence[Trial]

  @property
  def digest(self) -> str:
    """A short hash of the trials, for the settings of a search."""
    rows = [[trial.architecture, trial.reward] for trial in self.trials]
    return hashlib.sha256(json.dumps(rows).encode()).hexdigest()[:16]

  def proposals(self) -> list[Proposal]:
    """Returns its architectures, best first."""
    return [(trial.architecture, EARLIER) for trial in self.trials]


def read_earlier_search(directory: str, space: SearchSpace) -> EarlierSearch:
  """Reads the results of an earlier search of a space.

  Args:
    directory: directory of the earlier search.
    space: the space of the current search.

  Raises:
    ValueError: if it searched another space, or has too few trials; the message names the directory.
    nao_tf.runs.settings.RunDirectoryError: if it is not the directory of a search.
  """
  settings, trials = read_search(directory)
  _check_space(directory, settings.get("space"), space)
  wrong = [trial.id for trial in trials if not space.is_valid(trial.architecture)]
  if wrong:
    raise ValueError(f"{directory}: expected a search of the space {space.name}, but trial {wrong[0]} is not one of it")
  scored = top_trials(trials, len(trials))
  if len(scored) < _FEWEST:
    raise ValueError(f"{directory}: expected at least {_FEWEST} trials with a reward to learn from, got {len(scored)}")
  return EarlierSearch(directory, scored)


def warm_started(strategy: Strategy, directory: str) -> Strategy:
  """Warm-starts a fresh strategy with the results of an earlier search, and returns the strategy.

  Args:
    strategy: a strategy with a method `warm_start`, such as NAO.
    directory: directory of the earlier search.

  Raises:
    ValueError: if the strategy does not support warm starts, or the earlier search cannot be used.
    nao_tf.runs.settings.RunDirectoryError: if it is not the directory of a search.
  """
  take = getattr(strategy, "warm_start", None)
  if take is None:
    raise ValueError(f"a warm start is for the strategy nao, got {type(strategy).__name__}")
  take(read_earlier_search(directory, strategy.space))
  return strategy


def in_turns(earlier: Iterable[Proposal], others: Iterator[Proposal], num_asked: int) -> Iterator[Proposal]:
  """Yields proposals alternately from an earlier search and from others, starting according to `num_asked`.

  Args:
    earlier: proposals of the earlier search, best first; the caller skips those that are not new.
    others: random proposals.
    num_asked: number of architectures asked for before.
  """
  mine = iter(earlier)
  while True:
    source = mine if num_asked % 2 else others
    proposal = next(source, None) or next(others, None)
    if proposal is None:
      return
    yield proposal
    num_asked += 1


def _check_space(directory: str, name: object, space: SearchSpace) -> None:
  """Raises a ValueError if the settings of a search name another space than this one."""
  if not isinstance(name, str):
    return
  try:
    other = make_space(name)
  except (ValueError, ImportError):  # One of a program that is not here. Its trials are looked at.
    return
  if other.decisions != space.decisions or other.name != space.name:
    raise ValueError(f"{directory}: expected a search of the space {space.name}, got one of {other.name}")
