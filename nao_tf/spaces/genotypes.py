"""Genotypes: named, printable descriptions of networks.

A genotype is what `SearchSpace.decode` returns and what network builders and people read. An architecture is a row of
choices; a genotype says in words what they mean. The cell genotype here is the NASNet-style cell of NAO (Luo et al.,
NeurIPS 2018, section 3.1): B nodes, each the sum of two branches, a branch an operation on an earlier state. The
recurrent one is that of section 4.2.
"""

import dataclasses
import typing

NUM_CELL_INPUTS = 2


class Branch(typing.NamedTuple):
  """One operation applied to one earlier state.

  Attributes:
    operation: name of the operation, a key of `nao_tf.networks.operations`.
    source: index of the state read: 0 the output of cell k-2, 1 the output of cell k-1, 2 + i the i-th computed node.
  """

  operation: str
  source: int


class Node(typing.NamedTuple):
  """A computed node: the element-wise sum of two branches."""

  left: Branch
  right: Branch


@dataclasses.dataclass(frozen=True)
class Cell:
  """A cell: computed nodes in topological order. Its output concatenates the loose ends."""

  nodes: tuple[Node, ...]

  @property
  def loose_ends(self) -> tuple[int, ...]:
    """Indices of the states that no node reads, in ascending order; unread cell inputs are among them."""
    used = {branch.source for node in self.nodes for branch in node}
    return tuple(i for i in range(NUM_CELL_INPUTS + len(self.nodes)) if i not in used)


@dataclasses.dataclass(frozen=True)
class CellGenotype:
  """A convolutional network's two cells: the normal one and the reduction one, which halves the resolution."""

  normal: Cell
  reduction: Cell

  def to_json(self) -> dict:
    """Returns nested dicts and lists that `from_json` turns back into an equal genotype."""
    return {name: [[list(branch) for branch in node] for node in getattr(self, name).nodes] for name in _CELL_NAMES}

  @classmethod
  def from_json(cls, data: dict) -> "CellGenotype":
    """Builds a genotype from what `to_json` returned.

    Raises:
      ValueError: if `data` is not of that form.
    """
    try:
      return cls(**{name: _cell_from_json(data[name]) for name in _CELL_NAMES})
    except (KeyError, TypeError, ValueError) as error:
      raise ValueError(f"not a cell genotype: {data!r} ({error!r})") from error


_CELL_NAMES = ("normal", "reduction")


def _cell_from_json(nodes: list) -> Cell:
  return Cell(tuple(Node(*(Branch(str(operation), int(source)) for operation, source in node)) for node in nodes))


class RecurrentNode(typing.NamedTuple):
  """A searched node of a recurrent cell: a gated step from one earlier node.

  Attributes:
    predecessor: index of the node read; 0 is the fixed first node, 1 the first searched one.
    activation: name of the activation of the proposed value.
  """

  predecessor: int
  activation: str


@dataclasses.dataclass(frozen=True)
class RecurrentGenotype:
  """A recurrent cell: its searched nodes 1, 2, ... in topological order. Their mean is its output."""

  nodes: tuple[RecurrentNode, ...]

  def to_json(self) -> dict:
    """Returns a dict that `from_json` turns back into an equal genotype."""
    return {"recurrent": [list(node) for node in self.nodes]}

  @classmethod
  def from_json(cls, data: dict) -> "RecurrentGenotype":
    """Builds a genotype from what `to_json` returned.

    Raises:
      ValueError: if `data` is not of that form.
    """
    try:
      return cls(tuple(RecurrentNode(int(source), str(activation)) for source, activation in data["recurrent"]))
    except (KeyError, TypeError, ValueError) as error:
      raise ValueError(f"not a recurrent genotype: {data!r} ({error!r})") from error


@dataclasses.dataclass(frozen=True)
class LstmGenotype:
  """A Keras LSTM in the place of a recurrent cell: what searched cells are compared with."""

  def to_json(self) -> dict:
    """Returns a dict that `from_json` turns back into an equal genotype."""
    return {"lstm": []}

  @classmethod
  def from_json(cls, data: dict) -> "LstmGenotype":
    """Builds a genotype from what `to_json` returned.

    Raises:
      ValueError: if `data` is not of that form.
    """
    if data != cls().to_json():
      raise ValueError(f"not an LSTM genotype: {data!r}")
    return cls()


Genotype = CellGenotype | RecurrentGenotype | LstmGenotype

_KINDS = {"normal": CellGenotype, "recurrent": RecurrentGenotype, "lstm": LstmGenotype}


def genotype_from_json(data: dict) -> Genotype:
  """Returns the genotype, of whatever kind, whose `to_json` returned `data`.

  Raises:
    ValueError: if `data` is not of the form of any.
  """
  kinds = [kind for key, kind in _KINDS.items() if isinstance(data, dict) and key in data]
  if not kinds:
    raise ValueError(f"not a genotype: expected a JSON object with one of {', '.join(_KINDS)}, got {data!r}")
  return kinds[0].from_json(data)
