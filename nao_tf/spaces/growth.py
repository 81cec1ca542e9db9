"""How the architectures of a space grow from the smallest ones, one part at a time.

Progressive search (Liu et al., "Progressive Neural Architecture Search", ECCV 2018) starts with small architectures and
extends the best of them. A space whose architectures have parts defines how they grow; see `Growing`. In any other
space, an architecture grows when a decision leaves its first choice.
"""

import abc
import collections
import itertools
from collections.abc import Hashable, Iterator, Mapping
from typing import Protocol, runtime_checkable

from nao_tf.spaces.base import SearchSpace
from nao_tf.spaces.bounded import BoundedSpace
from nao_tf.trial import Architecture

Features = Mapping[Hashable, float]
"""What a predictor reads of an architecture: numbers by name. What has no name here is 0."""


class Growth(abc.ABC):
  """An order of the architectures of a space by size.

  Attributes:
    num_sizes: number of sizes, which are 1, 2, ..., num_sizes.
  """

  num_sizes: int

  @abc.abstractmethod
  def size_of(self, architecture: Architecture) -> int:
    """Returns the size of a valid architecture, in [1, num_sizes]."""

  @abc.abstractmethod
  def smallest(self) -> Iterator[Architecture]:
    """Yields each network of size 1 once."""

  @abc.abstractmethod
  def grown(self, architecture: Architecture) -> Iterator[Architecture]:
    """Yields the valid architectures with one more part, in any encoding. Some networks may occur twice."""

  @abc.abstractmethod
  def features(self, architecture: Architecture) -> Features:
    """Returns features of a valid architecture for a predictor, with the same meaning for all sizes."""


@runtime_checkable
class Growing(Protocol):
  """A space that defines how its architectures grow."""

  @property
  def growth(self) -> Growth:
    """The order of its architectures by size."""


class GrowthByDecisions(Growth):
  """The size is the number of decisions that are not at their first choice; an architecture without any has size 1, too."""

  def __init__(self, space: SearchSpace):
    """Orders the architectures of a space."""
    self._space = space
    self.num_sizes = len(space.decisions)

  def size_of(self, architecture: Architecture) -> int:
    """Returns how many decisions are not at their first choice, at least 1."""
    return max(1, self._num_raised(architecture))

  def smallest(self) -> Iterator[Architecture]:
    """Yields the networks of at most one decision that is not at its first choice."""
    first = (0,) * len(self._space.decisions)
    yield from self._distinct(itertools.chain([first], self._raised(first)))

  def grown(self, architecture: Architecture) -> Iterator[Architecture]:
    """Yields the architectures with one decision more that is not at its first choice."""
    canonical = self._space.canonical(architecture)
    size = self._num_raised(canonical)
    for larger in self._raised(canonical):
      if self._space.is_valid(larger) and self._num_raised(larger) == size + 1:
        yield larger

  def features(self, architecture: Architecture) -> Features:
    """Returns the choices of the canonical encoding, by position and by kind."""
    counts: collections.Counter[Hashable] = collections.Counter()
    for position, (decision, choice) in enumerate(zip(self._space.decisions, self._space.canonical(architecture))):
      counts[position, choice] += 1
      counts[decision.kind, choice] += 1
    return counts

  def _num_raised(self, architecture: Architecture) -> int:
    return sum(choice > 0 for choice in self._space.canonical(architecture))

  def _raised(self, architecture: Architecture) -> Iterator[Architecture]:
    for position, decision in enumerate(self._space.decisions):
      if architecture[position] == 0:
        for choice in range(1, decision.size):
          yield (*architecture[:position], choice, *architecture[position + 1 :])

  def _distinct(self, rows: Iterator[Architecture]) -> Iterator[Architecture]:
    seen = set()
    for row in filter(self._space.is_valid, rows):
      canonical = self._space.canonical(row)
      if canonical not in seen:
        seen.add(canonical)
        yield row


def growth_of(space: SearchSpace) -> Growth:
  """Returns how the architectures of a space grow; for a bounded space, how those of the inner space do."""
  inner = space.inner if isinstance(space, BoundedSpace) else space
  return inner.growth if isinstance(inner, Growing) else GrowthByDecisions(inner)
