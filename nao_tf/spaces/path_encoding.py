"""The path encoding of BANANAS (White et al., AAAI 2021): which paths of operations lead from an input to an output.

Each feature says whether a network has a path with given operations in a given order. In random networks short paths
are far more frequent than long ones, so the encoding can be truncated to the shortest paths without loss.
"""

import collections
import itertools
from collections.abc import Iterable, Sequence

import numpy as np

from nao_tf.spaces.layer_graphs import INPUT, OUTPUT, LayerGraph

Path = tuple[str, ...]
"""The part of the network, the number of the input among those of the part, and the labels of the layers on the way."""

_MOST_PATHS = 10_000
"""Paths to one layer. Those beyond, in lexicographic order, are left out."""


def paths_of(graph: LayerGraph) -> frozenset[Path]:
  """Returns the distinct paths of a network from its inputs to its outputs."""
  sources, known = graph.sources(), list[frozenset[Path]]()
  inputs: collections.Counter[str] = collections.Counter()
  for layer, read in zip(graph.layers, sources):
    if layer.label == INPUT:
      known.append(frozenset([(layer.part, str(inputs[layer.part]))]))
      inputs[layer.part] += 1
      continue
    before = sorted(frozenset().union(*(known[source] for source in read)))[:_MOST_PATHS]
    known.append(frozenset(before if layer.label == OUTPUT else ((*path, layer.label) for path in before)))
  return frozenset().union(*(paths for layer, paths in zip(graph.layers, known) if layer.label == OUTPUT))


class PathEncoding:
  """Encodes networks as binary vectors, with one feature per path.

  Attributes:
    paths: the paths.
  """

  def __init__(self, networks: Iterable[frozenset[Path]], most: int):
    """Chooses the paths: the shortest ones of some networks, and of equally long ones the most frequent.

    Args:
      networks: paths of each network.
      most: number of paths that are looked at, of each part of a network.
    """
    counts: dict[Path, int] = {}
    for path in itertools.chain.from_iterable(networks):
      counts[path] = counts.get(path, 0) + 1
    ordered = sorted(counts, key=lambda path: (len(path), -counts[path], path))
    by_part: dict[str, list[Path]] = {}
    for path in ordered:
      by_part.setdefault(path[0], []).append(path)
    self.paths = tuple(itertools.chain.from_iterable(paths[:most] for paths in by_part.values()))

  def encode(self, networks: Sequence[frozenset[Path]]) -> np.ndarray:
    """Returns the features of networks, [N, P]."""
    rows = [[path in paths for path in self.paths] for paths in networks]
    return np.array(rows, float).reshape(len(networks), len(self.paths))
