"""Leading axes: how one controller and an ensemble of controllers share the same code.

A tensor inside a controller has the shape [*prefix, N, ...]. `prefix` is () for a single controller and
(ensemble_size,) for an ensemble. Callers may pass tensors with further axes in front, for example one axis for step
sizes. `fold` merges these axes into N, and `unfold` restores them.
"""

from collections.abc import Sequence
from typing import TypeVar

import tensorflow as tf

_T = TypeVar("_T")


def shape_of(tensor: tf.Tensor) -> list[int | tf.Tensor]:
  """Returns the size of each axis: a number where the size is known, a scalar tensor where it is not."""
  dynamic = tf.shape(tensor)
  return [dynamic[axis] if size is None else size for axis, size in enumerate(tensor.shape)]


def fold(tensor: tf.Tensor, prefix: tuple[int, ...], inner_rank: int) -> tf.Tensor:
  """Merges all leading axes except `prefix` into one.

  Args:
    tensor: [*more, *prefix, B, *inner].
    prefix: () or (ensemble_size,).
    inner_rank: number of inner axes.

  Returns:
    The tensor as [*prefix, N, *inner]. N is the product of the sizes of `more` and B.
  """
  shape = shape_of(tensor)
  num_leading = len(shape) - inner_rank
  if prefix:
    ensemble_axis = num_leading - 2
    tensor = tf.transpose(tensor, [ensemble_axis, *_without(range(len(shape)), ensemble_axis)])
  return tf.reshape(tensor, [*prefix, -1, *shape[num_leading:]])


def unfold(tensor: tf.Tensor, prefix: tuple[int, ...], leading: Sequence[int | tf.Tensor]) -> tf.Tensor:
  """Undoes `fold`.

  Args:
    tensor: [*prefix, N, *inner].
    prefix: () or (ensemble_size,).
    leading: sizes of the axes that stood before the inner ones: [*more, *prefix, B].

  Returns:
    The tensor as [*more, *prefix, B, *inner].
  """
  inner = shape_of(tensor)[len(prefix) + 1 :]
  if not prefix:
    return tf.reshape(tensor, [*leading, *inner])
  ensemble_axis = len(leading) - 2
  tensor = tf.reshape(tensor, [*prefix, *_without(leading, ensemble_axis), *inner])
  axes = list(range(1, len(leading) + len(inner)))
  return tf.transpose(tensor, [*axes[:ensemble_axis], 0, *axes[ensemble_axis:]])


def _without(items: Sequence[_T], index: int) -> list[_T]:
  return [*items[:index], *items[index + 1 :]]
