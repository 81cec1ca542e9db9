"""Describes networks before they are built: parameters, multiply-adds and memory, in all and part by part.

    >>> import nao_tf
    >>> nao_tf.describe("NAONet-B", num_cells=5, filters=36).parameters
    2492902

Everything is computed from the genotype by arithmetic, in less than a millisecond and without TensorFlow.
"""

import dataclasses
import functools
import json
import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from nao_tf import fields
from nao_tf.networks.image_costs import AUXILIARY_HEAD, ImageCosts, PartCost
from nao_tf.networks.image_network_config import ImageNetworkConfig
from nao_tf.networks.language_costs import language_costs
from nao_tf.networks.language_model_config import LanguageModelConfig
from nao_tf.networks.layered_plan import check_used
from nao_tf.networks.model_costs import is_model, model_parts
from nao_tf.networks.named_genotypes import read_genotype
from nao_tf.networks.plain_plans import PlainGenotype, plain_costs
from nao_tf.spaces.edge_genotypes import EdgeGenotype
from nao_tf.spaces.genotypes import (
  CELL_GENOTYPES,
  PLAIN_GENOTYPES,
  CellGenotype,
  Genotype,
  LstmGenotype,
  RecurrentGenotype,
)
from nao_tf.spaces.motif_genotypes import MotifGenotype
from nao_tf.spaces.published import CELLS

if TYPE_CHECKING:
  from tensorflow import keras

_Config = TypeVar("_Config", ImageNetworkConfig, LanguageModelConfig)

_Value = TypeVar("_Value")

_BYTES = 4
"""Of a value in single precision."""
_IMAGE_SHAPE = (32, 32, 3)
_NUM_CLASSES = 10
_VOCABULARY_SIZE = 10_000


@dataclasses.dataclass(frozen=True)
class PartDescription:
  """What a part of a network costs.

  Attributes:
    name: of the part.
    output_shape: of one example, without the batch axis.
    parameters: its trainable parameters.
    multiply_adds: those of one example at inference.
    activation_bytes: the largest memory for activations while the part is computed.
  """

  name: str
  output_shape: tuple[int, ...]
  parameters: int
  multiply_adds: int
  activation_bytes: int


@dataclasses.dataclass(frozen=True)
class Description:
  """What a network costs at inference. Its `str` is a table of the parts.

  What is counted:

  * Parameters: the trainable ones. The moving averages of batch norm are not.
  * Multiply-adds: of the convolutions and dense layers, for one image or one token. A convolution counts at the padded
    border, too. The zeros of dilated kernels and of factorized reductions do not count, nor do batch norm, activations,
    pools, sums and the look-up of an embedding.
  * Memory: the maps of one image, or the states of one token, at single precision, at the moment when they are most. The
    input counts, weights do not. Layers are computed one after the other, in a cell in the order of its nodes. The
    output of a cell is kept until the two cells that read it are done with it, a state in a cell until the last node
    that reads it has been computed. ReLU, batch norm and padding take no memory of their own, an identity that changes
    nothing writes nothing, and a sum is written over one of its terms. A runtime may need more.

  Attributes:
    title: what was described.
    example: what one example is, "image" or "token", or "example" for a model of Keras.
    parts: what each part costs, in the order of computation.
    auxiliary_multiply_adds: those of one example that the auxiliary head adds in training.
  """

  title: str
  example: str
  parts: tuple[PartDescription, ...]
  auxiliary_multiply_adds: int = 0

  @property
  def parameters(self) -> int:
    """Trainable parameters of the network at inference, that is, without an auxiliary head."""
    return sum([part.parameters for part in self.parts if part.name != AUXILIARY_HEAD])

  @property
  def parameters_with_auxiliary(self) -> int:
    """Trainable parameters of the network in training, those of the auxiliary head included, if it has one."""
    return sum([part.parameters for part in self.parts])

  @property
  def multiply_adds(self) -> int:
    """Multiply-adds of one example at inference."""
    return sum([part.multiply_adds for part in self.parts])

  @property
  def multiply_adds_with_auxiliary(self) -> int:
    """Multiply-adds of the forward pass of one example in training, those of the auxiliary head included."""
    return self.multiply_adds + self.auxiliary_multiply_adds

  @property
  def activation_bytes(self) -> int:
    """The largest memory for the activations of one example at inference, in bytes."""
    return max(part.activation_bytes for part in self.parts)

  def as_dict(self) -> dict[str, Any]:
    """Returns the totals and the parts as plain values."""
    parameters = ("parameters", "parameters_with_auxiliary")
    totals = ("title", "example", *parameters, "multiply_adds", "multiply_adds_with_auxiliary", "activation_bytes")
    parts = [{**dataclasses.asdict(part), "output_shape": list(part.output_shape)} for part in self.parts]
    return {**{name: getattr(self, name) for name in totals}, "parts": parts}

  def to_json(self) -> str:
    """Returns `as_dict` as JSON text."""
    return json.dumps(self.as_dict(), indent=2)

  def __str__(self) -> str:
    rows = [_row(part) for part in self.parts if part.name != AUXILIARY_HEAD]
    total = ("total", "", f"{self.parameters:,}", f"{self.multiply_adds:,}", _kilobytes(self.activation_bytes))
    header = ("part", "output", "parameters", f"multiply-adds per {self.example}", "peak activations, kB")
    table = _table([header, *rows, total])
    auxiliary = self.parameters_with_auxiliary - self.parameters
    note = f"\nin training, an auxiliary head has {auxiliary:,} parameters more" if auxiliary else ""
    return f"{self.title}\n{table}{note}"


