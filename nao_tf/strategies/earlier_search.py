"""The trials of an earlier search of the same space, on other data or with a smaller budget, for a warm start.

NAO's Gaussian process learns from them; see `nao_tf.strategies.warm_start`. Some of the initial architectures are the
best ones of the earlier search.

A search keeps a copy of what it learns from, since the earlier search may continue, be moved, or be deleted.
"""

import dataclasses
import hashlib
import json
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from nao_tf import fields
from nao_tf.runs.journal import read_search
from nao_tf.runs.json_files import read_json, write_json
from nao_tf.spaces import make_space
from nao_tf.spaces.base import SearchSpace
from nao_tf.strategies.base import Proposal, Strategy
from nao_tf.trial import Evaluation, Origin, Trial, top_trials

KEPT_FILE = "warm_start.json"
"""The copy of an earlier search, in the directory of the search that learns from it."""

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


def read_earlier_search(directory: str, space: SearchSpace, *, workdir: str | None = None) -> EarlierSearch:
  """Reads the results of an earlier search of a space.

  Args:
    directory: directory of the earlier search.
    space: the space of the current search.
    workdir: directory of the current search. If it has begun with the same earlier search, its copy is read.

  Raises:
    ValueError: if it searched another space, or has too few trials; the message names the directory.
    nao_tf.runs.settings.RunDirectoryError: if it is not the directory of a search.
  """
  kept = None if workdir is None else _kept(workdir, directory, space)
  if kept is not None:
    return kept
  settings, trials = read_search(directory)
  _check_space(directory, settings.get("space"), space)
  wrong = [trial.id for trial in trials if not space.is_valid(trial.architecture)]
  if wrong:
    raise ValueError(f"{directory}: expected a search of the space {space.name}, but trial {wrong[0]} is not one of it")
  scored = top_trials(trials, len(trials))
  if len(scored) < _FEWEST:
    raise ValueError(f"{directory}: expected at least {_FEWEST} trials with a reward to learn from, got {len(scored)}")
  return EarlierSearch(directory, scored)


def keep_earlier_search(workdir: str, earlier: EarlierSearch) -> None:
  """Writes a copy of an earlier search into the directory of the search that learns from it.

  Args:
    workdir: directory of the search, which exists.
    earlier: the earlier search.

  Raises:
    OSError: if it cannot be written.
  """
  rows = [
    {"id": trial.id, "architecture": list(trial.architecture), "reward": trial.reward, "rung": trial.rung}
    for trial in earlier.trials
  ]
  write_json(os.path.join(workdir, KEPT_FILE), {"directory": os.path.abspath(earlier.directory), "trials": rows})


def _kept(workdir: str, directory: str, space: SearchSpace) -> EarlierSearch | None:
  """Returns the copy in the directory of a search; None if there is none, or one of another directory or space.

  Raises:
    ValueError: if it cannot be read.
  """
  path = os.path.join(workdir, KEPT_FILE)
  if not os.path.exists(path):
    return None
  try:
    row = fields.members(read_json(path), "an earlier search", ("directory", "trials"))
    trials = [_kept_trial(trial) for trial in fields.elements(row["trials"], "trials")]
    kept = EarlierSearch(fields.text(row["directory"], "directory"), trials)
  except ValueError as error:
    raise ValueError(f"{path}: not the copy of an earlier search ({error})") from error
  is_same = kept.directory == os.path.abspath(directory)
  return kept if is_same and all(space.is_valid(trial.architecture) for trial in trials) else None


def _kept_trial(row: Any) -> Trial:
  fields.members(row, "a trial", ("id", "architecture", "reward", "rung"))
  rung = fields.integer(row["rung"], "rung", 0)
  trial = Trial(fields.integer(row["id"], "id", 0), fields.integers(row["architecture"], "architecture"), rung=rung)
  return trial.close(Evaluation(fields.number(row["reward"], "reward"), rung=rung))


def warm_start_of(strategy: Strategy) -> Callable[[EarlierSearch], None]:
  """Returns the method of a fresh strategy that takes an earlier search to learn from.

  Raises:
    ValueError: if the strategy does not support warm starts.
  """
  take: Callable[[EarlierSearch], None] | None = getattr(strategy, "warm_start", None)
  if take is None:
    raise ValueError(f"a warm start is for the strategy nao, got {type(strategy).__name__}")
  return take


def warm_started(strategy: Strategy, directory: str, *, workdir: str | None = None) -> Strategy:
  """Warm-starts a fresh strategy with the results of an earlier search, and returns the strategy.

  Args:
    strategy: a strategy with a method `warm_start`, such as NAO.
    directory: directory of the earlier search.
    workdir: directory of the current search; see `read_earlier_search`.

  Raises:
    ValueError: if the strategy does not support warm starts, or the earlier search cannot be used.
    nao_tf.runs.settings.RunDirectoryError: if it is not the directory of a search.
  """
  take = warm_start_of(strategy)
  take(read_earlier_search(directory, strategy.space, workdir=workdir))
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
