"""Plain networks, layer by layer, before they are built: names, shapes and sizes. Does not import TensorFlow.

The network of a `LayeredGenotype` reads images. A convolution is followed by batch normalization and a ReLU, a dense
layer by a ReLU. What a skip connection adds is added before the ReLU, after a 1x1 convolution or a dense layer that
gives it the right number of channels. What it concatenates is read beside the input of the layer. Where the resolution
differs, it is pooled first.
"""

import dataclasses
import math
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from nao_tf.networks.image_costs import PartCost
from nao_tf.networks.image_network_config import ImageNetworkConfig
from nao_tf.networks.resampling import Window, resampling
from nao_tf.spaces.layered_genotypes import ADD, CONCAT, LayeredGenotype, Skip

INPUT, FEATURES, LOGITS = "images", "features", "logits"
"""Names of the input, of the pool over all of the last map, and of the classifier."""
USED_FIELDS = ("filters", "dropout_keep", "synchronized_norm")
"""The fields of an `ImageNetworkConfig` that a plain network depends on."""
_IN_PLACE = ("norm", "relu")
_POOL: Window = ((2, 2), (2, 2))


class PlannedLayer(NamedTuple):
  """A layer.

  Attributes:
    name: name of the layer.
    kind: "conv", "dense", "norm", "relu", "pool", "global_pool", "pad", "add" or "concat".
    inputs: names of the layers that it reads.
    shape: shape of its output.
    read: channels of its input.
    kernel_size: kernel size of a convolution, its height if it is not square.
    kernel_width: kernel width of a convolution that is not square; 0 for a square one.
    strides: strides of a convolution, vertical and horizontal.
    padding: rows above and below, and columns to the left and right, that are added.
    bias: whether a dense layer has a bias.
    window: window of a pool, with its strides.
    padded: whether the windows of a pool may reach beyond the border.
  """

  name: str
  kind: str
  inputs: tuple[str, ...]
  shape: tuple[int, ...]
  read: int = 0
  kernel_size: int = 1
  bias: bool = False
  window: Window = _POOL
  padded: bool = False
  kernel_width: int = 0
  strides: tuple[int, int] = (1, 1)
  padding: tuple[tuple[int, int], tuple[int, int]] = ((0, 0), (0, 0))

  @property
  def kernel_shape(self) -> tuple[int, int]:
    """Height and width of the kernel of a convolution."""
    return self.kernel_size, self.kernel_width or self.kernel_size

  @property
  def kernel(self) -> int:
    """How many numbers its kernel has."""
    return math.prod(self.kernel_shape) * self.read * self.shape[-1] if self.kind in ("conv", "dense") else 0

  @property
  def weight_shapes(self) -> list[tuple[int, ...]]:
    """The shapes of its weights, in the order of Keras."""
    channels = self.shape[-1]
    if self.kind == "norm":
      return [(channels,) for _ in range(4)]
    if self.kind == "conv":
      return [(*self.kernel_shape, self.read, channels)]
    return [(self.read, channels), *([(channels,)] if self.bias else [])] if self.kind == "dense" else []

  @property
  def parameters(self) -> int:
    """How many trainable parameters it has."""
    return self.kernel + self.bias * self.shape[-1] + 2 * (self.kind == "norm") * self.shape[-1]

  @property
  def multiply_adds(self) -> int:
    """How many multiply-adds it makes for one image."""
    return self.kernel * math.prod(self.shape[:-1])


def planned_layers(
  genotype: LayeredGenotype,
  filters: int,
  image_shape: tuple[int, int, int],
  num_classes: int,
  *,
  numbers: Sequence[int] | None = None,
) -> list[PlannedLayer]:
  """Returns the layers of a network in the order of computation, without the input.

  Args:
    genotype: genotype of the network.
    filters: channels of a layer of width 1.
    image_shape: (height, width, channels).
    num_classes: number of logits.
    numbers: the number that each layer of the genotype has in the names of layers; None for its own.
  """
  draft = _Draft(image_shape, numbers or range(len(genotype.widths)))
  widths, sections = genotype.widths, genotype.sections
  for number, width in enumerate(widths):
    if number and sections[number] != sections[number - 1]:
      draft.close_section(sections[number - 1], is_last=sections[number] == len(genotype.stages))
    kernel_size = genotype.convolutions[number].kernel_size if number < len(genotype.convolutions) else 0
    draft.add_layer(number, filters * width, kernel_size, genotype.skip_to(number))
  if not genotype.dense:
    draft.close_section(len(genotype.stages) - 1, is_last=True)
  draft.add(PlannedLayer(LOGITS, "dense", (draft.last,), (num_classes,), draft.channels, bias=True))
  return draft.layers


def plan_costs(layers: Sequence[PlannedLayer], image_shape: tuple[int, int, int]) -> list[PartCost]:
  """Returns what the layers of a network cost, each with its norm and what leads to it; see `planned_layers`."""
  groups: dict[str, list[tuple[PlannedLayer, int]]] = {}
  for layer, values in zip(layers, _values_in_memory(layers, image_shape)):
    groups.setdefault(layer.name.partition("-")[0], []).append((layer, values))
  parts = [_part(name, group) for name, group in groups.items()]
  return [part for part in parts if part.parameters]


def check_used(names: Iterable[str]) -> None:
  """Checks that a plain network depends on the fields of an `ImageNetworkConfig` that were given.

  Args:
    names: names of the fields; other names are skipped.

  Raises:
    ValueError: if it does not depend on one.
  """
  unused = unused_fields(names)
  if unused:
    raise ValueError(f"a network of plain layers has no {unused[0]}; it has {', '.join(USED_FIELDS)}")


