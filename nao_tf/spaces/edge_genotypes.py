"""Genotypes of cells with operations on edges, such as those of NAS-Bench-201 (Dong and Yang, ICLR 2020)."""

import dataclasses
from typing import Any

from nao_tf import fields


@dataclasses.dataclass(frozen=True)
class EdgeGenotype:
  """A cell defined by its edges.

  Attributes:
    edges: (node, source, operation) of each edge, ordered by node and source. Node 0 is the input, and the last node
      the output. The value of a node is the sum over its incoming edges.
  """

  edges: tuple[tuple[int, int, str], ...]

  def to_json(self) -> dict[str, Any]:
    """Returns the genotype as JSON values, the inverse of `from_json`."""
    return {"edges": [list(edge) for edge in self.edges]}

  @classmethod
  def from_json(cls, data: Any) -> "EdgeGenotype":
    """Builds a genotype from the output of `to_json`.

    Raises:
      ValueError: if `data` has another form; the message says where.
    """
    try:
      edges = fields.elements(fields.members(data, "a genotype", ("edges",))["edges"], "edges")
      return cls(tuple(_edge(edge, f"edge {number}") for number, edge in enumerate(edges)))
    except ValueError as error:
      raise ValueError(f"not a genotype of edges: {error}") from error


def _edge(data: Any, name: str) -> tuple[int, int, str]:
  node, source, operation = fields.elements(data, name, 3)
  fields.integer(node, f"{name}: node", 1)
  fields.integer(source, f"{name}: source", 0)
  if source >= node:
    raise ValueError(f"{name}: source must be below node {node}, got {source}")
  if not isinstance(operation, str):
    raise ValueError(f"{name}: operation must be a name, got {fields.shown(operation)}")
  return node, source, operation
