"""Neural Architecture Optimization (Luo et al., NeurIPS 2018, Algorithm 1) as a strategy.

A round fits the controller to all rewards so far, moves the best architectures' memories along the gradient of the
predicted score, decodes new architectures from there, and proposes those that the predictor ranks highest.
"""

import dataclasses
import json
import os
import zipfile
from collections.abc import Iterable, Iterator

import numpy as np
from absl import logging

from nao_tf.controller import ascent
from nao_tf.controller.config import ControllerConfig, make_config
from nao_tf.controller.controller import Controller
from nao_tf.controller.dataset import augment, make_targets
from nao_tf.controller.fitting import TrainingDiverged, fit_controller
from nao_tf.controller.state import controller_state, restart, restore_controller_state
from nao_tf.controller.vocabulary import Vocabulary
from nao_tf.spaces.base import SearchSpace
from nao_tf.strategies.base import Strategy, top_trials
from nao_tf.trial import Architecture

Proposal = tuple[Architecture, str]

STATE_FILE = "nao.npz"
_MIN_SCORED = 2
_MAX_PASSES = 12
_HEATING = 1.3


@dataclasses.dataclass(frozen=True)
class NaoConfig:
  """How NAO searches.

  Attributes:
    controller: sizes and training of the controller.
    ensemble_size: controllers that are trained side by side and take turns in choosing.
    num_initial: random architectures before the first round; 600 in the paper.
    round_size: architectures that a round proposes, 200 in the paper; 0: a tenth of those scored so far, at least 10.
    num_seeds: best architectures that a round starts from, 200 in the paper, 100 in its releases; 0: a tenth of those
      scored so far, at least 20.
    step_sizes: lengths of the move along the gradient; 0 decodes without moving.
    unit_gradient: whether the gradient is of the logit and scaled to length 1, or of the score and as it is, as in the
      paper.
    temperatures: at which the decoder is sampled at each point; 0 takes the likeliest tokens, as the paper does.
    ranked: whether the predictor ranks what was decoded; otherwise the first new ones are taken, as in the releases.
    oversampling: new candidates that a ranking should have to choose from, as a multiple of the round's size; while
      there are fewer, the decoder is sampled at higher temperatures.
    num_passes: times that candidates are decoded in a round, first around the best trials, then around what the
      predictor ranks highest among the candidates so far.
    num_neighbors: of a round's proposals, so many are neighbors of the best trial: those that the predictor ranks
      highest among the architectures that differ in one decision, an ordered one by one step.
    keep_weights: whether a round goes on from the weights of the last one. Otherwise its controllers start afresh, which
      costs more steps and forgets mistakes: a predictor that is wrong about a region is not wrong about it for ever.
    num_unlabeled: random architectures without a reward on which the decoder is trained too, where the controller's
      preset has room for them.
  """

  controller: ControllerConfig = dataclasses.field(default_factory=ControllerConfig)
  ensemble_size: int = 3
  num_initial: int = 20
  round_size: int = 0
  num_seeds: int = 0
  step_sizes: tuple[float, ...] = (0.0, 0.5, 1.0, 2.0)
  unit_gradient: bool = True
  temperatures: tuple[float, ...] = (0.5, 1.0, 1.5, 2.0)
  ranked: bool = True
  oversampling: float = 8.0
  num_passes: int = 4
  num_neighbors: int = 0
  keep_weights: bool = False
  num_unlabeled: int = 512

  def __post_init__(self):
    at_least_one, at_least_zero = (
      ("ensemble_size", "num_initial", "num_passes"),
      ("round_size", "num_seeds", "num_neighbors"),
    )
    for name in (*at_least_one, *at_least_zero):
      low = int(name in at_least_one)
      if getattr(self, name) < low:
        raise ValueError(f"{name} must be at least {low}, got {getattr(self, name)}")
    for name in ("step_sizes", "temperatures"):
      if not getattr(self, name) or min(getattr(self, name)) < 0:
        raise ValueError(f"{name} must be one or more numbers of at least 0, got {getattr(self, name)}")


PRESETS = {
  "default": NaoConfig(),
  "paper": NaoConfig(
    controller=make_config("torch"),
    ensemble_size=1,
    num_initial=600,
    round_size=200,
    num_seeds=100,
    step_sizes=tuple(float(step) for step in range(1, 51)),
    unit_gradient=False,
    temperatures=(0.0,),
    ranked=False,
    keep_weights=True,
    num_unlabeled=0,
  ),
  "hyperparameters": NaoConfig(round_size=4, num_neighbors=1),
}
"""`default`, made for small budgets; `paper`, the procedure of the paper and its PyTorch release; and `hyperparameters`,
for spaces of numbers that are close to one another and for a few dozen trials: small rounds, and a neighbor in each."""


