"""How large a network is."""

import numpy as np
from tensorflow import keras


def num_parameters(model: keras.Model) -> int:
  """Returns the number of trainable parameters of a model; weights that are used twice count once."""
  return sum(int(np.prod(weight.shape)) for weight in model.trainable_weights)
