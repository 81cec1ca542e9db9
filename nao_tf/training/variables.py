"""The TensorFlow variables behind the variables of Keras."""

from collections.abc import Sequence
from typing import Any

import tensorflow as tf


def tf_variable(variable: Any) -> tf.Variable:
  """Returns the TensorFlow variable that a Keras 3 variable wraps. A Keras 2 variable is a TensorFlow variable itself."""
  return variable if isinstance(variable, tf.Variable) else variable.value


def assign_in_replica(variables: Sequence[tf.Variable], values: Sequence[tf.Tensor]) -> None:
  """Gives variables values, the same on all replicas. Call it in the context of a replica."""
  tf.distribute.get_replica_context().merge_call(_assign_all, args=(variables, values))


def _assign_all(
  distribution: tf.distribute.Strategy, variables: Sequence[tf.Variable], values: Sequence[tf.Tensor]
) -> None:
  for variable, value in zip(variables, values):
    distribution.extended.update(variable, _assign, args=(value,), group=False)


def _assign(variable: tf.Variable, value: tf.Tensor) -> None:
  variable.assign(value)
