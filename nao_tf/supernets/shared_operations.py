"""All operations of a branch as one function, with the number of the operation as an argument.

The function is traced once for each shape of its inputs. It serves all branches of all cells that read such states, so
that a network's graph has one node for a branch, whatever the number of operations. Only the operation that is asked for
is computed.
"""

import functools
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import tensorflow as tf
from tensorflow import keras

from nao_tf.networks.conventions import Convention
from nao_tf.networks.layers import ImageShape
from nao_tf.networks.operations import OPERATIONS, Pool, is_dropped
from nao_tf.supernets.functional import LayerFunction

_NOT_INLINED = {"_noinline": True}


class StateKind(NamedTuple):
  """What states have in common that the same operations can read.

  Attributes:
    shape: [B, H, W, C].
    stride: stride of operations on them.
  """

  shape: ImageShape
  stride: int


class OperationLibrary:
  """The operations of all cells of a network. Cells of the same size share the functions, but not the weights.

  Attributes:
    names: names of the operations, in the order of their choices.
    convention: what cells and operations are like.
    weights_per_input: whether an operation has weights of its own for every state that it may read; otherwise those
      states share them that it reads in the same shape.
  """

  def __init__(self, names: Sequence[str], convention: Convention, *, weights_per_input: bool = True) -> None:
    """Initializes without functions.

    Args:
      names: names of the operations, keys of `OPERATIONS`.
      convention: what cells and operations are like.
      weights_per_input: whether an operation has weights of its own for every state that it may read.

    Raises:
      ValueError: if an operation is unknown.
    """
    unknown = sorted(set(names) - set(OPERATIONS))
    if unknown:
      raise ValueError(f"unknown operation {', '.join(unknown)}; known are {', '.join(OPERATIONS)}")
    self.names, self.convention, self.weights_per_input = tuple(names), convention, weights_per_input
    self._operations: dict[tuple[int, tuple[StateKind, ...]], SharedOperations] = {}

  def operations(self, filters: int, kinds: tuple[StateKind, ...]) -> "SharedOperations":
    """Returns the operations on states of some kinds.

    Args:
      filters: output channels.
      kinds: the kinds of states.
    """
    if (filters, kinds) not in self._operations:
      self._operations[filters, kinds] = SharedOperations(self.names, filters, kinds, self.convention)
    return self._operations[filters, kinds]


class SharedOperations:
  """The operations on states of one or more kinds.

  Attributes:
    names: names of the operations.
    functions: for each kind of states, for each operation: the layer as a function of its weights.
  """

  def __init__(self, names: Sequence[str], filters: int, kinds: Sequence[StateKind], convention: Convention) -> None:
    """Creates the layers.

    Args:
      names: names of the operations, keys of `OPERATIONS`.
      filters: output channels.
      kinds: the kinds of states.
      convention: what operations are like.
    """
    self.names, self._filters, self._kinds, self._convention = tuple(names), filters, tuple(kinds), convention
    self.functions = [[LayerFunction(self._make_layer(kind, name, seed=0)) for name in names] for kind in self._kinds]
    self._compiled = tf.function(self._compute, autograph=False, experimental_attributes=_NOT_INLINED)

  def initial_weights(self, kind: int, operation: int, seed: int) -> np.ndarray:
    """Returns fresh weights of an operation, a function of the seed."""
    if not self.functions[kind][operation].num_weights:
      return np.zeros(0, np.float32)
    return LayerFunction(self._make_layer(self._kinds[kind], self.names[operation], seed)).initial_weights()

  def __call__(
    self,
    kind: tf.Tensor,
    operation: tf.Tensor,
    states: Sequence[tf.Tensor],
    weights: tf.Tensor,
    statistics: tf.Tensor,
    mask: tf.Tensor | None,
    *,
    training: bool,
  ) -> tuple[tf.Tensor, tf.Tensor]:
    """Computes one operation on one of the states.

    Args:
      kind: which of `states` is read, an integer.
      operation: which operation, an integer.
      states: a state of each kind, as many kinds as there are to choose from.
      weights: weights of the operation on that kind of states, `[n]`.
      statistics: statistics of the same, `[m]`.
      mask: the factors of drop-path `[B, 1, 1, 1]`, or None.
      training: whether batch normalization takes the statistics of the batch.

    Returns:
      `[B, H', W', filters]`, and the statistics of the operation after the call.
    """
    index = kind * len(self.names) + operation
    return self._compiled(index, list(states), weights, statistics, mask, training=training)

  def _compute(
    self,
    index: tf.Tensor,
    states: Sequence[tf.Tensor],
    weights: tf.Tensor,
    statistics: tf.Tensor,
    mask: tf.Tensor | None,
    training: bool,
  ) -> tuple[tf.Tensor, tf.Tensor]:
    weights, statistics = _of_any_length(weights), _of_any_length(statistics)
    branches = [
      functools.partial(self._branch, kind, number, state, weights, statistics, mask, training)
      for kind, state in enumerate(states)
      for number in range(len(self.names))
    ]
    return tf.switch_case(index, branches)

  def _branch(
    self,
    kind: int,
    number: int,
    state: tf.Tensor,
    weights: tf.Tensor,
    statistics: tf.Tensor,
    mask: tf.Tensor | None,
    training: bool,
  ) -> tuple[tf.Tensor, tf.Tensor]:
    outputs, statistics = self.functions[kind][number](weights, statistics, state, training=training)
    kept = mask is None or not is_dropped(self.names[number], self._kinds[kind].stride, self._convention)
    return outputs if kept else outputs * tf.cast(mask, outputs.dtype), statistics

  def _make_layer(self, kind: StateKind, name: str, seed: int) -> keras.layers.Layer:
    layer = OPERATIONS[name](self._filters, kind.stride, self._convention, seed)
    if isinstance(layer, Pool):
      layer.pools_again = True
    layer.build(kind.shape)
    return layer


def _of_any_length(vector: tf.Tensor) -> tf.Tensor:
  """Returns the vector with a length unknown to the graph. Otherwise only one branch could split it."""
  return tf.raw_ops.PlaceholderWithDefault(input=vector, shape=[None])
