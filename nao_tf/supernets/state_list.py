"""A list of tensors of one shape, read at a place that is a tensor itself.

Reading copies nothing, and its gradient touches only the tensor that was read. The gradient of a gather from a stack
would fill a whole stack with zeros for every reader.
"""

from collections.abc import Sequence

import tensorflow as tf


class StateList:
  """Tensors of one shape, one after another; usable inside and outside of graphs, and differentiable."""

  def __init__(self, shape: Sequence[int | None], dtype: tf.DType = tf.float32) -> None:
    """Initializes with an empty list.

    Args:
      shape: shape of every tensor, with None where it is unknown.
      dtype: dtype of every tensor.
    """
    self._shape, self._dtype = tf.TensorShape(shape), dtype
    self._length = 0
    self._handle = tf.raw_ops.EmptyTensorList(
      element_shape=self._known_shape, max_num_elements=tf.constant(-1), element_dtype=self._dtype
    )

  def __len__(self) -> int:
    return self._length

  def append(self, tensor: tf.Tensor) -> None:
    """Adds a tensor at the end."""
    self._handle = tf.raw_ops.TensorListPushBack(input_handle=self._handle, tensor=tensor)
    self._length += 1

  def write(self, place: tf.Tensor, tensor: tf.Tensor) -> None:
    """Replaces the tensor at a place of the list, int32."""
    self._handle = tf.raw_ops.TensorListSetItem(input_handle=self._handle, index=place, item=tensor)

  def read(self, place: tf.Tensor) -> tf.Tensor:
    """Returns the tensor at a place, int32; a place outside of the list stands for the nearest one inside."""
    tensor = tf.raw_ops.TensorListGetItem(
      input_handle=self._handle,
      index=tf.clip_by_value(place, 0, self._length - 1),
      element_shape=self._known_shape,
      element_dtype=self._dtype,
    )
    return tf.ensure_shape(tensor, self._shape)

  @property
  def _known_shape(self) -> tf.Tensor:
    return tf.constant([-1 if size is None else size for size in self._shape], tf.int32)
