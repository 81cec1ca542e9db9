"""Genotypes: readable descriptions of networks.

`SearchSpace.decode` returns a genotype, from which networks are built. While an architecture is a tuple of choices, its
genotype names what they mean. The cell genotype is the NASNet-style cell of NAO (Luo et al., NeurIPS 2018, section
3.1): B nodes, each the sum of two branches. A branch is an operation applied to an earlier state. The recurrent
genotype is that of section 4.2.
"""

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from nao_tf import fields
from nao_tf.spaces.connected_genotypes import ConnectedGenotype
from nao_tf.spaces.edge_genotypes import EdgeGenotype
from nao_tf.spaces.layered_genotypes import LayeredGenotype
from nao_tf.spaces.motif_genotypes import MotifGenotype

NUM_CELL_INPUTS = 2


class Branch(NamedTuple):
  """One operation applied to one earlier state.

  Attributes:
    operation: name of the operation, a key of `nao_tf.networks.operations`.
    source: index of the state to read. 0: the output of cell k-2. 1: the output of cell k-1. 2 + i: the i-th node.
  """

  operation: str
  source: int


class Node(NamedTuple):
  """The element-wise sum of two branches. A branch that is absent has the operation "zero"."""

  left: Branch
  right: Branch


@dataclasses.dataclass(frozen=True)
class Cell:
  """A cell: its nodes in topological order, and which states its output concatenates.

  Attributes:
    nodes: the nodes.
    outputs: indices of the states that the output concatenates, in this order; None for the loose ends.
  """

  nodes: tuple[Node, ...]
  outputs: tuple[int, ...] | None = None

  def __post_init__(self) -> None:
    if self.outputs is not None:
      _check_outputs(self.outputs, NUM_CELL_INPUTS + len(self.nodes))
    for number, node in enumerate(self.nodes):
      for side, branch in zip(Node._fields, node, strict=True):
        place = f"of the {side} branch of node {number}"
        fields.text(branch.operation, f"operation {place}")
        fields.integer(branch.source, f"source {place}", 0, NUM_CELL_INPUTS + number - 1)

  @property
  def loose_ends(self) -> tuple[int, ...]:
    """Indices of the states that no node reads, in ascending order. They may include the inputs of the cell."""
    used = {branch.source for node in self.nodes for branch in node}
    return tuple(i for i in range(NUM_CELL_INPUTS + len(self.nodes)) if i not in used)

  @property
  def concatenated(self) -> tuple[int, ...]:
    """Indices of the states that the output concatenates: those stated, or the loose ends."""
    return self.loose_ends if self.outputs is None else self.outputs


@dataclasses.dataclass(frozen=True)
class CellGenotype:
  """The two cells of a convolutional network. The reduction cell halves the resolution."""

  normal: Cell
  reduction: Cell

  def to_json(self) -> dict[str, Any]:
    """Returns the genotype as JSON values, the inverse of `from_json`."""
    return {"normal": _cell_to_json(self.normal), "reduction": _cell_to_json(self.reduction)}

  @classmethod
  def from_json(cls, data: Any) -> "CellGenotype":
    """Builds a genotype from the output of `to_json`.

    Raises:
      ValueError: if `data` has another form; the message says where.
    """
    try:
      cells = fields.members(data, "a genotype", ("normal", "reduction"))
      return cls(*(_cell_from_json(cells[name], name) for name in ("normal", "reduction")))
    except ValueError as error:
      raise ValueError(f"not a cell genotype: {error}") from error


def _check_outputs(outputs: Sequence[int], num_states: int) -> None:
  """Raises ValueError unless `outputs` are some states of a cell, each once."""
  states = fields.integers(outputs, "outputs", 0, num_states - 1)
  if not states or len(set(states)) < len(states):
    raise fields.wrong("at least one state, and none twice", "outputs", outputs)


def _cell_to_json(cell: Cell) -> list[Any] | dict[str, Any]:
  """Returns the list of nodes, with the outputs beside it where these are stated."""
  nodes = [[list(branch) for branch in node] for node in cell.nodes]
  return nodes if cell.outputs is None else {"nodes": nodes, "outputs": list(cell.outputs)}


def _cell_from_json(data: Any, name: str) -> Cell:
  try:
    nodes, outputs = _nodes_and_outputs(data)
    return Cell(tuple(_node_from_json(node, f"node {number}") for number, node in enumerate(nodes)), outputs)
  except ValueError as error:
    raise ValueError(f"{name} cell: {error}") from error


