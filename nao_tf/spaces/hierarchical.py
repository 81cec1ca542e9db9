"""Hierarchical spaces of motifs (Liu et al., "Hierarchical Representations for Efficient Architecture Search", 2018).

There are six primitive operations, six motifs of four nodes whose edges are primitive operations, and one cell of five
nodes whose edges are motifs. An edge may also be absent. The flat variant is one cell of eleven nodes whose edges are
primitive operations.
"""

import itertools
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from nao_tf import fields
from nao_tf.spaces.base import Decision, SearchSpace
from nao_tf.spaces.function_keys import function_key_of
from nao_tf.spaces.genotype_graphs import graph_of_motifs
from nao_tf.spaces.layer_graphs import LayerGraph
from nao_tf.spaces.motif_genotypes import Motif, MotifEdge, MotifGenotype, live_pairs
from nao_tf.trial import Architecture

PRIMITIVES = ("conv1x1", "depthwise3x3", "sep3x3", "max3x3", "avg3x3", "identity")
NUM_DIVERSIFYING = 1000
"""Random mutations that a random architecture comes from."""

_NONE = 0
"""The choice of an edge that is absent."""
_MUTATION_ATTEMPTS = 100

_Edges = dict[tuple[int, int], int]
"""The choices of the edges of a motif that are not absent, by (node, source)."""


class Level(NamedTuple):
  """The motifs of one level.

  Attributes:
    num_motifs: how many there are.
    num_nodes: nodes of each, input and output included.
  """

  num_motifs: int
  num_nodes: int

  @property
  def edges(self) -> list[tuple[int, int]]:
    """(node, source) of each edge of a motif, in the order of the decisions."""
    return [(node, source) for node in range(1, self.num_nodes) for source in range(node)]


