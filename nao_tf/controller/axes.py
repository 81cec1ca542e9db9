"""Leading axes: how one controller and several members in one graph share the same mathematics.

A tensor inside a controller has the shape [*prefix, N, ...] where `prefix` is () for a single controller and
(ensemble_size,)
for several. What callers pass may have any further axes in front, such as one for step sizes: `fold` merges them into
N, `unfold` brings them back.
"""

from collections.abc import Sequence

import tensorflow as tf


def shape_of(tensor: tf.Tensor) -> list:
  """Returns the shape, each axis a number where it is known and a scalar tensor where it is not."""
  dynamic = tf.shape(tensor)
  return [dynamic[axis] if size is None else size for axis, size in enumerate(tensor.shape)]


def fold(tensor: tf.Tensor, prefix: tuple[int, ...], inner_rank: int) -> tf.Tensor:
  """Merges all leading axes but the members' into one.

  Args:
    tensor: [*more, *prefix, B, *inner].
    prefix: () or (ensemble_size,).
    inner_rank: number of inner axes.

  Returns:
    The tensor as [*prefix, N, *inner], where N is the product of the sizes of `more` and B.
  """
  shape = shape_of(tensor)
  num_leading = len(shape) - inner_rank
  if prefix:
    tensor = tf.transpose(tensor, [num_leading - 2, *_without(range(len(shape)), num_leading - 2)])
  return tf.reshape(tensor, [*prefix, -1, *shape[num_leading:]])


def unfold(tensor: tf.Tensor, prefix: tuple[int, ...], leading: Sequence) -> tf.Tensor:
  """Undoes `fold`.

  Args:
    tensor: [*prefix, N, *inner].
    prefix: () or (ensemble_size,).
    leading: sizes of the axes in front of the inner ones before folding, [*more, *prefix, B].

  Returns:
    The tensor as [*more, *prefix, B, *inner].
  """
  inner = shape_of(tensor)[len(prefix) + 1 :]
  if not prefix:
    return tf.reshape(tensor, [*leading, *inner])
  members_axis = len(leading) - 2
  tensor = tf.reshape(tensor, [*prefix, *_without(leading, members_axis), *inner])
  axes = list(range(1, len(leading) + len(inner)))
  return tf.transpose(tensor, [*axes[:members_axis], 0, *axes[members_axis:]])


def _without(items: Sequence, index: int) -> list:
  return [*items[:index], *items[index + 1 :]]