def _nodes_and_outputs(data: Any) -> tuple[Sequence[Any], tuple[int, ...] | None]:
  """Returns the parts of a cell in JSON: a list of nodes, or an object that has outputs, too."""
  if not isinstance(data, dict):
    return _nodes(data), None
  cell = fields.members(data, "a cell", ("nodes", "outputs"))
  return _nodes(cell["nodes"]), fields.integers(cell["outputs"], "outputs")


def _node_from_json(data: Any, name: str) -> Node:
  return Node(
    *(Branch(*fields.elements(branch, f"a branch of {name}", 2)) for branch in fields.elements(data, name, 2))
  )


def _nodes(data: Any) -> Sequence[Any]:
  """Returns the elements of a list of nodes, which must not be empty."""
  nodes = fields.elements(data, "nodes")
  if not nodes:
    raise fields.wrong("at least one node", "nodes", data)
  return nodes


class RecurrentNode(NamedTuple):
  """A searched node of a recurrent cell: a gated step from one earlier node.

  Attributes:
    predecessor: index of the node to read. 0 is the fixed first node, 1 the first searched one.
    activation: name of the activation of the proposed value.
  """

  predecessor: int
  activation: str


@dataclasses.dataclass(frozen=True)
class RecurrentGenotype:
  """The searched nodes 1, 2, ... of a recurrent cell, in topological order. The output of the cell is their mean."""

  nodes: tuple[RecurrentNode, ...]

  def __post_init__(self) -> None:
    for number, node in enumerate(self.nodes, start=1):
      predecessor = fields.integer(node.predecessor, f"predecessor of node {number}")
      if not 0 <= predecessor < number:
        raise ValueError(f"node {number}: its predecessor must be in [0, {number}), got {predecessor}")
      fields.text(node.activation, f"activation of node {number}")

  def to_json(self) -> dict[str, Any]:
    """Returns the genotype as JSON values, the inverse of `from_json`."""
    return {"recurrent": [list(node) for node in self.nodes]}

  @classmethod
  def from_json(cls, data: Any) -> "RecurrentGenotype":
    """Builds a genotype from the output of `to_json`.

    Raises:
      ValueError: if `data` has another form; the message says where.
    """
    try:
      nodes = _nodes(fields.members(data, "a genotype", ("recurrent",))["recurrent"])
      return cls(tuple(RecurrentNode(*fields.elements(n, f"node {i}", 2)) for i, n in enumerate(nodes, start=1)))
    except ValueError as error:
      raise ValueError(f"not a recurrent genotype: {error}") from error


@dataclasses.dataclass(frozen=True)
class LstmGenotype:
  """A Keras LSTM instead of a recurrent cell, as a baseline for searched cells."""

  def to_json(self) -> dict[str, Any]:
    """Returns the genotype as JSON values, the inverse of `from_json`."""
    return {"lstm": []}

  @classmethod
  def from_json(cls, data: Any) -> "LstmGenotype":
    """Builds a genotype from the output of `to_json`.

    Raises:
      ValueError: if `data` has another form.
    """
    if data != cls().to_json():
      raise ValueError(f"not an LSTM genotype: {fields.shown(data)}")
    return cls()


Genotype = (
  CellGenotype | MotifGenotype | EdgeGenotype | RecurrentGenotype | LstmGenotype | LayeredGenotype | ConnectedGenotype
)

CELL_GENOTYPES = (CellGenotype, MotifGenotype, EdgeGenotype)
"""Those that networks of cells are built from, whose costs are known and which have plain models."""
PLAIN_GENOTYPES = (LayeredGenotype, ConnectedGenotype)
"""Those that networks of plain layers are built from."""
IMAGE_GENOTYPES = (*CELL_GENOTYPES, *PLAIN_GENOTYPES)
"""Those that image networks are built from."""

_READERS: dict[str, Callable[[Any], Genotype]] = {
  "normal": CellGenotype.from_json,
  "motifs": MotifGenotype.from_json,
  "edges": EdgeGenotype.from_json,
  "recurrent": RecurrentGenotype.from_json,
  "lstm": LstmGenotype.from_json,
  "stages": LayeredGenotype.from_json,
  "convolutions": ConnectedGenotype.from_json,
}
"""The reader of each kind of genotype, by a key that only this kind has."""


def genotype_from_json(data: Any) -> Genotype:
  """Builds a genotype of any type from the output of its `to_json`.

  Raises:
    ValueError: if `data` is not a genotype.
  """
  readers = [read for key, read in _READERS.items() if isinstance(data, dict) and key in data]
  if not readers:
    raise ValueError(
      f"not a genotype: expected a JSON object with one of {', '.join(_READERS)}, got {fields.shown(data)}"
    )
  return readers[0](data)
