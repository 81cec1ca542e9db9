"""Computes the parameters, multiply-adds and memory of a network, in total and per part, without building it.

    >>> import nao_tf
    >>> nao_tf.describe("NAONet-B", num_cells=5, filters=36).parameters
    2492902

All values are computed from the genotype by arithmetic, in less than a millisecond and without TensorFlow.
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
"""Size of a float32 value."""
_IMAGE_SHAPE = (32, 32, 3)
_NUM_CLASSES = 10
_VOCABULARY_SIZE = 10_000


@dataclasses.dataclass(frozen=True)
class PartDescription:
  """The cost of one part of a network.

  Attributes:
    name: name of the part.
    output_shape: output shape for one example, without the batch axis.
    parameters: number of trainable parameters.
    multiply_adds: multiply-adds for one example at inference.
    activation_bytes: peak memory of the activations while the part is computed, in bytes.
  """

  name: str
  output_shape: tuple[int, ...]
  parameters: int
  multiply_adds: int
  activation_bytes: int


@dataclasses.dataclass(frozen=True)
class Description:
  """The cost of a network at inference, as returned by `nao_tf.describe`. `str(description)` is a table of its parts.

  What is counted:

  * Parameters: trainable parameters only, without the moving averages of batch normalization.
  * Multiply-adds: those of convolutions and dense layers, for one image or one token. Positions at the padded border of
    a convolution count. Zeros in dilated kernels and in factorized reductions do not count, nor do batch normalization,
    activations, pooling, additions and embedding lookups.
  * Memory: the peak size of the feature maps of one image, or of the states of one token, in float32. The input counts;
    weights do not. Layers are assumed to run one at a time, the nodes of a cell in order. The output of a cell is kept
    until both cells that read it are done, and a state within a cell until the last node that reads it has been
    computed. ReLU, batch normalization and padding are assumed to need no memory of their own, identities that change
    nothing to copy nothing, and additions to overwrite one of their inputs. The actual peak of a runtime may be higher.

  Attributes:
    title: name of the described network.
    example: what one example is: "image" or "token"; "example" for a Keras model.
    parts: costs of the parts, in the order of computation.
    auxiliary_multiply_adds: additional multiply-adds per example for the auxiliary head in training.
  """

  title: str
  example: str
  parts: tuple[PartDescription, ...]
  auxiliary_multiply_adds: int = 0

  @property
  def parameters(self) -> int:
    """Number of trainable parameters at inference, without the auxiliary head."""
    return sum([part.parameters for part in self.parts if part.name != AUXILIARY_HEAD])

  @property
  def parameters_with_auxiliary(self) -> int:
    """Number of trainable parameters in training, including the auxiliary head if there is one."""
    return sum([part.parameters for part in self.parts])

  @property
  def multiply_adds(self) -> int:
    """Multiply-adds per example at inference."""
    return sum([part.multiply_adds for part in self.parts])

  @property
  def multiply_adds_with_auxiliary(self) -> int:
    """Multiply-adds per example of the forward pass in training, including the auxiliary head."""
    return self.multiply_adds + self.auxiliary_multiply_adds

  @property
  def activation_bytes(self) -> int:
    """Peak memory of the activations of one example at inference, in bytes."""
    return max(part.activation_bytes for part in self.parts)

  def as_dict(self) -> dict[str, Any]:
    """Returns the totals and the parts as a dict of plain Python values."""
    parameters = ("parameters", "parameters_with_auxiliary")
    totals = ("title", "example", *parameters, "multiply_adds", "multiply_adds_with_auxiliary", "activation_bytes")
    parts = [{**dataclasses.asdict(part), "output_shape": list(part.output_shape)} for part in self.parts]
    return {**{name: getattr(self, name) for name in totals}, "parts": parts}

  def to_json(self) -> str:
    """Returns `as_dict` as a JSON string."""
    return json.dumps(self.as_dict(), indent=2)

  def __str__(self) -> str:
    rows = [_row(part) for part in self.parts if part.name != AUXILIARY_HEAD]
    total = ("total", "", f"{self.parameters:,}", f"{self.multiply_adds:,}", _kilobytes(self.activation_bytes))
    header = ("part", "output", "parameters", f"multiply-adds per {self.example}", "peak activations, kB")
    table = _table([header, *rows, total])
    auxiliary = self.parameters_with_auxiliary - self.parameters
    note = f"\nin training, the auxiliary head adds {auxiliary:,} parameters" if auxiliary else ""
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
  """Computes the parameters, multiply-adds and memory of a network without building it.

  Args:
    network: a genotype; the name of a published architecture; the string of an architecture; the path of a JSON file
      such as the best.json of a search; or a functional or sequential Keras model, which takes no further arguments.
    network_config: size of the network. None: the network of the paper, with the layer convention of a published
      architecture.
    space: name of the search space of an architecture string. None: whichever of nasnet5, nasnet11 and rnn12 it belongs
      to.
    input_shape: image shape (height, width, channels). None: (32, 32, 3).
    num_classes: number of image classes. None: 10.
    vocabulary_size: number of tokens in the vocabulary of a language model. None: 10,000.
    **sizes: fields of the network configuration to override, such as `num_cells=3`, `filters=32` or `units=200`.

  Returns:
    A `Description` with totals for one example and the cost of each part.

  Raises:
    ValueError: if the text does not name a network, an argument does not apply to this kind of network, or the cost of
      an operation is unknown.
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
  size = f"{fields.counted(config.num_cells, 'cell')} per stage, {fields.counted(config.filters, 'filter')}"
  described = _description(
    f"{title}: {size}, convention {config.convention}, {height}x{width}x{channels} images", "image", parts
  )
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
