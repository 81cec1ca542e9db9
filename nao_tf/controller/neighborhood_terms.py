"""Terms of a kernel that compare networks by the neighborhoods of their layers. Needs only NumPy.

The distance of two networks for a radius is half the number of neighborhoods that one of them has and the other has not,
each counted as often as it occurs. See `nao_tf.spaces.neighborhoods`.
"""

import functools
import itertools
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

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

_Counts = tuple[Mapping[Any, int], ...]
"""How often a network has each neighborhood, for each radius."""


class NeighborhoodTerms:
  """A weighted distance for each radius, and the prior of its weight.

  Attributes:
    num_weights: number of radii R.
    mean: prior mean of the log weights, [R].
    precision: inverse of their prior covariance, [R, R].
  """

  def __init__(self, space: SearchSpace):
    """Makes the terms of a space whose architectures are graphs."""
    self._counts = functools.lru_cache(_MOST_KEPT)(functools.partial(_counts_of, space))
    self.num_weights = _RADIUS + 1
    rng = np.random.default_rng(0)
    probes = [space.sample(rng) for _ in range(_NUM_PROBES)]
    typical = self.between(probes, probes).mean(axis=(1, 2))
    self.mean = np.log(_TYPICAL_DISTANCE / self.num_weights / np.maximum(typical, _TINY))
    covariance = _SHARED * np.ones((self.num_weights, self.num_weights)) + _OWN * np.eye(self.num_weights)
    self.precision = np.linalg.inv(covariance)

  def between(self, rows: Sequence[Architecture], columns: Sequence[Architecture]) -> np.ndarray:
    """Returns the distances for each radius, float32 [R, N, M]."""
    of_rows, of_columns = ([self._counts(architecture) for architecture in side] for side in (rows, columns))
    return np.stack([_distances(*pair) for pair in zip(zip(*of_rows), zip(*of_columns))])


def _counts_of(space: SearchSpace, architecture: Architecture) -> _Counts:
  graph: LayerGraph | None = space.graph(architecture)
  if graph is None:
    raise ValueError(f"{space.name}: expected a graph of each architecture, got None for {architecture}")
  return neighborhood_counts(graph, _RADIUS)


def _distances(rows: Sequence[Mapping[Any, int]], columns: Sequence[Mapping[Any, int]]) -> np.ndarray:
  """Returns half the number of what is not common to rows and columns, [N, M]. What no row has needs no place."""
  places: dict[tuple[Any, int], int] = {}
  for key in itertools.chain.from_iterable(map(_occurrences, rows)):
    places.setdefault(key, len(places))
  sizes = [np.array([sum(counts.values()) for counts in side], np.float32) for side in (rows, columns)]
  common = _indicators(rows, places) @ _indicators(columns, places).T
  return np.asarray(0.5 * (sizes[0][:, np.newaxis] + sizes[1]) - common)


def _occurrences(counts: Mapping[Any, int]) -> Iterator[tuple[Any, int]]:
  """Yields each neighborhood as often as it occurs, numbered."""
  return ((name, number) for name, count in counts.items() for number in range(count))


def _indicators(counted: Sequence[Mapping[Any, int]], places: Mapping[tuple[Any, int], int]) -> np.ndarray:
  """Returns which of the places each network has, [N, P]."""
  found = np.zeros((len(counted), len(places)), np.float32)
  for index, counts in enumerate(counted):
    found[index, [places[key] for key in _occurrences(counts) if key in places]] = 1
  return found
