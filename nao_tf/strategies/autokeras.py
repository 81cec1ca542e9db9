"""The search of Auto-Keras (Jin, Song and Hu, "Auto-Keras: An Efficient Neural Architecture Search System", KDD 2019).

This is Bayesian optimization with the edit distance between networks, an upper confidence bound as the acquisition
function, and simulated annealing over a tree of networks; see `nao_tf.strategies.bayesian`. The search starts with a
small network. Every other network is derived from an earlier trial by network morphisms, so it can continue training
from the weights of that trial; see the evaluator `inherited`.

In spaces without morphisms, mutations and random initial architectures are used instead.
"""

import dataclasses
from collections.abc import Iterable, Iterator

import numpy as np

from nao_tf.spaces.base import SearchSpace
from nao_tf.spaces.bounded import BoundedSpace
from nao_tf.strategies.autokeras_config import AutokerasConfig, AutokerasSettings
from nao_tf.strategies.base import Proposal
from nao_tf.strategies.bayesian.acquisition import Pool
from nao_tf.strategies.bayesian.distances import DECISIONS, EDIT
from nao_tf.strategies.bayesian.strategy import PRESETS, Bayesian
from nao_tf.trial import Architecture, Origin, top_trials

INITIAL, MORPHISM = "initial", "morphism"
"""Kinds of origins."""

_FEWEST = 2
"""Trials with a reward, at least, that a process is fitted to."""
_MOST_ROOTS = 50
"""Trials that networks are made from: as many as the evaluator `inherited` keeps the weights of."""


class Autokeras(Bayesian):
  """Auto-Keras: Bayesian optimization that proposes morphisms of earlier trials."""

  takes_objectives = False  # Weights are kept for the trials of the highest rewards, so parents must be these.
  config_class = AutokerasConfig
  presets = AutokerasSettings.presets
  preferred_space = AutokerasSettings.preferred_space
  preferred_evaluator = AutokerasSettings.preferred_evaluator

  def __init__(self, space: SearchSpace, *, seed: int = 0, config: AutokerasConfig = AutokerasConfig()):
    """Initializes the strategy.

    Args:
      space: the search space.
      seed: random seed.
      config: settings of the strategy.
    """
    is_network = space.graph(space.sample(np.random.default_rng(0))) is not None
    kernel = EDIT if is_network else DECISIONS
    super().__init__(
      space, seed=seed, config=dataclasses.replace(PRESETS["autokeras"], kernel=kernel, **dataclasses.asdict(config))
    )

  def propose(self, count: int, rng: np.random.Generator) -> Iterable[Proposal]:
    """Returns the initial network and morphisms of it, then the candidates with the highest acquisition values."""
    if self.space.initial is not None and (self.num_asked < self.config.num_initial or len(self.scored) < _FEWEST):
      return self._first_proposals(self.space.initial, rng)
    return super().propose(count, rng)

  def _first_proposals(self, initial: Architecture, rng: np.random.Generator) -> Iterator[Proposal]:
    """Yields the first network and networks that are made from it: first by one morphism, then by more."""
    parents = self._ids_of(initial)
    yield initial, Origin(INITIAL)
    moving, reached = _MorphingSpace(self.space), [initial]
    for parent in reached:
      children = moving.children(parent)
      for index in rng.permutation(len(children)):
        reached.append(children[index])
        yield children[index], Origin(MORPHISM, parents)

  def _ids_of(self, initial: Architecture) -> tuple[int, ...]:
    """Returns the id that the trial of the first network has, or will have if it is proposed now."""
    canonical = self.space.canonical(initial)
    told = tuple(trial.id for trial in self.trials if self.space.canonical(trial.architecture) == canonical)
    return told[:1] or (self.num_asked if self.is_new(initial) else 0,)

  def _best_candidates(self, count: int, rng: np.random.Generator) -> list[Proposal]:
    if self.space.initial is None:
      return super()._best_candidates(count, rng)
    proposals = super()._best_candidates(count, rng)
    return [(architecture, Origin(MORPHISM, origin.parents)) for architecture, origin in proposals]

  def _pool(self, rng: np.random.Generator) -> Pool:
    """Returns the best trials, which candidates are made from."""
    if self.space.initial is None:
      return super()._pool(rng)
    roots = [trial.architecture for trial in top_trials(self.scored, _MOST_ROOTS)]
    return Pool(_MorphingSpace(self.space), self.is_new, roots)


class _MorphingSpace(BoundedSpace):
  """A space whose mutations are morphisms."""

  def __init__(self, space: SearchSpace):
    super().__init__(space, space.is_admitted)
    self._children: dict[Architecture, list[Architecture]] = {}

  def children(self, architecture: Architecture) -> list[Architecture]:
    """Returns what one morphism leads to."""
    if architecture not in self._children:
      self._children[architecture] = list(self.inner.morphisms(architecture))
    return self._children[architecture]

  def mutate(self, architecture: Architecture, rng: np.random.Generator) -> Architecture:
    """Returns what a random morphism leads to; the architecture itself if there is none."""
    children = self.children(architecture)
    return children[rng.integers(len(children))] if children else architecture
