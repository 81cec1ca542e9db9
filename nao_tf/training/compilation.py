"""XLA compilation of a training step, which fuses the many small operations of a cell. It pays off on accelerators.

On CPUs it does not: separable convolutions become several times slower, and compilation takes long.
"""

from collections.abc import Callable
from typing import Any

import tensorflow as tf
from absl import logging

_FAILURES = (tf.errors.InvalidArgumentError, tf.errors.UnimplementedError, tf.errors.InternalError)
"""What is raised when XLA cannot compile a function. Nothing of the function has run then."""


class CompiledStep:
  """A step as a graph, compiled if that is wanted and possible."""

  def __init__(self, step: Callable[..., Any], *, compiles: bool, must_compile: bool) -> None:
    """Wraps a step.

    Args:
      step: the function.
      compiles: whether to compile it.
      must_compile: whether it is an error if it cannot be compiled; otherwise it then runs as a plain graph.
    """
    self._plain = tf.function(step, autograph=False)
    self._function = tf.function(step, autograph=False, jit_compile=True) if compiles else self._plain
    self._is_tried, self._must_compile = not compiles, must_compile

  def __call__(self, *args: Any) -> Any:
    """Creates the step."""
    if self._is_tried:
      return self._function(*args)
    self._is_tried = True
    try:
      return self._function(*args)
    except _FAILURES as error:
      reason = str(error).split("\n")[0]
      if self._must_compile:
        raise ValueError(
          f"jit_compile=on, but the training step cannot be compiled ({reason}); use auto or off"
        ) from error
      logging.warning("the training step cannot be compiled by XLA and runs without it (%s)", reason)
      self._function = self._plain
      return self._function(*args)


def compiled_step(step: Callable[..., Any], jit_compile: str, distribution: tf.distribute.Strategy) -> CompiledStep:
  """Returns a training step, compiled if it should be.

  Args:
    step: the function.
    jit_compile: "auto", "on" or "off". With "auto" it is compiled on one GPU or TPU, if it can be.
    distribution: the `tf.distribute.Strategy` of the process. `check_compiled` in `nao_tf.training.run_options` says
      whether it can have compiled steps.
  """
  accelerators = [kind for kind in ("GPU", "TPU") if tf.config.list_logical_devices(kind)]
  is_wanted = jit_compile == "auto" and distribution.num_replicas_in_sync == 1 and bool(accelerators)
  compiles = jit_compile == "on" or is_wanted
  return CompiledStep(step, compiles=compiles, must_compile=jit_compile == "on")
