"""Preparation of sets of TensorFlow Datasets, also by several processes at the same time."""

import contextlib
import random
from collections.abc import Iterator
from typing import Any

import tensorflow as tf
import tensorflow_datasets as tfds


def prepare(builder: tfds.core.DatasetBuilder, **arguments: Any) -> None:
  """Prepares a set, unless another process does so first.

  Each process writes into a directory of its own, which gets the name of the set when all is written.

  Args:
    builder: builder of the set.
    **arguments: those of `download_and_prepare`.

  Raises:
    OSError: if it cannot be downloaded or written.
  """
  try:
    with _unseeded():
      builder.download_and_prepare(**arguments)
  except (OSError, tf.errors.OpError):
    if not builder.data_path.exists():
      raise
  if not builder.info.splits:
    builder.info.read_from_directory(builder.data_path)


@contextlib.contextmanager
def _unseeded() -> Iterator[None]:
  """Lets Python draw other random numbers than other processes with the same seed, and takes that back.

  TensorFlow Datasets draws the name of the directory that it writes into. The processes of one training have one seed.
  """
  state = random.getstate()
  random.seed()
  try:
    yield
  finally:
    random.setstate(state)
