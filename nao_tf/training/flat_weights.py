"""All trainable weights as one vector.

Some operations do the same to every weight: adding decay, bounding the norm, the update of an elementwise optimizer. On
one vector they are a handful of operations instead of a handful for each of hundreds of variables. A step is then traced
in less than half the time and runs faster, and several replicas exchange one tensor.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from nao_tf.training.variables import assign_in_replica, tf_variable


class FlatWeights:
  """A vector of all weights, with the way from the variables to the vector and back.

  Attributes:
    vector: a variable with all weights in order, `[P]`.
  """

  def __init__(self, variables: Sequence[Any]):
    """Creates the vector with the present values of the weights.

    Args:
      variables: the weights. Make the vector in the scope of the distribution that they belong to.
    """
    self._variables = [tf_variable(variable) for variable in variables]
    self._sizes = [int(np.prod(variable.shape)) for variable in self._variables]
    self.vector = tf.Variable(self.pack([variable.read_value() for variable in self._variables]), name="weights")

  def pack(self, tensors: Sequence[tf.Tensor]) -> tf.Tensor:
    """Returns the tensors, one for each weight, as one vector `[P]`."""
    return tf.concat([tf.reshape(tensor, [-1]) for tensor in tensors], 0)

  def write_back(self) -> None:
    """Gives every variable its part of the vector. Call it in the context of a replica."""
    pieces = tf.split(tf.convert_to_tensor(self.vector), self._sizes)
    values = [tf.reshape(piece, variable.shape) for piece, variable in zip(pieces, self._variables)]
    assign_in_replica(self._variables, values)
