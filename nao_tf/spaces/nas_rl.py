"""The search space of Zoph and Le, "Neural Architecture Search with Reinforcement Learning", ICLR 2017, section 3.

A network has a fixed number of convolutions. Each has a kernel height and width of 1, 3, 5 or 7 pixels; 24, 36, 48 or
64 filters; and strides from 1 to 3, or always 1. For each earlier convolution, an anchor decides whether it is an
input. The decisions of a convolution are its anchors, height, width, strides (if they are searched) and filters.
"""

from collections.abc import Iterator, Sequence

from nao_tf import fields
from nao_tf.spaces.base import Decision, SearchSpace
from nao_tf.spaces.connected_genotypes import ConnectedConvolution, ConnectedGenotype
from nao_tf.spaces.layer_graphs import CONCAT, INPUT, OUTPUT, GraphBuilder, Layer, LayerGraph
from nao_tf.trial import Architecture

KERNEL_SIZES = (1, 3, 5, 7)
FILTERS = (24, 36, 48, 64)
STRIDES = (1, 2, 3)
_COLORS = 3


class NasRlSpace(SearchSpace):
  """Convolutions that read any earlier ones. Each tuple of choices is a different network."""

  def __init__(self, name: str, num_layers: int, strides: Sequence[int] = (1,)):
    """Initializes the decisions.

    Args:
      name: key in the registry.
      num_layers: number of convolutions.
      strides: the strides to choose from, vertical and horizontal ones; if there is only one, it is not a decision.
    """
    self.name = name
    self.num_layers = fields.integer(num_layers, "num_layers", 1)
    self.strides = tuple(strides)
    self.decisions = tuple(decision for layer in range(num_layers) for decision in self._decisions_of(layer))

  def decode(self, architecture: Architecture) -> ConnectedGenotype:
    """Returns the convolutions with their sizes; see `SearchSpace.decode`."""
    rows = self._rows(self.checked(architecture))
    return ConnectedGenotype(tuple(self._convolution(number, row) for number, row in enumerate(rows)))

  def encode(self, genotype: ConnectedGenotype) -> Architecture:
    """Returns the architecture that decodes to `genotype`.

    Raises:
      ValueError: if the genotype is not in this space.
    """
    if len(genotype.convolutions) != self.num_layers:
      raise ValueError(f"{self.name}: has {self.num_layers} convolutions, got {len(genotype.convolutions)}")
    choices: list[int] = []
    for number, layer in enumerate(genotype.convolutions):
      choices += [int(source in layer.sources) for source in range(number)]
      choices += [self._choice(size, KERNEL_SIZES, "kernel size") for size in layer[:2]]
      strides = [self._choice(stride, self.strides, "stride") for stride in layer.strides]
      choices += strides if len(self.strides) > 1 else []
      choices.append(self._choice(layer.filters, FILTERS, "number of filters"))
    return self.checked(choices)

  def graph(self, architecture: Architecture) -> LayerGraph:
    """Returns the convolutions as a graph of layers; see `SearchSpace.graph`."""
    genotype, builder = self.decode(architecture), GraphBuilder()
    image, indices = builder.add(Layer(INPUT)), list[int]()
    filters = [layer.filters for layer in genotype.convolutions]
    for layer in genotype.convolutions:
      read = [indices[source] for source in layer.sources] or [image]
      channels = sum(filters[source] for source in layer.sources) or _COLORS
      label = f"conv{layer.height}x{layer.width}"
      indices.append(builder.add(Layer(label, layer.filters, channels), read, CONCAT))
    builder.add(Layer(OUTPUT), [indices[number] for number in genotype.outputs], CONCAT)
    return builder.finish()

  def _decisions_of(self, layer: int) -> Iterator[Decision]:
    yield from layer * (Decision("anchor", 2),)
    yield Decision("filter height", len(KERNEL_SIZES), ordered=True)
    yield Decision("filter width", len(KERNEL_SIZES), ordered=True)
    if len(self.strides) > 1:
      yield Decision("stride height", len(self.strides), ordered=True)
      yield Decision("stride width", len(self.strides), ordered=True)
    yield Decision("filters", len(FILTERS), ordered=True)

  def _rows(self, architecture: Architecture) -> Iterator[Architecture]:
    """Yields the choices of each convolution."""
    start = 0
    for layer in range(self.num_layers):
      end = start + len(list(self._decisions_of(layer)))
      yield architecture[start:end]
      start = end

  def _convolution(self, number: int, row: Architecture) -> ConnectedConvolution:
    sources = tuple(source for source, anchor in enumerate(row[:number]) if anchor)
    height, width, *strides, filters = row[number:]
    vertical, horizontal = strides or (0, 0)
    return ConnectedConvolution(
      KERNEL_SIZES[height],
      KERNEL_SIZES[width],
      FILTERS[filters],
      (self.strides[vertical], self.strides[horizontal]),
      sources,
    )

  def _choice(self, value: int, values: Sequence[int], kind: str) -> int:
    if value not in values:
      raise ValueError(f"{self.name}: has no {kind} {value}; has {', '.join(map(str, values))}")
    return values.index(value)


def nas_rl() -> NasRlSpace:
  """Returns the space of six convolutions with strides; the search of the paper begins with six."""
  return NasRlSpace("nas_rl", 6, STRIDES)


def nas_rl15() -> NasRlSpace:
  """Returns the space of fifteen convolutions without strides, as many as the first network of the paper has."""
  return NasRlSpace("nas_rl15", 15)
