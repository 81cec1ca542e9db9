"""Networks as labeled graphs: layers with sizes, and the edges between them. Distances between networks compare these.

A space gives the graph of an architecture with `SearchSpace.graph`. Encodings of one network have equal graphs.
"""

import dataclasses
from collections.abc import Iterable
from typing import NamedTuple

from nao_tf import fields

INPUT, OUTPUT = "input", "output"
"""Labels of layers that are not operations."""
ADD, CONCAT = "add", "concat"
"""How a layer that reads several others joins what it reads."""
EDGE_KINDS = (ADD, CONCAT)


@dataclasses.dataclass(frozen=True)
class Layer:
  """A layer of a network.

  Attributes:
    label: name of its operation, such as "conv3x3", "max3x3", "dense" or "tanh"; `INPUT` or `OUTPUT` for the ends.
    units: channels or units that it has, at least 1.
    incoming: channels or units that it reads, at least 1.
    part: what it is in, where a network has parts that are not comparable, such as a normal and a reduction cell.
  """

  label: str
  units: int = 1
  incoming: int = 1
  part: str = ""

  @property
  def is_end(self) -> bool:
    """Whether it is an input or an output."""
    return self.label in (INPUT, OUTPUT)


class Edge(NamedTuple):
  """A connection from one layer to another.

  Attributes:
    tail: index of the layer that is read.
    head: index of the layer that reads.
    kind: `ADD` or `CONCAT`.
  """

  tail: int
  head: int
  kind: str = ADD


@dataclasses.dataclass(frozen=True)
class LayerGraph:
  """Layers in topological order, and the edges between them.

  Attributes:
    layers: the layers. Each stands after those that it reads.
    edges: the edges, sorted. Two edges may connect the same layers: what is read twice counts twice.
  """

  layers: tuple[Layer, ...]
  edges: tuple[Edge, ...]

  def __post_init__(self) -> None:
    """Sorts the edges.

    Raises:
      ValueError: if there are no layers, a size is below 1, or an edge does not lead to a later layer or is of no known
        kind.
    """
    if not self.layers:
      raise ValueError("a graph of layers must have at least one layer")
    for number, layer in enumerate(self.layers):
      fields.integer(layer.units, f"units of layer {number} ({layer.label})", 1)
      fields.integer(layer.incoming, f"incoming of layer {number} ({layer.label})", 1)
    for edge in self.edges:
      fields.integer(edge.head, f"head of {edge}", 1, len(self.layers) - 1)
      fields.integer(edge.tail, f"tail of {edge}", 0, edge.head - 1)
      fields.one_of(edge.kind, f"kind of {edge}", EDGE_KINDS)
    object.__setattr__(self, "edges", tuple(sorted(self.edges)))

  def sources(self) -> list[list[int]]:
    """Returns the indices of the layers that each layer reads."""
    sources: list[list[int]] = [[] for _ in self.layers]
    for edge in self.edges:
      sources[edge.head].append(edge.tail)
    return sources

  def readers(self) -> list[list[int]]:
    """Returns the indices of the layers that read each layer."""
    readers: list[list[int]] = [[] for _ in self.layers]
    for edge in self.edges:
      readers[edge.tail].append(edge.head)
    return readers


class GraphBuilder:
  """A graph that is being put together."""

  def __init__(self) -> None:
    """Initializes without layers."""
    self._layers: list[Layer] = []
    self._edges: list[Edge] = []

  def add(self, layer: Layer, sources: Iterable[int] = (), kind: str = ADD) -> int:
    """Adds a layer that reads earlier ones; returns its index."""
    self._layers.append(layer)
    index = len(self._layers) - 1
    self._edges += [Edge(source, index, kind) for source in sources]
    return index

  def connect(self, tail: int, head: int, kind: str = ADD) -> None:
    """Adds an edge between two layers that are there."""
    self._edges.append(Edge(tail, head, kind))

  def finish(self) -> LayerGraph:
    """Returns the graph."""
    return LayerGraph(tuple(self._layers), tuple(self._edges))
