"""The weighted sum of all operations on one state, with the weights of all of them in one vector.

A relaxed network has hundreds of operations that differ in their weights only. Mixtures of the same operations on states of
the same shape share one graph, a function of the vector. So the graph of a training step has one node and two variables for
each edge, whatever the number of operations, and making it takes a fraction of the time.
"""

import functools
from collections.abc import Callable, Hashable, Sequence
from typing import Any

import numpy as np
import tensorflow as tf
from tensorflow import keras

from nao_tf.networks.conventions import Convention, derive_seeds
from nao_tf.networks.layers import Chain, ImageShape, Norm, track_each
from nao_tf.networks.operations import OPERATIONS, Pool
from nao_tf.networks.weight_sources import OWN_WEIGHTS, WeightSource
from nao_tf.spaces.operation_names import ZERO
from nao_tf.supernets.functional import LayerFunction

_POOLS = ("max", "avg", "min")
_NOT_INLINED = {"_noinline": True}


class Candidates(keras.layers.Layer):
  """The weighted sum of all operations on one state, each with variables of its own.

  Pools end with a batch normalization, unless they must not, so that the outputs of all operations are of the same
  size. The absent operation adds nothing.

  Args:
    operations: names of the operations.
    filters: channels.
    stride: stride of all operations.
    convention: what they are like.
    seed: random seed of their weights.
    normed_pools: whether pools end with a batch normalization.
    name: name of the layer.

  Attributes:
    operations: the layer of each operation.
  """

  def __init__(
    self,
    operations: Sequence[str],
    filters: int,
    stride: int,
    convention: Convention,
    seed: int,
    *,
    normed_pools: bool = True,
    name: str | None = None,
  ) -> None:
    super().__init__(name=name)
    self.names = tuple(operations)
    keys = derive_seeds(seed, len(self.names))
    layers = [[OPERATIONS[operation](filters, stride, convention, key)] for operation, key in zip(self.names, keys)]
    for operation, chain in zip(self.names, layers):
      if isinstance(chain[0], Pool):
        chain[0].pools_again = True
      if normed_pools and operation.startswith(_POOLS):
        chain.append(Norm(convention))
    self.operations = [Chain(chain) for chain in layers]
    track_each(self, "operations", self.operations)

  def build(self, input_shape: ImageShape) -> None:
    """Creates the weights of all operations."""
    for layer in self.operations:
      layer.build(input_shape)
    self.built = True

  def call(
    self, state: tf.Tensor, mixture: tf.Tensor, training: bool | None = None, weights: WeightSource = OWN_WEIGHTS
  ) -> tf.Tensor:
    """Mixes the operations; see `MixedOperation.call`."""
    terms = [
      (share, layer(state, training=training, weights=weights))
      for name, share, layer in zip(self.names, tf.unstack(mixture), self.operations)
      if name != ZERO
    ]
    shares, outputs = zip(*terms)
    return weighted_sum(outputs, shares)


class MixtureGraphs:
  """The graphs of the mixtures of a network. Those of the same operations on states of the same shape share one."""

  def __init__(self) -> None:
    """Initializes without graphs."""
    self._functions: dict[Hashable, LayerFunction] = {}
    self._graphs: dict[Hashable, Callable[..., Any]] = {}

  def add(self, key: Hashable, candidates: Candidates, *, as_graph: bool) -> None:
    """Keeps candidates as a function of their weights, unless there are such candidates already.

    Args:
      key: the same for candidates that are equal but for their weights.
      candidates: built.
      as_graph: whether they are one node in the graphs that call them.
    """
    if key not in self._functions:
      function = self._functions[key] = LayerFunction(candidates)
      call = functools.partial(_with_bits, function)
      self._graphs[key] = tf.function(call, autograph=False, experimental_attributes=_NOT_INLINED) if as_graph else call

  def call(self, key: Hashable, *args: Any, training: bool) -> tuple[tf.Tensor, tf.Tensor]:
    """Calls candidates; see `LayerFunction`."""
    outputs, bits = self._graphs[key](*args, training=training)
    return outputs, tf.bitcast(bits, tf.float32)

  def function(self, key: Hashable) -> LayerFunction:
    """Returns candidates as a plain function, not a graph."""
    return self._functions[key]


