"""Layers as functions of their weights.

A `LayerFunction` calls a layer with weights that come in a vector. The variables of the layer itself only say how many
weights there are, in which shapes, and how they are initialized.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf
from tensorflow import keras


class LentWeights:
  """Answers for the variables of a layer with tensors from elsewhere; a `nao_tf.networks.weight_sources.WeightSource`.

  Variables are told apart by their identity. Those of Keras 3 have nothing else for it: they are compared by their values,
  and in mixed precision, within a layer, even the TensorFlow variable that they wrap is hidden behind a cast.
  """

  def __init__(self, variables: Sequence[Any], values: Sequence[tf.Tensor]) -> None:
    """Lends values.

    Args:
      variables: the variables of the layer.
      values: the value of each.
    """
    self._variables = list(variables)
    self._values = {id(variable): value for variable, value in zip(variables, values)}

  def read(self, variable: Any) -> tf.Tensor:
    """Returns the present value of a variable."""
    return self._values[id(variable)]

  def write(self, variable: Any, value: tf.Tensor) -> None:
    """Replaces the value of a variable here; the variable itself stays as it is."""
    self._values[id(variable)] = value


class LayerFunction:
  """A built layer as a function of its trainable weights and of its statistics, the weights that are not trained.

  Attributes:
    layer: the layer.
    weights: its trainable variables, in the order in which a vector has their values.
    statistics: its other variables, in the same sense.
  """

  def __init__(self, layer: keras.layers.Layer, *, variable_rows: bool = False) -> None:
    """Initializes the function.

    Args:
      layer: a built layer with `weights`, a `WeightSource`, among the arguments of its `call`.
      variable_rows: whether the first trainable weight may come with fewer rows (its last axis but one) than in the layer,
        because some input channels are missing.
    """
    self.layer, self._variable_rows = layer, variable_rows
    self.weights, self.statistics = list(layer.trainable_weights), list(layer.non_trainable_weights)

  @property
  def num_weights(self) -> int:
    """Size of the vector of trainable weights, if all rows are there."""
    return sum(map(size_of, self.weights))

  @property
  def num_statistics(self) -> int:
    """Size of the vector of statistics."""
    return sum(map(size_of, self.statistics))

  def initial_weights(self) -> np.ndarray:
    """Returns the layer's own trainable weights as a vector `[num_weights]`."""
    values = [np.reshape(variable.numpy(), -1) for variable in self.weights]
    return np.concatenate([np.zeros(0, np.float32), *values])

  def __call__(self, weights: tf.Tensor, statistics: tf.Tensor, *args: Any, **kwargs: Any) -> tuple[Any, tf.Tensor]:
    """Calls the layer, whose first argument gets the type that it computes in.

    Args:
      weights: its trainable weights, `[num_weights]`, fewer if rows are missing.
      statistics: `[num_statistics]`.
      *args: arguments of the layer's `call`.
      **kwargs: keyword arguments of the layer's `call`.

    Returns:
      What the layer returns, and its statistics after the call.
    """
    values = _split(self.weights, weights, variable_rows=self._variable_rows) + _split(self.statistics, statistics)
    lent = LentWeights([*self.weights, *self.statistics], values)
    outputs = self.layer.call(*self._in_precision(*args), weights=lent, **kwargs)
    if not self.statistics:
      return outputs, statistics
    return outputs, _join([lent.read(variable) for variable in self.statistics], statistics)

  def _in_precision(self, inputs: tf.Tensor, *args: Any) -> tuple[Any, ...]:
    """Returns arguments as Keras would hand them to the layer."""
    return tf.cast(inputs, self.layer.compute_dtype), *args

  def assign(self, weights: np.ndarray, statistics: np.ndarray | None = None) -> None:
    """Gives the layer itself the weights of a vector.

    Args:
      weights: `[num_weights]`.
      statistics: `[num_statistics]`; None leaves them as they are.

    Raises:
      ValueError: if a vector is not of the layer's size.
    """
    self._assign(self.weights, weights)
    if statistics is not None:
      self._assign(self.statistics, statistics)

  def _assign(self, variables: Sequence[Any], vector: np.ndarray) -> None:
    size = sum(map(size_of, variables))
    if len(vector) != size:
      raise ValueError(f"{self.layer.name}: expected {size} numbers, got {len(vector)}")
    for variable, value in zip(variables, _split(variables, tf.convert_to_tensor(vector))):
      variable.assign(value)


def assign_in_turn(functions: Sequence[LayerFunction], weights: np.ndarray, statistics: np.ndarray | None) -> None:
  """Gives layers the weights of a vector that has those of one layer after the other.

  Args:
    functions: functions of the layers.
    weights: weights of all of them.
    statistics: statistics of all of them; None leaves theirs as they are.
  """
  for function in functions:
    here, weights = np.split(weights, [function.num_weights])
    there = None
    if statistics is not None:
      there, statistics = np.split(statistics, [function.num_statistics])
    function.assign(here, there)


def size_of(variable: Any) -> int:
  """Returns how many numbers a variable holds."""
  return int(np.prod(variable.shape))


def _split(variables: Sequence[Any], vector: tf.Tensor, *, variable_rows: bool = False) -> list[tf.Tensor]:
  """Returns the value of each variable, given all values one after another in a vector."""
  if not variables:
    return []
  sizes, shapes = [size_of(variable) for variable in variables], [list(variable.shape) for variable in variables]
  if variable_rows:
    sizes[0], shapes[0][-2] = -1, -1
  pieces = tf.split(vector, sizes) if len(sizes) > 1 else [vector]  # A single size cannot be inferred.
  return [tf.reshape(piece, shape) for piece, shape in zip(pieces, shapes)]


def _join(values: Sequence[tf.Tensor], before: tf.Tensor) -> tf.Tensor:
  """Returns values as one vector, whose length is known to the graph only if that of the vector before was."""
  joined = tf.concat([tf.reshape(value, [-1]) for value in values], 0)
  return tf.slice(joined, [0], tf.shape(before))
