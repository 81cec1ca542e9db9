"""Layers as functions of their weights.

A `LayerFunction` calls a layer with weights that come in a vector instead of its own: what Keras 3 calls a stateless call
and Keras 2 does not have. The layer's own variables only say what the weights are like.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf
from tensorflow import keras


class Slot(NamedTuple):
  """A place where a layer, or a layer in it, keeps a weight.

  Attributes:
    owner: the layer that has it as an attribute.
    name: of the attribute.
    variable: what is there.
  """

  owner: keras.layers.Layer
  name: str
  variable: Any

  @property
  def shape(self) -> tuple[int, ...]:
    """Of the weight."""
    return tuple(self.variable.shape)

  @property
  def size(self) -> int:
    """How many numbers it is."""
    return int(np.prod(self.shape))


class LayerFunction:
  """A built layer as a function of its trainable weights and of its statistics, the weights that are not trained.

  Attributes:
    layer: the layer.
    weights: the places of its trainable weights, in the order in which a vector has them.
    statistics: the same for those that are not trained.
  """

  def __init__(self, layer: keras.layers.Layer, *, variable_rows: bool = False):
    """Args:
    layer: built.
    variable_rows: whether the first trainable weight may come with another number of rows (its last axis but one) than
      it has in the layer: those of the input channels that are there.
    """
    self.layer, self._variable_rows = layer, variable_rows
    self.weights = _slots(layer, layer.trainable_weights)
    self.statistics = _slots(layer, layer.non_trainable_weights)
    if variable_rows:
      self.weights[0].owner.input_spec = None  # It would insist on its own number of input channels.

  @property
  def num_weights(self) -> int:
    """Size of the vector of trainable weights, if all rows are there."""
    return sum(slot.size for slot in self.weights)

  @property
  def num_statistics(self) -> int:
    """Size of the vector of statistics."""
    return sum(slot.size for slot in self.statistics)

  def initial_weights(self) -> np.ndarray:
    """Returns the layer's own trainable weights as a vector `[num_weights]`."""
    values = [np.reshape(slot.variable.numpy(), -1) for slot in self.weights]
    return np.concatenate([np.zeros(0, np.float32), *values])

  def __call__(self, weights: tf.Tensor, statistics: tf.Tensor, *args, **kwargs) -> tuple[Any, tf.Tensor]:
    """Calls the layer.

    Args:
      weights: its trainable weights, `[num_weights]`, fewer where rows are missing.
      statistics: `[num_statistics]`.
      *args: of the layer's `call`.
      **kwargs: of the layer's `call`.

    Returns:
      What the layer returns, and the statistics that it would have now.
    """
    tensors = self._split(self.weights, weights, self._variable_rows)
    states = [_State(tensor) for tensor in self._split(self.statistics, statistics)]
    slots = (*self.weights, *self.statistics)
    try:
      for slot, value in zip(slots, (*tensors, *states)):
        vars(slot.owner)[slot.name] = value
      outputs = self.layer.call(*args, **kwargs)
    finally:
      for slot in slots:
        vars(slot.owner)[slot.name] = slot.variable
    return outputs, self._joined(states, statistics) if states else statistics

  @staticmethod
  def _joined(states: "Sequence[_State]", before: tf.Tensor) -> tf.Tensor:
    """Returns states as one vector; its static shape is not known where that of the vector before was not."""
    joined = tf.concat([tf.reshape(state.value, [-1]) for state in states], 0)
    return tf.slice(joined, [0], tf.shape(before))

  def assign(self, weights, statistics=None) -> None:
    """Gives the layer itself the weights that a vector holds, and the statistics, if there is a vector of them.

    Raises:
      ValueError: if a vector is not of the layer's size.
    """
    for slots, vector in ((self.weights, weights), (self.statistics, statistics)):
      size = sum(slot.size for slot in slots)
      if vector is not None and len(vector) != size:
        raise ValueError(f"{self.layer.name}: expected {size} numbers, got {len(vector)}")
      if vector is not None:
        for slot, value in zip(slots, self._split(slots, tf.convert_to_tensor(vector))):
          slot.variable.assign(value)

  @staticmethod
  def _split(slots: Sequence[Slot], vector: tf.Tensor, variable_rows: bool = False) -> list[tf.Tensor]:
    sizes, shapes = [slot.size for slot in slots], [list(slot.shape) for slot in slots]
    if variable_rows:
      sizes[0], shapes[0][-2] = -1, -1
    pieces = tf.split(vector, sizes) if slots else []
    return [tf.reshape(piece, shape) for piece, shape in zip(pieces, shapes)]


class _State:
  """Stands for a variable: can be read as a tensor, and remembers what is assigned to it."""

  def __init__(self, value: tf.Tensor):
    self.value = value

  def assign(self, value: tf.Tensor) -> None:
    self.value = value

  def __tf_tensor__(self, dtype=None, name=None) -> tf.Tensor:
    return self.value


def _slots(layer: keras.layers.Layer, variables: Sequence) -> tuple[Slot, ...]:
  """Returns where the layer keeps each of its variables."""
  places = {
    id(value): (owner, name)
    for owner in layer._flatten_layers()
    for name, value in vars(owner).items()
    if value is not None
  }
  return tuple(Slot(*places[id(variable)], variable) for variable in variables)
