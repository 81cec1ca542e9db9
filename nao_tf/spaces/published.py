"""Published cells, by name.

Sources: Luo et al., NeurIPS 2018 (NAONet-A, found in the space with eleven operations; NAONet-WS, found with weight
sharing) and the authors' later releases (the PyTorch form of NAONet-A, NAONet-B, NAONet-V2). The two forms of NAONet-A
differ in the third node of the reduction cell. Also included are the cells of the methods that NAO is compared with,
with the nodes and outputs of the networks released by their authors.
"""

import dataclasses

from nao_tf.spaces import make_space
from nao_tf.spaces.genotypes import Branch, Cell, CellGenotype, LstmGenotype, Node, RecurrentGenotype
from nao_tf.spaces.recurrent import RecurrentSpace
from nao_tf.trial import Architecture


@dataclasses.dataclass(frozen=True)
class PublishedCell:
  """A published architecture of one of the search spaces in this package.

  Attributes:
    name: name in the paper or its release.
    space: name of its search space.
    text: the published string, in the format of that space.
    convention: the convention in `nao_tf.networks.conventions` that reproduces its reported size.
  """

  name: str
  space: str
  text: str
  convention: str

  @property
  def architecture(self) -> Architecture:
    """The architecture of the published string."""
    return make_space(self.space).parse(self.text)

  @property
  def genotype(self) -> CellGenotype:
    """The cells with named operations."""
    return make_space(self.space).decode(self.architecture)


@dataclasses.dataclass(frozen=True)
class PublishedGenotype:
  """A published pair of cells of a search space that is not in this package.

  Attributes:
    name: name in the paper or its release.
    genotype: the cells.
    convention: the convention in `nao_tf.networks.conventions` that reproduces its reported size.
  """

  name: str
  genotype: CellGenotype
  convention: str


def _cell(text: str, outputs: tuple[int, ...]) -> Cell:
  """Returns the cell of a text such as "1 sep5x5, 0 sep3x3 | 2 max3x3": the source and operation of each branch."""
  return Cell(tuple(_node(node) for node in text.split(" | ")), outputs)


def _node(text: str) -> Node:
  left, right = (branch.split() for branch in text.split(", "))
  return Node(Branch(left[1], int(left[0])), Branch(right[1], int(right[0])))


_CELLS = (
  PublishedCell(
    "NAONet-A",
    "nasnet11",
    "0 7 1 15 2 8 1 7 0 6 1 7 0 8 4 7 1 5 0 7 | 0 7 1 13 0 6 0 14 1 9 0 10 0 14 2 6 1 11 0 7",
    "nao",
  ),
  PublishedCell(
    "NAONet-A-torch",
    "nasnet11",
    "0 7 1 15 2 8 1 7 0 6 1 7 0 8 4 7 1 5 0 7 | 0 7 1 13 0 6 0 14 0 9 1 10 0 14 2 6 1 11 0 7",
    "torch",
  ),
  PublishedCell(
    "NAONet-B",
    "nasnet5",
    "0 1 0 2 0 1 2 2 1 3 0 2 4 0 1 3 2 1 0 3 | 1 1 1 0 2 1 2 4 1 0 2 3 3 1 2 2 0 2 0 2",
    "torch",
  ),
  PublishedCell(
    "NAONet-WS",
    "nasnet5",
    "0 1 0 4 2 2 1 3 1 0 2 0 2 3 1 3 1 2 0 4 | 1 1 0 3 2 3 2 3 1 0 0 1 0 4 2 4 2 3 2 3",
    "nao_ws",
  ),
  PublishedCell(
    "NAONet-V2",
    "nasnet5",
    "1 1 0 1 2 4 0 0 0 0 2 1 0 0 0 2 0 3 0 0 | 0 2 0 2 2 2 1 0 0 0 0 1 0 0 0 3 0 0 0 1",
    "torch",
  ),
  # Pham et al., ICML 2018, micro search.
  PublishedCell(
    "ENAS",
    "nasnet5",
    "0 2 0 0 0 4 0 1 0 4 1 1 1 0 0 1 0 2 1 1 | 1 0 1 0 0 3 0 2 1 1 3 1 1 0 0 4 0 3 1 1",
    "nao_ws",
  ),
)

_INNER_NODES = (2, 3, 4, 5)
"""The nodes of a cell of DARTS, all of which it concatenates."""

