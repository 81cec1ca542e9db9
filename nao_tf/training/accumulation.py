"""Gradient accumulation: computes the gradients of a batch part by part, which only needs the memory of one part.

The sum of the gradients equals that of the whole batch, except for operations across the examples of a batch: batch
normalization takes its statistics over a part.
"""

from collections.abc import Callable, Sequence
from typing import Any

import tensorflow as tf

from nao_tf.training.micro_batches import micro_batch


def accumulated(
  compute: Callable[..., tuple[Sequence[tf.Tensor], Sequence[tf.Tensor]]],
  batch: Sequence[tf.Tensor],
  count: int,
  *,
  size: int,
  zeros: Callable[[], Sequence[tf.Tensor]],
  num_rows: int = 0,
) -> tuple[list[tf.Tensor], list[tf.Tensor]]:
  """Computes something for the parts of a batch, one after another.

  Args:
    compute: given each tensor of a part, returns tensors to be added up over the parts, and tensors `[B / count, ...]`
      to be put one after another.
    batch: tensors `[B, ...]`.
    count: number of parts.
    size: B, a multiple of `count`.
    zeros: returns what the sums begin with.
    num_rows: how many tensors `[B / count, ...]` there are, float32.

  Returns:
    The sums, and the tensors `[B, ...]`.
  """
  if count == 1:
    sums, rows = compute(*batch)
    return list(sums), list(rows)

  def add(part: tf.Tensor, sums: list[tf.Tensor], arrays: list[tf.TensorArray]) -> tuple[Any, ...]:
    with micro_batch(part, count):
      terms, rows = compute(*(_part(tensor, part, size // count) for tensor in batch))
    arrays = [array.write(part, row) for array, row in zip(arrays, rows)]
    return part + 1, [total + term for total, term in zip(sums, terms)], arrays

  arrays = [tf.TensorArray(tf.float32, count) for _ in range(num_rows)]
  loop = (tf.constant(0), list(zeros()), arrays)
  _, sums, arrays = tf.while_loop(lambda part, *_: part < count, add, loop, parallel_iterations=1)
  return list(sums), [array.concat() for array in arrays]


def _part(tensor: tf.Tensor, number: tf.Tensor, size: int) -> tf.Tensor:
  """Returns the rows of a part."""
  return tf.ensure_shape(tensor[number * size : (number + 1) * size], [size, *tensor.shape[1:]])
