"""Neural Architecture Optimization (Luo et al., NeurIPS 2018, Algorithm 1) as a search strategy.

Each round trains the controller on all rewards so far, moves the embeddings of the best architectures along the
gradient of the predicted score, decodes new architectures from there (`nao_tf.strategies.nao_decoding`), and proposes
those that the predictor ranks highest. A Gaussian process, which quantifies its uncertainty, chooses a fraction of the
proposals from a wider pool of candidates (`nao_tf.strategies.nao_pool`).

In multi-objective search, the controllers learn the order of the trials by Pareto front and crowding distance instead
of their rewards, and gradient ascent starts from the first trials of that order. Gaussian processes for the objectives
that are not known in advance choose candidates by expected hypervolume improvement; see
`nao_tf.strategies.expected_front`.
"""

import dataclasses
import math
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence

import numpy as np
from absl import logging

from nao_tf.controller.controller import Controller
from nao_tf.controller.dataset import augment, make_targets
from nao_tf.controller.decision_kernel import DecisionKernel
from nao_tf.controller.embedding_process import EmbeddingBeliefs, beliefs_about
from nao_tf.controller.fitting import TrainingDiverged, fit_controller, last_losses
from nao_tf.controller.gaussian_process import Beliefs, GaussianProcess, normal_scores
from nao_tf.controller.informed_process import Informant, InformedProcess, remarks_on
from nao_tf.controller.state import restart
from nao_tf.controller.vocabulary import Vocabulary
from nao_tf.objectives import Objectives
from nao_tf.runs.embedding_maps import EmbeddingMap
from nao_tf.runs.hints import Hint
from nao_tf.runs.predictions import Prediction
from nao_tf.spaces.base import SearchSpace
from nao_tf.strategies.base import Proposal, Strategy
from nao_tf.strategies.earlier_search import EarlierSearch, in_turns
from nao_tf.strategies.expected_front import ExpectedFront
from nao_tf.strategies.interval_widths import width_factors
from nao_tf.strategies.nao_config import MUTATED, PRESETS, SCORE, NaoConfig, NaoSettings
from nao_tf.strategies.nao_decoding import decoded, mutated, random_seeds, seeds_of, take_turns
from nao_tf.strategies.nao_map import Step, embedding_map, steps_of
from nao_tf.strategies.nao_pool import NUM_CENTERS, around_the_best, breed, expected_scores
from nao_tf.strategies.nao_state import MAX_TEMPERATURE, STATE_FILE, Learned, read_learned, write_learned
from nao_tf.strategies.parameter_counts import ParameterCounts, counts_parameters
from nao_tf.strategies.pareto_beliefs import ParetoBeliefs
from nao_tf.strategies.spreading import least_alike
from nao_tf.strategies.targets import RANKS
from nao_tf.strategies.trust_region import radius
from nao_tf.strategies.warm_start import EarlierScores
from nao_tf.trial import RANDOM, Architecture, Origin, Trial

_MIN_SCORED = 2
_NUM_DRAWN = 20
"""Random architectures of which the one is taken that is least like those before it."""
_MAX_PASSES = 12
_HEATING = 1.3


