"""The precision that networks are built in. Keras holds it in global settings, which a program may change."""

from collections.abc import Collection

from tensorflow import keras


def check_precision(allowed: Collection[str] = ("float32",)) -> None:
  """Checks the global settings of Keras before a network is built.

  Args:
    allowed: the types of floats that the network can be built in.

  Raises:
    ValueError: if the policy or the default type of floats is another one, or they differ.
  """
  policy, floats = keras.mixed_precision.global_policy().name, keras.backend.floatx()
  if policy == floats and policy in allowed:
    return
  raise ValueError(
    f"expected the dtype policy and floatx of Keras to be {' or '.join(allowed)}, got the policy {policy} and the floatx"
    f" {floats}; call keras.mixed_precision.set_global_policy('float32') and keras.backend.set_floatx('float32') before"
    " a network is built"
  )
