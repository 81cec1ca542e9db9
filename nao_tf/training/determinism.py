"""Determinism: the same seed gives bitwise identical results in every process."""

import tensorflow as tf


def make_deterministic() -> None:
  """Makes TensorFlow deterministic, bit by bit. Call it once per process, before any graph is created.

  Operations that add up numbers in an arbitrary order are replaced or refused. In addition, graphs are no longer
  rewritten by arithmetic rules. That rewriting visits nodes in the order of their addresses in memory, so the terms of
  a
  sum are grouped differently in another process. A training amplifies such a difference from the last digit to the
  first
  within a few dozen steps.
  """
  tf.config.experimental.enable_op_determinism()
  tf.config.optimizer.set_experimental_options({"arithmetic_optimization": False})
