"""The bounded search space of convolutional networks without cells (Auto-Keras: Jin et al., KDD 2019).

Auto-Keras does not limit the size of networks. Here an architecture has a fixed number of decisions, so that every
strategy can search the space: three stages of one to four convolutions, and up to two dense layers. Widths are 1, 2, 4
or 8 times those of the network configuration; kernels are 1x1, 3x3 or 5x5. Each layer has at most one incoming skip
connection, which spans 2 to 5 layers. So there is a largest network, and a network can be deepened and widened only so
far.
"""

from collections.abc import Iterator, Sequence

import numpy as np

from nao_tf.spaces.base import Decision, SearchSpace
from nao_tf.spaces.genotype_graphs import graph_of_layers
from nao_tf.spaces.layer_graphs import LayerGraph
from nao_tf.spaces.layered_genotypes import SHORTEST_SKIP, SKIP_KINDS, Convolution, LayeredGenotype, Skip
from nao_tf.spaces.layered_moves import moves
from nao_tf.trial import Architecture

NUM_STAGES = 3
LAYERS_PER_STAGE = 4
NUM_DENSE = 2
KERNEL_SIZES = (1, 3, 5)
WIDTHS = (1, 2, 4, 8)
LONGEST_SKIP = 5

_NO_SKIP = 0
_Row = tuple[int, int, int, int]
"""The choices of a layer: what it is, its width, the skip connection to it, and how far that one leads."""
_ABSENT: _Row = (0, 0, 0, 0)


def _layer(kind: str, size: int) -> tuple[Decision, ...]:
  """Returns the decisions of one layer."""
  return (
    Decision(kind, size, ordered=True),
    Decision("width", len(WIDTHS), ordered=True),
    Decision("skip", 1 + len(SKIP_KINDS)),
    Decision("distance", LONGEST_SKIP - SHORTEST_SKIP + 1, ordered=True),
  )


_STAGE = (
  *_layer("first kernel", len(KERNEL_SIZES)),
  *((LAYERS_PER_STAGE - 1) * _layer("kernel", 1 + len(KERNEL_SIZES))),
)


class AutokerasSpace(SearchSpace):
  """Convolutional networks without cells, with dense layers and skip connections.

  Each layer has four decisions: its type, its width, the type of its incoming skip connection, and how many layers that
  spans. The first layer of a stage is always present; others may be absent. A skip connection that would start before
  the first layer is ignored.
  """

  name = "autokeras"
  decisions = (*(NUM_STAGES * _STAGE), *(NUM_DENSE * _layer("dense", 2)))
  decisions_per_step = 4

  @property
  def initial(self) -> Architecture:
    """The initial network of a search: three 3x3 convolutions of the smallest width (three of 64 in Auto-Keras)."""
    return self.encode(LayeredGenotype(NUM_STAGES * ((Convolution(3, WIDTHS[0]),),)))

  def decode(self, architecture: Architecture) -> LayeredGenotype:
    """Returns the layers and skip connections; see `SearchSpace.decode`."""
    rows = _rows(self.checked(architecture))
    stages = [_stage(rows[start : start + LAYERS_PER_STAGE]) for start in _STARTS]
    dense = [row for row in rows[_FIRST_DENSE:] if row[0]]
    layers = [row for stage in stages for row in stage] + dense
    return LayeredGenotype(
      tuple(tuple(Convolution(KERNEL_SIZES[row[0] - 1], WIDTHS[row[1]]) for row in stage) for stage in stages),
      tuple(WIDTHS[row[1]] for row in dense),
      tuple(skip for number, row in enumerate(layers) if (skip := _skip(number, row)) is not None),
    )

  def encode(self, genotype: LayeredGenotype) -> Architecture:
    """Returns the canonical architecture of a genotype.

    Raises:
      ValueError: if it does not belong to this space.
    """
    if not self.contains(genotype):
      raise ValueError(f"{self.name}: the network is not within the bounds of the space: {genotype}")
    return _flat(_written(genotype))

  def contains(self, genotype: LayeredGenotype) -> bool:
    """Returns whether a network is within the bounds of the space."""
    return (
      len(genotype.stages) == NUM_STAGES
      and all(len(stage) <= LAYERS_PER_STAGE for stage in genotype.stages)
      and len(genotype.dense) <= NUM_DENSE
      and {layer.kernel_size for layer in genotype.convolutions} <= set(KERNEL_SIZES)
      and set(genotype.widths) <= set(WIDTHS)
      and all(skip.target - skip.source <= LONGEST_SKIP for skip in genotype.skips)
    )

  def morphisms(self, architecture: Architecture) -> Iterator[Architecture]:
    """Yields the canonical architectures that a single morphism leads to, in a fixed order.

    A morphism preserves the function of a trained network. It adds a layer, widens a layer to the next width, or adds a
    skip connection; see `nao_tf.networks.morphisms`.
    """
    children = moves(self.decode(architecture), KERNEL_SIZES, WIDTHS, LONGEST_SKIP)
    yield from dict.fromkeys(self.encode(child) for child in children if self.contains(child))

  def graph(self, architecture: Architecture) -> LayerGraph:
    """Returns the layers with their widths and skip connections; see `SearchSpace.graph`."""
    return graph_of_layers(self.decode(architecture))

  def canonical(self, architecture: Architecture) -> Architecture:
    """Moves absent layers to the end of their stage and sets irrelevant choices to zero."""
    return self.encode(self.decode(architecture))

  def random_equivalent(self, architecture: Architecture, rng: np.random.Generator) -> Architecture:
    """Moves absent layers to random positions in their stage and randomizes irrelevant choices."""
    rows = _rows(self.canonical(architecture))
    mixed: list[_Row] = []
    for start in _STARTS:
      mixed += [rows[start], *_shuffled(rows[start + 1 : start + LAYERS_PER_STAGE], rng)]
    mixed += _shuffled(rows[_FIRST_DENSE:], rng)
    return _flat([_refilled(row, rng, is_first=place in _STARTS) for place, row in enumerate(mixed)])


