"""Local search with restarts (White et al., "Local Search is State of the Art for NAS Benchmarks", 2020).

Each climb starts at a random architecture and evaluates its neighbors in random order. As soon as a neighbor is better,
the climb continues from there (first improvement). When no neighbor is better, the next climb starts. Known
architectures are not evaluated again. On tables of small cells this strategy beats evolution, which makes it a strong
baseline.
"""

import heapq
from collections.abc import Iterable, Sequence

import numpy as np

from nao_tf.spaces.base import SearchSpace
from nao_tf.strategies.base import Proposal, Strategy
from nao_tf.trial import Architecture, Origin, Trial

_NEIGHBOR = "neighbor"


class LocalSearch(Strategy):
  """Hill climbing from random architectures, one decision at a time.

  For larger batches it proposes several neighbors at once and fills up with random architectures. New climbs start from
  the best of these.
  """

  def __init__(self, space: SearchSpace, *, seed: int = 0):
    """Initializes the strategy; see `Strategy`."""
    super().__init__(space, seed=seed)
    self._current: Trial | None = None
    self._starts: list[tuple[float, int, Trial]] = []
    self._closed: dict[Architecture, Trial] = {}

  def tell(self, trials: Iterable[Trial]) -> None:
    """Reports closed trials; see `Strategy.tell`."""
    trials = list(trials)
    super().tell(trials)
    for trial in trials:
      canonical = self.space.canonical(trial.architecture)
      known = self._closed.get(canonical)
      self._closed[canonical] = trial
      is_news = known is None or known.reward is None
      if is_news and trial.reward is not None and trial.origin.kind != _NEIGHBOR:
        heapq.heappush(self._starts, (-trial.reward, trial.id, trial))

  def propose(self, count: int, rng: np.random.Generator) -> Iterable[Proposal]:
    """Returns the new neighbors of the current architecture in random order; see `Strategy.propose`."""
    new = [neighbor for neighbor in self._climb() if self.is_new(neighbor)]
    origin = Origin(_NEIGHBOR, () if self._current is None else (self._current.id,))
    return [(new[i], origin) for i in rng.permutation(len(new))]

  def _climb(self) -> Sequence[Architecture]:
    """Climbs as far as what is known allows.

    Returns:
      The neighbors of where the climb is, some of them not evaluated yet; none if there is no architecture to climb from.
    """
    while self._current is not None or self._starts:
      self._current = self._current or heapq.heappop(self._starts)[-1]
      neighbors = list(self.space.neighbors(self._current.architecture))
      better = self._first_better(neighbors, self._current)
      if better is None and any(map(self._is_open, neighbors)):
        return neighbors
      self._current = better
    return []

  def _first_better(self, neighbors: Iterable[Architecture], than: Trial) -> Trial | None:
    """Returns the earliest trial of a neighbor that is better than a trial; None if none is known."""
    known = (self._closed.get(self.space.canonical(neighbor)) for neighbor in neighbors)
    better = (trial for trial in known if trial is not None and _is_better(trial, than))
    return min(better, key=lambda trial: trial.id, default=None)

  def _is_open(self, neighbor: Architecture) -> bool:
    """Returns whether a neighbor can be evaluated, or is being evaluated."""
    canonical = self.space.canonical(neighbor)
    return self.is_new(neighbor) or (canonical in self._seen and canonical not in self._closed)


def _is_better(trial: Trial, than: Trial) -> bool:
  return trial.reward is not None and than.reward is not None and trial.reward > than.reward
