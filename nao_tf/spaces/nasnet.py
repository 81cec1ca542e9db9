"""NASNet-style cell spaces, including those of NAO: a normal and a reduction cell, by default of five nodes each.

A node adds two branches. A branch is an operation on one of the earlier states (Luo et al., NeurIPS 2018, section 3.1
and appendix). An architecture has four decisions per node, (input, operation, input, operation), normal cell first, so
40 in total. This is the published form of NAO-WS and of the PyTorch release; `parse` and `format` use their two
numberings of operations. `parse` also reads the sixty-token form of the first release, in which an operation has two
tokens, a type and a size.
"""

import dataclasses
import itertools
from collections.abc import Sequence

import numpy as np

from nao_tf import fields
from nao_tf.spaces.base import Decision, SearchSpace
from nao_tf.spaces.cell_encodings import EncodedBranch, first_encoding, nodes_of, random_encoding
from nao_tf.spaces.genotype_graphs import graph_of_cells
from nao_tf.spaces.genotypes import NUM_CELL_INPUTS, Branch, Cell, CellGenotype, Node
from nao_tf.spaces.layer_graphs import LayerGraph
from nao_tf.spaces.operation_names import ZERO
from nao_tf.trial import Architecture

NUM_NODES = 5


@dataclasses.dataclass(frozen=True)
class NamedOperation:
  """An operation of a space, with its names in networks and in published strings.

  Attributes:
    name: key of `nao_tf.networks.operations`.
    code: its number in published strings.
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

NASNET = (
  "identity",
  "conv1x3_3x1",
  "conv1x7_7x1",
  "dil_conv3x3",
  "avg3x3",
  "max3x3",
  "max5x5",
  "max7x7",
  "conv1x1",
  "conv3x3",
  "sep3x3",
  "sep5x5",
  "sep7x7",
)
"""The operations of NASNet (Zoph et al., CVPR 2018)."""

AMOEBANET = ("identity", "sep3x3", "sep5x5", "sep7x7", "avg3x3", "max3x3", "dil_sep3x3", "conv1x7_7x1")
"""The operations of the search for AmoebaNet-A (Real et al., AAAI 2019)."""

AMOEBANET_LARGE = (
  "identity",
  "sep3x3",
  "sep5x5",
  "sep7x7",
  "dil_sep3x3",
  "dil_sep5x5",
  "dil_sep7x7",
  "conv1x1",
  "conv3x3",
  "conv1x3_3x1",
  "conv1x7_7x1",
  "max2x2",
  "max3x3",
  "max5x5",
  "max7x7",
  "avg2x2",
  "avg3x3",
  "min2x2",
  "min3x3",
)
"""Nineteen operations, as many as the search for AmoebaNet-B had. Those of the published cells are among them; the others
were chosen here."""


DARTS = tuple(
  NamedOperation(name, code)
  for code, name in enumerate(("max3x3", "avg3x3", "identity", "sep3x3", "sep5x5", "dil_sep3x3", "dil_sep5x5"), start=1)
)
"""Their codes are those of DARTS, whose 0 is the absent operation."""

SNAS = (NamedOperation(ZERO, 0), *DARTS)
"""Those of DARTS, and the absent operation among them (Xie et al., ICLR 2019)."""


class NasnetSpace(SearchSpace):
  """Pairs of a normal and a reduction cell over a set of operations.

  Encodings of the same network differ in the order of the two branches of a node and in the order of the nodes. Any
  topological order of the nodes is allowed.
  """

  decisions_per_step = 2

  def __init__(
    self,
    name: str,
    operations: Sequence[NamedOperation],
    num_nodes: int = NUM_NODES,
    *,
    concatenates_nodes: bool = False,
  ):
    """Initializes the space.

    Args:
      name: name of the space.
      operations: the operations, in the order of their choices.
      num_nodes: number of nodes of each cell, without its inputs.
      concatenates_nodes: whether the output of a cell concatenates all nodes, as in DARTS; otherwise only the loose
        ends.
    """
    self.name, self.concatenates_nodes = name, concatenates_nodes
    self.num_nodes = fields.integer(num_nodes, "num_nodes", 1)
    self.operations = tuple(operations)
    self.decisions = 2 * tuple(
      decision
      for node in range(num_nodes)
      for decision in 2 * (Decision("input", node + NUM_CELL_INPUTS), Decision("operation", len(operations)))
    )
    self._choice_of_code = {operation.code: choice for choice, operation in enumerate(self.operations)}
    self._choice_of_name = {operation.name: choice for choice, operation in enumerate(self.operations)}
    self._choice_of_tokens = {op.tokens: choice for choice, op in enumerate(self.operations) if op.tokens}

  @property
  def decision_names(self) -> tuple[str, ...]:
    """Names such as "normal node 2, input 1"; nodes have their numbers in the genotype."""
    nodes = range(NUM_CELL_INPUTS, self.num_nodes + NUM_CELL_INPUTS)
    parts = itertools.product(("normal", "reduction"), nodes, (1, 2), ("input", "operation"))
    return tuple(f"{cell} node {node}, {kind} {branch}" for cell, node, branch, kind in parts)

  def canonical(self, architecture: Architecture) -> Architecture:
    """Returns the lexicographically smallest encoding of each cell. Absent branches read input 0."""
    normal, reduction = map(self._absent_reading_first, _cells(architecture))
    return first_encoding(nodes_of(normal)) + first_encoding(nodes_of(reduction))

  def random_equivalent(self, architecture: Architecture, rng: np.random.Generator) -> Architecture:
    """Swaps the branches of one random node in each cell, as in the paper's augmentation."""
    swapped = list(architecture)
    for start, node in zip((0, 4 * self.num_nodes), rng.integers(self.num_nodes, size=2)):
      left = start + 4 * int(node)
      swapped[left : left + 4] = swapped[left + 2 : left + 4] + swapped[left : left + 2]
    return tuple(swapped)

  def random_isomorphic(self, architecture: Architecture, rng: np.random.Generator) -> Architecture:
    """Returns an encoding with the nodes of each cell in random order and the branches of each node swapped at random."""
    normal, reduction = _cells(architecture)
    return random_encoding(nodes_of(normal), rng) + random_encoding(nodes_of(reduction), rng)

  def graph(self, architecture: Architecture) -> LayerGraph:
    """Returns both cells as one graph of two parts; see `SearchSpace.graph`."""
    return graph_of_cells(self.decode(self.canonical(architecture)))

  def decode(self, architecture: Architecture) -> CellGenotype:
    """Returns the two cells with their operations named; see `SearchSpace.decode`."""
    self.validate(architecture)
    normal, reduction = _cells(architecture)
    return CellGenotype(self._decode_cell(normal), self._decode_cell(reduction))

  def encode(self, genotype: CellGenotype) -> Architecture:
    """Returns the architecture that decodes to `genotype`.

    Raises:
      ValueError: if the genotype is not in this space.
    """
    cells = {"normal": genotype.normal, "reduction": genotype.reduction}
    stated = [name for name, cell in cells.items() if sorted(cell.concatenated) != list(self._outputs(cell))]
    if stated:
      what = "all nodes" if self.concatenates_nodes else "their loose ends"
      raise ValueError(f"{self.name}: cells concatenate {what}; the {stated[0]} cell has other outputs")
    branches = [branch for cell in cells.values() for node in cell.nodes for branch in node]
    unknown = {b.operation: None for b in branches if b.operation not in self._choice_of_name}
    if unknown:
      raise ValueError(
        f"{self.name}: has no operation {', '.join(sorted(unknown))}; has {', '.join(self._choice_of_name)}"
      )
    return self.checked([n for b in branches for n in (b.source, self._choice_of_name[b.operation])])

  def format(self, architecture: Architecture) -> str:
    """Formats an architecture as the published string: `input operation` for each branch, with a bar between the cells."""
    self.validate(architecture)
    published = tuple(self.operations[n].code if i % 2 else n for i, n in enumerate(architecture))
    return " | ".join(" ".join(map(str, cell)) for cell in _cells(published))

  def parse(self, text: str) -> Architecture:
    """Parses an architecture from a published string: forty numbers, or the sixty tokens of the first release.

    Raises:
      ValueError: if `text` is not an architecture of this space.
    """
    numbers = self._parse_numbers(text)
    num_tokens = 2 * self.num_nodes * 2 * 3  # Two cells of nodes with two branches of three tokens.
    if len(numbers) == num_tokens and self._choice_of_tokens:
      return self._from_tokens(numbers)
    if len(numbers) != len(self.decisions):
      raise ValueError(f"{self.name}: expected {len(self.decisions)} numbers, got {len(numbers)}: {fields.shown(text)}")
    return self.checked([self._choice(n, i) if i % 2 else n for i, n in enumerate(numbers)])

  def _choice(self, code: int, position: int) -> int:
    if code not in self._choice_of_code:
      raise ValueError(
        f"{self.name}: position {position} (operation) must be one of {sorted(self._choice_of_code)}, got {code}"
      )
    return self._choice_of_code[code]

  def _from_tokens(self, tokens: Sequence[int]) -> Architecture:
    choices: list[int] = []
    for start in range(0, len(tokens), 3):
      source, kind, size = tokens[start : start + 3]
      if (kind, size) not in self._choice_of_tokens:
        raise ValueError(
          f"{self.name}: tokens {[kind, size]} at position {start + 1} are not an operation of this space"
        )
      choices += [source - 1, self._choice_of_tokens[kind, size]]
    return self.checked(choices)

  def _absent_reading_first(self, cell: Architecture) -> Architecture:
    """Returns a cell in which branches that are absent, and so read nothing, have the first state as their source."""
    absent = self._choice_of_name.get(ZERO)
    return tuple(0 if i % 2 == 0 and cell[i + 1] == absent else choice for i, choice in enumerate(cell))

  def _decode_cell(self, cell: Architecture) -> Cell:
    nodes = tuple(Node(self._decode_branch(left), self._decode_branch(right)) for left, right in nodes_of(cell))
    return Cell(nodes, self._nodes if self.concatenates_nodes else None)

  @property
  def _nodes(self) -> tuple[int, ...]:
    """States that are nodes."""
    return tuple(range(NUM_CELL_INPUTS, NUM_CELL_INPUTS + self.num_nodes))

  def _outputs(self, cell: Cell) -> tuple[int, ...]:
    """Returns what the cells of this space concatenate."""
    return self._nodes if self.concatenates_nodes else cell.loose_ends

  def _decode_branch(self, branch: EncodedBranch) -> Branch:
    source, operation = branch
    return Branch(self.operations[operation].name, int(source))


