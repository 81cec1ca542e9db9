"""The published cells by name.

Sources: Luo et al., NeurIPS 2018 (NAONet-A, found in the space of eleven operations; NAONet-WS, found with weight
sharing) and the authors' later releases (the PyTorch form of NAONet-A, NAONet-B, NAONet-V2). The two forms of NAONet-A
differ in the third node of the reduction cell.
"""

import dataclasses

from nao_tf.spaces import make_space
from nao_tf.spaces.genotypes import CellGenotype, LstmGenotype, RecurrentGenotype
from nao_tf.spaces.recurrent import RecurrentSpace
from nao_tf.trial import Architecture


@dataclasses.dataclass(frozen=True)
class PublishedCell:
  """A published architecture.

  Attributes:
    name: as the paper or its release calls it.
    space: name of its search space.
    text: the published string, in the form of that space.
    convention: the convention of `nao_tf.networks.conventions` under which its reported size holds.
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
)

CELLS = {cell.name: cell for cell in _CELLS}


@dataclasses.dataclass(frozen=True)
class PublishedRecurrentCell:
  """A published recurrent cell of the space rnn12.

  Attributes:
    name: as the paper or its release calls it.
    text: the published string.
    numbering: numbering of the activations in it, a key of `nao_tf.spaces.recurrent.NUMBERINGS`.
  """

  name: str
  text: str
  numbering: str

  @property
  def architecture(self) -> Architecture:
    """The architecture of the published string."""
    return RecurrentSpace().parse(self.text, numbering=self.numbering)

  @property
  def genotype(self) -> RecurrentGenotype:
    """The nodes with named activations."""
    return RecurrentSpace().decode(self.architecture)


_RECURRENT_CELLS = (
  PublishedRecurrentCell("NAO-RNN", "0 1 0 1 1 1 3 0 4 1 4 1 5 1 1 1 7 1 1 1 1 2", "nao"),
  PublishedRecurrentCell("NAO-RNN-WS", "0 1 1 1 2 2 1 2 4 1 4 1 4 1 7 1 8 2 1 0 4 1", "nao_ws"),
)

RECURRENT_CELLS = {cell.name: cell for cell in _RECURRENT_CELLS}


@dataclasses.dataclass(frozen=True)
class Baseline:
  """A network that published cells are compared with.

  Attributes:
    name: its name.
    genotype: its genotype.
  """

  name: str
  genotype: LstmGenotype


BASELINES = {"lstm": Baseline("lstm", LstmGenotype())}
