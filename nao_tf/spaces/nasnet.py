"""The NASNet-style cell spaces of NAO: a normal and a reduction cell of five nodes each.

A node adds two branches; a branch is an operation on one of the earlier states (Luo et al., NeurIPS 2018, section 3.1
and appendix). An architecture is written as (input, operation, input, operation) per node, normal cell first: forty
decisions. This is the published form of NAO-WS and of the PyTorch release, whose two numberings of operations
are kept for `parse` and `format`. The sixty-token form of the first release, which spells an operation as a type and a
size, is read as well.
"""

import dataclasses
import itertools
from collections.abc import Sequence

import numpy as np

from nao_tf.spaces.base import Decision, SearchSpace
from nao_tf.spaces.genotypes import NUM_CELL_INPUTS, Branch, Cell, CellGenotype, Node
from nao_tf.trial import Architecture

NUM_NODES = 5
_CELL_LENGTH = 4 * NUM_NODES


@dataclasses.dataclass(frozen=True)
class NamedOperation:
  """An operation of a space, as networks and as the published strings call it.

  Attributes:
    name: key of `nao_tf.networks.operations`.
    code: its number in the published strings.
    tokens: its (type, size) tokens in the sixty-token form; None if it has none.
  """

  name: str
  code: int
  tokens: tuple[int, int] | None = None


SMALL = tuple(
  NamedOperation(name, code) for code, name in enumerate(("sep3x3", "sep5x5", "avg3x3", "max3x3", "identity"))
)

PAPER = (
  NamedOperation("identity", 5, (7, 14)),
  NamedOperation("conv1x1", 6, (9, 14)),
  NamedOperation("conv3x3", 7, (9, 16)),
  NamedOperation("conv1x3_3x1", 8, (9, 19)),
  NamedOperation("conv1x7_7x1", 9, (9, 20)),
  NamedOperation("max2x2", 10, (12, 15)),
  NamedOperation("max3x3", 11, (12, 16)),
  NamedOperation("max5x5", 12, (12, 17)),
  NamedOperation("avg2x2", 13, (11, 15)),
  NamedOperation("avg3x3", 14, (11, 16)),
  NamedOperation("avg5x5", 15, (11, 17)),
)


