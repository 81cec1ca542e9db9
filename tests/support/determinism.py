"""TensorFlow that computes the same bits every time, for the length of a test."""

import contextlib

import tensorflow as tf
from tensorflow.python.framework import config

from nao_tf.training.determinism import make_deterministic


@contextlib.contextmanager
def deterministic():
  """Makes operations deterministic, and takes that back."""
  try:
    make_deterministic()
    yield
  finally:
    config.disable_op_determinism()
    tf.config.optimizer.set_experimental_options({"arithmetic_optimization": True})
