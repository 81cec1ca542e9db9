"""Attention of a decoder over the memory of an encoder, in the two forms that NAO's releases use.

Sources: Bahdanau et al., "Neural Machine Translation by Jointly Learning to Align and Translate", 2015, normed as in
Salimans and Kingma, "Weight Normalization", 2016; Luong et al., "Effective Approaches to Attention-based Neural Machine
Translation", 2015.
"""

import tensorflow as tf

from nao_tf.controller.initialization import Initializer
from nao_tf.controller.layers import EnsembleLayer, project


class NormedBahdanauAttention(EnsembleLayer):
  """Additive attention: score = g * v / |v| . tanh(W_k memory + W_q query + b).

  g starts at sqrt(1 / units) and b at 0.
  """

  def __init__(self, initializer: Initializer, size: int):
    """Creates the weights.

    Args:
      initializer: source of the weights.
      size: size H of memory vectors and queries.
    """
    super().__init__(initializer)
    self.memory_kernel = self.add_value("memory_kernel", initializer.kernel(size, size))
    self.query_kernel = self.add_value("query_kernel", initializer.kernel(size, size))
    self.direction = self.add_value("direction", initializer.kernel(size, 1)[..., 0])
    self.gain = self.add_value("gain", initializer.constant((), size**-0.5))
    self.bias = self.add_value("bias", initializer.constant((size,), 0.0))

  def keys(self, memory: tf.Tensor) -> tf.Tensor:
    """Returns the keys that queries are compared with, [*prefix, N, T, H], for a memory [*prefix, N, T, H]."""
    return project(memory, tf.convert_to_tensor(self.memory_kernel), tf.convert_to_tensor(self.bias))

  def alignments(self, query: tf.Tensor, keys: tf.Tensor) -> tf.Tensor:
    """Returns alignments [*prefix, N, T] for queries [*prefix, N, H]; they sum to 1 over T."""
    query = project(query, tf.convert_to_tensor(self.query_kernel))
    direction = tf.math.l2_normalize(self.direction, axis=-1) * tf.convert_to_tensor(self.gain)[..., tf.newaxis]
    scores = project(tf.tanh(keys + query[..., tf.newaxis, :]), direction[..., tf.newaxis])
    return tf.nn.softmax(tf.squeeze(scores, axis=-1), axis=-1)


class LuongAttention(EnsembleLayer):
  """Multiplicative attention: score = W query . memory. W is learned ("bilinear") or the identity ("dot")."""

  def __init__(self, initializer: Initializer, size: int, *, bilinear: bool):
    """Creates the weights.

    Args:
      initializer: source of the weights.
      size: size H of memory vectors and queries.
      bilinear: whether W is learned.
    """
    super().__init__(initializer)
    self.query_kernel = self.add_value("query_kernel", initializer.kernel(size, size)) if bilinear else None

  def keys(self, memory: tf.Tensor) -> tf.Tensor:
    """Returns the keys that queries are compared with, [*prefix, N, T, H], for a memory [*prefix, N, T, H].

    W is applied to the memory instead of the query, so once for all queries.
    """
    if self.query_kernel is None:
      return memory
    return project(memory, tf.linalg.matrix_transpose(tf.convert_to_tensor(self.query_kernel)))

  def alignments(self, queries: tf.Tensor, keys: tf.Tensor) -> tf.Tensor:
    """Returns alignments [*prefix, N, Q, T] for queries [*prefix, N, Q, H]; they sum to 1 over T."""
    return tf.nn.softmax(tf.matmul(queries, keys, transpose_b=True), axis=-1)
