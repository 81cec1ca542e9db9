"""Terms of a kernel that compare networks by the neighborhoods of their layers. Needs only NumPy.

The distance of two networks for a radius is half the number of neighborhoods that one of them has and the other has not,
each counted as often as it occurs. See `nao_tf.spaces.neighborhoods`.
"""

import functools
from collections.abc import Callable, Sequence

import numpy as np

from nao_tf.spaces.base import SearchSpace
from nao_tf.spaces.layer_graphs import LayerGraph
from nao_tf.spaces.neighborhoods import neighborhood_counts
from nao_tf.trial import Architecture

_RADIUS = 2
_TYPICAL_DISTANCE = 2.0
"""What the distances of two random networks add up to before anything is known, roughly."""
_SHARED, _OWN = 1.0, 0.7
"""Prior variances of a log weight: of what is common to all radii, and of what is not."""
_NUM_PROBES = 64
"""Random networks that tell how far apart networks are."""
_MOST_KEPT = 10_000
_TINY = 1e-3

_Occurrences = tuple[np.ndarray, ...]
"""Numbers for the neighborhoods of a network, for each radius, int64: the same in all networks. One that occurs again has
another number."""


class NeighborhoodTerms:
  """A weighted distance for each radius, and the prior of its weight.

  Attributes:
    num_weights: number of radii R.
    mean: prior mean of the log weights, [R].
    precision: inverse of their prior covariance, [R, R].
  """

  def __init__(self, space: SearchSpace):
    """Creates the terms of a space whose architectures are graphs."""
    self._occurrences = functools.lru_cache(_MOST_KEPT)(functools.partial(_occurrences_in, space))
    self.num_weights = _RADIUS + 1
    rng = np.random.default_rng(0)
    probes = [space.sample(rng) for _ in range(_NUM_PROBES)]
    typical = self.distances_to(probes)(probes).mean(axis=(1, 2))
    self.mean = np.log(_TYPICAL_DISTANCE / self.num_weights / np.maximum(typical, _TINY))
    covariance = _SHARED * np.ones((self.num_weights, self.num_weights)) + _OWN * np.eye(self.num_weights)
    self.precision = np.linalg.inv(covariance)

  def distances_to(self, known: Sequence[Architecture]) -> Callable[[Sequence[Architecture]], np.ndarray]:
    """Returns a function that returns the distances of known architectures and others for each radius, float32 [R, N, M].

    What it needs of the known ones is computed once.
    """
    indices = [_Index(numbers) for numbers in zip(*map(self._occurrences, known))]

    def distances(others: Sequence[Architecture]) -> np.ndarray:
      by_radius = zip(*map(self._occurrences, others))
      return np.stack([index.distances(numbers) for index, numbers in zip(indices, by_radius, strict=True)])

    return distances


class _Index:
  """The neighborhoods of N known networks for one radius."""

  def __init__(self, known: Sequence[np.ndarray]):
    self._numbers = np.unique(np.concatenate(known))
    self._sizes = _sizes(known)
    self._indicators = self._found_in(known)

  def distances(self, others: Sequence[np.ndarray]) -> np.ndarray:
    """Returns half the number of what is not common to known networks and others, [N, M]."""
    common = self._indicators @ self._found_in(others).T
    return np.asarray(0.5 * (self._sizes[:, np.newaxis] + _sizes(others)) - common)

  def _found_in(self, networks: Sequence[np.ndarray]) -> np.ndarray:
    """Returns which of the known neighborhoods each network has, [M, P]."""
    numbers, rows = np.concatenate(networks), np.repeat(np.arange(len(networks)), list(map(len, networks)))
    places = np.minimum(np.searchsorted(self._numbers, numbers), len(self._numbers) - 1)
    is_known = self._numbers[places] == numbers
    found = np.zeros((len(networks), len(self._numbers)), np.float32)
    found[rows[is_known], places[is_known]] = 1
    return found


def _sizes(networks: Sequence[np.ndarray]) -> np.ndarray:
  return np.array(list(map(len, networks)), np.float32)


def _occurrences_in(space: SearchSpace, architecture: Architecture) -> _Occurrences:
  graph: LayerGraph | None = space.graph(architecture)
  if graph is None:
    raise ValueError(f"{space.name}: expected a graph of each architecture, got None for {architecture}")
  return tuple(
    np.array([hash((name, number)) for name, count in counts.items() for number in range(count)], np.int64)
    for counts in neighborhood_counts(graph, _RADIUS)
  )