def describe(
  network: "Genotype | str | os.PathLike[str] | keras.Model",
  network_config: ImageNetworkConfig | LanguageModelConfig | None = None,
  *,
  space: str | None = None,
  input_shape: Sequence[int] | None = None,
  num_classes: int | None = None,
  vocabulary_size: int | None = None,
  **sizes: Any,
) -> Description:
  """Returns what a network costs: parameters, multiply-adds and memory, in all and part by part; see `Description`.

  Args:
    network: a genotype; or the name of a published network, a published string, or the path of a JSON file; or a model of
      Keras, functional or sequential, which takes no further arguments.
    network_config: how large the network is; None: the paper's network, with the convention of a published name.
    space: name of the space of a published string; None: nasnet5, nasnet11 or rnn12, whichever has it.
    input_shape: (height, width, channels) of an image; None: (32, 32, 3).
    num_classes: number of classes of images; None: 10.
    vocabulary_size: number of words of a language model; None: 10,000.
    **sizes: fields of the configuration to change, such as `num_cells=3` and `filters=32`, or `units=200`.

  Raises:
    ValueError: if the text names no network, an argument is not one of such networks, or the cost of an operation is not
      known.
    OSError: if the file cannot be read.
  """
  if is_model(network):
    given = {"network_config": network_config, "space": space, "input_shape": input_shape, "num_classes": num_classes}
    _refuse({**given, "vocabulary_size": vocabulary_size, **sizes}, "a Keras model")
    model: Any = network
    return _description(f"{model.name}: a Keras model", "example", model_parts(model))
  network = os.fspath(network) if isinstance(network, os.PathLike) else network
  genotype = read_genotype(network, space) if isinstance(network, str) else network
  title = network if isinstance(network, str) else type(genotype).__name__
  if isinstance(genotype, CELL_GENOTYPES):
    _refuse({"vocabulary_size": vocabulary_size}, "an image network")
    config = _configured(network_config, ImageNetworkConfig(convention=_convention(title)), sizes)
    return _describe_images(title, genotype, config, _or(input_shape, _IMAGE_SHAPE), _or(num_classes, _NUM_CLASSES))
  if isinstance(genotype, PLAIN_GENOTYPES):
    _refuse({"vocabulary_size": vocabulary_size}, "an image network")
    check_used(sizes)
    config = _configured(network_config, ImageNetworkConfig(), sizes)
    return _describe_layers(title, genotype, config, _or(input_shape, _IMAGE_SHAPE), _or(num_classes, _NUM_CLASSES))
  if isinstance(genotype, (RecurrentGenotype, LstmGenotype)):
    _refuse({"input_shape": input_shape, "num_classes": num_classes}, "a language model")
    model_config = _configured(network_config, LanguageModelConfig(), sizes)
    return _describe_language(title, genotype, model_config, _or(vocabulary_size, _VOCABULARY_SIZE))
  raise ValueError(
    f"no network is built from a {type(genotype).__name__}, so there is nothing to describe; expected a published name,"
    " the path of a JSON file, a string of a space, a genotype or a model of Keras"
  )


def _or(value: _Value | None, default: _Value) -> _Value:
  return default if value is None else value


