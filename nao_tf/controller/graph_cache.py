"""Compiled functions, each made once and then reused."""

from collections.abc import Callable, Hashable

import tensorflow as tf

from nao_tf.training.graph_memory import unregistered_gradients


class GraphCache:
  """The compiled functions of one controller.

  A function has a name and, if it exists in several forms, a variant.
  """

  def __init__(self) -> None:
    """Creates an empty cache."""
    self._functions: dict[tuple[str, Hashable], tf.types.experimental.GenericFunction] = {}

  def get(
    self, name: str, function: Callable, *specs: tf.TensorSpec, variant: Hashable = None
  ) -> tf.types.experimental.GenericFunction:
    """Returns the compiled function of a name and variant; compiles `function` if there is none yet.

    Its graph is traced at once, and is gone with the controller. No gradient is computed through the function later.

    Args:
      name: name of the function.
      function: python function to compile. Gradients within it may be computed.
      *specs: input signature.
      variant: tells apart several forms of the function.
    """
    key = (name, variant)
    if key not in self._functions:
      self._functions[key] = _traced(tf.function(function, input_signature=specs, autograph=False))
    return self._functions[key]

  def num_traces(self, name: str) -> int:
    """Returns how many graphs have been traced for all variants of a name."""
    graphs = [graph for (graph_name, _), graph in self._functions.items() if graph_name == name]
    return sum(graph.experimental_get_tracing_count() for graph in graphs)


def _traced(function: tf.types.experimental.GenericFunction) -> tf.types.experimental.GenericFunction:
  with unregistered_gradients():
    function.get_concrete_function()
  return function