class NasnetSpace(SearchSpace):
  """Two cells of five nodes over a set of operations.

  Encodings of one network: a node's two branches may be swapped, and nodes may be renumbered in any order in which
  inputs come before their readers.
  """

  decisions_per_step = 2

  def __init__(self, name: str, operations: Sequence[NamedOperation]):
    """Args:
    name: key in the registry.
    operations: the operations, in the order of their choices.
    """
    self.name = name
    self.operations = tuple(operations)
    self.decisions = 2 * tuple(
      decision
      for node in range(NUM_NODES)
      for decision in 2 * (Decision("input", node + NUM_CELL_INPUTS), Decision("operation", len(operations)))
    )
    self._choice_of_code = {operation.code: choice for choice, operation in enumerate(self.operations)}
    self._choice_of_name = {operation.name: choice for choice, operation in enumerate(self.operations)}
    self._choice_of_tokens = {op.tokens: choice for choice, op in enumerate(self.operations) if op.tokens}

  def canonical(self, architecture: Architecture) -> Architecture:
    """Returns the encoding that comes first in dictionary order, each cell by itself."""
    return sum((_first_encoding(_nodes(cell)) for cell in _cells(architecture)), ())

  def random_equivalent(self, architecture: Architecture, rng: np.random.Generator) -> Architecture:
    """Swaps the two branches of one random node in each cell, the paper's symmetry augmentation."""
    swapped = list(architecture)
    for start, node in zip((0, _CELL_LENGTH), rng.integers(NUM_NODES, size=2)):
      left = start + 4 * int(node)
      swapped[left : left + 4] = swapped[left + 2 : left + 4] + swapped[left : left + 2]
    return tuple(swapped)

  def random_isomorphic(self, architecture: Architecture, rng: np.random.Generator) -> Architecture:
    """Renumbers the nodes of each cell at random and swaps the branches of about half of them."""
    return sum((_random_encoding(_nodes(cell), rng) for cell in _cells(architecture)), ())

  def decode(self, architecture: Architecture) -> CellGenotype:
    self.validate(architecture)
    return CellGenotype(*(self._decode_cell(cell) for cell in _cells(architecture)))

  def encode(self, genotype: CellGenotype) -> Architecture:
    """Returns the architecture that decodes to `genotype`.

    Raises:
      ValueError: if the genotype is not in this space.
    """
    branches = [branch for cell in (genotype.normal, genotype.reduction) for node in cell.nodes for branch in node]
    unknown = sorted({branch.operation for branch in branches} - set(self._choice_of_name))
    if unknown:
      raise ValueError(f"{self.name}: has no operation {', '.join(unknown)}; has {', '.join(self._choice_of_name)}")
    architecture = tuple(n for branch in branches for n in (branch.source, self._choice_of_name[branch.operation]))
    self.validate(architecture)
    return architecture

  def format(self, architecture: Architecture) -> str:
    """Returns the published string: `input operation` for each branch, the two cells separated by a bar."""
    self.validate(architecture)
    published = [self.operations[n].code if i % 2 else n for i, n in enumerate(architecture)]
    return " | ".join(" ".join(map(str, cell)) for cell in _cells(published))

  def parse(self, text: str) -> Architecture:
    """Returns the architecture of a published string: forty numbers, or the sixty tokens of the first release."""
    numbers = self._numbers(text)
    if len(numbers) == 3 * len(self.decisions) // 2 and self._choice_of_tokens:
      return self._from_tokens(numbers)
    if len(numbers) != len(self.decisions):
      raise ValueError(f"{self.name}: expected {len(self.decisions)} numbers, got {len(numbers)}: {text!r}")
    architecture = tuple(self._choice(n, i) if i % 2 else n for i, n in enumerate(numbers))
    self.validate(architecture)
    return architecture

  def _choice(self, code: int, position: int) -> int:
    if code not in self._choice_of_code:
      raise ValueError(
        f"{self.name}: position {position} (operation) must be one of {sorted(self._choice_of_code)}, got {code}"
      )
    return self._choice_of_code[code]

  def _from_tokens(self, tokens: Sequence[int]) -> Architecture:
    choices = []
    for start in range(0, len(tokens), 3):
      source, *operation = tokens[start : start + 3]
      if tuple(operation) not in self._choice_of_tokens:
        raise ValueError(f"{self.name}: tokens {operation} at position {start + 1} are no operation of this space")
      choices += [source - 1, self._choice_of_tokens[tuple(operation)]]
    self.validate(choices)
    return tuple(choices)

  def _decode_cell(self, cell: Sequence[int]) -> Cell:
    return Cell(tuple(Node(*(Branch(self.operations[op].name, int(i)) for i, op in node)) for node in _nodes(cell)))


def _cells(numbers: Sequence) -> tuple[Sequence, Sequence]:
  return numbers[:_CELL_LENGTH], numbers[_CELL_LENGTH:]


def _nodes(cell: Sequence[int]) -> list[tuple[tuple[int, int], tuple[int, int]]]:
  return [((cell[i], cell[i + 1]), (cell[i + 2], cell[i + 3])) for i in range(0, len(cell), 4)]


def _first_encoding(nodes: list) -> Architecture:
  """Returns the first of all encodings of a cell in dictionary order, by a search over renumberings.

  The encoding is built node by node. Only the nodes whose own encoding is the smallest of those that can come next are
  followed, so a branch in the search is a tie, and ties are rare.
  """
  partial = {((), (0, 1))}  # (encoding so far, old indices in their new order)
  for _ in nodes:
    extensions = {(text + node, (*order, old)) for text, order in partial for node, old in _candidates(nodes, order)}
    smallest = min(text for text, _ in extensions)
    partial = {(text, order) for text, order in extensions if text == smallest}
  return min(text for text, _ in partial)


def _random_encoding(nodes: list, rng: np.random.Generator) -> Architecture:
  """Returns a cell with its nodes in a random order that puts inputs before their readers, branches swapped or not."""
  encoding, order = (), (0, 1)
  for _ in nodes:
    candidates = list(_candidates(nodes, order))
    node, old = candidates[rng.integers(len(candidates))]
    encoding += node[2:] + node[:2] if rng.integers(2) else node
    order += (old,)
  return encoding


def _candidates(nodes: list, order: tuple[int, ...]):
  """Yields (encoding, old index) of each node that can come next once the nodes in `order` have been placed."""
  renumbered = {old: new for new, old in enumerate(order)}
  for old, node in enumerate(nodes, start=NUM_CELL_INPUTS):
    if old not in renumbered and all(source in renumbered for source, _ in node):
      yield tuple(itertools.chain(*sorted((renumbered[source], op) for source, op in node))), old
