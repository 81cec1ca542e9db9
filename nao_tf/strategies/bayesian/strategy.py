"""Bayesian optimization with distances between networks, as in NASBOT and in Auto-Keras.

Sources: Kandasamy et al., "Neural Architecture Search with Bayesian Optimisation and Optimal Transport", NeurIPS 2018
(NASBOT: the distance OTMANN, expected improvement, evolution); Jin, Song and Hu, "Auto-Keras: An Efficient Neural
Architecture Search System", KDD 2019 (the edit distance, an upper confidence bound, simulated annealing over a tree).

A Gaussian process is fitted to all trials. Candidates are made by mutation, and the one that is most worth evaluating is
proposed. Of several proposals, and of trials under way, each counts as evaluated with the mean that is predicted for it.

In a search for several objectives there is a process for each one that is not known of an architecture before its network
is trained. What is most worth evaluating is then what is expected to push the Pareto front most; see
`nao_tf.strategies.expected_front`.
"""

import functools
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar

import numpy as np

from nao_tf.spaces.base import SearchSpace
from nao_tf.strategies.base import Proposal, Strategy
from nao_tf.strategies.bayesian import acquisition as acquisitions
from nao_tf.strategies.bayesian.acquisition import Pool
from nao_tf.strategies.bayesian.config import EVOLUTION, PRESETS, BayesianConfig, BayesianSettings
from nao_tf.strategies.bayesian.distances import DistanceBank, make_distance
from nao_tf.strategies.bayesian.pareto_surrogate import ParetoSurrogate
from nao_tf.strategies.bayesian.surrogate import Surrogate
from nao_tf.strategies.recorded_rounds import RecordedRounds
from nao_tf.strategies.targets import standard_targets
from nao_tf.trial import RANDOM, Architecture, Origin

_FEWEST = 2
"""Trials with a reward, at least, that a process is fitted to."""
_MOST_ROOTS = 50
_NUM_RANDOM = 20
_SHARE_OF_LATER = 5
"""The second and each later proposal of a batch has so much smaller a share of candidates of its own."""
_MOST_DISTANCES = 100_000
"""Distances between candidates and trials, about, that are computed for a proposal. So its cost is bounded."""
_MOST_LEFT = 100
"""Candidates that are left for the next proposal of a batch."""
_EVALUATIONS_PER_ROOT, _FEWEST_CANDIDATES, _MOST_CANDIDATES = 25, 50, 500


class Bayesian(Strategy):
  """Proposes what a Gaussian process over distances between architectures holds most worth evaluating."""

  config_class: ClassVar[type[Any]] = BayesianSettings.config_class
  presets: ClassVar[Mapping[str, Any]] = BayesianSettings.presets
  takes_objectives = True

  def __init__(self, space: SearchSpace, *, seed: int = 0, config: BayesianConfig = PRESETS["default"]):
    """Sets up the strategy.

    Args:
      space: what to search.
      seed: of all its randomness.
      config: the kernel, and how proposals are found.

    Raises:
      ValueError: if the kernel compares networks and the architectures of the space are none.
    """
    super().__init__(space, seed=seed)
    self.config = config
    distance, self._terms = make_distance(config.kernel, space, space.sample(np.random.default_rng(seed)))
    self._bank = DistanceBank(distance)
    self._rounds = RecordedRounds(repr((type(self).__name__, space.name, seed, config)))

  def propose(self, count: int, rng: np.random.Generator) -> Iterable[Proposal]:
    """Returns the candidates that are most worth evaluating; random ones at first. See `Strategy.propose`."""
    if self.num_asked < self.config.num_initial or len(self.scored) < _FEWEST:
      return self.random_proposals(rng)
    key = self.num_asked, len(self.trials), count
    proposals = self._rounds.get(key)
    if proposals is None:
      proposals = self._best_candidates(count, rng)
      self._rounds.put(key, proposals)
    return proposals

  def save(self, directory: str) -> None:
    """Writes all proposals so far; see `Strategy.save`."""
    self._rounds.save(directory)

  def restore(self, directory: str) -> int:
    """Reads what `save` wrote, if it can be read; see `Strategy.restore`."""
    return self._rounds.restore(directory)

  def _best_candidates(self, count: int, rng: np.random.Generator) -> list[Proposal]:
    trials = self.trials
    surrogate = self._surrogate(rng)
    surrogate.believe(self.pending)
    pool = self._pool(rng)
    ids = {trial.architecture: trial.id for trial in reversed(trials)}
    proposals: list[Proposal] = []
    for number in range(count):
      chosen = self._choose(pool, surrogate, self._num_candidates(number), rng)
      if chosen is None:
        break
      parent = pool.parents.pop(chosen)
      proposals.append((chosen, RANDOM if parent is None else Origin("mutation", (ids[parent],))))
      surrogate.believe([chosen])
    return proposals

  def _surrogate(self, rng: np.random.Generator) -> Surrogate | ParetoSurrogate:
    """Returns what predicts the rewards, or the objectives, given all trials so far."""
    trials, target = self.trials, self.config.target
    architectures = [trial.architecture for trial in trials]
    make = functools.partial(Surrogate, self._bank, self._terms, architectures, rng=rng)
    if self.objectives is None:
      return make(standard_targets(trials, target))
    return ParetoSurrogate(self.objectives, trials, target, make)

  def _pool(self, rng: np.random.Generator) -> Pool:
    """Returns the best trials, and random candidates."""
    pool = Pool(self.space, self.is_new, [trial.architecture for trial in self.best_trials(_MOST_ROOTS)])
    for _ in range(_NUM_RANDOM):
      pool.add(self.space.sample(rng), None)
    return pool

  def _choose(
    self, pool: Pool, surrogate: Surrogate | ParetoSurrogate, num_candidates: int, rng: np.random.Generator
  ) -> Architecture | None:
    """Returns the candidate that is most worth evaluating; None if there is none."""

    def score(architectures: Sequence[Architecture]) -> np.ndarray:
      return surrogate.worth(architectures, self.config.acquisition, self.config.exploration)

    search = acquisitions.evolve if self.config.search == EVOLUTION else acquisitions.anneal
    search(pool, score, num_candidates, rng)
    candidates = pool.candidates
    if not candidates:
      return None
    order = np.argsort(-score(candidates), kind="stable").tolist()
    for index in order[_MOST_LEFT:]:
      del pool.parents[candidates[index]]
    return candidates[order[0]]

  def _num_candidates(self, number: int) -> int:
    """Returns how many candidates are made for a proposal of a batch."""
    most = min(_MOST_CANDIDATES, _MOST_DISTANCES // len(self.trials))
    usual = int(
      np.clip(_EVALUATIONS_PER_ROOT * len(self.trials) ** 0.5, _FEWEST_CANDIDATES, max(most, _FEWEST_CANDIDATES))
    )
    first = self.config.num_candidates or usual
    return -(-first // _SHARE_OF_LATER) if number else first