class Nao(Strategy):
  """Searches in the embedding space of a controller."""

  def __init__(self, space: SearchSpace, *, seed: int = 0, config: NaoConfig = PRESETS["default"]):
    """Args:
    space: what to search.
    seed: of all its randomness, the controller's initial weights included.
    config: how to search.
    """
    super().__init__(space, seed=seed)
    self.config = config
    self.vocabulary = Vocabulary.of(space)
    self.controller = Controller(self.vocabulary, config.controller, ensemble_size=config.ensemble_size, seed=seed)
    self._num_fits = 0
    self._temperature = 1.0
    self._queue: list[Proposal] = []
    self._rounds: dict[int, list[Proposal]] = {}

  def propose(self, count, rng):
    if self.num_asked < self.config.num_initial or len(self.scored) < _MIN_SCORED:
      return []
    self._queue = [proposal for proposal in self._queue if self.is_new(proposal[0])]
    if len(self._queue) < count:
      if self.num_asked not in self._rounds:
        self._rounds[self.num_asked] = self._round(rng, max(count - len(self._queue), self._round_size))
      self._queue += self._rounds[self.num_asked]
    proposed, self._queue = self._queue[:count], self._queue[count:]
    return proposed

  def save(self, directory):
    os.makedirs(directory, exist_ok=True)
    learned = {"rounds": list(self._rounds.items()), "num_fits": self._num_fits, "temperature": self._temperature}
    path = os.path.join(directory, STATE_FILE)
    with open(f"{path}.tmp", "wb") as file:
      np.savez(file, learned=json.dumps(learned), **controller_state(self.controller))
    os.replace(f"{path}.tmp", path)

  def restore(self, directory):
    state = _read_state(os.path.join(directory, STATE_FILE))
    if state is None:
      return 0
    learned = json.loads(str(state.pop("learned")))
    restore_controller_state(self.controller, state)
    self._num_fits, self._temperature = learned["num_fits"], learned["temperature"]
    self._rounds = {int(n): [(tuple(a), origin) for a, origin in round_] for n, round_ in learned["rounds"]}
    return max(self._rounds, default=0)

  @property
  def _round_size(self) -> int:
    return self.config.round_size or max(10, len(self.scored) // 10)

  @property
  def _num_seeds(self) -> int:
    return self.config.num_seeds or max(20, len(self.scored) // 10)

  def _round(self, rng: np.random.Generator, size: int) -> list[Proposal]:
    """Returns the proposals of a new round; none if the controller cannot be trained."""
    try:
      self._fit(rng)
    except TrainingDiverged:
      restart(self.controller, self.seed)
      self._num_fits = 0
      return []
    return self._best_candidates(rng, size) if self.config.ranked else self._first_candidates(rng, size)

  def _fit(self, rng: np.random.Generator) -> None:
    if self._num_fits and not self.config.keep_weights:
      restart(self.controller, int(rng.integers(2**31)))
      self._num_fits = 0
    settings, scored = self.controller.settings, self.scored
    tokens = self._tokens([trial.architecture for trial in scored], rng)
    unlabeled = [self.space.sample(rng) for _ in range(self.config.num_unlabeled)]
    fit_controller(
      self.controller,
      tokens,
      make_targets([trial.reward for trial in scored], settings.target),
      num_steps=settings.steps_for(len(scored), first=self._num_fits == 0),
      seed=int(rng.integers(2**31)),
      unlabeled=self.vocabulary.encode(unlabeled) if unlabeled else None,
    )
    self._num_fits += 1

  def _tokens(self, architectures: list[Architecture], rng: np.random.Generator) -> np.ndarray:
    settings = self.controller.settings
    return augment(
      self.space, self.vocabulary, architectures, settings.num_encodings, rng, isomorphic=settings.isomorphic
    )

  def _best_candidates(self, rng: np.random.Generator, size: int) -> list[Proposal]:
    """Returns the candidates that the members, taking turns, rank highest.

    The first pass decodes around the best trials, every further one around the best candidates so far.
    """
    candidates: dict[Architecture, Proposal] = {}
    neighbors = self._neighbors(size)
    seeds = self._seeds()
    self._temperature = max(self._temperature / _HEATING, 1.0)
    for number in range(1, _MAX_PASSES + 1):
      self._collect(candidates, self._decoded(seeds, rng, self._temperature), None)
      enough = len(candidates) >= self.config.oversampling * size
      if enough and number >= self.config.num_passes:
        break
      self._temperature *= 1.0 if enough else _HEATING
      seeds = self._take_turns(candidates, self._num_seeds) or seeds
    others = {key: proposal for key, proposal in candidates.items() if key not in neighbors}
    return [*neighbors.values(), *self._apart(others, size - len(neighbors))]

  def _apart(self, candidates: dict[Architecture, Proposal], size: int) -> list[Proposal]:
    """Returns the first proposals that are no refinements of one another or of a trial; others only if there are too few."""
    if not self.space.is_refined:
      return self._take_turns(candidates, size)
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
    self._collect(candidates, self._decoded(self._seeds(), rng, 1.0), size)
    return list(candidates.values())

  def _seeds(self) -> list[Proposal]:
    return [(trial.architecture, f"#{trial.id}") for trial in top_trials(self.scored, self._num_seeds)]

  def _take_turns(self, candidates: dict[Architecture, Proposal], size: int) -> list[Proposal]:
    proposals = list(candidates.values())
    if not proposals:
      return []
    scores = self.controller.score(self.vocabulary.encode(candidates))
    orders = [iter(np.argsort(-member, kind="stable").tolist()) for member in scores]
    chosen: dict[int, Proposal] = {}
    while len(chosen) < min(size, len(proposals)):
      order = orders[len(chosen) % len(orders)]
      index = next(i for i in order if i not in chosen)
      chosen[index] = proposals[index]
    return list(chosen.values())

  def _collect(self, candidates: dict[Architecture, Proposal], decoded: Iterable[Proposal], limit: int | None) -> None:
    for architecture, origin in decoded:
      if limit is not None and len(candidates) >= limit:
        return
      if self.space.is_valid(architecture):
        canonical = self.space.canonical(architecture)
        if canonical not in candidates and self.is_new(architecture):
          candidates[canonical] = (architecture, origin)

  def _decoded(self, seeds: list[Proposal], rng: np.random.Generator, heat: float) -> Iterator[Proposal]:
    """Yields what the decoder writes around seeds, by step size, temperature, member and seed."""
    tokens = self._decode_around(self.vocabulary.encode(architecture for architecture, _ in seeds), rng, heat)
    for step_size, by_temperature in zip(self.config.step_sizes, tokens):
      rows = by_temperature.reshape(-1, self.vocabulary.length)
      for index, architecture in enumerate(self.vocabulary.decode(rows)):
        yield architecture, _origin(seeds[index % len(seeds)][1], step_size)

  def _neighbors(self, size: int) -> dict[Architecture, Proposal]:
    """Returns the neighbors of the best trial that are to be among `size` proposals."""
    count, candidates = min(self.config.num_neighbors, size), {}
    if count:
      ((best, origin),) = self._seeds()[:1]
      proposals = ((neighbor, f"neighbor of {origin}") for neighbor in self.space.neighbors(best))
      self._collect(candidates, proposals, None)
    return {self.space.canonical(a): (a, origin) for a, origin in self._take_turns(candidates, count)}

  def _decode_around(self, tokens: np.ndarray, rng: np.random.Generator, heat: float) -> np.ndarray:
    """Returns tokens [step sizes, temperatures, members, K, L] decoded around seeds [K, L]."""
    moved = ascent.move(
      self.controller,
      self.controller.encode(tokens),
      self.config.step_sizes,
      along="logit" if self.config.unit_gradient else "score",
      unit_gradient=self.config.unit_gradient,
    )
    heats = np.asarray(self.config.temperatures, np.float32).reshape(-1, 1, 1, 1) * np.float32(heat)
    decoded = self.controller.decode(moved, temperature=heats, seed=rng.integers(2**31, size=2))
    return np.moveaxis(decoded.numpy(), 1, 0)


def _origin(seed: str, step_size: float) -> str:
  """Returns the origin of what was decoded around a seed, which is a trial, "#12", or a candidate with its origin."""
  root = seed[seed.index("#") :].split(",", 1)[0]
  again = "" if seed == root else ", after others"
  return f"ascent from {root}, step {step_size:g}{again}" if step_size else f"decoded around {root}{again}"


def _read_state(path: str) -> dict[str, np.ndarray] | None:
  """Returns the arrays of a saved state; None if there is none that can be read, and all is learned again."""
  try:
    with np.load(path) as arrays:
      return dict(arrays)
  except FileNotFoundError:
    return None
  except (OSError, ValueError, zipfile.BadZipFile) as error:
    logging.warning("%s cannot be read (%s): learning again", path, error)
    return None
