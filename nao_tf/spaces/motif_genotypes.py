"""The genotype of motifs of motifs (Liu et al., "Hierarchical Representations for Efficient Architecture Search", 2018).

A motif is a small directed graph with one input and one output. On its edges are operations. Those of the lowest level are
primitive, such as a convolution. On the edges of a higher level are whole motifs of the level below. The one motif of the
highest level is the cell. A flat cell has one level.
"""

import dataclasses
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from nao_tf import fields

MOST_OPERATIONS = 10_000
"""Primitive operations of a cell, with those of a motif for each place where it is."""


class MotifEdge(NamedTuple):
  """An operation between two nodes of a motif.

  Attributes:
    node: index of the node that reads the result.
    source: index of the node that the operation reads, below that of `node`.
    operation: name of a primitive operation, or of a motif of the level below.
  """

  node: int
  source: int
  operation: str


@dataclasses.dataclass(frozen=True)
class Motif:
  """A graph of operations.

  Attributes:
    name: what edges of the next level call it.
    num_nodes: number of nodes. Node 0 is the input, the last node is the output. A node that several edges lead to
      concatenates what they give.
    edges: the edges, ordered by node and source. Each is on a way from the input to the output.
  """

  name: str
  num_nodes: int
  edges: tuple[MotifEdge, ...]

  def __post_init__(self) -> None:
    fields.text(self.name, "name of a motif")
    fields.integer(self.num_nodes, f"num_nodes of {self.name}", 2)
    for number, edge in enumerate(self.edges):
      place = f"of edge {number} of {self.name}"
      fields.integer(edge.node, f"node {place}", 1, self.num_nodes - 1)
      fields.integer(edge.source, f"source {place}", 0, edge.node - 1)
      fields.text(edge.operation, f"operation {place}")
    pairs = [(edge.node, edge.source) for edge in self.edges]
    if pairs != sorted(set(pairs)):
      raise ValueError(f"edges of {self.name} must be ordered by node and source, and none there twice")
    if not pairs or live_pairs(pairs, self.num_nodes) != set(pairs):
      raise ValueError(f"each edge of {self.name} must be on a way from its input to its output, and there must be one")

  def into(self, node: int) -> list[MotifEdge]:
    """Returns the edges that lead to a node, in the order of their sources."""
    return [edge for edge in self.edges if edge.node == node]

  @property
  def live_nodes(self) -> list[int]:
    """Indices of the nodes that an edge leads to, in ascending order; the last is the output."""
    return sorted({edge.node for edge in self.edges})


@dataclasses.dataclass(frozen=True)
class MotifGenotype:
  """The motifs of all levels, the lowest level first. The one motif of the last level is the cell."""

  levels: tuple[tuple[Motif, ...], ...]

  def __post_init__(self) -> None:
    if not self.levels or len(self.levels[-1]) != 1:
      raise ValueError("the last level must be one motif, the cell")
    for level in self.levels:
      names = [motif.name for motif in level]
      if len(set(names)) < len(names):
        raise ValueError(f"the motifs of a level must have different names, got {', '.join(names)}")
    for below, level in zip(self.levels, self.levels[1:]):
      known = {motif.name for motif in below}
      for edge in (edge for motif in level for edge in motif.edges):
        if edge.operation not in known:
          raise ValueError(f"an edge has the motif {fields.shown(edge.operation)}, which is not in the level below")
    if self.num_operations > MOST_OPERATIONS:
      raise ValueError(f"expected at most {MOST_OPERATIONS:,} primitive operations, got {self.num_operations:,}")

  @property
  def num_operations(self) -> int:
    """Number of primitive operations of the cell: those of a motif count for each place where it is."""
    counts: dict[str, int] = {}
    for level in self.levels:
      counts = {motif.name: sum(counts.get(edge.operation, 1) for edge in motif.edges) for motif in level}
    return counts[self.cell.name]

  @property
  def cell(self) -> Motif:
    """The motif of the highest level."""
    return self.levels[-1][0]

  @property
  def primitives(self) -> list[str]:
    """Names of the primitive operations that occur, in ascending order."""
    return sorted({edge.operation for motif in self.levels[0] for edge in motif.edges})

  def to_json(self) -> dict[str, Any]:
    """Returns the genotype as JSON values, the inverse of `from_json`."""
    return {"motifs": [[_motif_to_json(motif) for motif in level] for level in self.levels]}

  @classmethod
  def from_json(cls, data: Any) -> "MotifGenotype":
    """Builds a genotype from the output of `to_json`.

    Raises:
      ValueError: if `data` has another form; the message says where.
    """
    try:
      levels = fields.elements(fields.members(data, "a genotype", ("motifs",))["motifs"], "motifs")
      return cls(tuple(tuple(map(_motif_from_json, fields.elements(level, "a level"))) for level in levels))
    except ValueError as error:
      raise ValueError(f"not a genotype of motifs: {error}") from error


def live_pairs(pairs: Iterable[tuple[int, int]], num_nodes: int) -> set[tuple[int, int]]:
  """Returns those (node, source) of some edges that are on a way from node 0 to the last node."""
  ordered = sorted(pairs)
  from_input, to_output = {0}, {num_nodes - 1}
  for node, source in ordered:
    if source in from_input:
      from_input.add(node)
  for node, source in reversed(ordered):
    if node in to_output:
      to_output.add(source)
  return {(node, source) for node, source in ordered if source in from_input and node in to_output}


def _motif_to_json(motif: Motif) -> dict[str, Any]:
  return {"name": motif.name, "num_nodes": motif.num_nodes, "edges": [list(edge) for edge in motif.edges]}


def _motif_from_json(data: Any) -> Motif:
  motif = fields.members(data, "a motif", ("name", "num_nodes", "edges"))
  edges: Sequence[Any] = fields.elements(motif["edges"], "edges")
  return Motif(
    motif["name"],
    motif["num_nodes"],
    tuple(MotifEdge(*fields.elements(edge, f"edge {i}", 3)) for i, edge in enumerate(edges)),
  )
