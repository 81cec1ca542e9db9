"""How alike two architectures are, by their decisions: the kernel of the Gaussian process. Does not need TensorFlow.

  k(a, b) = exp(-sum over decisions i of w_i * distance_i(a_i, b_i))

The distance of two different choices is 1. Choices of an ordered decision are as far apart as they are on the way from
the first to the last, and a second weight is for the square of that. A decision and those that refine it are one number;
see `nao_tf.controller.decision_terms`. In a space where architectures that compute the same count as different ones, an
architecture is the mean of several that compute the same as it does. In other spaces it is its canonical encoding.

Where a network has several encodings, such as a cell whose nodes may come in another order, the places in its canonical
encoding mean little: two cells may have much in common and hardly a decision. There the sum has terms for the graphs,
too; see `nao_tf.controller.neighborhood_terms`.
"""

from collections.abc import Callable, Sequence

import numpy as np
import scipy.linalg

from nao_tf.controller.decision_terms import make_terms, prior_covariance
from nao_tf.controller.neighborhood_terms import NeighborhoodTerms
from nao_tf.spaces.base import SearchSpace
from nao_tf.trial import Architecture

_TYPICAL_DISTANCE = 2.0
"""What the distances of two random architectures add up to before anything is known, roughly."""
_NUM_PROBES = 64
"""Random architectures that tell whether there are others that compute the same, or other encodings of one network."""

Encodings = np.ndarray
"""Architectures in K encodings each, integers [K, N, L]."""


class DecisionKernel:
  """The kernel of a space, and the prior of its weights.

  Attributes:
    num_weights: number of weights W.
    mean: prior mean of the log weights, [W].
    precision: inverse of their prior covariance, [W, W].
  """

  def __init__(self, space: SearchSpace, *, num_encodings: int = 4, compares_graphs: bool = True):
    """Creates the kernel.

    Args:
      space: knows the decisions and which encodings compute the same.
      num_encodings: number of encodings that stand for an architecture.
      compares_graphs: whether networks that have several encodings are compared as graphs, too.
    """
    pairs = _encoded_twice(space)
    compute_the_same = any(space.canonical(one) != space.canonical(other) for one, other in pairs)
    are_one_network = not compute_the_same and any(one != other for one, other in pairs)
    has_graphs = space.graph(pairs[0][0]) is not None
    self.space, self._num_encodings = space, num_encodings if compute_the_same else 1
    self._terms = make_terms(space.decisions)
    self._graphs = NeighborhoodTerms(space) if compares_graphs and are_one_network and has_graphs else None
    common = np.log(_TYPICAL_DISTANCE / sum(not term.squared for term in self._terms))
    self.mean = common + np.array([term.expected_log_weight for term in self._terms])
    self.precision = np.linalg.inv(prior_covariance(self._terms))
    if self._graphs is not None:
      self.mean = np.concatenate([self.mean, self._graphs.mean])
      self.precision = scipy.linalg.block_diag(self.precision, self._graphs.precision)
    self.num_weights = len(self.mean)

  def encodings(self, architectures: Sequence[Architecture], rng: np.random.Generator) -> Encodings:
    """Returns architectures in several encodings, [K, N, L]; in the canonical one, if others are the same network."""
    if self._num_encodings == 1:
      return np.asarray([[self.space.canonical(architecture) for architecture in architectures]], np.int32)
    rows = [list(architectures)]
    for _ in range(self._num_encodings - 1):
      rows.append([self.space.random_isomorphic(architecture, rng) for architecture in rows[-1]])
    return np.asarray(rows, np.int32)

  def distances(self, architectures: Sequence[Architecture]) -> np.ndarray:
    """Returns the distances of each term between canonical encodings, float32 [W, N, N]."""
    canonical = [self.space.canonical(architecture) for architecture in architectures]
    choices = np.asarray(canonical)
    blocks = (term.features()[term.places(choices)] for term in self._terms)
    distances = np.stack([_squared_distances(block, block) for block in blocks]).astype(np.float32)
    if self._graphs is None:
      return distances
    return np.concatenate([distances, self._graphs.distances_to(canonical)(canonical)])

  def between(self, rows: Encodings, columns: Encodings, weights: np.ndarray) -> np.ndarray:
    """Returns the kernel [N, M] of architectures [K, N, L] and [K', M, L]; 1 for an architecture and itself."""
    return self.similarity_to(rows, weights)(columns)

  def similarity_to(self, known: Encodings, weights: np.ndarray) -> Callable[[Encodings], np.ndarray]:
    """Returns a function that returns the kernel [N, M] of known architectures [K, N, L] and others [K', M, L].

    What it needs of the known ones is computed once.
    """
    tables = [np.sqrt(weight) * term.features() for weight, term in zip(weights, self._terms)]
    features = self._features(known, tables)
    alike_as_graphs = self._alike_as_graphs(known, weights[len(self._terms) :])

    def similarity(others: Encodings) -> np.ndarray:
      return _mean_similarity(features, self._features(others, tables)) * alike_as_graphs(others)

    return similarity

  def _alike_as_graphs(self, known: Encodings, weights: np.ndarray) -> Callable[[Encodings], np.ndarray | float]:
    """Returns the factor of the kernel that compares graphs, [N, M]. All encodings of an architecture have one graph."""
    if self._graphs is None:
      return lambda others: 1.0
    distances_to = self._graphs.distances_to(_first_encodings(known))
    return lambda others: np.exp(-np.tensordot(weights, distances_to(_first_encodings(others)), 1))

  def _features(self, encodings: Encodings, tables: Sequence[np.ndarray]) -> np.ndarray:
    """Returns features [K, N, F] whose squared distances are the weighted distances of all terms.

    Args:
      encodings: [K, N, L].
      tables: features of the places of each term.
    """
    choices = encodings.reshape(-1, encodings.shape[-1])
    blocks = [table[term.places(choices)] for term, table in zip(self._terms, tables)]
    return np.concatenate(blocks, axis=1).astype(np.float32).reshape(*encodings.shape[:2], -1)