def _describe_images(
  title: str,
  genotype: CellGenotype | MotifGenotype | EdgeGenotype,
  config: ImageNetworkConfig,
  input_shape: Sequence[int],
  num_classes: int,
) -> Description:
  height, width, channels = _checked_shape(input_shape)
  costs = _image_costs(config, (height, width, channels), fields.integer(num_classes, "num_classes", 1))
  parts = costs.parts(genotype)
  size = f"{config.num_cells} cells a stage, {config.filters} filters, convention {config.convention}"
  described = _description(f"{title}: {size}, {height}x{width}x{channels} images", "image", parts)
  return dataclasses.replace(described, auxiliary_multiply_adds=costs.auxiliary_multiply_adds(parts))


def _describe_layers(
  title: str, genotype: PlainGenotype, config: ImageNetworkConfig, input_shape: Sequence[int], num_classes: int
) -> Description:
  height, width, channels = _checked_shape(input_shape)
  classes = fields.integer(num_classes, "num_classes", 1)
  parts = plain_costs(genotype, config.filters, (height, width, channels), classes)
  return _description(f"{title}: {config.filters} filters, {height}x{width}x{channels} images", "image", parts)


def _checked_shape(input_shape: Sequence[int]) -> tuple[int, int, int]:
  height, width, channels = (
    fields.integer(n, f"input_shape[{i}]", 1) for i, n in enumerate(fields.elements(input_shape, "input_shape", 3))
  )
  return height, width, channels


@functools.lru_cache(maxsize=16)
def _image_costs(config: ImageNetworkConfig, image_shape: tuple[int, int, int], num_classes: int) -> ImageCosts:
  """Returns the costs of networks of one configuration, which keep those of their operations."""
  return ImageCosts(config, image_shape, num_classes)


def _describe_language(
  title: str, genotype: RecurrentGenotype | LstmGenotype, config: LanguageModelConfig, vocabulary_size: int
) -> Description:
  words = fields.integer(vocabulary_size, "vocabulary_size", 1)
  parts = language_costs(genotype, config, words)
  return _description(f"{title}: {config.units} units, {words:,} words", "token", parts)


def _description(title: str, example: str, parts: Sequence[PartCost]) -> Description:
  described = tuple(PartDescription(*part[:-1], _BYTES * part.values) for part in parts)
  return Description(title, example, described)


def _convention(name: str) -> str:
  """Returns the convention of a published network; that of the paper for any other."""
  return CELLS[name].convention if name in CELLS else ImageNetworkConfig.convention


def _configured(given: Any, default: _Config, sizes: Mapping[str, Any]) -> _Config:
  """Returns a configuration with some fields changed.

  Raises:
    ValueError: if it is of another kind of network, or there is no such field.
  """
  config = default if given is None else given
  if not isinstance(config, type(default)):
    raise ValueError(f"network_config: expected a {type(default).__name__}, got a {type(config).__name__}")
  known = [field.name for field in dataclasses.fields(config)]
  for name, value in sizes.items():
    if name not in known:
      kind = "an image network" if isinstance(config, ImageNetworkConfig) else "a language model"
      raise ValueError(f"{kind} has no {name!r}; it has {', '.join(known)}")
    if isinstance(getattr(config, name), int):
      fields.integer(int(value) if isinstance(value, bool) else value, name)
  return dataclasses.replace(config, **sizes)


def _refuse(arguments: Mapping[str, Any], kind: str) -> None:
  """Checks that arguments of another kind of network are not given.

  Raises:
    ValueError: if one is.
  """
  for name, value in arguments.items():
    if value is not None:
      raise ValueError(f"{kind} has no {name}, got {fields.shown(value)}")


def _row(part: PartDescription) -> tuple[str, ...]:
  shape = " x ".join(str(length) for length in part.output_shape)
  return part.name, shape, f"{part.parameters:,}", f"{part.multiply_adds:,}", _kilobytes(part.activation_bytes)


def _kilobytes(count: int) -> str:
  return f"{count / 1000:,.1f}"


def _table(rows: Sequence[Sequence[str]]) -> str:
  """Returns rows as lines with aligned columns: text to the left, numbers to the right."""
  widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
  return "\n".join(
    "  ".join(cell.ljust(width) if i < 2 else cell.rjust(width) for i, (cell, width) in enumerate(zip(row, widths)))
    for row in rows
  )
