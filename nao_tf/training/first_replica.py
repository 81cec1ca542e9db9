"""What each replica keeps for itself: the averages of batch normalization, unless they are synchronized.

A checkpoint and an export have those of the first replica. All replicas take them before an evaluation. So it is one of
the network that is saved, and a training that goes on from a checkpoint has the same evaluations.
"""

import functools
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import tensorflow as tf

from nao_tf.training.variables import tf_variable


def sharing_of(variables: Iterable[Any], distribution: tf.distribute.Strategy) -> Callable[[], object]:
  """Returns what gives the variables of all replicas the values of the first one. Of a single replica it changes nothing.

  Args:
    variables: those that are not trained. Numbers that are no floats are left alone.
    distribution: in whose scope they were made.
  """
  if distribution.num_replicas_in_sync == 1:
    return lambda: None
  kept = [variable for variable in map(tf_variable, variables) if variable.dtype.is_floating]
  return tf.function(lambda: distribution.run(functools.partial(_take_those_of_the_first, kept)), autograph=False)


def _take_those_of_the_first(variables: Sequence[tf.Variable]) -> None:
  """Assigns the values of the first replica. Call it in the context of each replica."""
  if not variables:
    return
  replica = tf.distribute.get_replica_context()
  is_first = tf.equal(replica.replica_id_in_sync_group, 0)
  values = map(tf.convert_to_tensor, variables)
  shares = [tf.where(is_first, value, tf.zeros_like(value)) for value in values]
  for variable, value in zip(variables, replica.all_reduce(tf.distribute.ReduceOp.SUM, shares)):
    variable.assign(value)
