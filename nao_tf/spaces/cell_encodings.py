"""Encodings of a single cell: integers (input, operation, input, operation) for each node.

Encodings of the same network differ in the order of the two branches of a node and in the order of the nodes. Any
topological order of the nodes is allowed.
"""

import itertools
from collections.abc import Iterator, Sequence

import numpy as np

from nao_tf.spaces.genotypes import NUM_CELL_INPUTS
from nao_tf.trial import Architecture

BRANCHES, NODE_LENGTH = 2, 4
"""Branches of a node, and numbers."""

EncodedBranch = tuple[int, int]
"""Input and operation."""
EncodedNode = tuple[EncodedBranch, EncodedBranch]


def nodes_of(cell: Sequence[int]) -> list[EncodedNode]:
  """Returns the nodes of an encoded cell."""
  return [((cell[i], cell[i + 1]), (cell[i + 2], cell[i + 3])) for i in range(0, len(cell), NODE_LENGTH)]


def first_encoding(nodes: Sequence[EncodedNode]) -> Architecture:
  """Returns the lexicographically smallest encoding of a cell.

  The search places one node after another. It only follows nodes whose own encoding is the smallest among those that
  can be placed, so it branches only at ties, which are rare.
  """
  partial: set[tuple[Architecture, tuple[int, ...]]] = {((), (0, 1))}  # (encoding so far, old indices in new order).
  for _ in nodes:
    longer = {(code + node, (*order, old)) for code, order in partial for node, old in _candidates(nodes, order)}
    smallest = min(code for code, _ in longer)
    partial = {(code, order) for code, order in longer if code == smallest}
  return min(code for code, _ in partial)


def random_encoding(nodes: Sequence[EncodedNode], rng: np.random.Generator) -> Architecture:
  """Returns a cell with its nodes in a random topological order, and the branches of each node swapped at random."""
  encoding: Architecture = ()
  order: tuple[int, ...] = (0, 1)
  for _ in nodes:
    candidates = list(_candidates(nodes, order))
    node, old = candidates[rng.integers(len(candidates))]
    is_swapped = rng.integers(2)
    encoding += node[2:] + node[:2] if is_swapped else node
    order += (old,)
  return encoding


def _candidates(nodes: Sequence[EncodedNode], order: tuple[int, ...]) -> Iterator[tuple[Architecture, int]]:
  """Yields (encoding, old index) for each node that can be placed after those in `order`."""
  renumbered = {old: new for new, old in enumerate(order)}
  for old, node in enumerate(nodes, start=NUM_CELL_INPUTS):
    if old not in renumbered and all(source in renumbered for source, _ in node):
      yield tuple(itertools.chain(*sorted((renumbered[source], op) for source, op in node))), old
