"""Evolution without aging (Liu et al., "Hierarchical Representations for Efficient Architecture Search", 2018).

The population consists of all successful trials and keeps growing. A child is a mutation of the winner of a tournament
among a random, fixed fraction of the population. The search starts with random architectures; if there are as many of
these as trials, it is random search.
"""

import dataclasses
import itertools
from collections.abc import Iterable, Iterator

import numpy as np

from nao_tf import fields
from nao_tf.spaces.base import SearchSpace
from nao_tf.strategies.base import Proposal, Strategy
from nao_tf.trial import Architecture, Origin, Trial, top_trials

_MUTATIONS_PER_PARENT = 50
_MUTATIONS_BEYOND = 50
_SMALLEST_TOURNAMENT = 2
"""A tournament of one would select nothing."""


@dataclasses.dataclass(frozen=True)
class TournamentEvolutionConfig:
  """Settings of tournament evolution, in which no trial is ever removed from the population.

  Attributes:
    num_initial: number of initial random trials; 200 in the paper.
    tournament_share: fraction of the population sampled for each tournament, at least two trials; 0.05 in the paper.
  """

  num_initial: int = 50
  tournament_share: float = 0.05

  def __post_init__(self) -> None:
    fields.check_config(self)
    if self.num_initial < 1:
      raise ValueError(f"num_initial must be at least 1, got {self.num_initial}")
    if not 0 < self.tournament_share <= 1:
      raise ValueError(f"tournament_share must be in (0, 1], got {self.tournament_share}")


class TournamentEvolution(Strategy):
  """Evolution without aging: mutates the winners of tournaments among all trials."""

  config_class = TournamentEvolutionConfig

  def __init__(
    self, space: SearchSpace, *, seed: int = 0, config: TournamentEvolutionConfig = TournamentEvolutionConfig()
  ):
    """Initializes the strategy.

    Args:
      space: the search space.
      seed: random seed.
      config: settings of the strategy.
    """
    super().__init__(space, seed=seed)
    self.config = config

  def propose(self, count: int, rng: np.random.Generator) -> Iterable[Proposal]:
    """Returns children of the population, after the initial random architectures; see `Strategy.propose`."""
    population = self.scored
    num_random = min(count, max(0, self.config.num_initial - self.num_asked)) if population else count
    return itertools.chain(self._children(population, count - num_random, rng), self.random_proposals(rng))

  def _children(self, population: list[Trial], count: int, rng: np.random.Generator) -> Iterator[Proposal]:
    for _ in range(count):
      parent = self._winner(population, rng)
      child = self._mutant(parent.architecture, rng)
      if child is not None:
        yield child, Origin("mutation", (parent.id,))

  def _winner(self, population: list[Trial], rng: np.random.Generator) -> Trial:
    """Returns the best of a random tournament."""
    size = max(_SMALLEST_TOURNAMENT, round(self.config.tournament_share * len(population)))
    drawn = rng.choice(len(population), min(size, len(population)), replace=False)
    (winner,) = top_trials([population[i] for i in drawn], 1)
    return winner

  def _mutant(self, parent: Architecture, rng: np.random.Generator) -> Architecture | None:
    """Returns a new mutant of an architecture. Where all neighbors are known, it is a mutant of a mutant."""
    mutant = parent
    for attempt in range(_MUTATIONS_PER_PARENT + _MUTATIONS_BEYOND):
      mutant = self.space.mutate(parent if attempt < _MUTATIONS_PER_PARENT else mutant, rng)
      if self.is_new(mutant):
        return mutant
    return None
