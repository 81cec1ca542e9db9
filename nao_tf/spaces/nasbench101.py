"""The cell space of NAS-Bench-101 (Ying et al., "NAS-Bench-101: Towards Reproducible NAS", ICML 2019, section 2.1).

A cell is a directed acyclic graph of at most seven vertices. The first vertex is the input and the last the output.
Edges lead from earlier to later vertices. Each inner vertex has one of three operations. Vertices that are on no path
from input to output have no effect and are pruned. The remaining graph must have a path and at most nine edges.

There are 26 decisions: for each vertex from the second on, whether there is an edge from each earlier vertex, then the
operation of the vertex, which the output does not have.
"""

import collections
import dataclasses
import functools
import hashlib
import itertools
from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from nao_tf import fields
from nao_tf.spaces.base import Decision, SearchSpace
from nao_tf.spaces.growth import Features, Growth
from nao_tf.spaces.layer_graphs import ADD, CONCAT, INPUT, OUTPUT, GraphBuilder, Layer, LayerGraph
from nao_tf.spaces.nasbench_parameters import nasbench101_parameters
from nao_tf.trial import Architecture

NUM_VERTICES = 7
MAX_EDGES = 9
OPERATIONS = ("conv3x3-bn-relu", "conv1x1-bn-relu", "maxpool3x3")
_LAST = NUM_VERTICES - 1
_FEWEST_VERTICES = 3
"""Of cells of the second smallest size: this and one."""
_STARTS = tuple(v - 1 + v * (v - 1) // 2 for v in range(1, NUM_VERTICES))  # Position of a vertex's first edge.
_NUM_KEPT = 1 << 14
"""Of the latest networks and encodings."""
_INPUT_LABEL, _OUTPUT_LABEL = -1, -2  # Labels in the benchmark's hash.


@dataclasses.dataclass(frozen=True)
class GraphGenotype:
  """A cell in the form of the benchmark's own `ModelSpec`.

  Attributes:
    matrix: upper triangular adjacency matrix; `matrix[x][y]` is 1 if there is an edge from vertex x to vertex y.
    operations: names of the vertices' operations, "input" first and "output" last.
  """

  matrix: tuple[tuple[int, ...], ...]
  operations: tuple[str, ...]


@dataclasses.dataclass(frozen=True)
class _Graph:
  """The vertices of a cell in topological order.

  Attributes:
    sources: for each vertex the vertices that it reads, as a bit set. The first, the input, reads none.
    operations: the choice of operation of each vertex, except the first and the last.
  """

  sources: tuple[int, ...]
  operations: tuple[int, ...]


def _decisions() -> tuple[Decision, ...]:
  decisions: list[Decision] = []
  for vertex in range(1, NUM_VERTICES):
    decisions += vertex * [Decision("edge", 2)]
    if vertex < _LAST:
      decisions.append(Decision("operation", len(OPERATIONS)))
  return tuple(decisions)


def _names() -> tuple[str, ...]:
  names: list[str] = []
  for vertex in range(1, NUM_VERTICES):
    names += [f"edge {source}->{vertex}" for source in range(vertex)]
    if vertex < _LAST:
      names.append(f"operation {vertex}")
  return tuple(names)


class Nasbench101Space(SearchSpace):
  """Cells of at most seven vertices and nine edges.

  Encodings of the same network differ in pruned vertices and edges, and in the order of the others. Any topological
  order is allowed.
  """

  name = "nasbench101"
  decisions = _decisions()

  @property
  def decision_names(self) -> tuple[str, ...]:
    """Names such as "edge 0->1" and "operation 1"."""
    return _names()

  def check_rules(self, architecture: Sequence[int]) -> None:
    """Checks that a path leads from input to output and that the pruned graph has at most nine edges."""
    num_edges = sum(int(sources).bit_count() for sources in self._network(architecture).sources)
    if num_edges > MAX_EDGES:
      raise ValueError(f"{self.name}: expected at most {MAX_EDGES} edges after pruning, got {num_edges}")

  def canonical(self, architecture: Architecture) -> Architecture:
    """Returns the same encoding for all isomorphic pruned graphs.

    The inner vertices come first, in the order whose encoding is lexicographically smallest. The vertices between them
    and the output have no edges and operation 0.
    """
    return _first_encoding(self._network(architecture))

  def random_equivalent(self, architecture: Architecture, rng: np.random.Generator) -> Architecture:
    """Returns the pruned graph with its vertices in a random topological order and random gaps between them.

    Vertices in the gaps have no edges and operation 0.
    """
    graph = self._network(architecture)
    inner = rng.choice(np.arange(1, _LAST), len(graph.operations), replace=False)
    return _encoding(_renumbered(graph, _random_order(graph, rng)), sorted(inner.tolist()))

  def graph(self, architecture: Architecture) -> LayerGraph:
    """Returns the vertices as layers; see `SearchSpace.graph`. The output concatenates its inputs."""
    genotype, builder = self.decode(self.canonical(architecture)), GraphBuilder()
    for vertex, operation in enumerate(genotype.operations):
      sources = [source for source in range(vertex) if genotype.matrix[source][vertex]]
      builder.add(Layer(operation), sources, CONCAT if operation == OUTPUT else ADD)
    return builder.finish()

  def parameter_count(self, architecture: Architecture) -> int:
    """Returns the number of parameters of the benchmark's network for CIFAR-10."""
    graph = self._network(self.canonical(architecture))
    return nasbench101_parameters(graph.sources, graph.operations)

  def decode(self, architecture: Architecture) -> GraphGenotype:
    """Returns the pruned graph with its operations named."""
    self.validate(architecture)
    graph = self._network(architecture)
    size = len(graph.sources)
    matrix = tuple(tuple(_bit(graph.sources[y], x) for y in range(size)) for x in range(size))
    return GraphGenotype(matrix, (INPUT, *(OPERATIONS[choice] for choice in graph.operations), OUTPUT))

  def encode(self, genotype: GraphGenotype) -> Architecture:
    """Returns an architecture that decodes to the pruned genotype.

    Raises:
      ValueError: if the genotype is not in this space.
    """
    self._check_genotype(genotype.matrix, genotype.operations)
    size = len(genotype.operations)
    sources = tuple(_bit_set(x for x in range(y) if genotype.matrix[x][y]) for y in range(size))
    return self.checked(_encoding(_Graph(sources, tuple(map(OPERATIONS.index, genotype.operations[1:-1])))))

  def module_hash(self, architecture: Architecture) -> str:
    """Returns the benchmark's hash of a cell, 32 hexadecimal digits, which is equal for all encodings of the same network.

    Each vertex starts with the hash of its degrees and its label. As many times as there are vertices, it is replaced
    by the hash of its neighbors' hashes and its own. The hash of the cell is that of the sorted hashes of its vertices.
    """
    graph = self._network(architecture)
    size = len(graph.sources)
    inputs = [[x for x in range(size) if _bit(graph.sources[y], x)] for y in range(size)]
    outputs = [[y for y in range(size) if _bit(graph.sources[y], x)] for x in range(size)]
    labels = (_INPUT_LABEL, *graph.operations, _OUTPUT_LABEL)
    hashes = [_md5(str((len(outputs[v]), len(inputs[v]), labels[v]))) for v in range(size)]
    for _ in range(size):
      hashes = [f"{_joined(hashes, inputs[v])}|{_joined(hashes, outputs[v])}|{hashes[v]}" for v in range(size)]
      hashes = [_md5(text) for text in hashes]
    return _md5(str(sorted(hashes)))

  @functools.cached_property
  def growth(self) -> "Nasbench101Growth":
    """How cells grow: by one vertex at a time."""
    return Nasbench101Growth(self)

  def _network(self, architecture: Sequence[int]) -> _Graph:
    graph = _network_of(tuple(map(int, architecture)))
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
    for x, y in itertools.product(range(size), repeat=2):
      fields.integer(matrix[x][y], f"matrix[{x}][{y}]", 0, 1)
    if any(matrix[x][y] for x in range(size) for y in range(x + 1)):
      raise ValueError(f"{self.name}: expected edges from earlier to later vertices only, got {matrix}")
    inner_known = all(isinstance(name, str) and name in OPERATIONS for name in operations[1:-1])
    if (operations[0], operations[-1]) != (INPUT, OUTPUT) or not inner_known:
      raise ValueError(
        f"{self.name}: expected operations {INPUT}, any of {', '.join(OPERATIONS)}, {OUTPUT}; got {fields.shown(operations)}"
      )


class Nasbench101Growth(Growth):
  """The size of a cell counts its vertices. Cells of at most three are the smallest, so there are five sizes."""

  num_sizes = NUM_VERTICES - _FEWEST_VERTICES + 1

  def __init__(self, space: Nasbench101Space):
    """Orders the cells of the space."""
    self._space = space

  def size_of(self, architecture: Architecture) -> int:
    """Returns 1 for a cell of at most three vertices, 2 for one of four, and so on."""
    return max(1, len(self._space._network(architecture).sources) - _FEWEST_VERTICES + 1)

  def smallest(self) -> Iterator[Architecture]:
    """Yields the cells of two and three vertices."""
    edge = _encoding(_Graph((0, 1), ()))
    yield edge
    yield from self.grown(edge)

  def grown(self, architecture: Architecture) -> Iterator[Architecture]:
    """Yields the cells with a further vertex before the output.

    It has any operation, reads any of the others, and the output reads it, instead of or besides vertices that it reads.
    All cells of one vertex more come from a cell in this way. Where there is one edge too many, any other one goes.
    """
    graph = self._space._network(architecture)
    last = len(graph.sources) - 1
    if last + 1 < NUM_VERTICES:
      for sources in range(1, 1 << last):
        for dropped in _subsets(graph.sources[last] & sources):
          rows = (*graph.sources[:last], sources, graph.sources[last] & ~dropped | 1 << last)
          for fewer, operation in itertools.product(_within_bound(rows), range(len(OPERATIONS))):
            yield _encoding(_Graph(fewer, (*graph.operations, operation)))

  def features(self, architecture: Architecture) -> Features:
    """Returns the shares of operations and of paths by their operations, and what the shape of the graph is."""
    graph = self._space._network(architecture)
    size = len(graph.sources)
    counts = collections.Counter(map(str, graph.operations))
    paths = _paths(graph)
    for path in paths:
      counts[f"path {path}"] += 1
      for step in itertools.pairwise(f"i{path}o"):
        counts["".join(step)] += 1
    counts["edges"] = sum(sources.bit_count() for sources in graph.sources)
    counts["paths"] = len(paths)
    counts["longest"], counts["shortest"] = (chosen(map(len, paths)) for chosen in (max, min))
    counts["convolutions on a path"] = max(path.count("0") for path in paths)
    return {name: count / size for name, count in counts.items()}


def _subsets(vertices: int) -> Iterator[int]:
  """Yields all subsets of a bit set."""
  subset = vertices
  yield subset
  while subset:
    subset = (subset - 1) & vertices
    yield subset


def _within_bound(rows: tuple[int, ...]) -> Iterator[tuple[int, ...]]:
  """Yields the sources of vertices if they are few enough edges; if one too many, without any one that is not needed."""
  num_edges = sum(row.bit_count() for row in rows)
  if num_edges <= MAX_EDGES:
    yield rows
  elif num_edges == MAX_EDGES + 1:
    for y, row in enumerate(rows):
      for x in range(y):
        fewer = (*rows[:y], row & ~(1 << x), *rows[y + 1 :])
        if _bit(row, x) and _is_whole(fewer):
          yield fewer


def _is_whole(rows: Sequence[int]) -> bool:
  """Returns whether every vertex is on a path: each but the input reads one, and each but the output is read."""
  read = 0
  for row in rows:
    read |= row
  return all(rows[1:]) and read == (1 << (len(rows) - 1)) - 1


def _paths(graph: _Graph) -> list[str]:
  """Returns the paths from the input to the output as the numbers of their operations, one character each."""
  paths = [[""]]
  for vertex, sources in enumerate(graph.sources[1:]):
    own = str(graph.operations[vertex]) if vertex < len(graph.operations) else ""
    paths.append([path + own for x, before in enumerate(paths) if _bit(sources, x) for path in before])
  return paths[-1]


def _md5(text: str) -> str:
  return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


def _joined(hashes: list[str], vertices: list[int]) -> str:
  return "".join(sorted(hashes[v] for v in vertices))


def _bit(vertices: int, vertex: int) -> int:
  """Returns 1 if a vertex is in a bit set of vertices, 0 otherwise."""
  return vertices >> vertex & 1


def _bit_set(vertices: Iterable[int]) -> int:
  """Returns distinct vertices as a bit set."""
  bits = 0
  for vertex in vertices:
    bits |= 1 << vertex
  return bits


def _graph(architecture: Sequence[int]) -> _Graph:
  sources, operations = [0], []
  for vertex, start in enumerate(_STARTS, start=1):
    end = start + vertex
    sources.append(_bit_set(x for x, has_edge in enumerate(architecture[start:end]) if has_edge))
    if vertex < _LAST:
      operations.append(int(architecture[end]))
  return _Graph(tuple(sources), tuple(operations))


@functools.lru_cache(_NUM_KEPT)
def _network_of(architecture: Architecture) -> _Graph | None:
  """Returns the pruned graph of choices; None if no path leads from input to output. Searches ask for it repeatedly."""
  return _pruned(_graph(architecture))


@functools.lru_cache(_NUM_KEPT)
def _first_encoding(graph: _Graph) -> Architecture:
  """Returns the encoding of a pruned graph that comes first in lexicographic order."""
  return min(_encoding(_renumbered(graph, order)) for order in _first_orders(graph))


def _pruned(graph: _Graph) -> _Graph | None:
  """Returns the graph of the vertices on paths from input to output; None if there is no path."""
  reached, needed = _bit_set([0]), _bit_set([_LAST])
  for vertex in range(1, NUM_VERTICES):
    if graph.sources[vertex] & reached:
      reached |= 1 << vertex
  for vertex in range(_LAST, 0, -1):
    if _bit(needed, vertex):
      needed |= graph.sources[vertex]
  kept = [vertex for vertex in range(NUM_VERTICES) if _bit(reached & needed, vertex)]
  if len(kept) == NUM_VERTICES:
    return graph
  return _renumbered(graph, kept) if {0, _LAST} <= set(kept) else None


def _renumbered(graph: _Graph, order: Sequence[int]) -> _Graph:
  """Returns the graph of the vertices in `order`, in that order. The input comes first and the output last."""
  sources = tuple(_bit_set(i for i, x in enumerate(order) if _bit(graph.sources[y], x)) for y in order)
  return _Graph(sources, tuple(graph.operations[v - 1] for v in order[1:-1]))


def _encoding(graph: _Graph, inner: Sequence[int] | None = None) -> Architecture:
  """Returns the architecture of a graph.

  Args:
    graph: the graph.
    inner: numbers of its inner vertices, ascending; None: the lowest ones.
  """
  inner = range(1, len(graph.sources) - 1) if inner is None else inner
  numbers = (0, *inner, _LAST)
  architecture = [0] * len(Nasbench101Space.decisions)
  for y, vertex in enumerate(numbers[1:], start=1):
    start = _STARTS[vertex - 1]
    for x in range(y):
      architecture[start + numbers[x]] = _bit(graph.sources[y], x)
    if vertex < _LAST:
      architecture[start + vertex] = graph.operations[y - 1]
  return tuple(architecture)


def _first_orders(graph: _Graph) -> list[tuple[int, ...]]:
  """Returns the orders of a pruned graph whose encodings come first in lexicographic order.

  The search places one vertex after the other. It follows only the vertices whose own encoding, given those that have
  been placed, is the smallest. It branches only at ties.
  """
  orders: list[tuple[int, ...]] = [(0,)]
  for _ in graph.operations:
    longer = [(code, (*order, vertex)) for order in orders for code, vertex in _candidates(graph, order)]
    smallest = min(code for code, _ in longer)
    orders = [order for code, order in longer if code == smallest]
  return [(*order, len(graph.sources) - 1) for order in orders]


def _candidates(graph: _Graph, order: Sequence[int]) -> Iterator[tuple[tuple[int, ...], int]]:
  """Yields (encoding, vertex) for each inner vertex that can be placed after those in `order`."""
  for vertex in _ready(graph, _bit_set(order)):
    yield (*(_bit(graph.sources[vertex], x) for x in order), graph.operations[vertex - 1]), vertex


def _ready(graph: _Graph, placed: int) -> list[int]:
  """Returns the inner vertices that are not placed and read only such as are, a bit set."""
  sources = enumerate(graph.sources[1:-1], start=1)
  return [vertex for vertex, own in sources if not placed >> vertex & 1 and not own & ~placed]


def _random_order(graph: _Graph, rng: np.random.Generator) -> list[int]:
  order, placed = [0], 1
  for _ in graph.operations:
    ready = _ready(graph, placed)
    order.append(ready[rng.integers(len(ready))])
    placed |= 1 << order[-1]
  return [*order, len(graph.sources) - 1]
