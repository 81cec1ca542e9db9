"""Acquisition functions and their maximization.

NASBOT maximizes the expected improvement by evolution. Auto-Keras maximizes an upper confidence bound by simulated
annealing over a tree of architectures, each derived from another one in one step.
"""

import heapq
from collections.abc import Callable, Sequence

import numpy as np
from scipy.special import erfcx
from scipy.stats import norm

from nao_tf.spaces.base import SearchSpace
from nao_tf.trial import Architecture

_STEPS = np.array((0.5, 0.25, 0.125, 0.075, 0.05))
"""How often a child of NASBOT's evolution is so many mutations away from its parent: one, two, and so on."""
_GENERATION = 20
_FAR = -1000.0
"""Standard deviations from the best, beyond which the ratio is that of its asymptote."""
_HOTTEST, _COOLING, _COLDEST = 1.0, 0.9, 1e-4
_CHILDREN = 8

Score = Callable[[Sequence[Architecture]], np.ndarray]
"""Returns how much architectures are worth evaluating."""


def log_expected_improvement(means: np.ndarray, deviations: np.ndarray, best: float) -> np.ndarray:
  """Returns the logarithm of the expected improvement, which distinguishes even points with almost none."""
  standard = (means - best) / deviations
  above, below = np.maximum(standard, 0.0), np.clip(standard, _FAR, 0.0)
  hopeful = np.log(above * norm.cdf(above) + norm.pdf(above))
  ratio = 1 + below * np.sqrt(np.pi / 2) * erfcx(-below / np.sqrt(2))  # Improvement to density.
  hopeless = norm.logpdf(standard) + np.where(standard > _FAR, np.log(ratio), -2 * np.log(np.maximum(-standard, 1.0)))
  return np.log(deviations) + np.where(standard > 0, hopeful, hopeless)


class Pool:
  """A pool of candidates and the evaluated architectures that they derive from.

  Attributes:
    roots: evaluated architectures.
    parents: for each candidate, the evaluated architecture that it derives from in one or more steps; None if it was
      sampled at random.
  """

  def __init__(self, space: SearchSpace, is_new: Callable[[Architecture], bool], roots: Sequence[Architecture]):
    """Initializes with architectures that were evaluated.

    Args:
      space: space of the architectures.
      is_new: whether an architecture may be proposed.
      roots: where candidates are made from, best first.
    """
    self._space, self._is_new = space, is_new
    self.roots = list(roots)
    self.parents: dict[Architecture, Architecture | None] = {}
    self._known = {space.canonical(root) for root in roots}

  @property
  def candidates(self) -> list[Architecture]:
    """The architectures that may be proposed."""
    return list(self.parents)

  def grow(self, parent: Architecture, num_steps: int, rng: np.random.Generator) -> Architecture | None:
    """Adds a mutation of a root or a candidate and returns it; returns None if it is not new."""
    child = parent
    for _ in range(num_steps):
      child = self._space.mutate(child, rng)
    return child if self.add(child, self.parents.get(parent, parent)) else None

  def add(self, architecture: Architecture, parent: Architecture | None) -> bool:
    """Adds a candidate; returns whether it is new."""
    canonical = self._space.canonical(architecture)
    if canonical in self._known or not self._is_new(architecture):
      return False
    self._known.add(canonical)
    self.parents[architecture] = parent
    return True


def evolve(pool: Pool, score: Score, num_evaluations: int, rng: np.random.Generator) -> None:
  """Grows a pool by mutating its members over several generations, with better members as more likely parents."""
  members = pool.roots + pool.candidates
  scores = score(members)
  for _ in range(-(-num_evaluations // _GENERATION)):
    children = []
    for index in rng.choice(len(members), _GENERATION, p=_chances(scores)):
      child = pool.grow(members[index], 1 + int(rng.choice(len(_STEPS), p=_STEPS)), rng)
      children += [] if child is None else [child]
    if children:
      members, scores = members + children, np.append(scores, score(children))


def anneal(pool: Pool, score: Score, num_evaluations: int, rng: np.random.Generator) -> None:
  """Grows a pool by expanding its members, best first, skipping members worse than the best with increasing probability."""
  members = pool.roots + pool.candidates
  queue = [(-value, number, member) for number, (value, member) in enumerate(zip(score(members).tolist(), members))]
  heapq.heapify(queue)
  best = max((-value for value, _, member in queue if member in pool.parents), default=-np.inf)
  temperature, num_children, number = _HOTTEST, 0, len(queue)
  while queue and temperature > _COLDEST and num_children < num_evaluations:
    value, _, member = heapq.heappop(queue)
    temperature *= _COOLING
    if np.exp(min((-value - best) / temperature, 1.0)) <= rng.random():
      continue
    children = [c for _ in range(_CHILDREN) if (c := pool.grow(member, 1, rng)) is not None]
    for child, worth in zip(children, score(children).tolist() if children else []):
      number += 1
      heapq.heappush(queue, (-worth, number, child))
      best = max(best, worth)
    num_children += _CHILDREN


def _chances(scores: np.ndarray) -> np.ndarray:
  """Returns how likely members become parents: in proportion to the exponential of their standardized scores."""
  spread = float(scores.std()) or 1.0
  weights = np.exp((scores - scores.max()) / spread)
  chances: np.ndarray = weights / weights.sum()
  return chances
