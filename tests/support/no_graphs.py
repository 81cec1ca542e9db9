"""Runs compiled functions operation by operation, for more than one test; a test alone has the fixture `no_graphs`."""

import contextlib
from collections.abc import Iterator

import tensorflow as tf


@contextlib.contextmanager
def operation_by_operation() -> Iterator[None]:
  """Saves tracing a graph that would run a few small steps."""
  tf.config.run_functions_eagerly(True)
  try:
    yield
  finally:
    tf.config.run_functions_eagerly(False)
