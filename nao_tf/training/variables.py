"""The TensorFlow variables behind those of Keras."""

import tensorflow as tf


def tf_variable(variable) -> tf.Variable:
  """Returns the TensorFlow variable that a variable of Keras 3 wraps; that of Keras 2 is one."""
  return variable if isinstance(variable, tf.Variable) else variable.value