class MixedOperation(keras.layers.Layer):
  """The weighted sum of all operations on one state; see `Candidates`. It has two variables, however many operations.

  Args:
    operations: names of the operations.
    filters: channels.
    stride: stride of all operations.
    convention: what they are like.
    seed: random seed of their weights.
    normed_pools: whether pools end with a batch normalization.
    graphs: graphs of the network; None for graphs of its own.
    name: name of the layer.

  Attributes:
    values: the trainable weights of all operations, `[n]`.
    statistics: their moving averages, `[m]`.
  """

  def __init__(
    self,
    operations: Sequence[str],
    filters: int,
    stride: int,
    convention: Convention,
    seed: int,
    *,
    normed_pools: bool = True,
    graphs: MixtureGraphs | None = None,
    name: str | None = None,
  ) -> None:
    # Mixtures and weights stay in single precision; operations themselves choose what they compute in.
    super().__init__(name=name, dtype=keras.backend.floatx(), autocast=False)
    self._kind = tuple(operations), filters, stride, convention, normed_pools
    self._seed, self._graphs = seed, graphs or MixtureGraphs()

  def build(self, input_shape: ImageShape) -> None:
    """Creates the weights of all operations."""
    operations, filters, stride, convention, normed_pools = self._kind
    self._key = *self._kind, *input_shape[1:]
    fresh = Candidates(operations, filters, stride, convention, self._seed, normed_pools=normed_pools)
    fresh.build(input_shape)
    initial = _joined(fresh.trainable_weights), _joined(fresh.non_trainable_weights)
    # Replicas cannot meet, for the statistics of all batches, in a graph that is called in a graph.
    self._graphs.add(self._key, fresh, as_graph=not convention.synchronized_norm)
    self.values, self.statistics = (
      self.add_weight(name=name, shape=vector.shape, initializer=_constant(vector), trainable=trainable)
      for name, vector, trainable in zip(("values", "statistics"), initial, (True, False))
    )
    self.built = True

  def call(
    self, state: tf.Tensor, mixture: tf.Tensor, training: bool | None = None, weights: WeightSource = OWN_WEIGHTS
  ) -> tf.Tensor:
    """Mixes the operations.

    Args:
      state: [B, H, W, C].
      mixture: weights of the operations, `[operations]`.
      training: whether batch normalization takes the statistics of the batch.
      weights: where the weights come from.

    Returns:
      [B, H / stride, W / stride, filters].
    """
    values, statistics = weights.read(self.values), weights.read(self.statistics)
    outputs, statistics = self._graphs.call(self._key, values, statistics, state, mixture, training=bool(training))
    if training:
      weights.write(self.statistics, statistics)
    return outputs

  def operation(self, number: int) -> keras.layers.Layer:
    """Returns the layer of an operation with its present weights; the next call may change it."""
    function = self._graphs.function(self._key)
    function.assign(*map(np.asarray, (self.values, self.statistics)))
    candidates: Candidates = function.layer
    return candidates.operations[number]


def weighted_sum(outputs: Sequence[tf.Tensor], shares: Sequence[tf.Tensor]) -> tf.Tensor:
  """Returns the weighted sum of tensors, in their precision.

  In half precision the sum is taken in that of its weights, and so are the sums over all pixels that the gradients of the
  weights are. What is kept for the gradients is in half precision.

  Args:
    outputs: tensors of one shape and type.
    shares: the weight of each.
  """
  if outputs[0].dtype == shares[0].dtype:
    return tf.add_n([share * output for share, output in zip(shares, outputs)])
  narrow, wide = outputs[0].dtype, shares[0].dtype

  @tf.custom_gradient
  def total(*values: tf.Tensor) -> tuple[tf.Tensor, Callable[[tf.Tensor], list[tf.Tensor]]]:
    factors, terms = values[: len(shares)], values[len(shares) :]

    def gradient(upstream: tf.Tensor) -> list[tf.Tensor]:
      upstream = tf.cast(upstream, wide)
      of_factors = [tf.reduce_sum(upstream * tf.cast(term, wide)) for term in terms]
      return [*of_factors, *(tf.cast(factor * upstream, narrow) for factor in factors)]

    return tf.cast(tf.add_n([f * tf.cast(term, wide) for f, term in zip(factors, terms)]), narrow), gradient

  result: tf.Tensor = total(*shares, *outputs)
  return result


def _with_bits(function: LayerFunction, *args: tf.Tensor, training: bool) -> tuple[tf.Tensor, tf.Tensor]:
  """Calls candidates; their statistics are returned as bits.

  Integers have no gradient. That of the statistics would be a constant of its own in each call, and TensorFlow makes and
  optimizes a copy of the graph for each constant that it is called with.
  """
  outputs, statistics = function(*args, training=training)
  return outputs, tf.bitcast(statistics, tf.int32)


def _joined(variables: Sequence[Any]) -> tf.Tensor:
  """Returns the values of variables as one vector."""
  return tf.concat([tf.zeros([0]), *(tf.reshape(tf.convert_to_tensor(variable), [-1]) for variable in variables)], 0)


def _constant(vector: tf.Tensor) -> Callable[..., tf.Tensor]:
  return lambda shape, dtype=None, **options: tf.reshape(vector, shape)