_STARTS = tuple(range(0, NUM_STAGES * LAYERS_PER_STAGE, LAYERS_PER_STAGE))
_FIRST_DENSE = NUM_STAGES * LAYERS_PER_STAGE


def _rows(architecture: Architecture) -> list[_Row]:
  """Returns the choices of each layer."""
  return [
    (architecture[i], architecture[i + 1], architecture[i + 2], architecture[i + 3])
    for i in range(0, len(architecture), 4)
  ]


def _flat(rows: Sequence[_Row]) -> Architecture:
  return tuple(choice for row in rows for choice in row)


def _stage(rows: Sequence[_Row]) -> list[_Row]:
  """Returns the rows of the layers that are there, with 1 for the first kernel size."""
  first, *others = rows
  return [(first[0] + 1, *first[1:]), *(row for row in others if row[0])]


def _skip(number: int, row: _Row) -> Skip | None:
  """Returns the skip connection to a layer, if there is one."""
  _, _, kind, distance = row
  source = number - SHORTEST_SKIP - distance
  return None if kind == _NO_SKIP or source < 0 else Skip(source, number, SKIP_KINDS[kind - 1])


def _written(genotype: LayeredGenotype) -> list[_Row]:
  """Returns the rows of a genotype, absent layers last in their stage."""
  rows: list[_Row] = []
  number = 0
  for stage in genotype.stages:
    present = [
      _row(genotype, number + i, KERNEL_SIZES.index(layer.kernel_size) + (i > 0)) for i, layer in enumerate(stage)
    ]
    rows += [*present, *([_ABSENT] * (LAYERS_PER_STAGE - len(stage)))]
    number += len(stage)
  dense = [_row(genotype, number + i, 1) for i in range(len(genotype.dense))]
  return [*rows, *dense, *([_ABSENT] * (NUM_DENSE - len(dense)))]


def _row(genotype: LayeredGenotype, number: int, layer: int) -> _Row:
  """Returns the choices of a layer that is there."""
  width, skip = WIDTHS.index(genotype.widths[number]), genotype.skip_to(number)
  if skip is None:
    return layer, width, _NO_SKIP, 0
  return layer, width, SKIP_KINDS.index(skip.kind) + 1, skip.target - skip.source - SHORTEST_SKIP


def _shuffled(rows: Sequence[_Row], rng: np.random.Generator) -> list[_Row]:
  """Returns rows with the absent layers anywhere among the others."""
  present = [row for row in rows if row[0]]
  places = sorted(rng.choice(len(rows), size=len(present), replace=False).tolist())
  mixed = [_ABSENT] * len(rows)
  for place, row in zip(places, present):
    mixed[place] = row
  return mixed


def _refilled(row: _Row, rng: np.random.Generator, *, is_first: bool) -> _Row:
  """Returns a row with random choices where they mean nothing."""
  width, kind, distance = (int(rng.integers(decision.size)) for decision in _STAGE[1:4])
  layer, *_ = row
  if not layer and not is_first:
    return 0, width, kind, distance
  return row if row[2] else (*row[:3], distance)
