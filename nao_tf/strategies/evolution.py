"""Regularized evolution (Real et al., "Regularized Evolution for Image Classifier Architecture Search", AAAI 2019).

The population is the most recent successful trials, so the oldest die whatever their reward. A child is a mutation of
the best of a random tournament.

The mutations of the paper are those of cells. One child in twenty is its parent unchanged, which is trained again
there. Here its reward is known, so the parent is young again at no cost, and another child is proposed.

In a multi-objective search, the selection is that of NSGA-II (Deb et al., "A Fast and Elitist Multiobjective
Genetic Algorithm: NSGA-II", 2002). The population is the best trials so far, whatever their age: those of the first
fronts, and within a front the least crowded ones. The same order decides tournaments.
"""

import dataclasses
import heapq
from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from nao_tf import fields
from nao_tf.spaces.base import SearchSpace
from nao_tf.strategies.base import Proposal, Strategy
from nao_tf.strategies.mutations import AMOEBANET, MUTATIONS
from nao_tf.trial import Origin, Trial, top_trials

_MUTATIONS_PER_PARENT = 50
_MUTATIONS_BEYOND = 50
_IDENTITY_PROBABILITY = 0.05


@dataclasses.dataclass(frozen=True)
class EvolutionConfig:
  """Settings of regularized evolution.

  Attributes:
    population_size: size of the population, P in the paper (100): the most recent successful trials, or the best ones
      if there are several objectives. It is also the number of initial random trials.
    tournament_size: number of parents sampled for each tournament, S in the paper (25).
    mutation: "amoebanet" for the mutations of the paper, which change the input or the operation of a branch of a cell
      with equal probability, and leave one in twenty children unchanged. None to mutate any decision of any space.
  """

  population_size: int = 50
  tournament_size: int = 10
  mutation: str | None = None

  def __post_init__(self) -> None:
    fields.check_config(self)
    if not 1 <= self.tournament_size <= self.population_size:
      raise ValueError(
        f"tournament_size must be in [1, population_size={self.population_size}], got {self.tournament_size}"
      )
    if self.mutation is not None and self.mutation not in MUTATIONS:
      raise ValueError(f"mutation must be one of {', '.join(MUTATIONS)}, or None, got {self.mutation!r}")


class Evolution(Strategy):
  """Regularized evolution: mutates the winners of tournaments among the most recent trials."""

  config_class = EvolutionConfig
  takes_objectives = True

  def __init__(self, space: SearchSpace, *, seed: int = 0, config: EvolutionConfig = EvolutionConfig()):
    """Initializes the strategy.

    Args:
      space: the search space.
      seed: random seed.
      config: settings of the strategy.

    Raises:
      ValueError: if the mutations of cells are asked for, and the space is not one of cells.
    """
    super().__init__(space, seed=seed)
    self.config = config
    self._mutate = space.mutate if config.mutation is None else MUTATIONS[config.mutation](space)
    self._rejuvenated: list[tuple[int, Trial]] = []

  def propose(self, count: int, rng: np.random.Generator) -> Iterable[Proposal]:
    """Returns children of the population, or random architectures until it is full; see `Strategy.propose`."""
    num_random = min(count, max(0, self.config.population_size - self.num_asked)) if self.scored else count
    children = [self._child(self._population(), rng) for _ in range(count - num_random)]
    return self._children_first([child for child in children if child], rng)

  def _population(self) -> list[Trial]:
    """Returns the youngest trials, the oldest first. One that became young again is as old as those of that time.

    If there are several objectives, they are the best trials, best first.
    """
    size = self.config.population_size
    if self.objectives is not None:
      return self.best_trials(size)
    born = [(trial.id, trial) for trial in self.latest_scored(size)]
    youngest = list(heapq.merge(born, self._rejuvenated[-size:], key=lambda row: row[0]))[-size:]
    return [trial for _, trial in youngest]

  def _children_first(self, children: Sequence[Proposal], rng: np.random.Generator) -> Iterator[Proposal]:
    yield from children
    yield from self.random_proposals(rng)

  def _child(self, population: list[Trial], rng: np.random.Generator) -> Proposal | None:
    parent = self._parent(population, rng)
    child = parent.architecture
    for attempt in range(_MUTATIONS_PER_PARENT + _MUTATIONS_BEYOND):  # Where all neighbors are known, walk on.
      child = self._mutate(parent.architecture if attempt < _MUTATIONS_PER_PARENT else child, rng)
      if self.is_new(child):
        return child, Origin("mutation", (parent.id,))
    return None

  def _parent(self, population: list[Trial], rng: np.random.Generator) -> Trial:
    """Returns the winner of a tournament. Winners whose child is themselves become young again before."""
    parent = self._winner(population, rng)
    if self.config.mutation == AMOEBANET:
      while rng.random() < _IDENTITY_PROBABILITY:
        self._rejuvenated.append((self.num_asked, parent))
        parent = self._winner(self._population(), rng)
    return parent

  def _winner(self, population: list[Trial], rng: np.random.Generator) -> Trial:
    size = min(self.config.tournament_size, len(population))
    drawn = rng.choice(len(population), size, replace=False)
    if self.objectives is not None:
      return population[min(drawn)]
    (winner,) = top_trials([population[i] for i in drawn], 1)
    return winner
