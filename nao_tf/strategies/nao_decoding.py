"""Generates NAO's candidates around the best architectures, and ranks them.

The encoder outputs of an architecture are moved along the gradient of the predicted score, or of another function, and
the decoder samples architectures from the result. For comparison, mutations of the same architectures can be used
instead.
"""

import itertools
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from nao_tf.controller import ascent
from nao_tf.controller.controller import Controller, TensorLike
from nao_tf.controller.embedding_process import EmbeddingBeliefs
from nao_tf.spaces.base import SearchSpace
from nao_tf.strategies.base import Proposal
from nao_tf.strategies.nao_config import NaoConfig
from nao_tf.strategies.nao_pool import LAST_MUTATION
from nao_tf.trial import Architecture, Origin, Trial

_START = "trial"
"""Kind of the origin of a seed that a round starts from: a trial, or a random architecture. No proposal has it."""


class Decoded(NamedTuple):
  """An architecture sampled from the decoder.

  Attributes:
    architecture: the architecture, which may be invalid.
    origin: the origin of the architecture.
    seed: the architecture that it was decoded from.
    step_size: step size of the gradient ascent.
  """

  architecture: Architecture
  origin: Origin
  seed: Architecture
  step_size: float


def seeds_of(trials: Sequence[Trial]) -> list[Proposal]:
  """Returns trials as seeds to decode from, with themselves as origins."""
  return [(trial.architecture, Origin(_START, (trial.id,))) for trial in trials]


def random_seeds(space: SearchSpace, count: int, rng: np.random.Generator) -> list[Proposal]:
  """Returns random architectures as seeds to decode from."""
  return [(space.sample(rng), Origin(_START)) for _ in range(count)]


def decoded(
  controller: Controller,
  config: NaoConfig,
  seeds: Sequence[Proposal],
  rng: np.random.Generator,
  heat: float,
  beliefs: EmbeddingBeliefs | None = None,
) -> Iterator[Decoded]:
  """Yields architectures decoded around seeds, in the order of step size, temperature, controller and seed.

  Args:
    controller: the trained controller.
    config: defines step sizes and temperatures.
    seeds: architectures with their origins.
    rng: random generator for sampling tokens.
    heat: factor of the temperatures.
    beliefs: defines the function to ascend; None for the predicted score.
  """
  vocabulary = controller.vocabulary
  around = vocabulary.encode(architecture for architecture, _ in seeds)
  tokens = decode_around(controller, config, around, rng, heat, beliefs)
  for step_size, by_temperature in zip(config.step_sizes, tokens):
    rows = by_temperature.reshape(-1, vocabulary.length)
    for index, architecture in enumerate(vocabulary.decode(rows)):
      seed, origin = seeds[index % len(seeds)]
      yield Decoded(architecture, _decoded_from(origin, step_size), seed, step_size)


def mutated(
  space: SearchSpace, config: NaoConfig, seeds: Sequence[Proposal], rng: np.random.Generator, heat: float
) -> Iterator[Proposal]:
  """Yields mutations of seeds, as many as would be decoded around them.

  Args:
    space: the search space.
    config: its ensemble size and numbers of step sizes and temperatures determine the number of mutations.
    seeds: architectures with their origins.
    rng: random generator for mutations.
    heat: at least 1; larger values give mutations that differ in more decisions.
  """
  count = len(config.step_sizes) * len(config.temperatures) * config.ensemble_size
  last = max(LAST_MUTATION / heat, 1 / len(space.decisions))
  for architecture, origin in itertools.chain.from_iterable(itertools.repeat(seeds, count)):
    mutant = architecture
    for _ in range(int(rng.geometric(last))):
      mutant = space.mutate(mutant, rng)
    yield mutant, Origin("mutation", origin.parents, indirect=origin.kind != _START)


def move(
  controller: Controller,
  config: NaoConfig,
  memory: TensorLike,
  step_sizes: Sequence[float],
  beliefs: EmbeddingBeliefs | None,
) -> tf.Tensor:
  """Moves encoder outputs by gradient ascent, [step sizes, *memory]; see `nao_tf.controller.ascent.move`."""
  by_score = "logit" if config.unit_gradient else "score"
  along = by_score if beliefs is None else config.ascent
  unit_gradient = config.unit_gradient
  return ascent.move(
    controller,
    memory,
    step_sizes,
    along=along,
    unit_gradient=unit_gradient,
    num_steps=config.ascent_steps,
    beliefs=beliefs,
  )


def decode_around(
  controller: Controller,
  config: NaoConfig,
  tokens: np.ndarray,
  rng: np.random.Generator,
  heat: float,
  beliefs: EmbeddingBeliefs | None = None,
) -> np.ndarray:
  """Returns tokens [step sizes, temperatures, ensemble_size, K, L] decoded around seeds [K, L]; see `decoded`."""
  moved = move(controller, config, controller.encode(tokens), config.step_sizes, beliefs)
  heats = np.asarray(config.temperatures, np.float32).reshape(-1, 1, 1, 1) * np.float32(heat)
  written = controller.decode(moved, temperature=heats, seed=rng.integers(2**31, size=2))
  return np.moveaxis(written.numpy(), 1, 0)


def take_turns(
  controller: Controller, proposals: Sequence[Proposal], tokens: np.ndarray, size: int, start: int = 0
) -> list[Proposal]:
  """Ranks proposals by letting the controllers of an ensemble take turns in choosing their best.

  Args:
    controller: the trained controller.
    proposals: N proposals.
    tokens: their tokens, [N, L].
    size: number of proposals to return.
    start: index of the controller that chooses first.
  """
  if not proposals:
    return []
  orders = [iter(np.argsort(-member, kind="stable").tolist()) for member in controller.score(tokens)]
  chosen: dict[int, Proposal] = {}
  while len(chosen) < min(size, len(proposals)):
    order = orders[(start + len(chosen)) % len(orders)]
    index = next(i for i in order if i not in chosen)
    chosen[index] = proposals[index]
  return list(chosen.values())


def _decoded_from(seed: Origin, step_size: float) -> Origin:
  """Returns the origin of what was decoded around a seed: one that the round starts from, or an earlier candidate."""
  indirect = seed.kind != _START
  if not step_size:
    return Origin("decoded", seed.parents, indirect=indirect)
  return Origin("ascent", seed.parents, step=step_size, indirect=indirect)
