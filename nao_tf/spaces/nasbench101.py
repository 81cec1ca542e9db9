"""The cell space of NAS-Bench-101 (Ying et al., "NAS-Bench-101: Towards Reproducible NAS", ICML 2019, section 2.1).

A cell is a directed acyclic graph of at most seven vertices, the first of which is the input and the last the output.
An edge leads from an earlier vertex to a later one, and each inner vertex is one of three operations. Vertices that are
on no path from input to output do nothing and are pruned. What remains has a path and at most nine edges.

Twenty-six decisions: for each vertex from the second on, whether there is an edge from each earlier vertex, then the
operation of the vertex; the output has none.
"""

import dataclasses
import hashlib
from collections.abc import Iterator, Sequence

import numpy as np

from nao_tf.spaces.base import Decision, SearchSpace
from nao_tf.trial import Architecture

NUM_VERTICES = 7
MAX_EDGES = 9
OPERATIONS = ("conv3x3-bn-relu", "conv1x1-bn-relu", "maxpool3x3")
INPUT, OUTPUT = "input", "output"
_LAST = NUM_VERTICES - 1
_STARTS = tuple(v - 1 + v * (v - 1) // 2 for v in range(1, NUM_VERTICES))  # Position of a vertex' first edge bit.
_INPUT_LABEL, _OUTPUT_LABEL = -1, -2  # Of the benchmark's hash.


@dataclasses.dataclass(frozen=True)
class GraphGenotype:
  """A cell as the benchmark's own `ModelSpec` has it.

  Attributes:
    matrix: upper triangular adjacency matrix, `matrix[x][y]` is 1 if there is an edge from vertex x to vertex y.
    operations: names of the vertices' operations, "input" first and "output" last.
  """

  matrix: tuple[tuple[int, ...], ...]
  operations: tuple[str, ...]


@dataclasses.dataclass(frozen=True)
class _Graph:
  """A cell's vertices in topological order.

  Attributes:
    sources: for each vertex the bit set of the vertices it reads; the first, the input, reads none.
    operations: for each vertex but the first and the last the choice of its operation.
  """

  sources: tuple[int, ...]
  operations: tuple[int, ...]


class Nasbench101Space(SearchSpace):
  """Cells of at most seven vertices and nine edges.

  Encodings of one network: whatever is pruned is arbitrary, and the vertices that remain may be numbered in any order
  in which edges lead from earlier to later ones.
  """

  name = "nasbench101"
  decisions = sum(
    (
      v * (Decision("edge", 2),) + (v < _LAST) * (Decision("operation", len(OPERATIONS)),)
      for v in range(1, NUM_VERTICES)
    ),
    (),
  )

  def check_rules(self, architecture: Sequence[int]) -> None:
    """Checks that a path leads from input to output and that the pruned graph has at most nine edges."""
    num_edges = sum(int(sources).bit_count() for sources in self._network(architecture).sources)
    if num_edges > MAX_EDGES:
      raise ValueError(f"{self.name}: expected at most {MAX_EDGES} edges after pruning, got {num_edges}")

  def canonical(self, architecture: Architecture) -> Architecture:
    """Returns one encoding of the pruned graph, the same for all that are isomorphic.

    Its inner vertices have the lowest numbers, in the order that comes first in the dictionary; vertices between these
    and the output have no edges and operation 0.
    """
    graph = self._network(architecture)
    return min(_encoding(_renumbered(graph, order)) for order in _first_orders(graph))

  def random_equivalent(self, architecture: Architecture, rng: np.random.Generator) -> Architecture:
    """Numbers the vertices of the pruned graph in a random topological order, with random gaps between them.

    The vertices in the gaps have no edges and operation 0.
    """
    graph = self._network(architecture)
    inner = rng.choice(np.arange(1, _LAST), len(graph.operations), replace=False)
    return _encoding(_renumbered(graph, _random_order(graph, rng)), sorted(inner.tolist()))

  def decode(self, architecture: Architecture) -> GraphGenotype:
    """Returns the pruned graph with its operations named."""
    self.validate(architecture)
    graph = self._network(architecture)
    size = len(graph.sources)
    matrix = tuple(tuple(graph.sources[y] >> x & 1 for y in range(size)) for x in range(size))
    return GraphGenotype(matrix, (INPUT, *(OPERATIONS[choice] for choice in graph.operations), OUTPUT))

  def encode(self, genotype: GraphGenotype) -> Architecture:
    """Returns an architecture that decodes to the genotype, once that is pruned.

    Raises:
      ValueError: if the genotype is not in this space.
    """
    self._check_genotype(genotype.matrix, genotype.operations)
    size = len(genotype.operations)
    sources = tuple(sum(bool(genotype.matrix[x][y]) << x for x in range(y)) for y in range(size))
    architecture = _encoding(_Graph(sources, tuple(map(OPERATIONS.index, genotype.operations[1:-1]))))
    self.validate(architecture)
    return architecture

  def module_hash(self, architecture: Architecture) -> str:
    """Returns the benchmark's hash of a cell: equal for all encodings of one network; 32 hexadecimal digits.

    A vertex' first hash is of its degrees and its label; as many times as there are vertices it becomes the hash of its
    neighbors' hashes and its own. The hash of the cell is of the sorted hashes of its vertices.
    """
    graph = self._network(architecture)
    size = len(graph.sources)
    inputs = [[x for x in range(size) if graph.sources[y] >> x & 1] for y in range(size)]
    outputs = [[y for y in range(size) if graph.sources[y] >> x & 1] for x in range(size)]
    labels = (_INPUT_LABEL, *graph.operations, _OUTPUT_LABEL)
    hashes = [_md5(str((len(outputs[v]), len(inputs[v]), labels[v]))) for v in range(size)]
    for _ in range(size):
      hashes = [f"{_joined(hashes, inputs[v])}|{_joined(hashes, outputs[v])}|{hashes[v]}" for v in range(size)]
      hashes = [_md5(text) for text in hashes]
    return _md5(str(sorted(hashes)))

  def _network(self, architecture: Sequence[int]) -> _Graph:
    graph = _pruned(_graph(architecture))
    if graph is None:
      raise ValueError(f"{self.name}: no path leads from the input to the output: {tuple(architecture)}")
    return graph

  def _check_genotype(self, matrix: Sequence[Sequence[int]], operations: Sequence[str]) -> None:
    size = len(operations)
    if not 2 <= size <= NUM_VERTICES or {len(matrix), *map(len, matrix)} != {size}:
      raise ValueError(
        f"{self.name}: expected a square matrix with as many rows as operations, 2 to {NUM_VERTICES},"
        f" got {len(matrix)} rows of {sorted(set(map(len, matrix)))} and {size} operations"
      )
    if any(matrix[x][y] for x in range(size) for y in range(x + 1)):
      raise ValueError(f"{self.name}: expected edges from earlier to later vertices only, got {matrix}")
    if (operations[0], operations[-1]) != (INPUT, OUTPUT) or not set(operations[1:-1]) <= set(OPERATIONS):
      raise ValueError(
        f"{self.name}: expected operations {INPUT}, any of {', '.join(OPERATIONS)}, {OUTPUT}; got {operations}"
      )


def _md5(text: str) -> str:
  return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


def _joined(hashes: list[str], vertices: list[int]) -> str:
  return "".join(sorted(hashes[v] for v in vertices))


def _graph(architecture: Sequence[int]) -> _Graph:
  sources, operations = [0], []
  for vertex, start in enumerate(_STARTS, start=1):
    sources.append(sum(int(bit) << x for x, bit in enumerate(architecture[start : start + vertex])))
    operations += [int(choice) for choice in architecture[start + vertex : start + vertex + 1]]
  return _Graph(tuple(sources), tuple(operations))


def _pruned(graph: _Graph) -> _Graph | None:
  """Returns the vertices on paths from input to output, renumbered; None if there is no path."""
  sources = graph.sources
  reached, needed = 1, 1 << _LAST
  for vertex in range(1, NUM_VERTICES):
    reached |= bool(sources[vertex] & reached) << vertex
  for vertex in range(_LAST, 0, -1):
    needed |= sources[vertex] * (needed >> vertex & 1)
  used = reached & needed
  if not used & 1 or not used >> _LAST:
    return None
  kept = [vertex for vertex in range(NUM_VERTICES) if used >> vertex & 1]
  return _renumbered(graph, kept)


def _renumbered(graph: _Graph, order: Sequence[int]) -> _Graph:
  """Returns the graph of the vertices in `order`, the input first and the output last, in that order."""
  sources = tuple(sum((graph.sources[y] >> x & 1) << i for i, x in enumerate(order)) for y in order)
  return _Graph(sources, tuple(graph.operations[v - 1] for v in order[1:-1]))


def _encoding(graph: _Graph, inner: Sequence[int] | None = None) -> Architecture:
  """Returns the architecture of a graph whose inner vertices are numbered `inner`: the lowest, if not given."""
  numbers = (0, *(range(1, len(graph.sources) - 1) if inner is None else inner), _LAST)
  architecture = [0] * len(Nasbench101Space.decisions)
  for y, vertex in enumerate(numbers[1:], start=1):
    start = _STARTS[vertex - 1]
    for x in range(y):
      architecture[start + numbers[x]] = graph.sources[y] >> x & 1
    if vertex < _LAST:
      architecture[start + vertex] = graph.operations[y - 1]
  return tuple(architecture)


def _first_orders(graph: _Graph) -> list[tuple[int, ...]]:
  """Returns the orders of a pruned graph in which its inner vertices' encoding comes first in dictionary order.

  Vertices are placed one by one. Only those are followed whose own encoding, given what has been placed, is the
  smallest: a branch in the search is a tie.
  """
  orders: list[tuple[int, ...]] = [(0,)]
  for _ in graph.operations:
    longer = [(text, (*order, vertex)) for order in orders for text, vertex in _candidates(graph, order)]
    smallest = min(text for text, _ in longer)
    orders = [order for text, order in longer if text == smallest]
  return [(*order, len(graph.sources) - 1) for order in orders]


def _candidates(graph: _Graph, order: Sequence[int]) -> Iterator[tuple[tuple[int, ...], int]]:
  """Yields (encoding, vertex) of each inner vertex that can come next once those in `order` have been placed."""
  placed = sum(1 << vertex for vertex in order)
  for vertex, operation in enumerate(graph.operations, start=1):
    if not placed >> vertex & 1 and not graph.sources[vertex] & ~placed:
      yield (*(graph.sources[vertex] >> x & 1 for x in order), operation), vertex


def _random_order(graph: _Graph, rng: np.random.Generator) -> list[int]:
  order = [0]
  for _ in graph.operations:
    ready = [vertex for _, vertex in _candidates(graph, order)]
    order.append(ready[rng.integers(len(ready))])
  return [*order, len(graph.sources) - 1]
