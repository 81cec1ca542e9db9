"""The cell space of NAS-Bench-201 (Dong and Yang, ICLR 2020, section 2.1).

A cell is the complete directed acyclic graph of four nodes; each of its six edges is one of five operations.
"""

import dataclasses
import functools
import re
from collections.abc import Iterator
from typing import Any

import numpy as np

from nao_tf.spaces.base import Decision, SearchSpace
from nao_tf.trial import Architecture

NUM_NODES = 4
OPERATIONS = ("none", "skip_connect", "nor_conv_1x1", "nor_conv_3x3", "avg_pool_3x3")
EDGES = tuple((node, source) for node in range(1, NUM_NODES) for source in range(node))

Function = tuple[Any, ...]
_INPUT = ("input", ())


@dataclasses.dataclass(frozen=True)
class EdgeGenotype:
  """A cell by its edges.

  Attributes:
    edges: (node, source, name of the operation) for each edge, ordered by node and source; node 0 is the input, the
      last one the output, and a node is the sum of its edges.
  """

  edges: tuple[tuple[int, int, str], ...]


class Nasbench201Space(SearchSpace):
  """Six edges with an operation each.

  Every row of choices is an architecture of its own, with one encoding: the benchmark trained also those cells
  separately that compute the same function, and their accuracies differ. Were one of them to stand for the others, the
  best entry of the table might be out of reach. So `canonical` and `random_equivalent` are the identity;
  `random_isomorphic` knows which compute the same.

  Each edge is a kind of its own, which gives it token embeddings of its own: what an operation is worth depends on
  where it is.
  """

  name = "nasbench201"
  decisions = tuple(Decision(f"operation {node}<-{source}", len(OPERATIONS)) for node, source in EDGES)

  def decode(self, architecture: Architecture) -> EdgeGenotype:
    self.validate(architecture)
    return EdgeGenotype(tuple((*edge, OPERATIONS[choice]) for edge, choice in zip(EDGES, architecture)))

  def random_isomorphic(self, architecture: Architecture, rng: np.random.Generator) -> Architecture:
    same = self._by_function[self.function_key(architecture)]
    return same[rng.integers(len(same))]

  def function_key(self, architecture: Architecture) -> Function:
    """Returns what a cell computes, equal for cells that compute the same.

    A node is the sum of its terms, each an operation with the terms it is applied to, in order; `skip_connect` passes
    terms on, and `none`, or an operation on nothing, adds no term.
    """
    nodes: list[Function] = [(_INPUT,)]
    for node in range(1, NUM_NODES):
      edges = [(OPERATIONS[choice], s) for (n, s), choice in zip(EDGES, architecture) if n == node]
      nodes.append(tuple(sorted(sum((_terms(operation, nodes[source]) for operation, source in edges), ()))))
    return nodes[-1]

  @functools.cached_property
  def _by_function(self) -> dict[Function, list[Architecture]]:
    classes: dict[Function, list[Architecture]] = {}
    for architecture in self.enumerate():
      classes.setdefault(self.function_key(architecture), []).append(architecture)
    return classes

  def format(self, architecture: Architecture) -> str:
    """Returns the benchmark's string: `|operation~source|...|` for each node, joined by `+`."""
    edges = self.decode(architecture).edges
    nodes = [[f"{name}~{source}" for node, source, name in edges if node == n] for n in range(1, NUM_NODES)]
    return "+".join(f"|{'|'.join(node)}|" for node in nodes)

  def parse(self, text: str) -> Architecture:
    """Returns the architecture of the benchmark's string."""
    architecture = tuple(self._choices(text))
    if len(architecture) != len(EDGES):
      raise ValueError(f"{self.name}: expected {NUM_NODES - 1} nodes separated by +, got {text!r}")
    return architecture

  def _choices(self, text: str) -> Iterator[int]:
    for node, part in enumerate(text.strip().split("+"), start=1):
      words = re.findall(r"([^|~]+)~(\d+)", part)
      if part != f"|{'|'.join(f'{name}~{source}' for name, source in words)}|" or len(words) != node:
        raise ValueError(f"{self.name}: expected |operation~source| with sources 0 to {node - 1}, got {part!r}")
      for source, (name, number) in enumerate(words):
        if name not in OPERATIONS or number != str(source):
          raise ValueError(
            f"{self.name}: node {node}, source {source}: expected one of {', '.join(OPERATIONS)} and ~{source},"
            f" got {name}~{number}"
          )
        yield OPERATIONS.index(name)


def _terms(operation: str, terms: Function) -> Function:
  """Returns the terms that an edge adds to a sum."""
  if operation == "none" or not terms:
    return ()
  return terms if operation == "skip_connect" else ((operation, terms),)
