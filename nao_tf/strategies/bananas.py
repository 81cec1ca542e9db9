"""BANANAS (White et al., "BANANAS: Bayesian Optimization with Neural Architectures for NAS", AAAI 2021).

An ensemble of small networks learns to predict rewards from path encodings of architectures. Candidates are mutations
of the best architectures. For each candidate a reward is sampled independently from the ensemble's predictive
distribution, and the candidates with the highest samples are proposed (independent Thompson sampling).

Differences from the paper: the predictors are scikit-learn networks that minimize the squared error, so targets are
ranks of rewards instead of the paper's percentage errors; both emphasize differences among the best. In spaces without
layer graphs, the encoding is a one-hot encoding of the choices.
"""

import warnings
from collections.abc import Iterable, Sequence

import numpy as np
import threadpoolctl
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPRegressor

from nao_tf.spaces.base import SearchSpace
from nao_tf.spaces.path_encoding import Path, PathEncoding, paths_of
from nao_tf.strategies.bananas_config import PRESETS, BananasConfig, BananasSettings
from nao_tf.strategies.base import Proposal, Strategy
from nao_tf.strategies.recorded_rounds import RecordedRounds
from nao_tf.strategies.targets import standard_targets
from nao_tf.trial import Architecture, Origin, top_trials

_FEWEST = 2
"""Trials with a reward, at least, that predictors are trained on."""
_ATTEMPTS = 5
"""Mutations that are tried for each candidate."""
_BATCH_SIZE = 32
_LARGEST_SEED = 2**31


class Bananas(Strategy):
  """Proposes mutations of the best architectures by Thompson sampling from an ensemble of predictors."""

  config_class = BananasSettings.config_class
  presets = BananasSettings.presets

  def __init__(self, space: SearchSpace, *, seed: int = 0, config: BananasConfig = PRESETS["default"]):
    """Initializes the strategy.

    Args:
      space: the search space.
      seed: random seed.
      config: settings of the strategy.
    """
    super().__init__(space, seed=seed)
    self.config = config
    self._encoder = _Encoder(space, space.sample(np.random.default_rng(seed)), config.num_paths)
    self._rounds = RecordedRounds(repr((type(self).__name__, space.name, seed, config)))
    self._queue: list[Proposal] = []

  def propose(self, count: int, rng: np.random.Generator) -> Iterable[Proposal]:
    """Returns the rest of the current round, and of a new round if that is not enough; see `Strategy.propose`."""
    if self.num_asked < self.config.num_initial or len(self.scored) < _FEWEST:
      return self.random_proposals(rng)
    self._queue = [proposal for proposal in self._queue if self.is_new(proposal[0])]
    if len(self._queue) < count:
      key = self.num_asked, len(self.trials), count
      round_ = self._rounds.get(key)
      if round_ is None:
        round_ = self._round(max(count - len(self._queue), self.config.round_size), rng)
        self._rounds.put(key, round_)
      self._queue += round_
    proposed, self._queue = self._queue[:count], self._queue[count:]
    return proposed

  def save(self, directory: str) -> None:
    """Saves all proposals so far; see `Strategy.save`."""
    self._rounds.save(directory)

  def restore(self, directory: str) -> int:
    """Restores what `save` wrote, if it is readable; see `Strategy.restore`."""
    return self._rounds.restore(directory)

  def _round(self, size: int, rng: np.random.Generator) -> list[Proposal]:
    """Returns the candidates with the highest draws, best first."""
    candidates = self._candidates(max(size, self.config.num_candidates), rng)
    if not candidates:
      return []
    predictions = self._predictions([architecture for architecture, _ in candidates], rng)
    draws = rng.normal(predictions.mean(axis=0), predictions.std(axis=0))
    return [candidates[index] for index in np.argsort(-draws, kind="stable")[:size]]

  def _candidates(self, count: int, rng: np.random.Generator) -> list[Proposal]:
    """Returns new mutations of the best architectures. Where all are known, mutations walk on."""
    parents = top_trials(self.scored, self.config.num_parents)
    heads = [parent.architecture for parent in parents]
    candidates: dict[Architecture, Proposal] = {}
    for attempt in range(_ATTEMPTS * count):
      number = attempt % len(parents)
      mutant = self.space.mutate(heads[number], rng)
      canonical = self.space.canonical(mutant)
      if canonical not in candidates and self.is_new(mutant):
        candidates[canonical] = mutant, Origin("mutation", (parents[number].id,))
        heads[number] = parents[number].architecture
      else:
        heads[number] = mutant
      if len(candidates) == count:
        break
    return list(candidates.values())

  def _predictions(self, architectures: Sequence[Architecture], rng: np.random.Generator) -> np.ndarray:
    """Returns what each predictor of the ensemble predicts for architectures [E, N]."""
    trials = self.trials
    features, asked = self._encoder.encode([trial.architecture for trial in trials], architectures)
    targets = standard_targets(trials, self.config.target)
    seeds = rng.integers(_LARGEST_SEED, size=self.config.ensemble_size).tolist()
    return np.stack([self._trained(features, targets, seed).predict(asked) for seed in seeds])

  def _trained(self, features: np.ndarray, targets: np.ndarray, seed: int) -> MLPRegressor:
    predictor = MLPRegressor(
      hidden_layer_sizes=(self.config.units,) * self.config.num_layers,
      batch_size=min(_BATCH_SIZE, len(targets)),
      learning_rate_init=self.config.learning_rate,
      max_iter=self.config.num_epochs,
      n_iter_no_change=self.config.num_epochs,
      random_state=seed,
    )
    with warnings.catch_warnings(), threadpoolctl.threadpool_limits(1):
      warnings.simplefilter("ignore", ConvergenceWarning)
      return predictor.fit(features, targets)


class _Encoder:
  """Turns architectures into features: of their paths where they are networks of layers, of their choices elsewhere."""

  def __init__(self, space: SearchSpace, example: Architecture, num_paths: int):
    self._space, self._num_paths = space, num_paths
    self._has_graphs = space.graph(example) is not None

  def encode(self, known: Sequence[Architecture], asked: Sequence[Architecture]) -> tuple[np.ndarray, np.ndarray]:
    """Returns the features of the architectures that predictors are trained on [N, F], and of others [M, F]."""
    if not self._has_graphs:
      return self._choices(known), self._choices(asked)
    networks, others = self._paths(known), self._paths(asked)
    encoding = PathEncoding(networks, self._num_paths)
    return encoding.encode(networks), encoding.encode(others)

  def _paths(self, architectures: Sequence[Architecture]) -> list[frozenset[Path]]:
    graphs = map(self._space.graph, architectures)
    return [paths_of(graph) for graph in graphs if graph is not None]

  def _choices(self, architectures: Sequence[Architecture]) -> np.ndarray:
    """Returns a feature for each choice of each decision [N, F]."""
    rows = np.array([self._space.canonical(architecture) for architecture in architectures])
    return np.concatenate(
      [np.eye(decision.size)[rows[:, number]] for number, decision in enumerate(self._space.decisions)], axis=1
    )
