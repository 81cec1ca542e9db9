"""The cell space of progressive search (Liu et al., "Progressive Neural Architecture Search", ECCV 2018, section 3.1).

There is a single cell type: reduction cells are the same cell with stride 2. A cell has one to five blocks. A block
adds two branches, each one of eight operations on an input of the cell or on an earlier block. The output of the cell
concatenates all blocks, as in the published PNASNet-5.

The first decision is the number of blocks. The others are those of five blocks, (input, operation, input, operation);
those of absent blocks have no effect.
"""

import collections
import functools
import itertools
from collections.abc import Hashable, Iterator, Sequence

import numpy as np

from nao_tf import fields
from nao_tf.spaces.base import Decision, SearchSpace
from nao_tf.spaces.cell_encodings import BRANCHES, NODE_LENGTH, EncodedNode, first_encoding, nodes_of, random_encoding
from nao_tf.spaces.genotype_graphs import graph_of_cell
from nao_tf.spaces.genotypes import NUM_CELL_INPUTS, Branch, Cell, CellGenotype, Node
from nao_tf.spaces.growth import Features, Growth
from nao_tf.spaces.layer_graphs import LayerGraph
from nao_tf.trial import Architecture

MAX_BLOCKS = 5
OPERATIONS = ("sep3x3", "sep5x5", "sep7x7", "conv1x7_7x1", "identity", "avg3x3", "max3x3", "dil_conv3x3")
"""The operations of the paper, by their keys in `nao_tf.networks.operations`."""
_ABSENT = (0,) * NODE_LENGTH
"""What the canonical encoding has in place of a block that is left out."""


class PnasSpace(SearchSpace):
  """Cells of one to five blocks.

  Encodings of the same network differ in the order of the two branches of a block, in the order of the blocks, and in
  the choices for absent blocks.
  """

  def __init__(self, name: str = "pnas", operations: Sequence[str] = OPERATIONS, max_blocks: int = MAX_BLOCKS):
    """Initializes the decisions.

    Args:
      name: key in the registry.
      operations: keys of `nao_tf.networks.operations`, in the order of their choices.
      max_blocks: blocks of the largest cells.
    """
    self.name = name
    self.operations = tuple(operations)
    self.max_blocks = fields.integer(max_blocks, "max_blocks", 1)
    self.decisions = (
      Decision("blocks", self.max_blocks, ordered=True),
      *(
        decision
        for block in range(self.max_blocks)
        for decision in BRANCHES
        * (Decision("input", block + NUM_CELL_INPUTS), Decision("operation", len(self.operations)))
      ),
    )

  def blocks(self, architecture: Architecture) -> list[EncodedNode]:
    """Returns the blocks of a valid architecture, without absent ones."""
    return nodes_of(architecture[1 : 1 + NODE_LENGTH * (architecture[0] + 1)])

  def canonical(self, architecture: Architecture) -> Architecture:
    """Returns the lexicographically smallest encoding, with all choices of absent blocks set to 0."""
    return self._filled_up(first_encoding(self.blocks(architecture)))

  def random_equivalent(self, architecture: Architecture, rng: np.random.Generator) -> Architecture:
    """Returns the cell with its blocks in random order and the branches of each block swapped at random."""
    return self._filled_up(random_encoding(self.blocks(architecture), rng))

  def sample(self, rng: np.random.Generator) -> Architecture:
    """Samples an architecture, uniformly over the number of blocks and over the choices in them."""
    row = rng.integers([decision.size for decision in self.decisions]).tolist()
    return self._filled_up(tuple(row[1 : 1 + NODE_LENGTH * (row[0] + 1)]))

  def mutate(self, architecture: Architecture, rng: np.random.Generator) -> Architecture:
    """Returns the architecture with one random decision changed, not one of an absent block."""
    position = int(rng.integers(1 + NODE_LENGTH * (architecture[0] + 1)))
    if self.decisions[position].size == 1:  # There is one number of blocks only.
      position = int(rng.integers(1, 1 + NODE_LENGTH))
    others = [choice for choice in range(self.decisions[position].size) if choice != architecture[position]]
    return (*architecture[:position], others[rng.integers(len(others))], *architecture[position + 1 :])

  def neighbors(self, architecture: Architecture) -> Iterator[Architecture]:
    """Yields the architectures that differ in one decision, not one of an absent block."""
    num_used = 1 + NODE_LENGTH * (architecture[0] + 1)
    for neighbor in super().neighbors(architecture):
      if neighbor[num_used:] == architecture[num_used:]:
        yield neighbor

  def graph(self, architecture: Architecture) -> LayerGraph:
    """Returns the cell as a graph of layers; see `SearchSpace.graph`."""
    return graph_of_cell(self.decode(self.canonical(architecture)).normal)

  def decode(self, architecture: Architecture) -> CellGenotype:
    """Returns the cell, which is both the normal and the reduction cell; see `SearchSpace.decode`."""
    blocks = self.blocks(self.checked(architecture))
    nodes = tuple(Node(*(Branch(self.operations[op], source) for source, op in block)) for block in blocks)
    cell = Cell(nodes, tuple(range(NUM_CELL_INPUTS, NUM_CELL_INPUTS + len(nodes))))
    return CellGenotype(cell, cell)

  def encode(self, genotype: CellGenotype) -> Architecture:
    """Returns the architecture that decodes to `genotype`.

    Raises:
      ValueError: if the genotype is not in this space.
    """
    cell = genotype.normal
    if cell != genotype.reduction:
      raise ValueError(f"{self.name}: has one cell; the normal and the reduction cell differ")
    if sorted(cell.concatenated) != list(range(NUM_CELL_INPUTS, NUM_CELL_INPUTS + len(cell.nodes))):
      raise ValueError(f"{self.name}: cells concatenate all blocks; got the outputs {cell.concatenated}")
    if len(cell.nodes) > self.max_blocks:
      raise ValueError(f"{self.name}: has cells of at most {self.max_blocks} blocks, got {len(cell.nodes)}")
    branches = [branch for node in cell.nodes for branch in node]
    unknown = sorted({branch.operation for branch in branches} - set(self.operations))
    if unknown:
      raise ValueError(f"{self.name}: has no operation {', '.join(unknown)}; has {', '.join(self.operations)}")
    numbers = (n for branch in branches for n in (branch.source, self.operations.index(branch.operation)))
    return self.checked(self._filled_up(tuple(numbers)))

  def format(self, architecture: Architecture) -> str:
    """Returns the number of blocks, then `input operation` for each branch, with a bar before each block."""
    first, *rest = self.checked(architecture)
    blocks = (" ".join(map(str, rest[i : i + NODE_LENGTH])) for i in range(0, len(rest), NODE_LENGTH))
    return " | ".join((str(first + 1), *blocks))

  def parse(self, text: str) -> Architecture:
    """Returns the architecture that `format` wrote as `text`.

    Raises:
      ValueError: if `text` is not an architecture of this space.
    """
    numbers = self._parse_numbers(text)
    return self.checked(tuple(n - (i == 0) for i, n in enumerate(numbers)))

  @functools.cached_property
  def growth(self) -> "PnasGrowth":
    """How cells grow: by one block at a time."""
    return PnasGrowth(self)

  def _filled_up(self, encoding: Architecture) -> Architecture:
    """Returns the architecture of an encoded cell."""
    num_blocks = len(encoding) // NODE_LENGTH
    return (num_blocks - 1, *encoding, *(_ABSENT * (self.max_blocks - num_blocks)))


