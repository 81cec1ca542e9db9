"""Finds the photograph that cannot be decoded. TensorFlow does not name it, so all are decoded until one fails."""

import itertools
from collections.abc import Iterator
from typing import Any

import tensorflow as tf
from absl import logging

from nao_tf.tasks.photograph_sources import PhotographSource
from nao_tf.training.fixed_parallelism import with_fixed_parallelism


def first_damaged(source: PhotographSource) -> str | None:
  """Returns the name of the first photograph that cannot be decoded; None if all can be.

  It decodes the photographs in order, several at a time.

  Args:
    source: source of the photographs.
  """
  logging.warning("a photograph cannot be decoded; decoding all of them to find out which one")
  return next(filter(None, (_first_of_split(source, split) for split in ("train", "test"))), None)


def _first_of_split(source: PhotographSource, split: str) -> str | None:
  contents = source.contents(split, None, None)
  names = _read(contents.map(lambda content, label, place: place))
  sound = _read(contents.map(_decoded, tf.data.AUTOTUNE).ignore_errors())
  pairs = itertools.zip_longest(names, (place for place, size in sound))
  return next((name.decode(errors="replace") for name, decoded in pairs if name != decoded), None)


def _decoded(content: tf.Tensor, label: tf.Tensor, place: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
  """Returns the name of a photograph and its size. Without the size, TensorFlow would not decode it."""
  del label
  return place, tf.size(tf.io.decode_image(content, expand_animations=False))


def _read(dataset: tf.data.Dataset) -> Iterator[Any]:
  return iter(with_fixed_parallelism(dataset).as_numpy_iterator())
