"""Eight small spaces with a reward by formula, to choose the settings of strategies on. They need neither tables nor data.

Each is small enough to be listed, so the best reward is known. Their decisions are ordered, categorical or both. All
constants are drawn from a generator with a fixed seed; none comes from a table. A small disturbance that depends on the
architecture alone stands for the noise of training.
"""

import abc
import functools
import itertools
from typing import Any

import numpy as np

from nao_tf.spaces.base import Decision, SearchSpace
from nao_tf.trial import Architecture

_MASK = (1 << 64) - 1


class SyntheticSpace(SearchSpace):
  """A space whose rewards are a function of the choices.

  Attributes:
    disturbance: standard deviation of the disturbance, as a fraction of that of all rewards.
  """

  disturbance = 0.05

  @abc.abstractmethod
  def smooth(self, choices: np.ndarray) -> np.ndarray:
    """Returns the rewards [N] of tuples of choices, int [N, L], before the disturbance."""

  def decode(self, architecture: Architecture) -> Any:
    """Returns the choices; see `SearchSpace.decode`."""
    return self.checked(architecture)

  def reward(self, architecture: Architecture) -> float:
    """Returns the reward of an architecture."""
    return float(self.all_rewards[np.ravel_multi_index(self.canonical(architecture), self._sizes)])

  @functools.cached_property
  def all_rewards(self) -> np.ndarray:
    """The rewards of all tuples of choices, in the order of `enumerate`. They have mean 0 and standard deviation about 1."""
    rows = np.stack(np.unravel_index(np.arange(self.size), self._sizes), axis=1)
    smooth = self.smooth(rows)
    return (smooth - smooth.mean()) / smooth.std() + self.disturbance * _disturbance(self.size)

  @functools.cached_property
  def best_reward(self) -> float:
    """The highest reward of an architecture that is its own canonical encoding."""
    order = np.argsort(-self.all_rewards, kind="stable")
    rows = (tuple(int(i) for i in np.unravel_index(index, self._sizes)) for index in order)
    return self.reward(next(row for row in rows if self.canonical(row) == row))

  @property
  def _sizes(self) -> tuple[int, ...]:
    return tuple(decision.size for decision in self.decisions)


class Widths(SyntheticSpace):
  """Eight ordered widths of five steps: each saturates at its own rate, and neighbors pay for their product."""

  name = "synthetic_widths"
  decisions = tuple(Decision(f"width {i}", 5, ordered=True) for i in range(8))

  def smooth(self, choices: np.ndarray) -> np.ndarray:
    """Returns a saturating gain less a cost; see `SyntheticSpace.smooth`."""
    rng = np.random.default_rng(101)
    gains, rates = rng.uniform(0.5, 1.5, 8), rng.uniform(0.4, 1.6, 8)
    cost = (choices[:, :-1] * choices[:, 1:]).sum(axis=1)
    return (gains * (1 - np.exp(-rates * choices))).sum(axis=1) - 0.025 * cost


class Ternary(SyntheticSpace):
  """Eight categorical decisions of three choices: an effect of each, and of each pair of neighbors in a ring."""

  name = "synthetic_ternary"
  decisions = tuple(Decision(f"choice {i}", 3) for i in range(8))

  def smooth(self, choices: np.ndarray) -> np.ndarray:
    """Returns the sum of the effects; see `SyntheticSpace.smooth`."""
    rng = np.random.default_rng(102)
    single, double = rng.normal(size=(8, 3)), rng.normal(size=(8, 3, 3))
    following = np.roll(choices, -1, axis=1)
    positions = np.arange(8)
    return single[positions, choices].sum(axis=1) + double[positions, choices, following].sum(axis=1)


class Cell(SyntheticSpace):
  """Six edges of a cell with four nodes, one of five operations each. What counts is the paths from first to last node.

  The operations pass on 0, 1, or something between of what their edge reads, so that a broken path spoils the edges on it.
  """

  name = "synthetic_cell"
  decisions = tuple(Decision(f"edge {node}<-{source}", 5) for node in range(1, 4) for source in range(node))

  def smooth(self, choices: np.ndarray) -> np.ndarray:
    """Returns a concave function of the nodes' values; see `SyntheticSpace.smooth`."""
    rng = np.random.default_rng(103)
    passes = np.stack([[0.0, 0.5, *rng.uniform(0.3, 1.2, 3)] for _ in range(6)])
    passed = passes[np.arange(6), choices]
    nodes = [np.ones(len(choices))]
    edge = 0
    for node in range(1, 4):
      nodes.append(sum(passed[:, edge + source] * nodes[source] for source in range(node)))
      edge += node
    return np.asarray(np.log(0.05 + nodes[3]) - 0.25 * nodes[3] - 0.1 * (nodes[1] - nodes[2]) ** 2)


