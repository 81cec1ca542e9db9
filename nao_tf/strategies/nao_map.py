"""A map of a round of NAO: two-dimensional embeddings of architectures, with the steps of gradient ascent.

An embedding is the mean of the encoder outputs over time, concatenated over an ensemble. The map shows the first two
principal components of the embeddings of trials, seeds and proposals. End points of steps are projected onto them.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from nao_tf.controller.controller import Controller
from nao_tf.controller.embedding_process import EmbeddingBeliefs
from nao_tf.runs.embedding_maps import EmbeddingMap, Move, Point
from nao_tf.strategies.base import Proposal
from nao_tf.strategies.nao_config import NaoConfig
from nao_tf.strategies.nao_decoding import move
from nao_tf.trial import Architecture, Trial, top_trials

_DECODED = ("ascent", "decoded")
"""Kinds of origins of what the decoder wrote. A round may have other proposals, too."""
_MOST_PROPOSALS = 40
_MOST_STEPS = 120
_MOST_TRIALS = 200
_DIGITS = 4

Seeds = Mapping[Architecture, tuple[Architecture, float]]
"""For what was decoded in a round: the architecture around which it was first decoded, and the size of the step."""


class Step(NamedTuple):
  """A gradient ascent step, and the architecture decoded at its end point.

  Attributes:
    seed: the architecture that it started from.
    trial: id of the trial of the seed; None if the seed was a candidate decoded in an earlier pass.
    size: step size.
    decoded: the decoded architecture.
    is_proposal: whether that is a proposal of the round, rather than just a candidate that other steps started from.
  """

  seed: Architecture
  trial: int | None
  size: float
  decoded: Architecture
  is_proposal: bool


def steps_of(proposals: Sequence[Proposal], seeds: Seeds, trials: Sequence[Trial]) -> list[Step]:
  """Returns the steps that led to the first proposals of a round, back to the trials where they started.

  Args:
    proposals: proposals of the round, best first; at most 40 decoded ones are used.
    seeds: seeds of the architectures decoded in the round.
    trials: trials, including those that the round started from.
  """
  ids = {trial.architecture: trial.id for trial in trials}
  decoded_ones = [a for a, origin in proposals if a in seeds and origin.kind in _DECODED]
  first = decoded_ones[:_MOST_PROPOSALS]
  ways = dict.fromkeys(first)
  for architecture in first:
    while (architecture := seeds[architecture][0]) not in ids and architecture in seeds and architecture not in ways:
      ways[architecture] = None
  decoded = list(ways)[:_MOST_STEPS]
  return [Step(seeds[a][0], ids.get(seeds[a][0]), seeds[a][1], a, n < len(first)) for n, a in enumerate(decoded)]


def embedding_map(
  controller: Controller,
  trials: Sequence[Trial],
  steps: Sequence[Step],
  asked_before: int,
  *,
  config: NaoConfig,
  beliefs: EmbeddingBeliefs | None,
) -> EmbeddingMap:
  """Computes the map of a round.

  Args:
    controller: the controller as trained in the round.
    trials: the trials that it was trained on.
    steps: steps of the round, at least one.
    asked_before: number of architectures asked for before the round.
    config: defines how gradient ascent was performed.
    beliefs: defines the function that was ascended; None for the predicted score.
  """
  shown = _some(trials)
  groups = [[t.architecture for t in shown], [s.seed for s in steps], [s.decoded for s in steps]]
  memory = controller.encode(controller.vocabulary.encode(a for group in groups for a in group))
  seeds = memory[..., len(shown) : len(shown) + len(steps), :, :]
  embeddings = _embeddings(controller, memory)
  center, axes, shares = _principal(embeddings)
  places = _points((embeddings - center) @ axes)
  ends = _points((_ends(controller, seeds, steps, config, beliefs) - center) @ axes)
  from_, to = places[len(shown) : len(shown) + len(steps)], places[len(shown) + len(steps) :]
  moves = [Move(s.trial, s.size, s.decoded, s.is_proposal, way) for s, way in zip(steps, zip(from_, ends, to))]
  return EmbeddingMap(asked_before, shares, tuple(zip([t.id for t in shown], places)), tuple(moves))


def _some(trials: Sequence[Trial]) -> list[Trial]:
  """Returns at most 200 trials, by id: the best half of them, and others at equal distances."""
  best = top_trials(trials, _MOST_TRIALS // 2)
  ids = {trial.id for trial in best}
  rest = [trial for trial in trials if trial.id not in ids]
  places = np.linspace(0, len(rest) - 1, min(len(rest), _MOST_TRIALS - len(best))).astype(int)
  return sorted([*best, *(rest[place] for place in places)], key=lambda trial: trial.id)


def _embeddings(controller: Controller, memory: np.ndarray) -> np.ndarray:
  """Returns embeddings [B, prefix * H] of a memory [*prefix, B, T, H]."""
  embeddings = np.asarray(controller.embed(memory))
  return np.moveaxis(embeddings, -2, 0).reshape(embeddings.shape[-2], -1)


def _ends(
  controller: Controller,
  seeds: np.ndarray,
  steps: Sequence[Step],
  config: NaoConfig,
  beliefs: EmbeddingBeliefs | None,
) -> np.ndarray:
  """Returns the embeddings [K, prefix * H] at the ends of the steps from a memory [*prefix, K, T, H]."""
  sizes = sorted({step.size for step in steps})
  moved = move(controller, config, seeds, sizes, beliefs)
  return np.stack([_embeddings(controller, moved[sizes.index(s.size)])[row] for row, s in enumerate(steps)])


def _principal(embeddings: np.ndarray) -> tuple[np.ndarray, np.ndarray, tuple[float, float]]:
  """Returns the center of points [N, D], their first two principal axes [D, 2], and their shares of the variance."""
  center = embeddings.mean(axis=0)
  _, sizes, axes = np.linalg.svd(embeddings - center, full_matrices=False)
  variances = sizes**2 / max(float(np.sum(sizes**2)), np.finfo(np.float32).tiny)
  return center, axes[:2].T, (round(float(variances[0]), _DIGITS), round(float(variances[1]), _DIGITS))


def _points(rows: np.ndarray) -> list[Point]:
  return [(round(x, _DIGITS), round(y, _DIGITS)) for x, y in rows.tolist()]