_PNASNET_CELL = _cell(
  "0 sep5x5, 0 max3x3 | 1 sep7x7, 1 max3x3 | 1 sep5x5, 1 sep3x3 | 4 sep3x3, 1 max3x3 | 0 sep3x3, 1 identity",
  (2, 3, 4, 5, 6),
)

_GENOTYPES = (
  # Zoph et al., CVPR 2018. "slim_large" is the convention of its largest network.
  PublishedGenotype(
    "NASNet-A",
    CellGenotype(
      _cell(
        "1 sep5x5, 0 sep3x3 | 0 sep5x5, 0 sep3x3 | 1 avg3x3, 0 identity | 0 avg3x3, 0 avg3x3 | 1 sep3x3, 1 identity",
        (0, 2, 3, 4, 5, 6),
      ),
      _cell(
        "1 sep5x5, 0 sep7x7 | 1 max3x3, 0 sep7x7 | 1 avg3x3, 0 sep5x5 | 3 identity, 2 avg3x3 | 2 sep3x3, 1 max3x3",
        (3, 4, 5, 6),
      ),
    ),
    "slim",
  ),
  # Liu et al., ECCV 2018. There is one cell, which in some places has stride 2.
  PublishedGenotype("PNASNet-5", CellGenotype(_PNASNET_CELL, _PNASNET_CELL), "pnas"),
  # Real et al., AAAI 2019.
  PublishedGenotype(
    "AmoebaNet-A",
    CellGenotype(
      _cell(
        "1 avg3x3, 1 max3x3 | 0 sep3x3, 0 identity | 1 identity, 0 avg3x3 | 1 sep3x3, 2 sep5x5 | 5 avg3x3, 1 sep3x3",
        (0, 3, 4, 6),
      ),
      _cell(
        "0 sep3x3, 1 avg3x3 | 1 max3x3, 2 sep7x7 | 0 max3x3, 1 max3x3 | 4 sep3x3, 1 conv1x7_7x1 | 0 avg3x3, 1 sep7x7",
        (2, 3, 4, 5, 6),
      ),
    ),
    "tpu_amoeba",
  ),
  PublishedGenotype(
    "AmoebaNet-B",
    CellGenotype(
      _cell(
        "0 conv1x1, 0 max3x3 | 0 identity, 1 sep3x3 | 0 conv1x1, 1 sep3x3 | 2 conv1x1, 2 identity | 0 avg3x3, 5 conv1x1",
        (1, 3, 4, 6),
      ),
      _cell(
        "1 max2x2, 1 max3x3 | 2 identity, 0 conv3x3 | 2 dil_sep5x5, 2 max3x3 | 3 identity, 0 sep3x3 | 4 avg3x3, 3 conv1x1",
        (5, 6),
      ),
    ),
    "tpu_amoeba",
  ),
  PublishedGenotype(
    "AmoebaNet-C",
    CellGenotype(
      _cell(
        "1 avg3x3, 1 sep3x3 | 1 identity, 1 sep3x3 | 2 avg3x3, 0 sep3x3 | 1 identity, 0 sep3x3 | 3 avg3x3, 1 sep3x3",
        (0, 2, 4, 5, 6),
      ),
      _cell(
        "1 max3x3, 1 max3x3 | 2 sep7x7, 1 sep3x3 | 1 sep7x7, 0 max3x3 | 4 sep5x5, 4 sep5x5 | 0 max3x3, 0 sep3x3",
        (1, 2, 3, 4, 5, 6),
      ),
    ),
    "tpu_amoeba",
  ),
  # Liu et al., ICLR 2019, first and second order.
  PublishedGenotype(
    "DARTS-V1",
    CellGenotype(
      _cell("1 sep3x3, 0 sep3x3 | 0 identity, 1 sep3x3 | 0 identity, 1 sep3x3 | 0 sep3x3, 2 identity", _INNER_NODES),
      _cell("0 max3x3, 1 max3x3 | 2 identity, 0 max3x3 | 0 max3x3, 2 identity | 2 identity, 0 avg3x3", _INNER_NODES),
    ),
    "darts",
  ),
  PublishedGenotype(
    "DARTS-V2",
    CellGenotype(
      _cell("0 sep3x3, 1 sep3x3 | 0 sep3x3, 1 sep3x3 | 1 sep3x3, 0 identity | 0 identity, 2 dil_sep3x3", _INNER_NODES),
      _cell("0 max3x3, 1 max3x3 | 2 identity, 1 max3x3 | 0 max3x3, 2 identity | 2 identity, 1 max3x3", _INNER_NODES),
    ),
    "darts",
  ),
  # Xie et al., ICLR 2019, by how much the search avoids expensive operations.
  PublishedGenotype(
    "SNAS-mild",
    CellGenotype(
      _cell(
        "0 sep3x3, 1 sep3x3 | 0 identity, 1 dil_sep3x3 | 0 identity, 1 identity | 0 identity, 1 sep3x3", _INNER_NODES
      ),
      _cell("0 max3x3, 1 max3x3 | 1 max3x3, 2 identity | 1 max3x3, 2 identity | 0 max3x3, 2 dil_sep5x5", _INNER_NODES),
    ),
    "darts",
  ),
  PublishedGenotype(
    "SNAS-moderate",
    CellGenotype(
      _cell(
        "0 dil_sep5x5, 1 identity | 0 sep3x3, 1 identity | 0 identity, 1 identity | 0 sep3x3, 1 dil_sep5x5",
        _INNER_NODES,
      ),
      _cell("0 max3x3, 1 max3x3 | 0 sep5x5, 1 dil_sep5x5 | 0 sep5x5, 1 sep5x5 | 0 sep5x5, 1 sep5x5", _INNER_NODES),
    ),
    "darts",
  ),
  PublishedGenotype(
    "SNAS-aggressive",
    CellGenotype(
      _cell(
        "0 sep5x5, 1 identity | 0 identity, 1 identity | 1 dil_sep5x5, 0 identity | 0 identity, 1 dil_sep5x5",
        _INNER_NODES,
      ),
      _cell("0 sep5x5, 1 zero | 0 sep5x5, 1 zero | 0 zero, 1 zero | 0 zero, 1 zero", _INNER_NODES),
    ),
    "darts",
  ),
)