class Training(SyntheticSpace):
  """Three ordered and three categorical decisions of a training: the best learning rate depends on the optimizer."""

  name = "synthetic_training"
  decisions = (
    Decision("learning rate", 10, ordered=True),
    Decision("weight decay", 6, ordered=True),
    Decision("depth", 5, ordered=True),
    Decision("optimizer", 3),
    Decision("activation", 4),
    Decision("normalization", 3),
  )

  def smooth(self, choices: np.ndarray) -> np.ndarray:
    """Returns a bowl whose place depends on the categories; see `SyntheticSpace.smooth`."""
    rng = np.random.default_rng(104)
    rate, decay, depth, optimizer, activation, normalization = choices.T
    best_rate = np.array([7.0, 4.0, 2.0])[optimizer] + np.array([0.0, 1.0, -1.0])[normalization] - 0.3 * depth
    bowl = 0.08 * (rate - best_rate) ** 2 + 0.05 * (decay - 3 + 0.5 * optimizer) ** 2
    diverges = 0.6 * np.maximum(rate - best_rate - 2, 0)
    offsets = rng.normal(size=3)[optimizer] * 0.3 + rng.normal(size=(4, 3))[activation, normalization] * 0.3
    return offsets + 0.5 * np.log1p(depth) - bowl - diverges


class Valley(SyntheticSpace):
  """Four ordered decisions of twelve choices: a narrow curved ridge, along which the reward rises slowly."""

  name = "synthetic_valley"
  decisions = tuple(Decision(f"number {i}", 12, ordered=True) for i in range(4))

  def smooth(self, choices: np.ndarray) -> np.ndarray:
    """Returns the negative logarithm of Rosenbrock's function; see `SyntheticSpace.smooth`."""
    x = choices / 11 * 3 - 1.3
    sides = 20 * (x[:, 1:] - x[:, :-1] ** 2) ** 2 + (1 - x[:, :-1]) ** 2
    return np.asarray(-np.log(0.3 + sides.sum(axis=1)))


class Edges(SyntheticSpace):
  """Fourteen binary decisions, each of which matters together with three others (an NK landscape)."""

  name = "synthetic_edges"
  decisions = tuple(Decision(f"edge {i}", 2) for i in range(14))

  def smooth(self, choices: np.ndarray) -> np.ndarray:
    """Returns the sum of the contributions; see `SyntheticSpace.smooth`."""
    rng = np.random.default_rng(106)
    total = 1.5 * choices @ rng.normal(size=14)
    for position in range(14):
      partners = rng.choice(14, 3, replace=False)
      parts = np.column_stack([choices[:, [position]], choices[:, partners]])
      total = total + rng.normal(size=16)[parts @ np.array([8, 4, 2, 1])]
    return np.asarray(total)


class Branches(SyntheticSpace):
  """Four branches, each an input and an operation, in any order: permuted branches are the same network."""

  name = "synthetic_branches"
  decisions = 4 * (Decision("input", 3), Decision("operation", 5))
  decisions_per_step = 2

  def smooth(self, choices: np.ndarray) -> np.ndarray:
    """Returns the effects of branches and of pairs of branches, less repetitions; see `SyntheticSpace.smooth`."""
    rng = np.random.default_rng(107)
    single, double = rng.normal(size=15), rng.normal(size=(15, 15))
    branches = choices[:, 0::2] * 5 + choices[:, 1::2]
    total = single[branches].sum(axis=1)
    for one, other in itertools.combinations(branches.T, 2):
      total = total + 0.4 * (double + double.T)[one, other] - 1.0 * (one == other)
    return total

  def canonical(self, architecture: Architecture) -> Architecture:
    """Returns the encoding with sorted branches; see `SearchSpace.canonical`."""
    pairs = sorted(zip(architecture[0::2], architecture[1::2]))
    return tuple(int(choice) for pair in pairs for choice in pair)

  def random_equivalent(self, architecture: Architecture, rng: np.random.Generator) -> Architecture:
    """Returns the branches in a random order; see `SearchSpace.random_equivalent`."""
    pairs = list(zip(architecture[0::2], architecture[1::2]))
    return tuple(int(choice) for index in rng.permutation(4) for choice in pairs[index])


class TwoHills(SyntheticSpace):
  """Five ordered decisions of eight choices: a broad hill, and a narrow one elsewhere that is higher."""

  name = "synthetic_two_hills"
  decisions = tuple(Decision(f"number {i}", 8, ordered=True) for i in range(5))

  def smooth(self, choices: np.ndarray) -> np.ndarray:
    """Returns the higher of two hills; see `SyntheticSpace.smooth`."""
    broad, narrow = np.array([5, 2, 5, 3, 2]), np.array([1, 5, 2, 6, 5])
    far = ((choices - broad) ** 2).sum(axis=1) / 40
    near = ((choices - narrow) ** 2).sum(axis=1) / 12
    return np.maximum(np.exp(-far), 1.25 * np.exp(-near))


def synthetic_spaces() -> list[SyntheticSpace]:
  """Returns the eight spaces."""
  return [Widths(), Ternary(), Cell(), Training(), Valley(), Edges(), Branches(), TwoHills()]


def _disturbance(count: int) -> np.ndarray:
  """Returns numbers [count] with mean 0 and standard deviation 1 that look random and depend on their index alone."""
  state = (np.arange(1, count + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)) & np.uint64(_MASK)
  for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
    state = (state ^ (state >> np.uint64(shift))) * np.uint64(factor)
  uniform = (state ^ (state >> np.uint64(31))).astype(np.float64) / float(_MASK)
  return (uniform - 0.5) * np.sqrt(12)
