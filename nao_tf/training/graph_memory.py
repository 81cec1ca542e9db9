"""Releases graphs that TensorFlow would otherwise keep for every network that a process has ever trained.

A graph that defines a gradient for itself, as every reduction over replicas does, is entered in a registry of the
process, which keeps the whole graph alive. And an operation that runs outside of a graph stays in a cache, together with
its attributes, such as the seed of an initializer. TensorFlow removes neither. `clear_session` of Keras would empty only
the cache, and would reset the state of networks that are still in use. So this module, and no other, accesses the two.
"""

import contextlib
import gc
from collections.abc import Iterator

from tensorflow.python.eager import context
from tensorflow.python.framework import ops


@contextlib.contextmanager
def released_graphs() -> Iterator[None]:
  """Frees, on exit, the graphs that were made within the context and that nothing else refers to.

  After that, no gradient can be computed through a function that was traced within the context.
  """
  try:
    with unregistered_gradients():
      yield
  finally:
    gc.collect()
    context.context().clear_kernel_cache()


@contextlib.contextmanager
def unregistered_gradients() -> Iterator[None]:
  """Lets graphs that are made within the context live as long as something refers to them, and no longer.

  After that, no gradient can be computed through a function that was traced within the context.
  """
  registry = getattr(ops.gradient_registry, "_registry", {})
  before = set(registry)
  try:
    yield
  finally:
    for name in set(registry) - before:
      del registry[name]
