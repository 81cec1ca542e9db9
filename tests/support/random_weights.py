"""Weights as a training might leave them: every one, and every statistic of batch norm, differs from its first value."""

import numpy as np


def randomize(layer, seed=0):
  """Changes all weights of a layer or model; returns it."""
  rng = np.random.default_rng(seed)
  values = layer.get_weights()
  layer.set_weights([value * rng.uniform(0.7, 1.3, value.shape) + _shift(rng, value) for value in values])
  return layer


def _shift(rng, value):
  """Moves what is not positive: a variance must stay so."""
  return 0.0 if np.all(value > 0) and value.size > 1 and value.ndim == 1 else rng.normal(0, 0.05, value.shape)
