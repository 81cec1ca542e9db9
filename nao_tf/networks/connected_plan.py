"""Networks of connected convolutions, layer by layer, before they are built (Zoph and Le, ICLR 2017). Imports no TensorFlow.

A convolution is followed by batch normalization and a ReLU. What it reads is concatenated. Maps that are smaller than
the largest of these are padded with zeros on all sides. The maps that no convolution reads are concatenated so, pooled,
and classified.
"""

from collections.abc import Sequence

from nao_tf.networks.layered_plan import FEATURES, INPUT, LOGITS, PlannedLayer, layer_prefix
from nao_tf.spaces.connected_genotypes import ConnectedGenotype

USUAL_FILTERS = 36
"""The `filters` of a configuration with which convolutions have the filters that the genotype says."""
_OUTPUT = "outputs"


def connected_layers(
  genotype: ConnectedGenotype, filters: int, image_shape: tuple[int, int, int], num_classes: int
) -> list[PlannedLayer]:
  """Returns the layers of a network in the order of computation, without the input.

  Args:
    genotype: genotype of the network.
    filters: `USUAL_FILTERS` for the filters that the genotype says, others in proportion.
    image_shape: (height, width, channels).
    num_classes: number of logits.
  """
  draft = _Draft(image_shape)
  for number, layer in enumerate(genotype.convolutions):
    prefix = layer_prefix(number)
    height, width, channels = draft.join([f"{layer_prefix(source)}-relu" for source in layer.sources], prefix)
    vertical, horizontal = layer.strides
    shape = (-(-height // vertical), -(-width // horizontal), scaled_filters(layer.filters, filters))
    convolution = PlannedLayer(f"{prefix}-conv", "conv", (draft.last,), shape, channels, layer.height)
    draft.add(convolution._replace(kernel_width=layer.width, strides=layer.strides))
    draft.add(PlannedLayer(f"{prefix}-norm", "norm", (draft.last,), shape))
    draft.add(PlannedLayer(f"{prefix}-relu", "relu", (draft.last,), shape))
  *_, channels = draft.join([f"{layer_prefix(number)}-relu" for number in genotype.outputs], _OUTPUT)
  draft.add(PlannedLayer(FEATURES, "global_pool", (draft.last,), (channels,)))
  draft.add(PlannedLayer(LOGITS, "dense", (draft.last,), (num_classes,), channels, bias=True))
  return draft.layers


def scaled_filters(count: int, filters: int) -> int:
  """Returns the filters of a convolution in a network of some `filters`, at least 1."""
  return max(1, round(count * filters / USUAL_FILTERS))


class _Draft:
  """A network that is being put together.

  Attributes:
    layers: its layers so far.
    last: name of the layer that was added last, or that `join` has found.
  """

  def __init__(self, image_shape: tuple[int, int, int]):
    self.layers: list[PlannedLayer] = []
    self.last = INPUT
    self._shapes: dict[str, tuple[int, ...]] = {INPUT: image_shape}

  def add(self, layer: PlannedLayer) -> None:
    """Adds a layer."""
    self.layers.append(layer)
    self._shapes[layer.name] = layer.shape
    self.last = layer.name

  def join(self, names: Sequence[str], prefix: str) -> tuple[int, int, int]:
    """Makes the concatenation of some maps, or of the image if there are none, the last layer; returns its shape."""
    read = list(names) or [INPUT]
    height, width = (max(self._shapes[name][axis] for name in read) for axis in (0, 1))
    padded = [self._padded(name, (height, width), f"{prefix}-pad_{i}") for i, name in enumerate(read)]
    channels = sum(self._shapes[name][-1] for name in padded)
    self.last = padded[0]
    if len(padded) > 1:
      self.add(PlannedLayer(f"{prefix}-concat", "concat", tuple(padded), (height, width, channels)))
    return height, width, channels

  def _padded(self, name: str, size: tuple[int, int], pad_name: str) -> str:
    """Returns the name of a map of a size: that of another one, or of its padding."""
    *own_size, channels = self._shapes[name]
    rows, columns = (whole - part for whole, part in zip(size, own_size))
    if not rows and not columns:
      return name
    padding = ((rows // 2, rows - rows // 2), (columns // 2, columns - columns // 2))
    self.add(PlannedLayer(pad_name, "pad", (name,), (*size, channels), padding=padding))
    return pad_name