def nasnet5() -> NasnetSpace:
  """Returns the space with five operations: separable convolutions, pooling and identity, as in NAO-WS."""
  return NasnetSpace("nasnet5", SMALL)


def nasnet11() -> NasnetSpace:
  """Returns the space with the eleven operations of the paper."""
  return NasnetSpace("nasnet11", PAPER)


def nasnet13() -> NasnetSpace:
  """Returns the space with the thirteen operations of NASNet."""
  return _numbered("nasnet13", NASNET)


def amoebanet8() -> NasnetSpace:
  """Returns the space with the eight operations of AmoebaNet-A."""
  return _numbered("amoebanet8", AMOEBANET)


def amoebanet19() -> NasnetSpace:
  """Returns a space with nineteen operations, like that of AmoebaNet-B."""
  return _numbered("amoebanet19", AMOEBANET_LARGE)


def _numbered(name: str, operations: Sequence[str]) -> NasnetSpace:
  """Returns a space whose strings have the choices themselves as codes."""
  return NasnetSpace(name, [NamedOperation(operation, code) for code, operation in enumerate(operations)])


def darts() -> NasnetSpace:
  """Returns the space of DARTS: cells of four nodes over seven operations, whose output concatenates all nodes.

  A node may read the same state twice, which never happens in cells derived by DARTS. Source: Liu et al., ICLR 2019,
  section 3.1.
  """
  return NasnetSpace("darts", DARTS, 4, concatenates_nodes=True)


def snas() -> NasnetSpace:
  """Returns the space of SNAS: that of DARTS with optional branches. Source: Xie et al., ICLR 2019."""
  return NasnetSpace("snas", SNAS, 4, concatenates_nodes=True)


def _cells(numbers: Architecture) -> tuple[Architecture, Architecture]:
  length = len(numbers) // 2
  return numbers[:length], numbers[length:]
