"""Cells as graphs of boxes and arrows, independent of their layout.

Boxes are numbered as in the genotype. The box of an operation lies between the state that it reads and the node that it
is added to. Absent operations, "zero" or "none", have no box.
"""

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeGuard

from nao_tf.spaces.connected_genotypes import ConnectedGenotype
from nao_tf.spaces.edge_genotypes import EdgeGenotype
from nao_tf.spaces.genotypes import NUM_CELL_INPUTS, Cell, CellGenotype, LstmGenotype, RecurrentGenotype
from nao_tf.spaces.motif_genotypes import Motif, MotifGenotype
from nao_tf.spaces.nasbench101 import GraphGenotype
from nao_tf.spaces.operation_names import ABSENT, OTHER, family_of

DrawableGenotype = (
  CellGenotype | MotifGenotype | RecurrentGenotype | LstmGenotype | GraphGenotype | EdgeGenotype | ConnectedGenotype
)

STATE = "state"
"""The family of boxes that are not operations: inputs, sums and outputs."""


@dataclasses.dataclass(frozen=True)
class Box:
  """A box of a drawing.

  Attributes:
    text: text in the box.
    family: `STATE`, or the family of its operation.
    is_input: whether it is placed at the top.
  """

  text: str
  family: str = STATE
  is_input: bool = False


@dataclasses.dataclass(frozen=True)
class Edge:
  """An arrow.

  Attributes:
    tail: index of the box that it leaves.
    head: index of the box that it leads to.
    family: family of the operation that it belongs to, or `STATE`.
  """

  tail: int
  head: int
  family: str = STATE


@dataclasses.dataclass(frozen=True)
class Graph:
  """A cell as an acyclic graph of boxes and arrows.

  Attributes:
    title: name of the cell.
    text: description of the cell.
    boxes: the boxes.
    edges: the arrows.
  """

  title: str
  text: str
  boxes: tuple[Box, ...]
  edges: tuple[Edge, ...]


def is_drawable(genotype: object) -> TypeGuard[DrawableGenotype]:
  """Returns whether genotypes of this type can be drawn."""
  return isinstance(genotype, DrawableGenotype)


def graphs_of(genotype: DrawableGenotype) -> list[Graph]:
  """Returns the cells of a genotype as graphs.

  Raises:
    ValueError: if genotypes of this type cannot be drawn.
  """
  draws: dict[type, Callable[[Any], list[Graph]]] = {
    CellGenotype: _of_cells,
    MotifGenotype: _of_motifs,
    RecurrentGenotype: _of_recurrent_cell,
    LstmGenotype: _of_lstm,
    GraphGenotype: _of_vertices,
    EdgeGenotype: _of_edges,
    ConnectedGenotype: _of_convolutions,
  }
  for kind, draw in draws.items():
    if isinstance(genotype, kind):
      return draw(genotype)
  known = ", ".join(kind.__name__ for kind in draws)
  raise ValueError(f"expected a genotype to draw, one of {known}; got a {type(genotype).__name__}")


class _Sketch:
  """A graph that is being put together."""

  def __init__(self) -> None:
    self.boxes: list[Box] = []
    self.edges: list[Edge] = []

  def add(self, text: str, family: str = STATE, *, is_input: bool = False) -> int:
    """Adds a box; returns its index."""
    self.boxes.append(Box(text, family, is_input))
    return len(self.boxes) - 1

  def connect(self, tails: Sequence[int], head: int, family: str = STATE) -> None:
    """Adds arrows to a box."""
    self.edges += [Edge(tail, head, family) for tail in tails]

  def apply(self, operation: str, source: int, target: int) -> None:
    """Adds the box of an operation between two boxes, unless it is absent."""
    if operation in ABSENT:
      return
    family = family_of(operation)
    box = self.add(operation, family)
    self.connect([source], box, family)
    self.connect([box], target, family)

  def finish(self, title: str, text: str) -> Graph:
    """Returns the graph."""
    return Graph(title, text, tuple(self.boxes), tuple(self.edges))


def _of_cells(genotype: CellGenotype) -> list[Graph]:
  return [_of_cell(genotype.normal, "Normal cell"), _of_cell(genotype.reduction, "Reduction cell")]


def _of_cell(cell: Cell, title: str) -> Graph:
  sketch = _Sketch()
  states = [sketch.add("0: cell k-2", is_input=True), sketch.add("1: cell k-1", is_input=True)]
  words = []
  for number, node in enumerate(cell.nodes, start=NUM_CELL_INPUTS):
    states.append(sketch.add(f"{number}: +"))
    for branch in node:
      sketch.apply(branch.operation, states[branch.source], states[number])
    words.append(f"{number} = {' + '.join(f'{branch.operation}({branch.source})' for branch in node)}")
  sketch.connect([states[source] for source in cell.concatenated], sketch.add("output: concat"))
  words.append(f"output = concat({', '.join(map(str, cell.concatenated))})")
  return sketch.finish(title, "; ".join(words))


