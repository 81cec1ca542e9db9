"""OTMANN, the distance between networks of NASBOT (Kandasamy et al., NeurIPS 2018): optimal transport between layers.

A layer has a mass, roughly the computation that it does. The distance is the least cost of matching the masses of two
networks. To match one unit of mass of two layers costs how different their operations are, plus nu times how different
their places are. To leave it unmatched costs 1. The place of a layer is told by its path lengths from the input and to
the output: shortest, longest and that of a random walk, counted in all layers and in those of each kind.

There are four distances, one for each nu, and the same four divided by the product of both masses.

In NASBOT's release the inputs together have a mass of at least 100, and so have the outputs. Here layers of cells have a
mass of 1, so that would outweigh all of them: the least is 0.1.
"""

import dataclasses
import os
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from scipy.spatial.distance import cdist

from nao_tf.registries import MissingPackage
from nao_tf.spaces.label_costs import LabelCosts
from nao_tf.spaces.layer_graphs import Layer, LayerGraph
from nao_tf.spaces.operation_names import family_of, kernel_size_of

NUS = (0.1, 0.25, 0.61, 1.5)
"""Weights of the places of layers."""

_CONVOLUTION, _POOLING, _DENSE, _RECTIFIER, _SIGMOID = "convolution", "pooling", "dense", "rectifier", "sigmoid"
_GROUPS = {
  "convolution": _CONVOLUTION,
  "separable": _CONVOLUTION,
  "dilated": _CONVOLUTION,
  "max pooling": _POOLING,
  "average pooling": _POOLING,
  "min pooling": _POOLING,
  "relu": _RECTIFIER,
  "tanh": _SIGMOID,
  "sigmoid": _SIGMOID,
}
"""Groups of layers by the families of their operations."""
_COUNTED = (_CONVOLUTION, _POOLING, _DENSE, _RECTIFIER, _SIGMOID)
_GROUPS_OF_IMAGES = 4
"""NASBOT counts in all layers, convolutions, pools and dense ones. The mean of differences is over so many."""
_DENSE_LABELS = ("dense", "fc")

_UNMATCHED = 1.0
_DIFFERENT = 2 * _UNMATCHED
"""Cost of layers that are not matched: one is left over on either side."""
_KERNEL = 2**0.5 / 10
_OTHER_CONVOLUTION, _OTHER_KERNEL_SHARE = 0.1, 0.9
_OTHER_LABEL, _OTHER_POOLING, _OTHER_ACTIVATION = 0.1, 0.5, 0.25
_DENSE_SHARE, _END_SHARE = 0.1, 0.1
_SMALLEST_END = 0.1

_MOST_STEPS = 100_000
_OPTIMAL = 1
_PATHS: tuple[Callable[..., np.ndarray], ...] = (np.min, np.max, np.mean)
"""The shortest path, the longest one, and that of a random walk, from those of what a layer reads."""
_BACKENDS = tuple(f"POT_BACKEND_DISABLE_{name}" for name in ("TENSORFLOW", "PYTORCH", "JAX", "CUPY"))


@dataclasses.dataclass(frozen=True, eq=False)
class TransportProfile:
  """What the distance compares of a graph.

  After the layers there is one more row. What is matched with it is left unmatched.

  Attributes:
    graph: the graph.
    codes: labels of the layers, as rows of a table [L + 1]; the last one means nothing.
    masses: masses of the layers [L + 1]; the last one is that of the other network.
    mass: the sum of the masses of the layers.
    places: path lengths of each layer [L + 1, P]; those of the last one mean nothing.
  """

  graph: LayerGraph
  codes: np.ndarray
  masses: np.ndarray
  mass: float
  places: np.ndarray


class TransportDistance:
  """The OTMANN distance between one network and many others."""

  num_distances = 2 * len(NUS)

  def __init__(self) -> None:
    """Creates the distance.

    Raises:
      MissingPackage: if POT (Python Optimal Transport) is not installed.
    """
    self._labels = LabelCosts(_label_cost)
    self._solve = _import_solver()

  def profile(self, graph: LayerGraph) -> TransportProfile:
    """Returns the precomputed features of a graph. Profiles of different distance objects are not comparable."""
    masses = _masses(graph)
    codes, places = np.append(self._labels.codes(graph.layers), 0), np.pad(_places(graph), [(0, 1), (0, 0)])
    return TransportProfile(graph, codes, np.append(masses, 0.0), float(masses.sum()), places)

  def distances(self, profile: TransportProfile, others: Sequence[TransportProfile]) -> np.ndarray:
    """Returns the distances from one network to others, [N, 8]: those of `NUS`, then the same divided by the masses."""
    if not others:
      return np.zeros((0, self.num_distances))
    rows = [self._transport(profile, other, costs) for other, costs in zip(others, self._costs(profile, others))]
    masses = np.array([profile.mass * other.mass for other in others])
    return np.concatenate([rows, rows / masses[:, np.newaxis]], axis=1)

  def between(self, one: LayerGraph, other: LayerGraph) -> np.ndarray:
    """Returns the distances between two networks, [8]."""
    distances: np.ndarray = self.distances(self.profile(one), [self.profile(other)])[0]
    return distances

  def _costs(self, profile: TransportProfile, others: Sequence[TransportProfile]) -> Iterator[np.ndarray]:
    """Yields the costs of matching the layers of each other network with those of one [4, M + 1, L + 1]."""
    labels = self._labels.between(np.concatenate([other.codes for other in others]), profile.codes)
    apart = cdist(np.concatenate([other.places for other in others]), profile.places, "cityblock")
    costs = np.minimum(labels + np.array(NUS)[:, np.newaxis, np.newaxis] * apart, _DIFFERENT)
    ends = np.cumsum([len(other.codes) for other in others])
    costs[:, ends - 1], costs[:, :, -1] = _UNMATCHED, _UNMATCHED
    costs[:, ends - 1, -1] = 0.0
    for end, other in zip(ends.tolist(), others):
      yield costs[:, end - len(other.codes) : end]

  def _transport(self, one: TransportProfile, other: TransportProfile, costs: np.ndarray) -> list[float]:
    """Returns the least costs of transport for each nu."""
    if one.graph == other.graph:
      return [0.0] * len(costs)
    supply, demand = other.masses.copy(), one.masses.copy()
    supply[-1], demand[-1] = one.mass, other.mass
    return [self._cost(supply, demand, matrix) for matrix in costs]

  def _cost(self, supply: np.ndarray, demand: np.ndarray, costs: np.ndarray) -> float:
    """Returns the least cost of transport.

    Raises:
      RuntimeError: if it is not found.
    """
    _, cost, _, _, state = self._solve(supply, demand, costs, _MOST_STEPS, 1)
    if state != _OPTIMAL:
      raise RuntimeError(f"POT found no optimal transport between networks of {len(supply)} and {len(demand)} layers")
    return float(cost)


