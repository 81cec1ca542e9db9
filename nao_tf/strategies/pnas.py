"""Progressive search (Liu et al., "Progressive Neural Architecture Search", ECCV 2018).

The search starts with the smallest architectures and evaluates them. It then extends the best ones of the current size
by one part in every possible way, ranks these candidates with a predictor trained on all trials so far, and evaluates
the best. This is repeated up to the largest size. The search space defines how architectures grow; see
`nao_tf.spaces.growth`.

The search of the paper ends there. Here, further proposals retrain the predictor and take the next best candidates of
the largest size, which include neighbors of the best architectures.
"""

import dataclasses
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
from absl import logging

from nao_tf import fields
from nao_tf.runs.predictions import Prediction
from nao_tf.spaces.base import SearchSpace
from nao_tf.spaces.growth import growth_of
from nao_tf.strategies.base import Proposal, Strategy
from nao_tf.trial import Architecture, Origin, top_trials

_FEWEST = 2
"""Measured architectures that a predictor is fitted to, at least."""


@dataclasses.dataclass(frozen=True)
class PnasConfig:
  """Settings of progressive search.

  Attributes:
    beam_size: K, number of architectures of each size to evaluate and extend.
    num_smallest: number of smallest architectures to evaluate, chosen at random; 0 for all.
    ensemble_size: number of predictors in the ensemble.
    units: number of units in the hidden layer of a predictor.
    max_candidates: maximum number of candidates of a size to rank, chosen at random; 0 for no limit.
  """

  beam_size: int = 16
  num_smallest: int = 16
  ensemble_size: int = 5
  units: int = 32
  max_candidates: int = 20_000

  def __post_init__(self) -> None:
    fields.check_config(self)
    for name, low in (("beam_size", 1), ("num_smallest", 0), ("ensemble_size", 1), ("units", 1), ("max_candidates", 0)):
      if getattr(self, name) < low:
        raise ValueError(f"{name} must be at least {low}, got {getattr(self, name)}")


PRESETS = {"default": PnasConfig(), "paper": PnasConfig(beam_size=256, num_smallest=0, max_candidates=0)}
"""For some hundred evaluations, and the sizes of the paper: 136 + 4 * 256 evaluations of cells."""


class Extrapolation(NamedTuple):
  """How well a predictor ranked architectures larger than those that it was trained on.

  Attributes:
    size: size of the architectures; see `nao_tf.spaces.growth.Growth`.
    asked_before: number of architectures asked for before the predictor was trained.
    num_measured: number of its proposals that have a reward.
    correlation: Spearman's rank correlation of predictions and rewards; None if either is constant.
  """

  size: int
  asked_before: int
  num_measured: int
  correlation: float | None


