"""All operations that a branch may be, as one function of which one it is.

The function is traced once for each shape of what it reads and serves all branches of all cells that read such states:
a network's graph has one node for a branch, whatever the number of operations. Only the operation that is asked for is
computed.
"""

import functools
from collections.abc import Sequence

import numpy as np
import tensorflow as tf
from tensorflow import keras

from nao_tf.networks.conventions import Convention
from nao_tf.networks.operations import OPERATIONS, Pool
from nao_tf.supernets.functional import LayerFunction

_NOT_INLINED = {"_noinline": True}


class SharedOperations:
  """The operations on states of one or two kinds.

  Attributes:
    names: of the operations.
    functions: for each kind of states, for each operation: the layer as a function of its weights.
  """

  def __init__(self, names: Sequence[str], filters: int, kinds: Sequence[tuple[tuple, int]], convention: Convention):
    """Args:
    names: of the operations, keys of `OPERATIONS`.
    filters: output channels.
    kinds: the kinds of states: shape `[B, H, W, C]` and stride of operations on them.
    convention: what operations are like.

    Raises:
      ValueError: if an operation is unknown.
    """
    unknown = sorted({name for name in names if name not in OPERATIONS})
    if unknown:
      raise ValueError(f"unknown operation {', '.join(unknown)}; known are {', '.join(OPERATIONS)}")
    self.names, self._filters, self._kinds, self._convention = tuple(names), filters, tuple(kinds), convention
    rows = range(len(self._kinds))
    self.functions = [[LayerFunction(self._layer(kind, name, seed=0)) for name in names] for kind in rows]
    self._compiled = tf.function(self._compute, autograph=False, experimental_attributes=_NOT_INLINED)

  def initial_weights(self, kind: int, operation: int, seed: int) -> np.ndarray:
    """Returns fresh weights of an operation, a function of the seed."""
    if not self.functions[kind][operation].num_weights:
      return np.zeros(0, np.float32)
    return LayerFunction(self._layer(kind, self.names[operation], seed)).initial_weights()

  def __call__(self, kind, operation, states: Sequence[tf.Tensor], weights, statistics, mask, *, training: bool):
    """Computes one operation on one of the states.

    Args:
      kind: which of `states` is read, an integer tensor.
      operation: which operation, an integer tensor.
      states: a state of each kind, as many kinds as there are to choose from.
      weights: of the operation on that kind of states, `[n]`.
      statistics: the same for its statistics, `[m]`.
      mask: drop-path's factors `[B, 1, 1, 1]`, or None.
      training: whether batch norm takes the batch's statistics.

    Returns:
      `[B, H', W', filters]`, and the statistics that the operation would have now.
    """
    index = kind * len(self.names) + operation
    return self._compiled(index, list(states), weights, statistics, mask, training=training)

  def _compute(self, index, states, weights, statistics, mask, training: bool):
    weights, statistics = _of_any_length(weights), _of_any_length(statistics)
    branches = [
      functools.partial(self._branch, kind, number, state, weights, statistics, mask, training)
      for kind, state in enumerate(states)
      for number in range(len(self.names))
    ]
    return tf.switch_case(index, branches)

  def _branch(self, kind: int, number: int, state, weights, statistics, mask, training: bool):
    outputs, statistics = self.functions[kind][number](weights, statistics, state, training=training)
    kept = mask is None or (self.names[number] == "identity" and not self._convention.drop_identity)
    return outputs if kept else outputs * mask, statistics

  def _layer(self, kind: int, name: str, seed: int) -> keras.layers.Layer:
    shape, stride = self._kinds[kind]
    layer = OPERATIONS[name](self._filters, stride, self._convention, seed)
    if isinstance(layer, Pool):
      layer.pools_again = True
    layer.build(shape)
    return layer


def _of_any_length(vector: tf.Tensor) -> tf.Tensor:
  """Returns the vector with its length unknown to the graph: only one branch could split one of known length."""
  return tf.raw_ops.PlaceholderWithDefault(input=vector, shape=[None])
