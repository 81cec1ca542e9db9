"""Running means of the metrics that Keras' `fit` and `evaluate` report for a controller."""

from collections.abc import Mapping

import tensorflow as tf
from tensorflow import keras

NAMES = ("loss", "score_loss", "token_loss", "pairwise_accuracy", "kendall_tau", "hamming")


class Trackers:
  """One running mean per metric. The means are not part of the model's weights."""

  def __init__(self) -> None:
    """Creates a running mean for each of `NAMES`."""
    self._means = {name: keras.metrics.Mean(name=name) for name in NAMES}

  def all(self) -> list[keras.metrics.Metric]:
    """Returns all running means."""
    return list(self._means.values())

  def update(self, values: Mapping[str, tf.Tensor]) -> dict[str, tf.Tensor]:
    """Adds the values of a batch and returns the running means of the same names.

    Args:
      values: tensors by name. Each is averaged over the ensemble.
    """
    for name, value in values.items():
      self._means[name].update_state(value)
    return {name: self._means[name].result() for name in values}