class Pnas(Strategy):
  """Progressive search from small to large architectures."""

  config_class = PnasConfig
  presets = PRESETS

  def __init__(self, space: SearchSpace, *, seed: int = 0, config: PnasConfig = PRESETS["default"]):
    """Begins at the smallest architectures.

    Args:
      space: the search space.
      seed: random seed.
      config: settings of the strategy.
    """
    super().__init__(space, seed=seed)
    self.config = config
    self._growth = growth_of(space)
    self._size = 0
    self._queue: list[Proposal] = []
    self._reserve: list[Proposal] = []
    self._predictions: dict[Architecture, Prediction] = {}

  def propose(self, count: int, rng: np.random.Generator) -> Iterable[Proposal]:
    """Returns the next architectures of the current size, or of the next size once there are none left.

    See `Strategy.propose`.
    """
    self._queue = [proposal for proposal in self._queue if self.is_new(proposal[0])]
    if not self._queue:
      ranked = self._smallest(rng) if self._size == 0 else self._next_round(rng)
      beam_size = self.config.num_smallest or len(ranked) if self._size == 1 else self.config.beam_size
      self._queue, self._reserve = ranked[:beam_size], ranked[beam_size:]
    proposed, self._queue = self._queue[:count], self._queue[count:]
    return [*proposed, *self._reserve[: count - len(proposed)]]  # A batch that the beam does not fill takes the next.

  def prediction(self, architecture: Architecture) -> Prediction | None:
    """Returns the predicted rank of a proposal; see `Strategy.prediction`."""
    return self._predictions.get(architecture)

  def extrapolations(self) -> list[Extrapolation]:
    """Returns how well each predictor ranked its proposals, as far as they have rewards."""
    groups: dict[int, list[tuple[Architecture, float, float]]] = {}
    for trial in self.scored:
      prediction = self._predictions.get(trial.architecture)
      if prediction is not None and trial.reward is not None:
        row = trial.architecture, prediction.score, trial.reward
        groups.setdefault(prediction.asked_before, []).append(row)
    return [self._extrapolation(before, rows) for before, rows in sorted(groups.items())]

  def _extrapolation(self, before: int, rows: Sequence[tuple[Architecture, float, float]]) -> Extrapolation:
    architectures, predicted, measured = zip(*rows)
    return Extrapolation(self._growth.size_of(architectures[0]), before, len(rows), _correlation(predicted, measured))

  def _smallest(self, rng: np.random.Generator) -> list[Proposal]:
    """Returns the smallest architectures in random order."""
    self._size = 1
    new = [architecture for architecture in self._growth.smallest() if self.is_new(architecture)]
    return [(new[i], Origin("smallest")) for i in rng.permutation(len(new))]

  def _next_round(self, rng: np.random.Generator) -> list[Proposal]:
    """Returns the candidates of the next size in the order of a new predictor; none if there are none."""
    if len(self.scored) < _FEWEST:
      return []
    self._report()
    self._size = min(self._size + 1, self._growth.num_sizes)
    candidates = self._candidates(self._size, rng)
    while not candidates and self._size < self._growth.num_sizes:
      self._size += 1
      candidates = self._candidates(self._size, rng)
    return self._ranked(candidates, int(rng.integers(2**31))) if candidates else []

  def _candidates(self, size: int, rng: np.random.Generator) -> list[Proposal]:
    """Returns the new architectures of a size that the best of the size before grow to.

    Those of the largest size are also the neighbors of the best. If there are fewer than are to be evaluated, further ones
    of the size before are extended.
    """
    found: dict[Architecture, Proposal] = {}
    by_size = [trial for trial in self.scored if self._growth.size_of(trial.architecture) == size - 1]
    for number, parent in enumerate(top_trials(by_size, len(by_size))):
      if number >= self.config.beam_size and len(found) >= self.config.beam_size:
        break
      self._collect(found, self._growth.grown(parent.architecture), Origin("grown", (parent.id,)), size)
    if size == self._growth.num_sizes:
      largest = [trial for trial in self.scored if self._growth.size_of(trial.architecture) == size]
      for best in top_trials(largest, self.config.beam_size):
        self._collect(found, self.space.neighbors(best.architecture), Origin("neighbor", (best.id,)), size)
    candidates = list(found.values())
    kept = sorted(rng.permutation(len(candidates))[: self.config.max_candidates or None].tolist())
    return [candidates[i] for i in kept]

  def _collect(
    self, found: dict[Architecture, Proposal], architectures: Iterable[Architecture], origin: Origin, size: int
  ) -> None:
    """Adds the new architectures of a size, each network once."""
    for architecture in architectures:
      canonical = self.space.canonical(architecture)
      if canonical not in found and self._growth.size_of(canonical) == size and self.is_new(architecture):
        found[canonical] = architecture, origin

  def _ranked(self, candidates: Sequence[Proposal], seed: int) -> list[Proposal]:
    """Returns the candidates of the highest predictions first, and notes these: of one beam, and as many in reserve."""
    from nao_tf.strategies.predictor_ensemble import PredictorEnsemble  # It imports SciPy.

    predictor = PredictorEnsemble(
      [self._growth.features(trial.architecture) for trial in self.scored],
      [trial.reward for trial in self.scored if trial.reward is not None],
      num_members=self.config.ensemble_size,
      units=self.config.units,
      seed=seed,
    )
    scores = predictor.predict([self._growth.features(architecture) for architecture, _ in candidates])
    best = np.argsort(-scores, kind="stable")[: 2 * self.config.beam_size].tolist()
    for i in best:
      self._predictions[candidates[i][0]] = Prediction(float(scores[i]), self.num_asked)
    return [candidates[i] for i in best]

  def _report(self) -> None:
    """Logs how well the last predictor ranked what it proposed."""
    for extrapolation in self.extrapolations()[-1:]:
      if extrapolation.correlation is not None:
        logging.info(
          "progressive search: %d architectures of size %d, rank correlation of predictions and rewards %.2f",
          extrapolation.num_measured,
          extrapolation.size,
          extrapolation.correlation,
        )


def _correlation(predicted: Sequence[float], measured: Sequence[float]) -> float | None:
  """Returns Spearman's rank correlation of two rows of numbers; None if one of them is constant."""
  if len(set(predicted)) < 2 or len(set(measured)) < 2:
    return None
  import scipy.stats  # Commands that only read their flags do not wait for it.

  return float(scipy.stats.spearmanr(predicted, measured).statistic)