def unused_fields(names: Iterable[str]) -> list[str]:
  """Returns those of some names that are fields of an `ImageNetworkConfig` on which no plain network depends."""
  known = {field.name for field in dataclasses.fields(ImageNetworkConfig)}
  return [name for name in names if name in known and name not in USED_FIELDS]


def layer_prefix(number: int) -> str:
  """Returns what the names of the layers begin with that belong to one of the genotype."""
  return f"layer_{number}"


def stage_pool(stage: int) -> str:
  """Returns the name of the pool after a stage."""
  return f"pool_{stage}"


class _Draft:
  """A network that is being put together.

  Attributes:
    layers: its layers so far.
    last: name of the layer that the next one reads.
  """

  def __init__(self, image_shape: tuple[int, int, int], numbers: Sequence[int]):
    self.layers: list[PlannedLayer] = []
    self.last = INPUT
    self._numbers = numbers
    self._shapes: dict[str, tuple[int, ...]] = {INPUT: image_shape}

  @property
  def channels(self) -> int:
    """Channels of the last layer."""
    return self._shapes[self.last][-1]

  def add(self, layer: PlannedLayer) -> None:
    """Adds a layer, which becomes the last one."""
    self.layers.append(layer)
    self._shapes[layer.name] = layer.shape
    self.last = layer.name

  def close_section(self, stage: int, *, is_last: bool) -> None:
    """Adds the pool after a stage, over all of the map after the last one."""
    height, width, channels = self._shapes[self.last]
    if is_last:
      self.add(PlannedLayer(FEATURES, "global_pool", (self.last,), (channels,)))
      return
    shape = (-(-height // 2), -(-width // 2), channels)
    self.add(PlannedLayer(stage_pool(stage), "pool", (self.last,), shape, padded=True))

  def add_layer(self, number: int, width: int, kernel_size: int, skip: Skip | None) -> None:
    """Adds a convolution, or a dense layer if the kernel has no size, with all that belongs to it."""
    prefix, (*size, _) = layer_prefix(self._numbers[number]), self._shapes[self.last]
    if skip is not None and skip.kind == CONCAT:
      self._concatenate(skip, prefix)
    shape = (*size, width)
    if kernel_size:
      self.add(PlannedLayer(f"{prefix}-conv", "conv", (self.last,), shape, self.channels, kernel_size))
      self.add(PlannedLayer(f"{prefix}-norm", "norm", (self.last,), shape))
    else:
      self.add(PlannedLayer(f"{prefix}-dense", "dense", (self.last,), shape, self.channels, bias=True))
    if skip is not None and skip.kind == ADD:
      self._add(skip, prefix)
    self.add(PlannedLayer(f"{prefix}-relu", "relu", (self.last,), shape))

  def _concatenate(self, skip: Skip, prefix: str) -> None:
    read, (*size, channels) = self.last, self._shapes[self.last]
    self._resample(skip, prefix, size)
    shape = (*size, channels + self.channels)
    self.add(PlannedLayer(f"{prefix}-skip-concat", "concat", (read, self.last), shape))

  def _add(self, skip: Skip, prefix: str) -> None:
    term, shape = self.last, self._shapes[self.last]
    self._resample(skip, prefix, shape[:-1])
    kind = "conv" if len(shape) == 3 else "dense"
    self.add(PlannedLayer(f"{prefix}-skip-project", kind, (self.last,), shape, self.channels))
    self.add(PlannedLayer(f"{prefix}-skip-add", "add", (term, self.last), shape))

  def _resample(self, skip: Skip, prefix: str, size: Sequence[int]) -> None:
    """Makes the source of a skip connection the last layer, at a resolution."""
    self.last = f"{layer_prefix(self._numbers[skip.source])}-relu"
    *source_size, channels = self._shapes[self.last]
    pool = resampling(source_size, size)
    if pool is None:
      return
    name, shape = f"{prefix}-skip-pool", (*size, channels)
    if pool:
      self.add(PlannedLayer(name, "pool", (self.last,), shape, window=pool))
    else:
      self.add(PlannedLayer(name, "global_pool", (self.last,), shape))


def _part(name: str, group: Sequence[tuple[PlannedLayer, int]]) -> PartCost:
  layers = [layer for layer, _ in group]
  parameters, multiply_adds = sum(layer.parameters for layer in layers), sum(layer.multiply_adds for layer in layers)
  return PartCost(name, layers[-1].shape, parameters, multiply_adds, max(values for _, values in group))


def _values_in_memory(layers: Sequence[PlannedLayer], image_shape: Sequence[int]) -> Iterator[int]:
  """Yields the number of values in memory while each layer is computed, one after another.

  The output of a layer is kept until the last layer that reads it is computed. Norms and ReLUs are computed in place.
  """
  homes, last_reads = {INPUT: INPUT}, {}
  for position, layer in enumerate(layers):
    homes[layer.name] = homes[layer.inputs[0]] if layer.kind in _IN_PLACE else layer.name
    last_reads.update({homes[name]: position for name in layer.inputs})
  kept = {INPUT: math.prod(image_shape)}
  for position, layer in enumerate(layers):
    kept.setdefault(homes[layer.name], math.prod(layer.shape))
    yield sum(kept.values())
    kept = {home: size for home, size in kept.items() if last_reads.get(home, len(layers)) > position}
