"""Lets go of graphs: what TensorFlow would otherwise keep of every network that a process has ever trained.

A gradient that a graph defines for itself, as every reduction over replicas does, is entered in a registry of the process
and keeps the whole graph alive; and an operation that runs outside of a graph stays in a cache with its attributes, such
as an initializer's seed. TensorFlow takes neither out again by itself, and Keras' `clear_session` would empty only the
cache and reset the state of networks that live on. So this module, and only this one, reaches for the two.
"""

import contextlib
import gc
from collections.abc import Iterator

from tensorflow.python.eager import context
from tensorflow.python.framework import ops


@contextlib.contextmanager
def released_graphs() -> Iterator[None]:
  """Frees, when the context is left, the graphs that were made in it and that nothing else refers to.

  No gradient through a function traced in the context can be built afterwards.
  """
  registry = getattr(ops.gradient_registry, "_registry", {})
  before = set(registry)
  try:
    yield
  finally:
    for name in set(registry) - before:
      del registry[name]
    gc.collect()
    context.context().clear_kernel_cache()
