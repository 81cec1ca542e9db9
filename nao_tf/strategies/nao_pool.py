"""The candidates of NAO's Gaussian process beyond the decoded ones, and its predictions for its proposals."""

from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np
import scipy.stats

from nao_tf.controller.gaussian_process import Beliefs, rewards_at
from nao_tf.runs.predictions import Prediction
from nao_tf.spaces.base import SearchSpace
from nao_tf.strategies.base import Proposal
from nao_tf.trial import RANDOM, Origin, Trial

NUM_CENTERS = 5
"""All neighbors of so many of the best trials are in the pool."""
_NUM_MUTANTS, _NUM_RANDOM = 300, 200
_NUM_GENERATIONS, _NUM_CHILDREN, _LAST_STEP, _ELITISM = 3, 75, 0.5, 6.0
"""Of candidates that are bred: the fraction of parents among the best grows with the elitism."""
_AS_BELIEVED: Mapping[float, float] = {0.5: 1.0, 0.9: 1.0}
LAST_MUTATION = 0.6
"""Probability that a further mutation of a mutant is its last one."""


def around_the_best(
  space: SearchSpace, best: Sequence[Trial], centers: Sequence[Trial], rng: np.random.Generator, *, with_random: bool
) -> Iterator[Proposal]:
  """Yields neighbors of trials, mutations of the best trials in several decisions, and random architectures.

  Args:
    space: the search space.
    best: the best trials, best first.
    centers: the trials whose neighbors are all included.
    rng: random generator.
    with_random: whether to include random architectures.
  """
  for trial in centers:
    yield from ((neighbor, Origin("neighbor", (trial.id,))) for neighbor in space.neighbors(trial.architecture))
  for _ in range(_NUM_MUTANTS):
    trial = best[int(len(best) * rng.random() ** 2)]
    mutant = trial.architecture
    for _ in range(1 + int(rng.geometric(LAST_MUTATION))):
      mutant = space.mutate(mutant, rng)
    yield mutant, Origin("mutation", (trial.id,))
  for _ in range(_NUM_RANDOM if with_random else 0):
    yield space.sample(rng), RANDOM


def breed(
  space: SearchSpace,
  candidates: Sequence[Proposal],
  add: Callable[[Sequence[Proposal]], Sequence[Proposal]],
  promise: Callable[[Sequence[Proposal]], np.ndarray],
  rng: np.random.Generator,
) -> None:
  """Adds mutations of promising candidates, then mutations of these, and so on, as far as this is promising.

  Args:
    space: the search space.
    candidates: initial candidates, at least one, all derived from trials.
    add: function that adds candidates and returns those that may be proposed.
    promise: function that returns the acquisition values of candidates, [N].
    rng: random generator.
  """
  members, promises, new = list[Proposal](), np.zeros(0), list(candidates)
  for _ in range(_NUM_GENERATIONS):
    members, promises = members + new, np.append(promises, promise(new))
    order = np.argsort(-promises, kind="stable")
    places = (len(order) * rng.random(_NUM_CHILDREN) ** _ELITISM).astype(int)
    new = list(add([_child(space, members[order[place]], rng) for place in places]))
    if not new:
      return


def _child(space: SearchSpace, parent: Proposal, rng: np.random.Generator) -> Proposal:
  """Returns a candidate that is one or more mutations away from another one."""
  child, origin = parent
  for _ in range(int(rng.geometric(_LAST_STEP))):
    child = space.mutate(child, rng)
  return child, Origin("mutation", origin.parents, indirect=True)


def expected_scores(
  beliefs: Beliefs, scored: Sequence[Trial], num_asked: int, widths: Mapping[float, float] = _AS_BELIEVED
) -> list[Prediction]:
  """Converts beliefs to predictions: the fraction of rewards so far that are lower, with intervals.

  Args:
    beliefs: beliefs about architectures, in normal scores.
    scored: the trials that they were learned from.
    num_asked: number of architectures asked for at that time.
    widths: factors of the widths of the intervals of 50 % and 90 %; see `nao_tf.strategies.interval_widths`.
  """

  def interval(probability: float) -> np.ndarray:
    center = beliefs.mean[:, np.newaxis]
    return center + widths[probability] * (beliefs.interval(probability) - center)

  rewards = [trial.reward for trial in scored if trial.reward is not None]
  shares = scipy.stats.norm.cdf(beliefs.mean).tolist()
  halves, most = (rewards_at(interval(probability), rewards).tolist() for probability in (0.5, 0.9))
  return [
    Prediction(share, num_asked, (half[0], half[1]), (nearly[0], nearly[1]))
    for share, half, nearly in zip(shares, halves, most, strict=True)
  ]
