"""Keras' global settings, kept away from a controller: it computes in float32 whatever a user's networks do."""

import contextlib
from collections.abc import Iterator

from tensorflow import keras

_FLOAT = "float32"


@contextlib.contextmanager
def float32_defaults() -> Iterator[None]:
  """Makes layers, metrics and optimizers in float32, whatever the global policy and `floatx` are.

  A network in mixed precision, or in float64, is a setting of the user's networks. Policies belong to a layer from its
  construction on, so only constructions need this.
  """
  floatx, policy = keras.backend.floatx(), keras.mixed_precision.global_policy()
  keras.backend.set_floatx(_FLOAT)
  keras.mixed_precision.set_global_policy(_FLOAT)
  try:
    yield
  finally:
    keras.backend.set_floatx(floatx)
    keras.mixed_precision.set_global_policy(policy)
