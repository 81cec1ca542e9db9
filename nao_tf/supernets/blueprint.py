"""The units of a network with weights in a bank: layers whose presence and width depend on the architecture."""

from collections.abc import Callable, Collection, Sequence
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf
from tensorflow import keras

from nao_tf.networks.layers import ImageShape
from nao_tf.supernets.cell_choices import CellSelectors
from nao_tf.supernets.functional import LayerFunction, size_of
from nao_tf.supernets.weight_bank import ALWAYS, EMPTY, Candidate, ChoiceBlock


class Feature(NamedTuple):
  """The output of the stem or of a cell: parts of equal size along the channels.

  Attributes:
    height: pixels.
    width: pixels.
    channels: channels of a part.
    cell: the parts are the loose ends of this cell, 0 the normal one, 1 the reduction one; None: there is one part.
  """

  height: int
  width: int
  channels: int
  cell: int | None

  def shape(self, parts: int) -> ImageShape:
    """Returns the shape [B, H, W, C] with this number of parts."""
    return None, self.height, self.width, self.channels * parts


class Unit(NamedTuple):
  """A layer of the network.

  Attributes:
    number: among the units of the bank.
    function: what it computes.
  """

  number: int
  function: LayerFunction


class Blueprint:
  """Collects the units of a network.

  Attributes:
    selectors: selectors of the space of cells.
    units: the choice blocks of each unit so far.
  """

  def __init__(self, selectors: CellSelectors) -> None:
    """Initializes without units.

    Args:
      selectors: selectors of the space of cells.
    """
    self.selectors = selectors
    self.units: list[list[ChoiceBlock]] = []

  def add(self, blocks: list[ChoiceBlock]) -> int:
    """Adds a unit; returns its number."""
    self.units.append(blocks)
    return len(self.units) - 1

  def add_layer(self, layer: keras.layers.Layer, shape: ImageShape, *, selector: int = ALWAYS) -> Unit:
    """Adds a layer that is always there, or only if a selector is 1.

    Args:
      layer: not built yet.
      shape: shape of its input.
      selector: 1 if the layer is there.
    """
    layer.build(shape)
    function = LayerFunction(layer)
    return Unit(self.add([_optional(function.initial_weights(), function.num_statistics, selector)]), function)

  def add_reader(self, layer: keras.layers.Layer, feature: Feature, unless: Collection[int] = ()) -> Unit:
    """Adds a layer that reads a feature. Its first kernel has rows only for those parts that are there.

    Args:
      layer: not built yet.
      feature: its input.
      unless: numbers of parts with which the layer is absent.
    """
    if feature.cell is None:
      return self.add_layer(layer, feature.shape(1))
    num_parts = self.selectors.num_states
    layer.build(feature.shape(num_parts))
    function = LayerFunction(layer, variable_rows=True)
    rows, rest = np.split(function.initial_weights(), [size_of(function.weights[0])])
    blocks = [
      _optional(part, 0, self.selectors.loose(feature.cell, state, unless))
      for state, part in enumerate(np.split(rows, num_parts))
    ]
    selector = self.selectors.present(feature.cell, unless) if unless else ALWAYS
    return Unit(self.add([*blocks, _optional(rest, function.num_statistics, selector)]), function)


class UnitWeights:
  """The weights of an architecture, unit by unit.

  Attributes:
    weights: the trainable ones, a vector for each unit.
    statistics: the others, a vector for each unit. A call of a unit replaces its vector.
  """

  def __init__(self, weights: Sequence[tf.Tensor], statistics: Sequence[tf.Tensor]) -> None:
    """Initializes with the weights and statistics of each unit."""
    self.weights, self.statistics = list(weights), list(statistics)

  def call(self, unit: Unit, *args: Any, **kwargs: Any) -> Any:
    """Calls a unit and returns its output."""
    outputs, statistics = unit.function(self.weights[unit.number], self.statistics[unit.number], *args, **kwargs)
    self.statistics[unit.number] = statistics
    return outputs

  def call_if(
    self, condition: tf.Tensor, unit: Unit, otherwise: Callable[[], tf.Tensor], *args: Any, **kwargs: Any
  ) -> tf.Tensor:
    """Calls a unit if the condition holds; if not, the output is what `otherwise()` returns."""
    weights, statistics = self.weights[unit.number], self.statistics[unit.number]
    outputs, self.statistics[unit.number] = tf.cond(
      condition, lambda: unit.function(weights, statistics, *args, **kwargs), lambda: (otherwise(), statistics)
    )
    return outputs


def _optional(initial: np.ndarray, num_statistics: int, selector: int) -> ChoiceBlock:
  """Returns the choice between no weights and some, or only the latter if they are always there."""
  candidate = Candidate(initial, num_statistics)
  return ChoiceBlock(selector, [candidate] if selector == ALWAYS else [EMPTY, candidate])