def _of_motifs(genotype: MotifGenotype) -> list[Graph]:
  """Returns the cell and then its motifs, those of the highest level first."""
  motifs = [motif for level in reversed(genotype.levels) for motif in level]
  return [_of_motif(motif) for motif in motifs]


def _of_motif(motif: Motif) -> Graph:
  sketch, last = _Sketch(), motif.num_nodes - 1
  states, words = {0: sketch.add("0: input", is_input=True)}, []
  for node in motif.live_nodes:
    edges, role = motif.into(node), ": output" if node == last else ""
    states[node] = sketch.add(
      f"{node}{role}{', concat' if role else ': concat'}" if len(edges) > 1 else f"{node}{role}"
    )
    for edge in edges:
      sketch.apply(edge.operation, states[edge.source], states[node])
    terms = ", ".join(f"{edge.operation}({edge.source})" for edge in edges)
    words.append(f"{node} = {f'concat({terms})' if len(edges) > 1 else terms}")
  return sketch.finish(motif.name.replace("_", " ").capitalize(), "; ".join(words))


def _of_recurrent_cell(genotype: RecurrentGenotype) -> list[Graph]:
  sketch = _Sketch()
  inputs = [sketch.add("input", is_input=True), sketch.add("previous state", is_input=True)]
  nodes = [sketch.add("0: tanh", family_of("tanh"))]
  sketch.connect(inputs, nodes[0])
  words = ["0 = tanh(input, previous state)"]
  for number, node in enumerate(genotype.nodes, start=1):
    family = family_of(node.activation)
    nodes.append(sketch.add(f"{number}: {node.activation}", family))
    sketch.connect([nodes[node.predecessor]], nodes[number], family)
    words.append(f"{number} = {node.activation}({node.predecessor})")
  sketch.connect(nodes[1:], sketch.add("output: mean"))
  words.append(f"output = mean(1 to {len(genotype.nodes)})")
  return [sketch.finish("Recurrent cell", "; ".join(words))]


def _of_lstm(genotype: LstmGenotype) -> list[Graph]:
  del genotype
  sketch = _Sketch()
  inputs = [sketch.add("input", is_input=True), sketch.add("previous state", is_input=True)]
  lstm = sketch.add("LSTM", OTHER)
  sketch.connect(inputs, lstm)
  sketch.connect([lstm], sketch.add("output"))
  return [sketch.finish("LSTM", "output = LSTM(input, previous state)")]


def _of_vertices(genotype: GraphGenotype) -> list[Graph]:
  sketch, last = _Sketch(), len(genotype.operations) - 1
  words = []
  for vertex, operation in enumerate(genotype.operations):
    family = STATE if vertex in (0, last) else family_of(operation)
    box = sketch.add(f"{vertex}: {operation}", family, is_input=vertex == 0)
    sources = [source for source in range(vertex) if genotype.matrix[source][vertex]]
    sketch.connect(sources, box, family)
    words.append(f"{vertex} = {operation}({', '.join(map(str, sources))})" if sources else f"{vertex} = {operation}")
  return [sketch.finish("Cell", "; ".join(words))]


def _of_edges(genotype: EdgeGenotype) -> list[Graph]:
  sketch, last = _Sketch(), max(node for node, _, _ in genotype.edges)
  names = ["0: input", *(f"{node}: +" for node in range(1, last)), f"{last}: output, +"]
  states = [sketch.add(name, is_input=not number) for number, name in enumerate(names)]
  for node, source, operation in genotype.edges:
    sketch.apply(operation, states[source], states[node])
  return [sketch.finish("Cell", "; ".join(_in_words(genotype, last)))]


def _of_convolutions(genotype: ConnectedGenotype) -> list[Graph]:
  sketch, words = _Sketch(), []
  image, boxes = sketch.add("image", is_input=True), list[int]()
  for number, layer in enumerate(genotype.convolutions):
    strides = "" if layer.strides == (1, 1) else f", stride {layer.strides[0]}x{layer.strides[1]}"
    text = f"conv{layer.height}x{layer.width}, {layer.filters}{strides}"
    family = family_of("conv")
    boxes.append(sketch.add(f"{number}: {text}", family))
    sketch.connect([boxes[source] for source in layer.sources] or [image], boxes[number], family)
    words.append(f"{number} = {text} of {', '.join(map(str, layer.sources)) or 'the image'}")
  sketch.connect([boxes[number] for number in genotype.outputs], sketch.add("output: concatenation"))
  words.append(f"output = concatenation of {', '.join(map(str, genotype.outputs))}")
  return [sketch.finish("Network", "; ".join(words))]


def _in_words(genotype: EdgeGenotype, last: int) -> Iterator[str]:
  for number in range(1, last + 1):
    terms = [f"{operation}({source})" for node, source, operation in genotype.edges if node == number]
    yield f"{number} = {' + '.join(terms)}"