STRINGS = {cell.name: cell for cell in _CELLS}
"""Those that are architectures of a search space here."""
CELLS: dict[str, PublishedCell | PublishedGenotype] = {**STRINGS, **{cell.name: cell for cell in _GENOTYPES}}


@dataclasses.dataclass(frozen=True)
class PublishedRecurrentCell:
  """A published recurrent cell, in the format of the space rnn12 with any number of nodes.

  Attributes:
    name: name in the paper or its release.
    text: the published string.
    numbering: numbering of the activations in it, a key of `nao_tf.spaces.recurrent.NUMBERINGS`.
  """

  name: str
  text: str
  numbering: str

  @property
  def space(self) -> RecurrentSpace:
    """The space of recurrent cells with as many nodes."""
    num_nodes = len(self.text.split()) // 2
    return RecurrentSpace(f"rnn{num_nodes + 1}", num_nodes)

  @property
  def architecture(self) -> Architecture:
    """The architecture of the published string."""
    return self.space.parse(self.text, numbering=self.numbering)

  @property
  def genotype(self) -> RecurrentGenotype:
    """The nodes with named activations."""
    return self.space.decode(self.architecture)


_RECURRENT_CELLS = (
  PublishedRecurrentCell("NAO-RNN", "0 1 0 1 1 1 3 0 4 1 4 1 5 1 1 1 7 1 1 1 1 2", "nao"),
  PublishedRecurrentCell("NAO-RNN-WS", "0 1 1 1 2 2 1 2 4 1 4 1 4 1 7 1 8 2 1 0 4 1", "nao_ws"),
  # Liu et al., ICLR 2019, first and second order.
  PublishedRecurrentCell("DARTS-RNN-V1", "0 1 1 1 2 0 3 1 4 1 1 3 5 1 1 1", "nao_ws"),
  PublishedRecurrentCell("DARTS-RNN-V2", "0 2 1 1 1 1 1 3 2 0 5 2 3 0 5 1", "nao_ws"),
  # The cell of the corrected release of ENAS for language models.
  PublishedRecurrentCell("ENAS-RNN", "0 2 1 0 2 1 2 2 4 0 5 0 3 2 6 2", "nao_ws"),
)

RECURRENT_CELLS = {cell.name: cell for cell in _RECURRENT_CELLS}


@dataclasses.dataclass(frozen=True)
class Baseline:
  """A baseline network for published cells.

  Attributes:
    name: name of the network.
    genotype: genotype of the network.
  """

  name: str
  genotype: LstmGenotype


BASELINES = {"lstm": Baseline("lstm", LstmGenotype())}
