"""The space of recurrent cells of NAO: a fixed first node and eleven searched ones.

A node reads one earlier node and has one of four activations (Luo et al., NeurIPS 2018, section 4.2; the space of ENAS
and DARTS). An architecture is written as (predecessor, activation) per node: twenty-two decisions. The two releases
number the activations differently; `parse` and `format` know both numberings.
"""

from collections.abc import Iterator, Sequence

import numpy as np

from nao_tf.spaces.base import Decision, SearchSpace
from nao_tf.spaces.genotypes import RecurrentGenotype, RecurrentNode
from nao_tf.trial import Architecture

NUM_NODES = 11

# What the numbers in a published string mean.
NUMBERINGS = {
  "nao": ("tanh", "relu", "identity", "sigmoid"),
  "nao_ws": ("tanh", "relu", "sigmoid", "identity"),
}
DEFAULT_NUMBERING = "nao"
ACTIVATIONS = NUMBERINGS[DEFAULT_NUMBERING]


class RecurrentSpace(SearchSpace):
  """Trees of gated nodes, each node with an activation.

  Encodings of one network: nodes may be renumbered in any order in which predecessors come before their readers.
  """

  def __init__(self, name: str = "rnn12", num_nodes: int = NUM_NODES):
    """Args:
    name: key in the registry.
    num_nodes: how many nodes are searched.
    """
    self.name = name
    self.decisions = tuple(
      decision
      for node in range(num_nodes)
      for decision in (Decision("predecessor", node + 1), Decision("activation", len(ACTIVATIONS)))
    )

  def canonical(self, architecture: Architecture) -> Architecture:
    """Returns the encoding in which nodes are numbered level by level, children in the order of their subtrees."""
    children = _children(architecture)
    shapes = _shapes(architecture, children)
    encoding: list[int] = []
    level = [(0, 0)]  # (old number, new number)
    while level:
      following = []
      for old, new in level:
        for child in sorted(children[old], key=shapes.__getitem__):
          encoding += [new, architecture[2 * child - 1]]
          following.append((child, len(encoding) // 2))
      level = following
    return tuple(encoding)

  def random_equivalent(self, architecture: Architecture, rng: np.random.Generator) -> Architecture:
    """Exchanges the numbers of two neighboring nodes, chosen at random among those that do not read each other."""
    nodes = list(_pairs(architecture))
    free = [i for i in range(1, len(nodes)) if nodes[i][0] != i]
    if not free:
      return architecture
    second = int(rng.choice(free))  # nodes number `second` and `second + 1`
    nodes[second - 1], nodes[second] = nodes[second], nodes[second - 1]
    renamed = {second: second + 1, second + 1: second}
    return tuple(n for source, activation in nodes for n in (renamed.get(source, source), activation))

  def random_isomorphic(self, architecture: Architecture, rng: np.random.Generator) -> Architecture:
    """Renumbers all nodes at random, each after its predecessor."""
    children, numbers, encoding = _children(architecture), {0: 0}, ()
    ready = list(children[0])
    while ready:
      node = ready.pop(rng.integers(len(ready)))
      encoding += (numbers[architecture[2 * node - 2]], architecture[2 * node - 1])
      numbers[node] = len(numbers)
      ready += children[node]
    return encoding

  def decode(self, architecture: Architecture) -> RecurrentGenotype:
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
    architecture = tuple(n for node in genotype.nodes for n in (node.predecessor, ACTIVATIONS.index(node.activation)))
    self.validate(architecture)
    return architecture

  def format(self, architecture: Architecture, *, numbering: str = DEFAULT_NUMBERING) -> str:
    """Returns the published string, `predecessor activation` for each node.

    Args:
      architecture: the choices.
      numbering: of the activations, a key of `NUMBERINGS`.
    """
    self.validate(architecture)
    codes = _numbering(numbering)
    return " ".join(f"{source} {codes.index(ACTIVATIONS[a])}" for source, a in _pairs(architecture))

  def parse(self, text: str, *, numbering: str | None = None) -> Architecture:
    """Returns the architecture of a published string.

    Args:
      text: the numbers; the name of a numbering and a colon may stand before them, as in "nao_ws: 0 1 1 1 ...".
      numbering: of the activations, a key of `NUMBERINGS`; None: the one that the text names, or "nao".

    Raises:
      ValueError: if `text` is not an architecture of this space.
    """
    named, _, numbers = text.rpartition(":")
    codes = _numbering(numbering or named.strip() or DEFAULT_NUMBERING)
    choices = self._numbers(numbers)
    self.validate(choices)
    return tuple(ACTIVATIONS.index(codes[n]) if i % 2 else n for i, n in enumerate(choices))


def _numbering(name: str) -> tuple[str, ...]:
  if name not in NUMBERINGS:
    raise ValueError(f"unknown numbering of activations {name!r}; expected one of {', '.join(NUMBERINGS)}")
  return NUMBERINGS[name]


def _pairs(architecture: Sequence[int]) -> Iterator[tuple[int, int]]:
  return zip(architecture[::2], architecture[1::2])


def _children(architecture: Sequence[int]) -> list[list[int]]:
  """Returns the numbers of each node's readers, those of node 0 first."""
  children: list[list[int]] = [[] for _ in range(len(architecture) // 2 + 1)]
  for node, (source, _) in enumerate(_pairs(architecture), start=1):
    children[source].append(node)
  return children


def _shapes(architecture: Sequence[int], children: list[list[int]]) -> dict[int, tuple]:
  """Returns what each searched node's subtree looks like, whatever its nodes' numbers: (activation, sorted shapes)."""
  shapes: dict[int, tuple] = {}
  for node in range(len(children) - 1, 0, -1):
    shapes[node] = (architecture[2 * node - 1], tuple(sorted(shapes[child] for child in children[node])))
  return shapes
