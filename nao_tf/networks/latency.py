"""Measures the inference latency of a network on this machine.

It measures the function that an export contains, without preprocessing of raw images or text: the network without its
auxiliary head, as a graph, for one batch. For a language model it is one more word of each text.
"""

import statistics
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf

_NUM_WARM = 3
_NUM_TIMED = 20
_MOST_SECONDS = 5.0


def latency(network: Any, input_shape: tuple[int, ...], *, batch_size: int = 1) -> float:
  """Returns the median inference time of a network for a batch, in milliseconds.

  Args:
    network: a network for a task of this package.
    input_shape: shape of one input: (H, W, C) of an image, () of a token.
    batch_size: number of examples in the batch.

  Raises:
    ValueError: if the batch size is below 1.
  """
  if batch_size < 1:
    raise ValueError(f"batch_size must be at least 1, got {batch_size}")
  answer, inputs = _answer(network, input_shape, batch_size)
  for _ in range(_NUM_WARM):
    answer(inputs)
  return 1000 * statistics.median(_times(lambda: answer(inputs)))


def _answer(
  network: Any, input_shape: tuple[int, ...], batch_size: int
) -> tuple[Callable[[tf.Tensor], Any], tf.Tensor]:
  """Returns the function that is measured, and its input."""
  if not input_shape:
    inputs = tf.zeros([batch_size, 1], tf.int32)
  else:
    inputs = tf.constant(np.random.default_rng(0).random((batch_size, *input_shape), np.float32))
  model = getattr(network, "classifier", network)
  return tf.function(lambda batch: model(batch, training=False), autograph=False), inputs


def _times(run: Callable[[], Any]) -> list[float]:
  """Returns the seconds of some calls: 20, or fewer if they take long."""
  times: list[float] = []
  end = time.perf_counter() + _MOST_SECONDS
  while len(times) < _NUM_TIMED and (not times or time.perf_counter() < end):
    start = time.perf_counter()
    for output in tf.nest.flatten(run()):
      output.numpy()
    times.append(time.perf_counter() - start)
  return times
