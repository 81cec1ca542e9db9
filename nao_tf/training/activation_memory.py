"""Estimates the activation memory of a training step from its graph: what the backward pass reads of the forward pass.

The graph is only traced, not run. An allocator needs more than that, for temporary results and because of
fragmentation.
"""

from collections.abc import Iterable
from typing import Any

import tensorflow as tf
from tensorflow import keras

from nao_tf.training.base import BatchProblem
from nao_tf.training.config import TrainingConfig
from nao_tf.training.variables import tf_variable

_EXAMPLES = 11
"""Examples of the batch whose graph is made. No kernel has as many rows, so it tells activations from weights."""
_SAME_MEMORY = ("Identity", "Reshape", "Squeeze", "ExpandDims")
"""Operations whose output is their input."""


def activation_bytes(
  task: BatchProblem,
  network: keras.Model,
  training_config: TrainingConfig,
  image_shape: tuple[int, ...],
) -> float:
  """Returns how many bytes the activations of one example take, until the backward pass has read them.

  Args:
    task: the task.
    network: the network, built in the precision that it is trained in.
    training_config: how it is trained, including the fields that the task fills in.
    image_shape: image shape of an example.
  """
  first: list[int] = []

  def step(images: tf.Tensor, labels: tf.Tensor) -> list[tf.Tensor]:
    with tf.GradientTape() as tape:
      loss = tf.reduce_sum(task.losses(network, images, labels, tf.constant(0, tf.int64), training_config))
    first.append(len(tf.compat.v1.get_default_graph().get_operations()))
    variables = [tf_variable(variable) for variable in network.trainable_variables]
    return tape.gradient(loss, variables, unconnected_gradients=tf.UnconnectedGradients.ZERO)

  shapes = [tf.TensorSpec([_EXAMPLES, *image_shape]), tf.TensorSpec([_EXAMPLES], tf.int32)]
  graph = tf.function(step, autograph=False).get_concrete_function(*shapes).graph
  operations = graph.get_operations()
  return _bytes_read(operations[: first[-1]], operations[first[-1] :]) / _EXAMPLES


def _bytes_read(forward: Iterable[Any], backward: Iterable[Any]) -> int:
  """Returns the size of what operations of a backward pass read of the batch in a forward pass."""
  names = {operation.name for operation in forward}
  read = (_source(tensor) for operation in backward for tensor in operation.inputs if tensor.op.name in names)
  different = {tensor.name: tensor for tensor in read}
  return sum(_size(tensor) for tensor in different.values())


def _source(tensor: tf.Tensor) -> tf.Tensor:
  """Returns the tensor that has the memory of another one."""
  while tensor.op.type in _SAME_MEMORY:
    tensor = tensor.op.inputs[0]
  return tensor


def _size(tensor: tf.Tensor) -> int:
  """Returns the bytes of a tensor, 0 if it does not depend on the batch or has no fixed size."""
  shape = tensor.shape
  if not shape.is_fully_defined() or not shape.rank or shape[0] % _EXAMPLES:
    return 0
  return int(shape.num_elements() * tensor.dtype.size)
