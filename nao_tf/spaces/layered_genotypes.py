"""Genotypes of plain networks: layers one after another, with skip connections, as in Auto-Keras (Jin et al., KDD 2019).

Stages of convolutions come first, with a pool between two of them. After a global pool come dense layers, and a
classifier. Layers are numbered from the first convolution to the last dense layer.
"""

import dataclasses
from collections.abc import Sequence
from typing import Any, NamedTuple

from nao_tf import fields

ADD, CONCAT = "add", "concat"
SKIP_KINDS = (ADD, CONCAT)
SHORTEST_SKIP = 2
"""How many layers a skip connection leads further, at least. The next layer reads the output anyway."""


class Convolution(NamedTuple):
  """A convolution, with batch normalization and a ReLU.

  Attributes:
    kernel_size: height and width of its kernel, odd.
    width: its filters, as a multiple of those that the configuration of the network says.
  """

  kernel_size: int
  width: int


class Skip(NamedTuple):
  """A skip connection.

  Attributes:
    source: number of the layer whose output it brings.
    target: number of the layer that it leads to.
    kind: "add" if it is added before the ReLU there, "concat" if the layer reads it beside its input.
  """

  source: int
  target: int
  kind: str


@dataclasses.dataclass(frozen=True)
class LayeredGenotype:
  """A plain network.

  Attributes:
    stages: the convolutions of each stage. Between two stages, the resolution is halved.
    dense: the widths of the dense layers before the classifier, as multiples like those of convolutions.
    skips: skip connections ordered by their targets, at most one to a layer.
  """

  stages: tuple[tuple[Convolution, ...], ...]
  dense: tuple[int, ...] = ()
  skips: tuple[Skip, ...] = ()

  def __post_init__(self) -> None:
    if not self.stages or not all(self.stages):
      raise ValueError(f"expected at least one stage, and a convolution in each, got {fields.shown(self.stages)}")
    for number, layer in enumerate(self.convolutions):
      fields.integer(layer.kernel_size, f"kernel_size of layer {number}", 1)
      if layer.kernel_size % 2 == 0:
        raise ValueError(f"kernel_size of layer {number} must be odd, got {layer.kernel_size}")
    for number, width in enumerate(self.widths):
      fields.integer(width, f"width of layer {number}", 1)
    for skip in self.skips:
      self._check_skip(skip)
    targets = [skip.target for skip in self.skips]
    if targets != sorted(set(targets)):
      raise ValueError(f"expected skips ordered by their targets, at most one to a layer, got targets {targets}")

  @property
  def convolutions(self) -> tuple[Convolution, ...]:
    """The convolutions of all stages."""
    return tuple(layer for stage in self.stages for layer in stage)

  @property
  def widths(self) -> tuple[int, ...]:
    """The width of each layer."""
    return (*(layer.width for layer in self.convolutions), *self.dense)

  @property
  def sections(self) -> tuple[int, ...]:
    """The number of the stage of each layer; of dense layers the number of stages."""
    stages = [number for number, stage in enumerate(self.stages) for _ in stage]
    return (*stages, *(len(self.stages) for _ in self.dense))

  def skip_to(self, target: int) -> Skip | None:
    """Returns the skip connection that leads to a layer, if there is one."""
    return next((skip for skip in self.skips if skip.target == target), None)

  def to_json(self) -> dict[str, Any]:
    """Returns the genotype as JSON values, the inverse of `from_json`."""
    return {
      "stages": [[list(layer) for layer in stage] for stage in self.stages],
      "dense": list(self.dense),
      "skips": [list(skip) for skip in self.skips],
    }

  @classmethod
  def from_json(cls, data: Any) -> "LayeredGenotype":
    """Builds a genotype from the output of `to_json`.

    Raises:
      ValueError: if `data` has another form; the message says where.
    """
    try:
      row = fields.members(data, "a genotype", ("stages", "dense", "skips"))
      stages = [
        fields.elements(stage, f"stage {i}") for i, stage in enumerate(fields.elements(row["stages"], "stages"))
      ]
      skips = [Skip(*fields.elements(skip, "a skip", 3)) for skip in fields.elements(row["skips"], "skips")]
      return cls(tuple(map(_stage_from_json, stages)), fields.integers(row["dense"], "dense"), tuple(skips))
    except ValueError as error:
      raise ValueError(f"not a layered genotype: {error}") from error

  def _check_skip(self, skip: Skip) -> None:
    target = fields.integer(skip.target, "target of a skip", 0, len(self.widths) - 1)
    fields.integer(skip.source, f"source of the skip to layer {target}", 0, target - SHORTEST_SKIP)
    if skip.kind not in SKIP_KINDS:
      raise ValueError(f"kind of the skip to layer {target} must be one of {', '.join(SKIP_KINDS)}, got {skip.kind!r}")


def _stage_from_json(layers: Sequence[Any]) -> tuple[Convolution, ...]:
  return tuple(Convolution(*fields.elements(layer, "a convolution", 2)) for layer in layers)
