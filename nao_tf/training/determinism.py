"""Repeatability: the same seed gives the same numbers, to the last bit, in every process."""

import tensorflow as tf


def make_deterministic() -> None:
  """Makes TensorFlow compute the same bits each time. Call it once in a process, before any graph is made.

  Operations that add up in an order of their own are replaced or refused. And graphs are no longer rewritten by
  arithmetic rules: the rewriting visits nodes by their address in memory, so that the terms of a sum are put together
  otherwise in another process, which a training magnifies from the last digit to the first within some dozen steps.
  """
  tf.config.experimental.enable_op_determinism()
  tf.config.optimizer.set_experimental_options({"arithmetic_optimization": False})
