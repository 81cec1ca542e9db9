"""The edit distance between networks of Auto-Keras (Jin et al., "Auto-Keras: An Efficient NAS System", KDD 2019).

It is D + lambda * D_skip. D is the cost of an alignment of the layers: to insert or to delete a layer costs 1, to take one
for another the relative difference of their widths. D_skip is the cost of an assignment of the skip connections, found
with the Hungarian method.

The paper compares chains of layers of two kinds, convolutional and dense, with skip connections. Here networks may be any
graphs, and for those chains the distance is that of the paper:

* Layers stand in the order of the graph. To take a layer for one of another family costs as much as to delete one and
  to insert the other, 2. Another label of the same family, such as another kernel size, costs at least 1/2.
* Every edge that does not lead to the next layer is a skip connection. A layer that is not read by the next one counts
  as a connection, too, of a kind of its own.

The distance is 0 only for equal graphs, but for the sizes that layers read.
"""

import dataclasses
from collections.abc import Sequence

import numpy as np
from scipy.optimize import linear_sum_assignment

from nao_tf.spaces.label_costs import LabelCosts
from nao_tf.spaces.layer_graphs import EDGE_KINDS, Layer, LayerGraph
from nao_tf.spaces.operation_names import OTHER, family_of

SKIP_WEIGHT = 0.1
"""Lambda, the weight of skip connections."""
_OTHER_FAMILY = 2.0
_OTHER_LABEL = 0.5
_MISSING = -1


@dataclasses.dataclass(frozen=True, eq=False)
class EditProfile:
  """What the edit distance compares of a graph.

  Attributes:
    codes: labels of the layers, without inputs and outputs, as rows of a table [L].
    units: their sizes [L].
    skips: first layer and length of each skip connection [S, 2].
    kinds: kind of each skip connection [S].
  """

  codes: np.ndarray
  units: np.ndarray
  skips: np.ndarray
  kinds: np.ndarray


class EditDistance:
  """The edit distance between one network and many others."""

  num_distances = 1

  def __init__(self, skip_weight: float = SKIP_WEIGHT):
    """Creates the distance.

    Args:
      skip_weight: weight of the skip connections, above 0.

    Raises:
      ValueError: if the weight is not above 0.
    """
    if not skip_weight > 0:
      raise ValueError(f"skip_weight must be above 0, got {skip_weight}")
    self.skip_weight = skip_weight
    self._labels = LabelCosts(_label_cost)

  def profile(self, graph: LayerGraph) -> EditProfile:
    """Returns the precomputed features of a graph. Profiles of different distance objects are not comparable."""
    layers = tuple(layer for layer in graph.layers if not layer.is_end)
    skips = _connections(graph)
    return EditProfile(
      self._labels.codes(layers),
      np.array([layer.units for layer in layers], float),
      np.array([skip[:2] for skip in skips], float).reshape(-1, 2),
      np.array([skip[2] for skip in skips], np.intp),
    )

  def distances(self, profile: EditProfile, others: Sequence[EditProfile]) -> np.ndarray:
    """Returns the distances from one network to others, [N, 1]."""
    if not others:
      return np.zeros((0, self.num_distances))
    total = self._alignments(profile, others) + self.skip_weight * _assignments(profile, others)
    return total[:, np.newaxis]

  def between(self, one: LayerGraph, other: LayerGraph) -> float:
    """Returns the distance between two networks."""
    return float(self.distances(self.profile(one), [self.profile(other)])[0, 0])

  def _alignments(self, profile: EditProfile, others: Sequence[EditProfile]) -> np.ndarray:
    """Returns the costs of the best alignments [N], all computed side by side, row after row."""
    lengths = np.array([len(other.codes) for other in others])
    costs = self._costs(profile, others, lengths)
    steps = np.arange(costs.shape[-1] + 1, dtype=float)
    row = np.tile(steps, (len(others), 1))
    for number, cost in enumerate(costs, start=1):
      best = np.minimum(row[:, 1:] + 1, row[:, :-1] + cost)
      best = np.concatenate([np.full((len(others), 1), float(number)), best], axis=1)
      row = np.minimum.accumulate(best - steps, axis=1) + steps
    return row[np.arange(len(others)), lengths]

  def _costs(self, profile: EditProfile, others: Sequence[EditProfile], lengths: np.ndarray) -> np.ndarray:
    """Returns the costs of taking layers for others [L, N, longest of the others]. Beyond the end of one they are 0."""
    codes = np.concatenate([other.codes for other in others])
    units = np.concatenate([other.units for other in others])
    widths = np.abs(profile.units[:, np.newaxis] - units) / np.maximum(profile.units[:, np.newaxis], units)
    costs = np.maximum(widths, self._labels.between(profile.codes, codes))
    padded = np.zeros((len(profile.codes), len(others), max(lengths, default=0)))
    padded[:, np.arange(padded.shape[-1]) < lengths[:, np.newaxis]] = costs
    return padded


def _connections(graph: LayerGraph) -> list[tuple[int, int, int]]:
  """Returns (first layer, length, kind) of the skip connections, and of the missing connections to the next layer."""
  skips, has_next = [], set()
  for edge in graph.edges:
    if edge.head == edge.tail + 1 and edge.tail not in has_next:
      has_next.add(edge.tail)
    else:
      skips.append((edge.tail, edge.head - edge.tail, EDGE_KINDS.index(edge.kind)))
  missing = [(number, 1, _MISSING) for number in range(len(graph.layers) - 1) if number not in has_next]
  return sorted(skips + missing)


def _assignments(profile: EditProfile, others: Sequence[EditProfile]) -> np.ndarray:
  """Returns the costs of the best assignments of skip connections [N]."""
  skips, kinds = (np.concatenate([getattr(other, name) for other in others]) for name in ("skips", "kinds"))
  mine = profile.skips[:, np.newaxis]
  apart = np.abs(mine - skips).sum(axis=-1) / np.maximum(mine, skips).sum(axis=-1)
  costs = np.where(profile.kinds[:, np.newaxis] == kinds, apart, 1.0)
  ends = np.cumsum([len(other.skips) for other in others])
  parts = np.split(costs, ends[:-1], axis=1)
  return np.array([_assignment(part) for part in parts])


def _assignment(costs: np.ndarray) -> float:
  """Returns the cost of the best assignment of rows to columns. What is left over costs 1 each."""
  rows, columns = linear_sum_assignment(costs)
  return float(costs[rows, columns].sum()) + abs(costs.shape[0] - costs.shape[1])


def _label_cost(one: Layer, other: Layer) -> float:
  if (one.label, one.part) == (other.label, other.part):
    return 0.0
  is_near = one.part == other.part and family_of(one.label) == family_of(other.label) != OTHER
  return _OTHER_LABEL if is_near else _OTHER_FAMILY