def _import_solver() -> Callable[..., Any]:
  """Returns the network simplex of POT.

  It is the one below POT's functions. Their checks take ten times as long as the solver, for networks of ten layers.

  POT would import TensorFlow and any other library of arrays that it finds. Here it needs none of them, so it is told to
  leave them alone, by the variables that it has for that.

  Raises:
    MissingPackage: if POT is not installed.
  """
  hidden = [name for name in _BACKENDS if name not in os.environ]
  os.environ.update(dict.fromkeys(hidden, "1"))
  try:
    from ot.lp.emd_wrap import emd_c
  except ImportError as error:
    raise MissingPackage("the distance OTMANN needs POT: pip install POT") from error
  finally:
    for name in hidden:
      del os.environ[name]
  solve: Callable[..., Any] = emd_c
  return solve


def _masses(graph: LayerGraph) -> np.ndarray:
  """Returns the mass of each layer [L]. All inputs together have a tenth of the layers' sum, and so have the outputs."""
  masses = np.array([0.0 if layer.is_end else _mass(layer) for layer in graph.layers])
  end_mass = max(_END_SHARE * float(masses.sum()), _SMALLEST_END)
  labels = [layer.label for layer in graph.layers]
  for number, layer in enumerate(graph.layers):
    if layer.is_end:
      masses[number] = end_mass / labels.count(layer.label)
  return masses


def _mass(layer: Layer) -> float:
  group = _group(layer)
  if group == _DENSE:
    return _DENSE_SHARE * layer.incoming * layer.units
  return float(layer.incoming * (layer.units if group and group != _POOLING else 1))


def _places(graph: LayerGraph) -> np.ndarray:
  """Returns the path lengths of each layer, weighted so that their differences add up to the cost of places [L, P]."""
  groups = [_group(layer) for layer in graph.layers]
  counts = np.array([[1.0, *(group == counted for counted in _COUNTED)] for group in groups])
  lengths = [_lengths(counts, graph.sources()), _lengths(counts[::-1], _reversed(graph.readers()))[::-1]]
  return np.concatenate(lengths, axis=1) / (2 * len(_PATHS) * _GROUPS_OF_IMAGES)


def _reversed(readers: list[list[int]]) -> list[list[int]]:
  """Returns the readers of each layer, with the last layer as number 0."""
  return [[len(readers) - 1 - reader for reader in row] for row in reversed(readers)]


def _lengths(counts: np.ndarray, sources: list[list[int]]) -> np.ndarray:
  """Returns the lengths of the paths to each layer [L, P].

  Args:
    counts: what each layer counts, by the kind of length [L, G].
    sources: what each layer reads, all of them before it.
  """
  lengths = np.repeat(counts[:, np.newaxis], len(_PATHS), axis=1)  # [L, 3, G].
  for layer, read in enumerate(sources):
    if read:
      lengths[layer] += np.stack([path(lengths[read, number], axis=0) for number, path in enumerate(_PATHS)])
  return lengths.reshape(len(counts), -1)


def _group(layer: Layer) -> str:
  """Returns the group of a layer; an empty text if it has none."""
  if layer.label.startswith(_DENSE_LABELS):
    return _DENSE
  return _GROUPS.get(family_of(layer.label), "")


def _label_cost(one: Layer, other: Layer) -> float:
  """Returns what it costs to match one unit of mass of two layers, by what they compute."""
  group = _group(one)
  if one.part != other.part or group != _group(other):
    is_activation = {group, _group(other)} == {_RECTIFIER, _SIGMOID} and one.part == other.part
    return _OTHER_ACTIVATION if is_activation else _DIFFERENT
  if one.label == other.label:
    return 0.0
  if not group:
    return _DIFFERENT
  kernels = _KERNEL * abs(kernel_size_of(one.label) - kernel_size_of(other.label)) ** 0.5
  if family_of(one.label) == family_of(other.label) or group in (_RECTIFIER, _SIGMOID):
    return max(kernels, _OTHER_LABEL)
  return _OTHER_POOLING + kernels if group == _POOLING else _OTHER_CONVOLUTION + _OTHER_KERNEL_SHARE * kernels
