"""Weights of exports in half precision: they are stored so, and become float32 where a graph reads them.

An export takes, computes and gives float32 as before. Only its weights are rounded, and their file is half as large.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import tensorflow as tf
from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

from nao_tf.serving.export_target import ExportError
from nao_tf.serving.precisions import FLOAT32


class StoredWeights:
  """The weights of a network as an export stores them.

  Attributes:
    variables: the variables to write. In float32 they are those of the network.
  """

  def __init__(self, variables: Sequence[tf.Variable], precision: str):
    """Rounds the weights.

    Args:
      variables: variables of the network.
      precision: one of `nao_tf.serving.precisions.PRECISIONS`.

    Raises:
      ExportError: if a weight is too large for the type.
    """
    self._of_network, self._precision = list(variables), precision
    self.variables = self._of_network if precision == FLOAT32 else [_rounded(v, precision) for v in self._of_network]

  def answers(self, functions: Mapping[str, Any]) -> dict[str, Any]:
    """Returns functions of signatures, by name, that read the stored weights instead of those of the network."""
    if self._precision == FLOAT32:
      return dict(functions)
    stored = {id(variable.handle): kept for variable, kept in zip(self._of_network, self.variables)}
    return {name: _reading(function.get_concrete_function(), stored) for name, function in functions.items()}


def _rounded(variable: tf.Variable, precision: str) -> tf.Variable:
  """Returns a variable in half precision if it holds floats, otherwise a copy."""
  value = tf.convert_to_tensor(variable)
  rounded = tf.cast(value, precision) if value.dtype == tf.float32 else value
  if value.dtype == tf.float32 and not bool(tf.reduce_all(tf.math.is_finite(tf.cast(rounded, tf.float32)))):
    raise ExportError(f"weights of {variable.name} are too large for {precision}, or are not finite")
  return tf.Variable(rounded, trainable=False, name=variable.name.split(":")[0])


def _reading(concrete: Any, stored: Mapping[int, tf.Variable]) -> Any:
  """Returns a function with the graph of another one, in which variables are replaced.

  Args:
    concrete: a concrete function.
    stored: what to read instead of a variable, by the id of its handle.
  """
  outside = {inner.op.name: value for value, inner in concrete.graph.captures if value.dtype == tf.resource}
  weights = {name: stored[id(handle)] for name, handle in outside.items() if id(handle) in stored}
  tables = {name: handle for name, handle in outside.items() if name not in weights}
  specs, names = concrete.structured_input_signature[0], sorted(concrete.structured_outputs)
  frozen = _frozen(concrete)
  graph_def = _without_values(frozen.graph.as_graph_def(), weights)
  inputs, outputs = [t.name for t in concrete.inputs[: len(specs)]], [t.name for t in frozen.outputs]

  def answer(*tensors: tf.Tensor) -> dict[str, tf.Tensor]:
    given = dict(zip(inputs, tensors))
    given |= {f"{name}:0": tf.identity(handle) for name, handle in tables.items()}
    given |= {f"{name}:0": tf.cast(variable, tf.float32) for name, variable in weights.items()}
    return dict(zip(names, tf.graph_util.import_graph_def(graph_def, given, outputs, name="")))

  return tf.function(answer, input_signature=specs, autograph=False)


def _frozen(concrete: Any) -> Any:
  """Returns a function with constants in place of its variables."""
  logger = tf.get_logger()
  level = logger.level
  logger.setLevel("ERROR")  # It warns that the tables of a vocabulary are not constants, which is as it should be.
  try:
    return convert_variables_to_constants_v2(concrete, lower_control_flow=False)
  finally:
    logger.setLevel(level)


def _without_values(graph_def: Any, names: Mapping[str, Any]) -> Any:
  """Returns a graph in which some constants are placeholders, which an import maps to other tensors."""
  for node in graph_def.node:
    if node.name in names:
      dtype = node.attr["dtype"].type
      node.op = "Placeholder"
      node.ClearField("attr")
      node.attr["dtype"].type = dtype
  return graph_def