class PnasGrowth(Growth):
  """The size of a cell is the number of its blocks."""

  def __init__(self, space: PnasSpace):
    """Orders the cells of a space."""
    self._space = space
    self.num_sizes = space.max_blocks

  def size_of(self, architecture: Architecture) -> int:
    """Returns the number of blocks."""
    return architecture[0] + 1

  def smallest(self) -> Iterator[Architecture]:
    """Yields every cell of one block once: 136 for eight operations."""
    for block in self._new_blocks(0):
      yield self._space._filled_up(block)

  def grown(self, architecture: Architecture) -> Iterator[Architecture]:
    """Yields the cell with any further block."""
    size = self.size_of(architecture)
    if size < self.num_sizes:
      cell = architecture[1 : 1 + NODE_LENGTH * size]
      for block in self._new_blocks(size):
        yield self._space._filled_up(cell + block)

  def features(self, architecture: Architecture) -> Features:
    """Returns the shares of operations, of pairs of operations in a block or in a row, and of the inputs they read."""
    blocks = self._space.blocks(architecture)
    depths = [0] * NUM_CELL_INPUTS
    counts: collections.Counter[Hashable] = collections.Counter()
    for block in blocks:
      (left, first), (right, second) = block
      depths.append(1 + max(depths[left], depths[right]))
      counts["together", min(first, second), max(first, second)] += 1
      for source, operation in block:
        counts["operation", operation] += 1
        for label in _labels(blocks, source):
          counts["in a row", label, operation] += 1
    counts["depth"] = max(depths)
    counts["read"] = len({source for block in blocks for source, _ in block})
    return {name: count / len(blocks) for name, count in counts.items()}

  def _new_blocks(self, size: int) -> Iterator[Architecture]:
    """Yields the encodings of all blocks that a cell of some blocks can get, each once."""
    branches = itertools.product(range(size + NUM_CELL_INPUTS), range(len(self._space.operations)))
    for left, right in itertools.combinations_with_replacement(branches, BRANCHES):
      yield left + right


def _labels(blocks: Sequence[EncodedNode], source: int) -> list[Hashable]:
  """Returns what an input of a branch is: an input of the cell, or operations of a block."""
  if source < NUM_CELL_INPUTS:
    return [f"input {source}"]
  return [operation for _, operation in blocks[source - NUM_CELL_INPUTS]]
