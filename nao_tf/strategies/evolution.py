"""Regularized evolution (Real et al., "Regularized Evolution for Image Classifier Architecture Search", AAAI 2019).

The population is the most recent successful trials, so the oldest die whatever their reward. A child is a mutation of
the best of a random tournament.
"""

import dataclasses
from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from nao_tf import fields
from nao_tf.spaces.base import SearchSpace
from nao_tf.strategies.base import Proposal, Strategy
from nao_tf.trial import Origin, Trial, top_trials

_MUTATIONS_PER_PARENT = 50
_MUTATIONS_BEYOND = 50


@dataclasses.dataclass(frozen=True)
class EvolutionConfig:
  """Sizes of regularized evolution.

  Attributes:
    population_size: number of most recent successful trials that can become parents, P in the paper (100); also the
      number of random trials that a search starts with.
    tournament_size: parents drawn for each child, S in the paper (25).
  """

  population_size: int = 50
  tournament_size: int = 10

  def __post_init__(self) -> None:
    fields.check_config(self)
    if not 1 <= self.tournament_size <= self.population_size:
      raise ValueError(
        f"tournament_size must be in [1, population_size={self.population_size}], got {self.tournament_size}"
      )


class Evolution(Strategy):
  """Mutates winners of tournaments among the youngest trials."""

  config_class = EvolutionConfig

  def __init__(self, space: SearchSpace, *, seed: int = 0, config: EvolutionConfig = EvolutionConfig()):
    """Sets up the strategy.

    Args:
      space: what to search.
      seed: of all its randomness.
      config: sizes.
    """
    super().__init__(space, seed=seed)
    self.config = config

  def propose(self, count: int, rng: np.random.Generator) -> Iterable[Proposal]:
    """Returns children of the population, and random architectures until it is full; see `Strategy.propose`."""
    population = self.latest_scored(self.config.population_size)
    num_random = min(count, max(0, self.config.population_size - self.num_asked)) if population else count
    children = [self._child(population, rng) for _ in range(count - num_random)]
    return self._children_first([child for child in children if child], rng)

  def _children_first(self, children: Sequence[Proposal], rng: np.random.Generator) -> Iterator[Proposal]:
    yield from children
    yield from self.random_proposals(rng)

  def _child(self, population: list[Trial], rng: np.random.Generator) -> Proposal | None:
    size = min(self.config.tournament_size, len(population))
    tournament = [population[i] for i in rng.choice(len(population), size, replace=False)]
    (parent,) = top_trials(tournament, 1)
    child = parent.architecture
    for attempt in range(_MUTATIONS_PER_PARENT + _MUTATIONS_BEYOND):  # Where all neighbors are known, walk on.
      child = self.space.mutate(parent.architecture if attempt < _MUTATIONS_PER_PARENT else child, rng)
      if self.is_new(child):
        return child, Origin("mutation", (parent.id,))
    return None
