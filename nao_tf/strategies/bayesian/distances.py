"""Distances between architectures for the kernels of a Gaussian process, and a cache of them.

Each distance is computed once, so the cost of a trial grows linearly with the number of trials, not quadratically.
"""

import collections
from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np

from nao_tf.spaces.base import SearchSpace
from nao_tf.spaces.edit_distance import EditDistance
from nao_tf.spaces.layer_graphs import LayerGraph
from nao_tf.spaces.transport_distance import NUS, TransportDistance
from nao_tf.strategies.bayesian.config import AUTO, DECISIONS, EDIT, OTMANN
from nao_tf.strategies.bayesian.gaussian_process import Term
from nao_tf.trial import Architecture

_TERMS = {
  OTMANN: (Term(slice(0, len(NUS)), 1.0), Term(slice(len(NUS), 2 * len(NUS)), 2.0)),
  EDIT: (Term(slice(0, 1), 0.5),),
  DECISIONS: (Term(slice(0, 1), 1.0),),
}
"""Terms of the kernels. The powers of OTMANN are those of its paper.

Auto-Keras squares the edit distance after an embedding in a Euclidean space. Squared as it is, it gives a kernel that is far
from positive semidefinite, and with the embedding of Bourgain it predicts worse than the root of the distance.
"""
_MOST_KEPT = 1000


class Distance(Protocol):
  """A distance function between points of any type.

  Attributes:
    num_distances: number F of distances between two points.
  """

  num_distances: int

  def profile(self, point: Any) -> Any:
    """Returns the precomputed features of a point that are compared."""

  def distances(self, profile: Any, others: Sequence[Any]) -> np.ndarray:
    """Returns the distances of a profile to other profiles, [N, F]."""


class DecisionDistance:
  """The fraction of decisions in which architectures differ. For ordered decisions, closer choices differ less."""

  num_distances = 1

  def __init__(self, space: SearchSpace):
    """Creates the distance of the architectures of a space."""
    self._canonical = space.canonical
    self._is_ordered = np.array([decision.ordered for decision in space.decisions])
    self._ranges = np.array([max(decision.size - 1, 1) / decision.reach for decision in space.decisions])

  def profile(self, architecture: Architecture) -> np.ndarray:
    """Returns the choices, [L]."""
    return np.array(self._canonical(architecture), float)

  def distances(self, profile: np.ndarray, others: Sequence[np.ndarray]) -> np.ndarray:
    """Returns the distances to other profiles, [N, 1]."""
    apart = np.abs(profile - np.array(others).reshape(-1, len(profile)))
    return np.where(self._is_ordered, apart / self._ranges, apart > 0).mean(axis=-1, keepdims=True)


class GraphDistance:
  """A distance between the networks of architectures, compared as graphs."""

  def __init__(self, space: SearchSpace, distance: Distance):
    """Creates the distance of the architectures of a space from one of graphs."""
    self._graph, self._distance = space.graph, distance
    self.num_distances = distance.num_distances

  def profile(self, architecture: Architecture) -> Any:
    """Returns the precomputed features of the network of an architecture."""
    return self._distance.profile(self._graph(architecture))

  def distances(self, profile: Any, others: Sequence[Any]) -> np.ndarray:
    """Returns the distances to other profiles, [N, F]."""
    return self._distance.distances(profile, others)


class DistanceBank:
  """A cache of distances between architectures, its members, and from other architectures to members.

  Distances of other architectures that are requested repeatedly are cached as well, up to a limit.
  """

  def __init__(self, distance: Distance):
    """Creates an empty bank."""
    self._distance = distance
    self._numbers: dict[Architecture, int] = {}
    self._profiles: list[Any] = []
    self._matrix = np.zeros((0, 0, distance.num_distances), np.float32)
    self._kept: collections.OrderedDict[Architecture, tuple[Any, np.ndarray]] = collections.OrderedDict()

  def between(self, architectures: Sequence[Architecture]) -> np.ndarray:
    """Returns the distances between all given architectures, [N, N, F], and makes them members."""
    numbers = self._members(architectures)
    return self._matrix[np.ix_(numbers, numbers)].astype(float)

  def to_members(self, architectures: Sequence[Architecture], members: Sequence[Architecture]) -> np.ndarray:
    """Returns the distances of architectures to members, [M, N, F]; given members that are not cached yet are added."""
    numbers = self._members(members)
    rows = [self._row(architecture)[numbers] for architecture in architectures]
    return np.array(rows, float).reshape(len(architectures), len(numbers), self._distance.num_distances)

  def _members(self, architectures: Sequence[Architecture]) -> list[int]:
    for architecture in architectures:
      if architecture not in self._numbers:
        self._add(architecture)
    return [self._numbers[architecture] for architecture in architectures]

  def _add(self, architecture: Architecture) -> None:
    row = self._row(architecture)
    profile, _ = self._kept.pop(architecture)
    number = len(self._profiles)
    if number == len(self._matrix):
      self._grow()
    self._matrix[number, :number] = self._matrix[:number, number] = row
    self._numbers[architecture] = number
    self._profiles.append(profile)
    self._lengthen(profile)

  def _lengthen(self, profile: Any) -> None:
    """Adds the distances to a new member to what is kept of architectures that are not members."""
    kept = list(self._kept.items())
    news = self._distance.distances(profile, [known for _, (known, _) in kept]).astype(np.float32)
    for (architecture, (known, row)), new in zip(kept, news):
      self._kept[architecture] = known, np.concatenate([row, new[np.newaxis]])

  def _grow(self) -> None:
    """Makes room for twice as many members."""
    size = max(2 * len(self._matrix), 64)
    matrix = np.zeros((size, size, self._distance.num_distances), np.float32)
    matrix[: len(self._matrix), : len(self._matrix)] = self._matrix
    self._matrix = matrix

  def _row(self, architecture: Architecture) -> np.ndarray:
    """Returns the distances of an architecture to all members [N, F]."""
    if architecture in self._numbers:
      return self._matrix[self._numbers[architecture], : len(self._profiles)]
    if architecture in self._kept:
      self._kept.move_to_end(architecture)
      return self._kept[architecture][1]
    profile = self._distance.profile(architecture)
    row = self._distance.distances(profile, self._profiles).astype(np.float32)
    self._kept[architecture] = profile, row
    if len(self._kept) > _MOST_KEPT:
      self._kept.popitem(last=False)
    return row


def make_distance(kernel: str, space: SearchSpace, example: Architecture) -> tuple[Distance, Sequence[Term]]:
  """Returns the distance function and the terms of a kernel.

  Args:
    kernel: one of `KERNELS`. `AUTO` is OTMANN if architectures are networks of layers.
    space: the search space.
    example: any architecture of the space.

  Raises:
    ValueError: if the kernel compares networks, but architectures of the space are not networks of layers.
    MissingPackage: if a package required by the distance is not installed.
  """
  graph: LayerGraph | None = space.graph(example)
  kernel = kernel if kernel != AUTO else DECISIONS if graph is None else OTMANN
  if kernel == DECISIONS:
    return DecisionDistance(space), _TERMS[kernel]
  if graph is None:
    raise ValueError(
      f"--bayesian_kernel={kernel} compares networks of layers, but the space {space.name} has no graphs of them;"
      f" expected {DECISIONS} or {AUTO}, or a space with a method `graph`"
    )
  distance: Distance = TransportDistance() if kernel == OTMANN else EditDistance()
  return GraphDistance(space, distance), _TERMS[kernel]
