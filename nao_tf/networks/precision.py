"""The precision in which networks are built, which is a global setting in Keras.

In mixed precision a network computes in a 16-bit type. Its weights, batch statistics, means over images, logits and
losses stay in float32.
"""

import contextlib
import contextvars
from collections.abc import Collection, Iterator

from tensorflow import keras

POLICIES = {"none": "float32", "bfloat16": "mixed_bfloat16", "float16": "mixed_float16"}
"""Policies of Keras by the type that a network computes in."""

_MIXED = contextvars.ContextVar("mixed_precision", default="none")


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
  if (policy, floats) == (POLICIES[_MIXED.get()], "float32"):
    return
  raise ValueError(
    f"expected the dtype policy and floatx of Keras to be {' or '.join(allowed)}, got the policy {policy} and the floatx"
    f" {floats}; call keras.mixed_precision.set_global_policy('float32') and keras.backend.set_floatx('float32') before"
    " a network is built"
  )


@contextlib.contextmanager
def mixed_precision(name: str) -> Iterator[None]:
  """Builds networks in mixed precision for the duration of the context.

  Args:
    name: a key of `POLICIES`; "none" has no effect.

  Raises:
    ValueError: if Keras is not globally set to float32.
  """
  if name == "none":
    yield
    return
  check_precision()
  before, token = keras.mixed_precision.global_policy(), _MIXED.set(name)
  keras.mixed_precision.set_global_policy(POLICIES[name])
  try:
    yield
  finally:
    keras.mixed_precision.set_global_policy(before)
    _MIXED.reset(token)


@contextlib.contextmanager
def double_precision() -> Iterator[None]:
  """Builds networks in float64 for the duration of the context."""
  policy, floats = keras.mixed_precision.global_policy(), keras.backend.floatx()
  keras.mixed_precision.set_global_policy("float64")
  keras.backend.set_floatx("float64")
  try:
    yield
  finally:
    keras.backend.set_floatx(floats)
    keras.mixed_precision.set_global_policy(policy)
