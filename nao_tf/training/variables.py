"""The TensorFlow variables behind the variables of Keras."""

from typing import Any

import tensorflow as tf


def tf_variable(variable: Any) -> tf.Variable:
  """Returns the TensorFlow variable that a Keras 3 variable wraps. A Keras 2 variable is a TensorFlow variable itself."""
  return variable if isinstance(variable, tf.Variable) else variable.value
