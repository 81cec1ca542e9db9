"""The cell space of NAS-Bench-201 (Dong and Yang, ICLR 2020, section 2.1).

A cell is the complete directed acyclic graph of four nodes. Each of its six edges has one of five operations.
"""

import collections
import functools
import itertools
from collections.abc import Iterator
from typing import Any

import numpy as np

from nao_tf import fields
from nao_tf.spaces.base import Decision, SearchSpace
from nao_tf.spaces.edge_genotypes import EdgeGenotype
from nao_tf.spaces.layer_graphs import INPUT, OUTPUT, GraphBuilder, Layer, LayerGraph
from nao_tf.spaces.nasbench_parameters import nasbench201_parameters
from nao_tf.trial import Architecture

NUM_NODES = 4
OPERATIONS = ("none", "skip_connect", "nor_conv_1x1", "nor_conv_3x3", "avg_pool_3x3")
_KERNELS = (0, 0, 1, 3, 0)
"""Sides of the kernels of the operations; 0: no weights."""
EDGES = tuple((node, source) for node in range(1, NUM_NODES) for source in range(node))

Function = tuple[Any, ...]
_INPUT = (INPUT, ())


class Nasbench201Space(SearchSpace):
  """Six edges with an operation each.

  Each tuple of choices counts as a separate architecture. Some cells compute the same function, but the benchmark
  trained each of them, with different accuracies. If one cell represented all equivalent ones, a search might never
  reach the best entry of the table. So `canonical` and `random_equivalent` return their argument unchanged, and only
  `function_key` and `random_isomorphic` identify equivalent cells.

  The effect of an operation depends on its edge, so each edge is a decision kind of its own, with separate token
  embeddings.
  """

  name = "nasbench201"
  decisions = tuple(Decision(f"operation {node}<-{source}", len(OPERATIONS)) for node, source in EDGES)

  @property
  def decision_names(self) -> tuple[str, ...]:
    """Names such as "operation 1<-0"."""
    return tuple(decision.kind for decision in self.decisions)

  def decode(self, architecture: Architecture) -> EdgeGenotype:
    """Returns the edges with their operations named; see `SearchSpace.decode`."""
    self.validate(architecture)
    return EdgeGenotype(tuple((*edge, OPERATIONS[choice]) for edge, choice in zip(EDGES, architecture)))

  def random_isomorphic(self, architecture: Architecture, rng: np.random.Generator) -> Architecture:
    """Returns a random cell among those that compute the same function."""
    same = self._by_function[self.function_key(architecture)]
    return same[rng.integers(len(same))]

  def function_key(self, architecture: Architecture) -> Function:
    """Returns the terms of the output node. They are equal for cells that compute the same function.

    A node is a sum of terms. A term is an operation together with the terms of the node that it reads. `skip_connect`
    passes on the terms of the node that it reads. `none` adds no term, and neither does an operation that reads a node
    without terms.
    """
    nodes: list[Function] = [(_INPUT,)]
    for node in range(1, NUM_NODES):
      edges = [(OPERATIONS[choice], s) for (n, s), choice in zip(EDGES, architecture) if n == node]
      terms = (_terms(operation, nodes[source]) for operation, source in edges)
      nodes.append(tuple(sorted(itertools.chain.from_iterable(terms))))
    return nodes[-1]

  def graph(self, architecture: Architecture) -> LayerGraph:
    """Returns the operations that take part in the output as layers; see `SearchSpace.graph`.

    Cells that compute the same function have equal graphs. "none" and "skip_connect" are not layers.
    """
    builder = GraphBuilder()
    layers = {(_INPUT, 0): builder.add(Layer(INPUT))}
    builder.add(Layer(OUTPUT), _summands(self.function_key(architecture), builder, layers))
    return builder.finish()

  def parameter_count(self, architecture: Architecture) -> int:
    """Returns the number of parameters of the benchmark's network for CIFAR-10. Each edge of a cell counts."""
    return nasbench201_parameters([_KERNELS[choice] for choice in architecture])

  @functools.cached_property
  def _by_function(self) -> dict[Function, list[Architecture]]:
    classes: dict[Function, list[Architecture]] = {}
    for architecture in self.enumerate():
      classes.setdefault(self.function_key(architecture), []).append(architecture)
    return classes

  def format(self, architecture: Architecture) -> str:
    """Formats an architecture as the benchmark does: `|operation~source|...|` for each node, with `+` between nodes."""
    edges = self.decode(architecture).edges
    nodes = [[f"{name}~{source}" for node, source, name in edges if node == n] for n in range(1, NUM_NODES)]
    return "+".join(f"|{'|'.join(node)}|" for node in nodes)

  def parse(self, text: str) -> Architecture:
    """Parses an architecture from the benchmark's string format."""
    parts = text.strip().split("+")
    architecture = tuple(
      choice for node, part in enumerate(parts[:NUM_NODES], start=1) for choice in self._choices(node, part)
    )
    if len(parts) != NUM_NODES - 1:
      raise ValueError(f"{self.name}: expected {NUM_NODES - 1} nodes separated by +, got {fields.shown(text)}")
    return architecture

  def _choices(self, node: int, part: str) -> Iterator[int]:
    """Yields the choices of the edges to a node."""
    first, *edges, last = part.split("|", node + 1) if part.count("|") == node + 1 else ("?", "")
    if first or last or any("~" not in edge for edge in edges):
      raise ValueError(
        f"{self.name}: expected |operation~source| with sources 0 to {node - 1}, got {fields.shown(part)}"
      )
    for source, edge in enumerate(edges):
      name, _, number = edge.partition("~")
      if name not in OPERATIONS or number != str(source):
        raise ValueError(
          f"{self.name}: node {node}, source {source}: expected one of {', '.join(OPERATIONS)} and ~{source},"
          f" got {edge[:80]}"
        )
      yield OPERATIONS.index(name)


def _terms(operation: str, terms: Function) -> Function:
  """Returns the terms that an edge adds to a sum."""
  if operation == "none" or not terms:
    return ()
  return terms if operation == "skip_connect" else ((operation, terms),)


def _summands(terms: Function, builder: GraphBuilder, layers: dict[tuple[Function, int], int]) -> list[int]:
  """Returns the layers that a sum of terms reads. Those that are not in the graph yet are added to it.

  Args:
    terms: terms of the sum.
    builder: builder of the graph.
    layers: known layers by their terms. The same term a second time in one sum is a second layer.
  """
  summands, counts = [], collections.Counter[Function]()
  for term in terms:
    key = (term, 0 if term == _INPUT else counts[term])
    counts[term] += 1
    if key not in layers:
      operation, read = term
      sources = _summands(read, builder, layers)
      layers[key] = builder.add(Layer(operation), sources)
    summands.append(layers[key])
  return summands
