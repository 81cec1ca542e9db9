"""Genotypes of convolutions that read any earlier ones, as in the search of Zoph and Le (ICLR 2017).

A convolution reads the outputs of some earlier ones, concatenated; one that reads none reads the image. The outputs that no
convolution reads are concatenated before the classifier.
"""

import dataclasses
from typing import Any, NamedTuple

from nao_tf import fields


class ConnectedConvolution(NamedTuple):
  """A convolution with batch normalization and a ReLU.

  Attributes:
    height: height of its kernel.
    width: width of its kernel.
    filters: its output channels, in a network of the usual size.
    strides: vertical and horizontal stride.
    sources: the numbers of the convolutions that it reads, ascending; none for the image.
  """

  height: int
  width: int
  filters: int
  strides: tuple[int, int]
  sources: tuple[int, ...]


@dataclasses.dataclass(frozen=True)
class ConnectedGenotype:
  """Convolutions in topological order.

  Attributes:
    convolutions: at least one.
  """

  convolutions: tuple[ConnectedConvolution, ...]

  def __post_init__(self) -> None:
    if not self.convolutions:
      raise ValueError(f"expected at least one convolution, got {fields.shown(self.convolutions)}")
    for number, layer in enumerate(self.convolutions):
      for name in ("height", "width", "filters"):
        fields.integer(getattr(layer, name), f"{name} of convolution {number}", 1)
      for stride in fields.elements(layer.strides, f"strides of convolution {number}", 2):
        fields.integer(stride, f"a stride of convolution {number}", 1)
      sources = fields.integers(layer.sources, f"sources of convolution {number}", 0, number - 1) if number else ()
      if list(sources) != sorted(set(layer.sources)):
        raise ValueError(f"sources of convolution {number} must be earlier ones, ascending, got {layer.sources}")

  @property
  def outputs(self) -> tuple[int, ...]:
    """The numbers of the convolutions that no other reads, ascending."""
    read = {source for layer in self.convolutions for source in layer.sources}
    return tuple(number for number in range(len(self.convolutions)) if number not in read)

  def to_json(self) -> dict[str, Any]:
    """Returns the genotype as JSON values, the inverse of `from_json`."""
    return {"convolutions": [[*layer[:3], list(layer.strides), list(layer.sources)] for layer in self.convolutions]}

  @classmethod
  def from_json(cls, data: Any) -> "ConnectedGenotype":
    """Builds a genotype from the output of `to_json`.

    Raises:
      ValueError: if `data` has another form; the message says where.
    """
    try:
      rows = fields.elements(fields.members(data, "a genotype", ("convolutions",))["convolutions"], "convolutions")
      return cls(tuple(_convolution_from_json(row, f"convolution {i}") for i, row in enumerate(rows)))
    except ValueError as error:
      raise ValueError(f"not a genotype of connected convolutions: {error}") from error


def _convolution_from_json(data: Any, name: str) -> ConnectedConvolution:
  height, width, filters, strides, sources = fields.elements(data, name, 5)
  vertical, horizontal = fields.elements(strides, f"strides of {name}", 2)
  return ConnectedConvolution(
    height, width, filters, (vertical, horizontal), fields.integers(sources, f"sources of {name}")
  )
