"""Running what is compiled operation by operation, also in fixtures of a module; tests have the fixture `no_graphs`."""

import contextlib

import tensorflow as tf


@contextlib.contextmanager
def without_graphs():
  """Runs compiled functions operation by operation: a few small steps are over before a graph of them is traced."""
  before = tf.config.functions_run_eagerly()
  tf.config.run_functions_eagerly(True)
  try:
    yield
  finally:
    tf.config.run_functions_eagerly(before)