class Nao(Strategy):
  """Neural Architecture Optimization: gradient-based search in the embedding space of a controller."""

  config_class = NaoSettings.config_class
  presets = NaoSettings.presets
  takes_objectives = True

  def __init__(self, space: SearchSpace, *, seed: int = 0, config: NaoConfig = PRESETS["default"]):
    """Builds the controller.

    Args:
      space: the search space.
      seed: random seed, also of the controller's initial weights.
      config: settings of the strategy.
    """
    super().__init__(space, seed=seed)
    self.config = config
    self.vocabulary = Vocabulary.of(space)
    self.controller = Controller(self.vocabulary, config.controller, ensemble_size=config.ensemble_size, seed=seed)
    self._kernel = DecisionKernel(space, compares_graphs=config.compares_graphs)
    self._informants: list[Informant] = []
    self._process = self._fresh_process()
    self._num_fits = 0
    self._num_scored_when_fresh = 0
    self._temperature = 1.0
    self._queue: list[Proposal] = []
    self._rounds: dict[int, list[Proposal]] = {}
    self._predictions: dict[Architecture, Prediction] = {}
    self._figures: dict[str, float] = {}
    self._seed_of: dict[Architecture, tuple[Architecture, float]] = {}
    self._steps: list[Step] = []
    self._mapped_at = 0
    self._followed: EmbeddingBeliefs | None = None
    self._earlier: EarlierSearch | None = None

  def warm_start(self, earlier: EarlierSearch) -> None:
    """Provides the results of an earlier search, before the first `ask`; see `nao_tf.strategies.warm_start`.

    Raises:
      ValueError: if `gaussian_share` is 0, since the Gaussian process is what learns from them.
    """
    self._check_informed("a warm start needs")
    self._earlier = earlier
    self.inform([EarlierScores(self.space, earlier, seed=self.seed)])

  def inform(self, informants: Sequence[Informant]) -> None:
    """Provides sources of prior knowledge for the Gaussian process, before the first `ask`.

    They take the place of the numbers of parameters that the space may know.

    Raises:
      ValueError: if `gaussian_share` is 0.
    """
    self._check_informed("proxies need")
    self._informants += informants
    self._process = InformedProcess(self._kernel, self._informants)

  def _fresh_process(self) -> GaussianProcess:
    """Returns a Gaussian process that knows the numbers of parameters, if the space knows them and settings allow it."""
    if self.config.gaussian_share and self.config.counts_parameters and counts_parameters(self.space):
      return InformedProcess(self._kernel, [ParameterCounts(self.space)])
    return GaussianProcess(self._kernel)

  def _check_informed(self, what: str) -> None:
    if not self.config.gaussian_share:
      raise ValueError(f"{what} a gaussian_share above 0: it is the Gaussian process that learns from it")

  def propose(self, count: int, rng: np.random.Generator) -> Iterable[Proposal]:
    """Returns initial random architectures, then the proposals of rounds; see `Strategy.propose`."""
    if self.num_asked < self.config.num_initial or len(self.scored) < _MIN_SCORED:
      return self._initial_proposals(rng)
    self._queue = [proposal for proposal in self._queue if self.is_new(proposal[0])]
    if len(self._queue) < count:
      if self.num_asked not in self._rounds:
        self._rounds[self.num_asked] = self._round(rng, max(count - len(self._queue), self._round_size))
        self._figures["temperature"] = self._temperature
        self._predict([proposal for proposal in self._rounds[self.num_asked] if proposal[0] not in self._predictions])
        self._note_steps(self._rounds[self.num_asked])
      self._queue += self._rounds[self.num_asked]
    proposed, self._queue = self._queue[:count], self._queue[count:]
    return proposed

  def save(self, directory: str) -> None:
    """Saves the weights of the controller and the proposals of all rounds; see `Strategy.save`."""
    learned = Learned(self._rounds, self._num_fits, self._temperature, self._num_scored_when_fresh, self._predictions)
    write_learned(directory, self.controller, learned)

  def restore(self, directory: str) -> int:
    """Restores what `save` wrote, if it is readable; see `Strategy.restore`."""
    path = os.path.join(directory, STATE_FILE)
    if not os.path.exists(path):
      return 0
    try:
      self.read(path)
    except (OSError, ValueError) as error:
      logging.warning("%s cannot be read (%s): the controllers are trained again", path, error)
    return max(self._rounds, default=0)

  def prediction(self, architecture: Architecture) -> Prediction | None:
    """Returns the mean predicted score of a proposal over the ensemble; see `Strategy.prediction`."""
    return self._predictions.get(architecture)

  def figures(self) -> Mapping[str, float]:
    """Returns the final losses of the latest controller training, and the temperature of the decoder."""
    return self._figures

  def embedding_map(self) -> EmbeddingMap | None:
    """Returns the map of the latest round, once; see `Strategy.embedding_map`."""
    if not self._steps:
      return None
    steps, self._steps = self._steps, []
    trials = [trial for trial in self.scored if trial.id < self._mapped_at]
    return embedding_map(self.controller, trials, steps, self._mapped_at, config=self.config, beliefs=self._followed)

  @property
  def is_fitted(self) -> bool:
    """Whether the controller has been trained; before that, its scores are meaningless."""
    return self._num_fits > 0

  def read(self, path: str) -> None:
    """Restores the strategy from a file written by `save`.

    Args:
      path: path of the file, `STATE_FILE` in the cache directory.

    Raises:
      OSError: if the file cannot be read.
      ValueError: if the file is damaged, or belongs to a strategy with other settings. The strategy is then unchanged.
    """
    learned = read_learned(path, self.controller)
    self._num_fits, self._temperature, self._rounds = learned.num_fits, learned.temperature, dict(learned.rounds)
    self._num_scored_when_fresh, self._predictions = learned.num_scored_when_fresh, dict(learned.predictions)

  def remarks(self) -> list[str]:
    """Returns how much an earlier search, proxies and numbers of parameters were used; see `Strategy.remarks`."""
    process = self._process
    return remarks_on(process) if isinstance(process, InformedProcess) and self.objectives is None else []

  def hints(self) -> list[Hint]:
    """Returns how much each source of prior knowledge was used for the last proposal; see `Strategy.hints`."""
    process = self._process
    return process.hints if isinstance(process, InformedProcess) and process.is_fitted else []

  def _initial_proposals(self, rng: np.random.Generator) -> Iterator[Proposal]:
    """Returns random architectures; with a warm start, in turns with the best of the earlier search."""
    others = self._spread_proposals(rng) if self.config.spread_initial else self.random_proposals(rng)
    if self._earlier is None:
      return others
    return in_turns((p for p in self._earlier.proposals() if self.is_new(p[0])), others, self.num_asked)

  def _spread_proposals(self, rng: np.random.Generator) -> Iterator[Proposal]:
    """Yields random architectures, each the one of several that is least like all that were asked for."""
    while drawn := [a for a in (self.random_new(rng) for _ in range(_NUM_DRAWN)) if a is not None]:
      yield least_alike(self.space, drawn, list(self._origins)), RANDOM

  @property
  def _round_size(self) -> int:
    return self.config.round_size or max(10, len(self.scored) // 10)

  @property
  def _num_seeds(self) -> int:
    return self.config.num_seeds or max(20, len(self.scored) // 10)

  def _round(self, rng: np.random.Generator, size: int) -> list[Proposal]:
    """Returns the proposals of a new round; none if the controller cannot be trained."""
    turns = [self._is_turn_of_process(self.num_asked + number) for number in range(size)]
    try:
      if not all(turns):
        self._fit(rng)
    except TrainingDiverged:
      restart(self.controller, self.seed)
      self._num_fits = 0
      return []
    if self.config.gaussian_share:
      return self._by_turns(turns, rng)
    return self._best_candidates(rng, size) if self.config.ranked else self._first_candidates(rng, size)

  def _is_turn_of_process(self, number: int) -> bool:
    """Whether the Gaussian process chooses the proposal of that number, and not the controllers."""
    share = self.config.gaussian_share
    return math.floor((number + 1) * share) > math.floor(number * share)

  @property
  def _num_turns_of_controllers(self) -> int:
    """How often it was the controllers' turn; 0 if each round is theirs alone."""
    share = self.config.gaussian_share
    return self.num_asked - math.floor(self.num_asked * share) if share else 0

  def _by_turns(self, turns: Sequence[bool], rng: np.random.Generator) -> list[Proposal]:
    """Returns what the Gaussian process chooses where it is its turn, and what the controllers choose elsewhere."""
    pool: dict[Architecture, Proposal] = {}
    if not all(turns):
      pool = self._candidates(rng, math.ceil(self.config.oversampling * len(turns)))
    ranked = [self.space.canonical(architecture) for architecture, _ in self._apart(pool, len(turns))]
    self._collect(pool, self._around_the_best(rng), None)
    if not pool:  # All architectures of a small space have been asked for.
      return []
    if self.objectives is None:
      self._fit_process(rng)
      self._breed(pool, rng)
    keys, proposals = list(pool), list(pool.values())
    beliefs = self._beliefs(proposals, rng)
    expected = self._expected(beliefs) if isinstance(beliefs, Beliefs) else []
    chosen: list[int] = []
    for is_turn_of_process in turns[: len(keys)]:
      left = [index for index in map(keys.index, ranked) if index not in chosen]
      chosen.append(left[0] if left and not is_turn_of_process else beliefs.most_promising(chosen))
      beliefs.believe(chosen[-1])
    self._predictions.update((proposals[index][0], expected[index]) for index in chosen if expected)
    return [proposals[index] for index in chosen]

  def _expected(self, beliefs: Beliefs) -> list[Prediction]:
    """Returns predictions whose intervals are as wide as earlier predictions of the search show to be right."""
    outcomes = [
      (trial.reward, prediction)
      for trial in self.scored
      if trial.reward is not None and (prediction := self._predictions.get(trial.architecture)) is not None
    ]
    return expected_scores(beliefs, self.scored, self.num_asked, width_factors(outcomes))

  def _beliefs(self, proposals: Sequence[Proposal], rng: np.random.Generator) -> Beliefs | ParetoBeliefs:
    """Returns what the Gaussian process believes about proposals, given all rewards so far."""
    if self.objectives is not None:
      return self._beliefs_about(self.objectives, [architecture for architecture, _ in proposals], rng)
    return self._process.predict([architecture for architecture, _ in proposals], rng)

  def _fit_process(self, rng: np.random.Generator) -> None:
    rewards = [trial.reward for trial in self.scored if trial.reward is not None]
    self._process.fit([trial.architecture for trial in self.scored], normal_scores(rewards), rng)

  def _breed(self, pool: dict[Architecture, Proposal], rng: np.random.Generator) -> None:
    """Adds mutants of what the Gaussian process finds promising to the pool; see `nao_pool.breed`.

    Those of random candidates would have no trial to come from. Proxies that take long are not asked about so many.
    """
    parents = [proposal for proposal in pool.values() if proposal[1].parents]
    if not parents or (isinstance(self._process, InformedProcess) and self._process.is_slow):
      return

    def add(proposals: Sequence[Proposal]) -> list[Proposal]:
      known = set(pool)
      self._collect(pool, proposals, None)
      return [proposal for key, proposal in pool.items() if key not in known]

    def promise(proposals: Sequence[Proposal]) -> np.ndarray:
      return self._process.predict([architecture for architecture, _ in proposals], rng).expected_improvement()

    breed(self.space, parents, add, promise, rng)

  def _beliefs_about(
    self, objectives: Objectives, candidates: Sequence[Architecture], rng: np.random.Generator
  ) -> ParetoBeliefs:
    """Returns what a Gaussian process for each unknown objective believes about candidates."""
    architectures, front = [trial.architecture for trial in self.scored], ExpectedFront(objectives, self.scored, RANKS)
    beliefs = []
    for targets in front.targets:
      process = GaussianProcess(self._kernel)
      process.fit(architectures, targets, rng)
      beliefs.append(process.predict(candidates, rng))
    return ParetoBeliefs(front, candidates, beliefs)

  def _around_the_best(self, rng: np.random.Generator) -> Iterator[Proposal]:
    """Yields what the Gaussian process chooses from besides what was decoded.

    With several objectives there are no random ones: far from the front a process knows nothing, and hopes too much.
    """
    best = self.best_trials(self._num_seeds)
    return around_the_best(self.space, best, self._centers(best), rng, with_random=self.objectives is None)

  def _centers(self, best: Sequence[Trial]) -> Sequence[Trial]:
    """Returns the trials all of whose neighbors are candidates: a few of the best, or those that none dominates."""
    if self.objectives is None:
      return best[:NUM_CENTERS]
    return self.objectives.pareto_set(self.scored)[: self._num_seeds]

  def _fit(self, rng: np.random.Generator) -> None:
    settings, scored = self.controller.config, self.scored
    if self._num_fits and self._is_stale:
      restart(self.controller, int(rng.integers(2**31)))
      self._num_fits = 0
    if not self._num_fits:
      self._num_scored_when_fresh = len(scored)
    tokens = self._tokens([trial.architecture for trial in scored], rng)
    unlabeled = [self.space.sample(rng) for _ in range(self.config.num_unlabeled)]
    history = fit_controller(
      self.controller,
      tokens,
      make_targets(self._merits(scored), settings.target),
      num_steps=settings.steps_for(len(scored), first=self._num_fits == 0),
      seed=int(rng.integers(2**31)),
      unlabeled=self.vocabulary.encode(unlabeled) if unlabeled else None,
    )
    self._num_fits += 1
    self._figures = last_losses(history)
    if self.config.ascent != SCORE:
      self._followed = self._beliefs_in_embedding()

  def _beliefs_in_embedding(self) -> EmbeddingBeliefs:
    """Returns what Gaussian processes over the embeddings believe, which moves follow."""
    tokens = self.vocabulary.encode(trial.architecture for trial in self.scored)
    return beliefs_about(self.controller, tokens, normal_scores(self._merits(self.scored)))

  def _merits(self, scored: Sequence[Trial]) -> list[float]:
    """Returns what the controllers learn of trials: their rewards, or their places in the order by front and crowding."""
    if self.objectives is None:
      return [trial.reward for trial in scored if trial.reward is not None]
    places = {(t.id, t.architecture): float(-n) for n, t in enumerate(self.objectives.ranked(scored))}
    return [places[trial.id, trial.architecture] for trial in scored]

  @property
  def _is_stale(self) -> bool:
    """Whether the controllers are to start afresh."""
    grown = len(self.scored) >= (1 + self.config.refresh_growth) * self._num_scored_when_fresh
    return grown and not self.config.keep_weights

  def _tokens(self, architectures: list[Architecture], rng: np.random.Generator) -> np.ndarray:
    settings = self.controller.config
    return augment(
      self.space, self.vocabulary, architectures, settings.num_encodings, rng, isomorphic=settings.isomorphic
    )

  def _predict(self, proposals: Sequence[Proposal]) -> None:
    """Notes what the controllers predict for proposals of a round. Their predictions are a cache like the round."""
    if proposals and self.objectives is None:
      scores = self.controller.score(self.vocabulary.encode(architecture for architecture, _ in proposals))
      for (architecture, _), score in zip(proposals, scores.mean(axis=0).tolist()):
        self._predictions[architecture] = Prediction(score, self.num_asked)

  def _note_steps(self, proposals: Sequence[Proposal]) -> None:
    """Notes the steps to the proposals of a round, for a map of it."""
    self._steps, self._mapped_at = steps_of(proposals, self._seed_of, self.scored), self.num_asked
    self._seed_of.clear()

  def _best_candidates(self, rng: np.random.Generator, size: int) -> list[Proposal]:
    """Returns the candidates that the controllers of the ensemble, taking turns, rank highest."""
    neighbors = self._neighbors(size)
    candidates = self._candidates(rng, math.ceil(self.config.oversampling * size))
    others = {key: proposal for key, proposal in candidates.items() if key not in neighbors}
    return [*neighbors.values(), *self._apart(others, size - len(neighbors))]

  def _candidates(self, rng: np.random.Generator, wanted: int) -> dict[Architecture, Proposal]:
    """Returns new architectures that the decoder wrote, at least `wanted` if it can.

    The first pass decodes around the best trials, every further one around the best candidates so far.
    """
    candidates: dict[Architecture, Proposal] = {}
    seeds = self._seeds(rng)
    self._temperature = max(self._temperature / _HEATING, 1.0)
    for number in range(1, _MAX_PASSES + 1):
      self._collect(candidates, self._decoded(seeds, rng, self._temperature), None)
      enough = len(candidates) >= wanted
      if enough and number >= self.config.num_passes:
        break
      if not enough:
        self._temperature = min(self._temperature * _HEATING, MAX_TEMPERATURE)
      seeds = self._take_turns(candidates, self._num_seeds) or seeds
    return candidates

  def _apart(self, candidates: dict[Architecture, Proposal], size: int) -> list[Proposal]:
    """Returns the first proposals that do not refine one another or a trial; others only if there are too few."""
    if not self.space.is_refined:
      return self._take_turns(candidates, size, start=self._num_turns_of_controllers)
    seen = {self.space.unrefined(trial.architecture) for trial in self.scored}
    apart: list[Proposal] = []
    rest: list[Proposal] = []
    for proposal in self._take_turns(candidates, len(candidates)):
      place = self.space.unrefined(proposal[0])
      (rest if place in seen else apart).append(proposal)
      seen.add(place)
    return [*apart, *rest][:size]

  def _first_candidates(self, rng: np.random.Generator, size: int) -> list[Proposal]:
    """Returns the first candidates in the order of step sizes."""
    candidates: dict[Architecture, Proposal] = {}
    self._collect(candidates, self._decoded(self._seeds(rng), rng, 1.0), size)
    return list(candidates.values())

  def _seeds(self, rng: np.random.Generator) -> list[Proposal]:
    """Returns the best trials, with themselves as origins, and random architectures if the settings ask for them."""
    others = random_seeds(self.space, self.config.num_random_seeds, rng)
    return [*seeds_of(self.best_trials(self._num_seeds)), *others]

  def _take_turns(self, candidates: dict[Architecture, Proposal], size: int, start: int = 0) -> list[Proposal]:
    return take_turns(self.controller, list(candidates.values()), self.vocabulary.encode(candidates), size, start)

  def _collect(self, candidates: dict[Architecture, Proposal], decoded: Iterable[Proposal], limit: int | None) -> None:
    """Adds new architectures to the candidates, which are kept by their canonical encoding."""
    for architecture, origin in decoded:
      if limit is not None and len(candidates) >= limit:
        return
      if self.space.is_valid(architecture):
        canonical = self.space.canonical(architecture)
        if canonical not in candidates and self.is_new(architecture):
          candidates[canonical] = (architecture, origin)

  def _decoded(self, seeds: Sequence[Proposal], rng: np.random.Generator, heat: float) -> Iterator[Proposal]:
    """Yields what the decoder writes around seeds, and notes which seed and step that was first; or mutants of seeds."""
    if self.config.candidates == MUTATED:
      yield from mutated(self.space, self.config, seeds, rng, heat)
      return
    for found in decoded(self.controller, self._config_of_steps(), seeds, rng, heat, self._followed):
      self._seed_of.setdefault(found.architecture, (found.seed, found.step_size))
      yield found.architecture, found.origin

  def _config_of_steps(self) -> NaoConfig:
    """Returns the settings, with the step sizes of this round."""
    if not self.config.trust_region:
      return self.config
    factor = radius(self.scored, self._merits(self.scored))
    return dataclasses.replace(self.config, step_sizes=tuple(factor * step for step in self.config.step_sizes))

  def _neighbors(self, size: int) -> dict[Architecture, Proposal]:
    """Returns the neighbors of the best trial that will be among `size` proposals."""
    count = min(self.config.num_neighbors, size)
    candidates: dict[Architecture, Proposal] = {}
    for best in self.best_trials(min(count, 1)):
      origin = Origin("neighbor", (best.id,))
      self._collect(candidates, ((neighbor, origin) for neighbor in self.space.neighbors(best.architecture)), None)
    return {self.space.canonical(a): (a, origin) for a, origin in self._take_turns(candidates, count)}
