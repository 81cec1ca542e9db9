"""The units of a network whose weights are in a bank: layers that an architecture says whether, and how wide, they are."""

from collections.abc import Collection, Sequence
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf
from tensorflow import keras

from nao_tf.supernets.cell_choices import CellSelectors
from nao_tf.supernets.functional import LayerFunction
from nao_tf.supernets.weight_bank import ALWAYS, EMPTY, Candidate, ChoiceBlock


class Feature(NamedTuple):
  """What the stem or a cell gives: parts of equal size along the channels.

  Attributes:
    height: pixels.
    width: pixels.
    channels: of a part.
    cell: the parts are the loose ends of this cell, 0 the normal one, 1 the reduction one; None: there is one part.
  """

  height: int
  width: int
  channels: int
  cell: int | None

  def shape(self, parts: int) -> tuple:
    """Returns the shape [B, H, W, C] with so many parts."""
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
    selectors: of the space of cells.
    units: the choices of each unit so far.
  """

  def __init__(self, selectors: CellSelectors):
    self.selectors = selectors
    self.units: list[list[ChoiceBlock]] = []

  def add(self, choices: list[ChoiceBlock]) -> int:
    """Adds a unit; returns its number."""
    self.units.append(choices)
    return len(self.units) - 1

  def add_layer(self, layer: keras.layers.Layer, shape, *, selector: int = ALWAYS) -> Unit:
    """Adds a layer that is there always, or if a selector is 1.

    Args:
      layer: not built yet.
      shape: of what it reads.
      selector: 1 if it is there.
    """
    layer.build(shape)
    function = LayerFunction(layer)
    return Unit(self.add([_optional(function.initial_weights(), function.num_statistics, selector)]), function)

  def add_reader(self, layer: keras.layers.Layer, feature: Feature, unless: Collection[int] = ()) -> Unit:
    """Adds a layer that reads a feature, and has rows in its first kernel for those parts alone that are there.

    Args:
      layer: not built yet.
      feature: what it reads.
      unless: numbers of parts with which the layer is not there.
    """
    if feature.cell is None:
      return self.add_layer(layer, feature.shape(1))
    num_parts = self.selectors.num_states
    layer.build(feature.shape(num_parts))
    function = LayerFunction(layer, variable_rows=True)
    rows, rest = np.split(function.initial_weights(), [function.weights[0].size])
    choices = [
      _optional(part, 0, self.selectors.loose(feature.cell, state, unless))
      for state, part in enumerate(np.split(rows, num_parts))
    ]
    selector = self.selectors.present(feature.cell, unless) if unless else ALWAYS
    return Unit(self.add([*choices, _optional(rest, function.num_statistics, selector)]), function)


class Weights:
  """The weights of an architecture, unit by unit.

  Attributes:
    weights: trainable ones, one vector for each unit.
    statistics: the same for statistics; those of a unit that is called are replaced.
  """

  def __init__(self, weights: Sequence[tf.Tensor], statistics: Sequence[tf.Tensor]):
    self.weights, self.statistics = list(weights), list(statistics)

  def call(self, unit: Unit, *args, **kwargs) -> Any:
    """Calls a unit."""
    outputs, statistics = unit.function(self.weights[unit.number], self.statistics[unit.number], *args, **kwargs)
    self.statistics[unit.number] = statistics
    return outputs

  def call_if(self, condition: tf.Tensor, unit: Unit, otherwise, *args, **kwargs) -> tf.Tensor:
    """Calls a unit if the condition holds; if not, its result is what `otherwise()` returns."""
    weights, statistics = self.weights[unit.number], self.statistics[unit.number]
    outputs, self.statistics[unit.number] = tf.cond(
      condition, lambda: unit.function(weights, statistics, *args, **kwargs), lambda: (otherwise(), statistics)
    )
    return outputs


def _optional(initial: np.ndarray, num_statistics: int, selector: int) -> ChoiceBlock:
  candidate = Candidate(initial, num_statistics)
  return ChoiceBlock(selector, [candidate] if selector == ALWAYS else [EMPTY, candidate])
