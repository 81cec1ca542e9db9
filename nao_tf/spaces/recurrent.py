"""The space of recurrent cells of NAO: a fixed first node and eleven searched nodes.

A node reads one earlier node and has one of four activations (Luo et al., NeurIPS 2018, section 4.2; the space of ENAS
and DARTS). An architecture has two decisions per node, (predecessor, activation), so 22 in total. The two releases
number the activations differently; `parse` and `format` support both numberings.
"""

from collections.abc import Iterator, Sequence

import numpy as np

from nao_tf import fields
from nao_tf.spaces.base import Decision, SearchSpace
from nao_tf.spaces.genotype_graphs import graph_of_recurrent_cell
from nao_tf.spaces.genotypes import RecurrentGenotype, RecurrentNode
from nao_tf.spaces.layer_graphs import LayerGraph
from nao_tf.trial import Architecture

NUM_NODES = 11

NUMBERINGS = {
  "nao": ("tanh", "relu", "identity", "sigmoid"),
  "nao_ws": ("tanh", "relu", "sigmoid", "identity"),
}
"""Activations in the order of their numbers in published strings, by the release."""
DEFAULT_NUMBERING = "nao"
ACTIVATIONS = NUMBERINGS[DEFAULT_NUMBERING]


class RecurrentSpace(SearchSpace):
  """Trees of gated nodes, each with an activation.

  Encodings of the same network differ in the numbering of the nodes. Any topological order is allowed.
  """

  def __init__(self, name: str = "rnn12", num_nodes: int = NUM_NODES):
    """Initializes the space.

    Args:
      name: name of the space.
      num_nodes: number of searched nodes.
    """
    self.name = name
    self.decisions = tuple(
      decision
      for node in range(num_nodes)
      for decision in (Decision("predecessor", node + 1), Decision("activation", len(ACTIVATIONS)))
    )

  @property
  def decision_names(self) -> tuple[str, ...]:
    """Names such as "node 01 activation"; nodes have their numbers in the genotype."""
    return tuple(f"node {position // 2 + 1:02d} {decision.kind}" for position, decision in enumerate(self.decisions))

  def canonical(self, architecture: Architecture) -> Architecture:
    """Returns the encoding with nodes numbered level by level, and children in the order of their subtrees."""
    children = _children(architecture)
    shapes = _shapes(architecture, children)
    encoding: list[int] = []
    level = [(0, 0)]  # (old number, new number) of each node.
    while level:
      following: list[tuple[int, int]] = []
      for old, new in level:
        for child in sorted(children[old], key=shapes.__getitem__):
          encoding += [new, architecture[2 * child - 1]]
          following.append((child, len(encoding) // 2))
      level = following
    return tuple(encoding)

  def random_equivalent(self, architecture: Architecture, rng: np.random.Generator) -> Architecture:
    """Swaps two random consecutive nodes that do not read each other."""
    nodes = list(_pairs(architecture))
    free = [i for i in range(1, len(nodes)) if nodes[i][0] != i]
    if not free:
      return architecture
    number = int(rng.choice(free))  # Exchanges nodes `number` and `number + 1`. Node i stands at index i - 1.
    nodes[number - 1], nodes[number] = nodes[number], nodes[number - 1]
    renamed = {number: number + 1, number + 1: number}
    return tuple(n for source, activation in nodes for n in (renamed.get(source, source), activation))

  def random_isomorphic(self, architecture: Architecture, rng: np.random.Generator) -> Architecture:
    """Returns an encoding with the nodes in a random topological order."""
    children = _children(architecture)
    numbers = {0: 0}
    encoding: list[int] = []
    ready = list(children[0])
    while ready:
      node = ready.pop(rng.integers(len(ready)))
      predecessor, activation = architecture[2 * node - 2], architecture[2 * node - 1]
      encoding += [numbers[predecessor], activation]
      numbers[node] = len(numbers)
      ready += children[node]
    return tuple(encoding)

  def graph(self, architecture: Architecture) -> LayerGraph:
    """Returns the nodes as layers; see `SearchSpace.graph`."""
    return graph_of_recurrent_cell(self.decode(self.canonical(architecture)))

  def decode(self, architecture: Architecture) -> RecurrentGenotype:
    """Returns the nodes with their activations named; see `SearchSpace.decode`."""
    self.validate(architecture)
    return RecurrentGenotype(tuple(RecurrentNode(int(i), ACTIVATIONS[a]) for i, a in _pairs(architecture)))

  def encode(self, genotype: RecurrentGenotype) -> Architecture:
    """Returns the architecture that decodes to `genotype`.

    Raises:
      ValueError: if the genotype is not in this space.
    """
    unknown = sorted({node.activation for node in genotype.nodes} - set(ACTIVATIONS))
    if unknown:
      raise ValueError(f"{self.name}: has no activation {', '.join(unknown)}; has {', '.join(ACTIVATIONS)}")
    return self.checked([n for node in genotype.nodes for n in (node.predecessor, ACTIVATIONS.index(node.activation))])

  def format(self, architecture: Architecture, *, numbering: str = DEFAULT_NUMBERING) -> str:
    """Formats an architecture as the published string: `predecessor activation` for each node.

    Args:
      architecture: the architecture.
      numbering: numbering of the activations, a key of `NUMBERINGS`.
    """
    self.validate(architecture)
    codes = _numbering(numbering)
    return " ".join(f"{source} {codes.index(ACTIVATIONS[a])}" for source, a in _pairs(architecture))

  def parse(self, text: str, *, numbering: str | None = None) -> Architecture:
    """Parses an architecture from a published string.

    Args:
      text: the numbers, optionally preceded by the name of a numbering and a colon: "nao_ws: 0 1 1 1 ...".
      numbering: numbering of the activations, a key of `NUMBERINGS`; None: the one named in the text, or "nao".

    Raises:
      ValueError: if `text` is not an architecture of this space.
    """
    named, _, numbers = text.rpartition(":")
    codes = _numbering(numbering or named.strip() or DEFAULT_NUMBERING)
    choices = self._parse_numbers(numbers)
    self.validate(choices)
    return tuple(ACTIVATIONS.index(codes[n]) if i % 2 else n for i, n in enumerate(choices))


def rnn9() -> RecurrentSpace:
  """Returns the space with eight searched nodes: that of DARTS, and of the corrected language model of ENAS."""
  return RecurrentSpace("rnn9", 8)


def rnn10() -> RecurrentSpace:
  """Returns the space with nine searched nodes, which the corrected ENAS searches for language models."""
  return RecurrentSpace("rnn10", 9)


def _numbering(name: str) -> tuple[str, ...]:
  if name not in NUMBERINGS:
    raise ValueError(f"unknown numbering of activations {fields.shown(name)}; expected one of {', '.join(NUMBERINGS)}")
  return NUMBERINGS[name]


def _pairs(architecture: Sequence[int]) -> Iterator[tuple[int, int]]:
  return zip(architecture[::2], architecture[1::2])


def _children(architecture: Sequence[int]) -> list[list[int]]:
  """Returns the numbers of the nodes that read each node, starting with node 0."""
  children: list[list[int]] = [[] for _ in range(len(architecture) // 2 + 1)]
  for node, (source, _) in enumerate(_pairs(architecture), start=1):
    children[source].append(node)
  return children


def _shapes(architecture: Sequence[int], children: list[list[int]]) -> dict[int, tuple]:
  """Returns the shape of each searched node's subtree: (activation, sorted shapes of the children).

  Subtrees that differ only in the numbers of their nodes have equal shapes.
  """
  shapes: dict[int, tuple] = {}
  for node in range(len(children) - 1, 0, -1):
    shapes[node] = (architecture[2 * node - 1], tuple(sorted(shapes[child] for child in children[node])))
  return shapes
