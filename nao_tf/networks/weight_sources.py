"""Where layers read their weights: from their own variables, or from a caller who lends them others.

Layers of this package take a `WeightSource` as an argument of `call` and read every variable through it. Called as
usual they read themselves. With weight sharing the weights of a layer are tensors that come from elsewhere, and a source
of `nao_tf.supernets` answers with those instead. Keras 3 calls this a stateless call; Keras 2 has nothing like it.
"""

from typing import Protocol

import tensorflow as tf


class WeightSource(Protocol):
  """Answers for the variables of a layer while it computes."""

  def read(self, variable: tf.Variable) -> tf.Tensor:
    """Returns the value of a variable."""

  def write(self, variable: tf.Variable, value: tf.Tensor) -> None:
    """Gives a variable a new value, as batch normalization does with its averages."""


class OwnWeights:
  """The source of a layer that has its own weights: the variables themselves."""

  def read(self, variable: tf.Variable) -> tf.Tensor:
    """Returns the value of a variable."""
    return tf.convert_to_tensor(variable)

  def write(self, variable: tf.Variable, value: tf.Tensor) -> None:
    """Assigns a value to a variable."""
    variable.assign(value)


OWN_WEIGHTS = OwnWeights()
"""What layers read unless they are told otherwise."""
