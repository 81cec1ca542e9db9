"""The part of a batch that a network is called with, where a step divides its batch into parts.

What a network draws at random is a function of the step, the replica and the part, so that no two parts draw the same.
"""

import contextlib
import contextvars
import dataclasses
from collections.abc import Iterator

import tensorflow as tf


@dataclasses.dataclass(frozen=True)
class MicroBatch:
  """A part of a batch.

  Attributes:
    number: from 0.
    count: how many parts the batch has.
  """

  number: tf.Tensor | int
  count: int


_WHOLE = MicroBatch(0, 1)
_CURRENT: contextvars.ContextVar[MicroBatch] = contextvars.ContextVar("micro_batch", default=_WHOLE)


@contextlib.contextmanager
def micro_batch(number: tf.Tensor | int, count: int) -> Iterator[None]:
  """Says, as long as the context is open, which part of a batch networks are called with."""
  token = _CURRENT.set(MicroBatch(number, count))
  try:
    yield
  finally:
    _CURRENT.reset(token)


def draw_number(step: tf.Tensor | int) -> tf.Tensor:
  """Returns the number of a random draw, int64: another one for every step, replica and part of a batch.

  Args:
    step: number of the training step.
  """
  replica = tf.distribute.get_replica_context().replica_id_in_sync_group
  num_replicas = tf.distribute.get_strategy().num_replicas_in_sync
  part = _CURRENT.get()
  of_replica = tf.cast(step, tf.int64) * num_replicas + tf.cast(replica, tf.int64)
  return of_replica * part.count + tf.cast(part.number, tf.int64)