class HierarchicalSpace(SearchSpace):
  """Motifs of several levels. Each edge of each motif is a decision, those of the lowest level first.

  A tuple of choices is an architecture if a way of operations leads from the input of the cell to its output.

  What is on no such way computes nothing. Neither does a motif that no edge has chosen, and an edge whose motif leads
  nowhere is as good as absent. Encodings of one network differ in what computes nothing, in the order of the motifs of
  a level, and in the order of the nodes of a motif. Any order is possible in which edges lead forward.
  """

  def __init__(self, name: str, levels: Sequence[Level]):
    """Initializes the decisions.

    Args:
      name: key in the registry.
      levels: the levels, the lowest first. The last one has one motif, the cell.

    Raises:
      ValueError: if the last level has several motifs, or a motif has no edge.
    """
    self.name, self.levels = name, tuple(levels)
    if not self.levels or self.levels[-1].num_motifs != 1:
      raise ValueError(f"{name}: the last level must have one motif, the cell")
    for level in self.levels:
      fields.integer(level.num_motifs, "num_motifs", 1)
      fields.integer(level.num_nodes, "num_nodes", 2)
    sizes = [1 + len(PRIMITIVES), *(1 + level.num_motifs for level in self.levels[:-1])]
    self.decisions = tuple(
      Decision("operation" if number == 0 else f"motif of level {number}", size)
      for number, (level, size) in enumerate(zip(self.levels, sizes))
      for _ in range(level.num_motifs * len(level.edges))
    )
    counts = [level.num_motifs * len(level.edges) for level in self.levels]
    self._starts = list(itertools.accumulate(counts[:-1], initial=0))
    rows = [(*level, len(level.edges), start) for level, start in zip(self.levels, self._starts)]
    self._table = np.array(rows)

  def check_rules(self, architecture: Sequence[int]) -> None:
    """Checks that the output of the cell can be reached; see `SearchSpace.check_rules`."""
    if not self._live(architecture)[-1][0]:
      raise ValueError(f"{self.name}: no way of operations leads from the input of the cell to its output")

  def decode(self, architecture: Architecture) -> MotifGenotype:
    """Returns the motifs that the cell consists of, without what computes nothing; see `SearchSpace.decode`."""
    motifs = self._live(self.checked(architecture))
    used = self._used(motifs)
    levels = []
    for number, (level, rows) in enumerate(zip(self.levels, motifs)):
      edges = {i: self._named(rows[i], number) for i in sorted(used[number])}
      levels.append(tuple(Motif(self._name(number, i), level.num_nodes, edges[i]) for i in edges))
    return MotifGenotype(tuple(levels))

  def trivial(self) -> Architecture:
    """Returns the cell in which every motif is a chain: of identities, or of the first motif of the level below."""
    choices: list[int] = []
    for number, level in enumerate(self.levels):
      link = 1 + PRIMITIVES.index("identity") if number == 0 else 1
      choices += level.num_motifs * [link if source == node - 1 else _NONE for node, source in level.edges]
    return tuple(choices)

  def sample(self, rng: np.random.Generator) -> Architecture:
    """Returns the trivial cell after so many random mutations that little of it is left, as the paper begins."""
    trivial = self.trivial()
    while True:
      positions = self._positions(NUM_DIVERSIFYING, rng)
      draws = rng.integers([self.decisions[position].size for position in positions])
      last = dict(zip(positions, draws.tolist()))
      choices = tuple(last.get(position, choice) for position, choice in enumerate(trivial))
      if self.is_valid(choices):
        return choices

  def mutate(self, architecture: Architecture, rng: np.random.Generator) -> Architecture:
    """Returns an architecture with another choice for one edge; see `SearchSpace.mutate`.

    The paper draws a level, a motif of it, a node and a source, each uniformly, and then an operation or none. So an edge
    is added, altered or removed.
    """
    for position in self._positions(_MUTATION_ATTEMPTS, rng):
      others = [choice for choice in range(self.decisions[position].size) if choice != architecture[position]]
      mutant = (*architecture[:position], others[rng.integers(len(others))], *architecture[position + 1 :])
      if self.is_valid(mutant):
        return mutant
    return super().mutate(architecture, rng)

  def canonical(self, architecture: Architecture) -> Architecture:
    """Returns the encoding without what computes nothing, in which motifs and nodes have the first possible order."""
    motifs = self._live(architecture)
    used = self._used(motifs)
    numbers: dict[int, int] = {}
    choices: list[int] = []
    for number, level in enumerate(self.levels):
      rows = {i: _relabeled(motifs[number][i], numbers) if number else motifs[number][i] for i in used[number]}
      codes = {i: _first_encoding(edges, level.num_nodes) for i, edges in rows.items()}
      ordered = sorted(set(codes.values()))
      numbers = {i + 1: ordered.index(code) + 1 for i, code in codes.items()}
      choices += itertools.chain(*ordered)
      choices += (level.num_motifs - len(ordered)) * len(level.edges) * [_NONE]
    return tuple(choices)

  def random_equivalent(self, architecture: Architecture, rng: np.random.Generator) -> Architecture:
    """Returns the encoding with the motifs of each level, and the nodes of each motif, in a random order."""
    numbers: dict[int, int] = {}
    choices: list[int] = []
    for number, (level, motifs) in enumerate(zip(self.levels, self._motifs(architecture))):
      rows = [_relabeled(edges, numbers) if number else edges for edges in motifs]
      order = [int(i) for i in rng.permutation(level.num_motifs)]
      numbers = {old + 1: new + 1 for new, old in enumerate(order)}
      for old in order:
        choices += _encoded(rows[old], _random_order(rows[old], level.num_nodes, rng), level.num_nodes)
    return tuple(choices)

  def function_key(self, architecture: Architecture) -> str:
    """Returns a value that is equal for cells that compute the same function, whatever identities they have."""
    return function_key_of(graph_of_motifs(self.decode(architecture)))

  def graph(self, architecture: Architecture) -> LayerGraph:
    """Returns the cell as a graph of its primitive operations; see `SearchSpace.graph`."""
    return graph_of_motifs(self.decode(self.canonical(architecture)))

  def format(self, architecture: Architecture) -> str:
    """Returns the choices, with a bar between two motifs."""
    rows = [" ".join(map(str, row)) for level in self._rows(architecture) for row in level]
    return " | ".join(rows)

  def _positions(self, count: int, rng: np.random.Generator) -> list[int]:
    """Returns positions of edges: a level is drawn, a motif of it, a node and a source, each uniformly."""
    numbers = rng.integers(len(self.levels), size=count)
    motifs, nodes, edges, starts = self._table[numbers].T
    motif, node = rng.integers(motifs), rng.integers(1, nodes)
    positions: list[int] = (starts + motif * edges + node * (node - 1) // 2 + rng.integers(node)).tolist()
    return positions

  def _rows(self, architecture: Sequence[int]) -> list[list[Sequence[int]]]:
    """Returns the choices of each motif of each level."""
    return [
      [architecture[start + i * len(level.edges) : start + (i + 1) * len(level.edges)] for i in range(level.num_motifs)]
      for start, level in zip(self._starts, self.levels)
    ]

  def _motifs(self, architecture: Sequence[int]) -> list[list[_Edges]]:
    """Returns the edges of each motif of each level."""
    return [
      [{edge: choice for edge, choice in zip(level.edges, row) if choice != _NONE} for row in rows]
      for level, rows in zip(self.levels, self._rows(architecture))
    ]

  def _live(self, architecture: Sequence[int]) -> list[list[_Edges]]:
    """Returns of each motif the edges that are on a way from its input to its output."""
    live: list[list[_Edges]] = []
    for level, motifs in zip(self.levels, self._motifs(architecture)):
      if live:
        motifs = [{edge: n for edge, n in edges.items() if live[-1][n - 1]} for edges in motifs]
      pairs = [live_pairs(edges, level.num_nodes) for edges in motifs]
      live.append([{edge: edges[edge] for edge in sorted(kept)} for edges, kept in zip(motifs, pairs)])
    return live

  def _used(self, motifs: Sequence[Sequence[_Edges]]) -> list[set[int]]:
    """Returns which motifs of each level the cell consists of."""
    used = [{0}]
    for level in reversed(motifs[1:]):
      used.insert(0, {choice - 1 for i in used[0] for choice in level[i].values()})
    return used

  def _named(self, edges: _Edges, number: int) -> tuple[MotifEdge, ...]:
    """Returns the edges of a motif of a level, with the names of their operations."""
    return tuple(
      MotifEdge(*edge, PRIMITIVES[choice - 1] if number == 0 else self._name(number - 1, choice - 1))
      for edge, choice in edges.items()
    )

  def _name(self, number: int, motif: int) -> str:
    """Returns what a motif of a level is called."""
    if number == len(self.levels) - 1:
      return "cell"
    prefix = "motif" if len(self.levels) == 2 else f"motif_{number + 1}"
    return f"{prefix}_{motif + 1}"


def hierarchical() -> HierarchicalSpace:
  """Returns the space of the paper: six motifs of four nodes, and a cell of five."""
  return HierarchicalSpace("hierarchical", (Level(6, 4), Level(1, 5)))


def flat() -> HierarchicalSpace:
  """Returns the flat space of the paper: one cell of eleven nodes."""
  return HierarchicalSpace("flat", (Level(1, 11),))


def _relabeled(edges: _Edges, numbers: Mapping[int, int]) -> _Edges:
  return {edge: numbers[choice] for edge, choice in edges.items()}


def _encoded(edges: _Edges, order: Sequence[int], num_nodes: int) -> Architecture:
  """Returns the choices of a motif whose nodes are put in an order. Nodes that are not in it have no edges."""
  places = {node: place for place, node in enumerate(order[:-1])} | {order[-1]: num_nodes - 1}
  moved = {(places[node], places[source]): choice for (node, source), choice in edges.items()}
  pairs = ((node, source) for node in range(1, num_nodes) for source in range(node))
  return tuple(moved.get(pair, _NONE) for pair in pairs)


def _random_order(edges: _Edges, num_nodes: int, rng: np.random.Generator) -> list[int]:
  """Returns the nodes of a motif in a random order in which edges lead forward, input and output at the ends."""
  order, rest = [0], list(range(1, num_nodes - 1))
  while rest:
    ready = [node for node in rest if all(s in order for n, s in edges if n == node)]
    order.append(ready[rng.integers(len(ready))])
    rest.remove(order[-1])
  return [*order, num_nodes - 1]


def _first_encoding(edges: _Edges, num_nodes: int) -> Architecture:
  """Returns the encoding of a motif that comes first in lexicographic order, each node as early as it can be.

  One node is placed after the other, the one with the smallest tuple of choices among those whose sources are placed.
  It branches only at ties. Of twins, nodes with the same edges, only one is followed.
  """
  last = num_nodes - 1
  inner = sorted({node for pair in edges for node in pair} - {0, last})
  twins = {node: _neighborhood(edges, node) for node in inner}
  orders: set[tuple[int, ...]] = {(0,)}
  for _ in inner:
    longer = {
      (_row(edges, node, order), (*order, node)) for order in orders for node in _ready(edges, inner, order, twins)
    }
    smallest = min(row for row, _ in longer)
    orders = {order for row, order in longer if row == smallest}
  return min(_encoded(edges, (*order, last), num_nodes) for order in orders)


def _ready(
  edges: _Edges, inner: Iterable[int], order: Sequence[int], twins: Mapping[int, frozenset[tuple[int, int, int]]]
) -> list[int]:
  """Returns the nodes that can be placed next, one of each set of twins."""
  ready = [n for n in inner if n not in order and all(s in order for node, s in edges if node == n)]
  return list({twins[node]: node for node in ready}.values())


def _row(edges: _Edges, node: int, order: Sequence[int]) -> Architecture:
  return tuple(edges.get((node, source), _NONE) for source in order)


def _neighborhood(edges: _Edges, node: int) -> frozenset[tuple[int, int, int]]:
  """Returns all that tells a node from others: its edges, with the node at their other end."""
  into = {(0, source, choice) for (n, source), choice in edges.items() if n == node}
  return frozenset(into | {(1, n, choice) for (n, source), choice in edges.items() if source == node})