def _first_encodings(encodings: Encodings) -> list[Architecture]:
  return list(map(tuple, encodings[0].tolist()))


def _mean_similarity(one: np.ndarray, other: np.ndarray) -> np.ndarray:
  """Returns how alike architectures [N, M] are in the mean over their encodings, from features [K, N, F] and [K', M, F]."""
  flat = np.exp(-_squared_distances(one.reshape(-1, one.shape[-1]), other.reshape(-1, other.shape[-1])))
  mean = flat.reshape(*one.shape[:2], *other.shape[:2]).mean(axis=(0, 2), dtype=np.float64)
  return np.asarray(mean / np.sqrt(np.outer(_own(one), _own(other))))


def _encoded_twice(space: SearchSpace) -> list[tuple[Architecture, Architecture]]:
  """Returns random architectures, each with another one that computes the same; with itself if there is no other."""
  rng = np.random.default_rng(0)
  rows = [space.sample(rng) for _ in range(_NUM_PROBES)]
  return [(row, space.random_isomorphic(row, rng)) for row in rows]


def _squared_distances(rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
  """Returns the squared distances [N, M] of features [N, F] and [M, F]."""
  squares = (rows**2).sum(axis=1)[:, np.newaxis] + (columns**2).sum(axis=1)
  return np.maximum(squares - 2 * rows @ columns.T, 0)


def _own(features: np.ndarray) -> np.ndarray:
  """Returns the mean similarity [N] of the encodings of each architecture with one another, from features [K, N, F]."""
  squared = ((features[:, np.newaxis] - features) ** 2).sum(axis=-1)
  return np.asarray(np.exp(-squared).mean(axis=(0, 1), dtype=np.float64))
