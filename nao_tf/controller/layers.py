"""The small layers of a controller, each for one controller or for an ensemble at once.

Every weight and every tensor has the leading axes `prefix`: () for a single controller, (ensemble_size,) for an
ensemble. All other leading axes come after these. An LSTM computes the tokens' contribution to its gates for the whole
sequence in one product, with the embedding folded into the kernel. Only the product with the last output is left for
each step.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf
from tensorflow import keras

from nao_tf.controller.axes import shape_of
from nao_tf.controller.initialization import Initializer

State = tuple[tf.Tensor, ...]
"""What a recurrence hands from one step to the next: tensors [*prefix, N, H]."""

_STEP_SEED = 1000
"""Folded into the seed of random steps. The places of dropout have smaller numbers."""

Step = Callable[[tf.Tensor, State], tuple[tf.Tensor, State]]
"""A step of a recurrence: called as step(inputs, state), returns (output, new state)."""


def project(inputs: tf.Tensor, kernel: tf.Tensor, bias: tf.Tensor | None = None) -> tf.Tensor:
  """Returns inputs @ kernel + bias: [*prefix, ..., in] by [*prefix, in, out] to [*prefix, ..., out]."""
  *prefix, size, units = kernel.shape
  outputs = tf.matmul(tf.reshape(inputs, [*prefix, -1, size]), kernel)
  if bias is not None:
    outputs += bias[..., tf.newaxis, :]
  return tf.reshape(outputs, [*shape_of(inputs)[:-1], units])


def dropout(inputs: tf.Tensor, rate: float, seed: tf.Tensor | None, layer: int = 0) -> tf.Tensor:
  """Sets a random fraction of the inputs to zero and scales the others by 1 / (1 - rate).

  Args:
    inputs: any shape.
    rate: share to set to zero, in [0, 1).
    seed: two integers; None: nothing is dropped, as in tests.
    layer: number of the place where the seed is used. Different places drop different inputs.
  """
  if seed is None or not rate:
    return inputs
  seed = tf.random.experimental.stateless_fold_in(seed, layer)
  return tf.nn.experimental.stateless_dropout(inputs, rate, seed=seed)


def random_step(memory: tf.Tensor, length: float, seed: tf.Tensor | None) -> tf.Tensor:
  """Adds a random vector to the outputs of an encoder, and scales them to unit length again.

  All outputs of an architecture get the same vector, as in a step of gradient ascent: different ones would cancel out in
  their mean, the architecture embedding.

  Args:
    memory: unit vectors, [..., T, H].
    length: root mean square of the length of the vector.
    seed: two integers; None: nothing is added, as in tests.
  """
  if seed is None or not length:
    return memory
  seed = tf.random.experimental.stateless_fold_in(seed, _STEP_SEED)
  size = shape_of(memory)[-1]
  vectors = tf.random.stateless_normal([*shape_of(memory)[:-2], 1, size], seed, stddev=length / size**0.5)
  return tf.math.l2_normalize(memory + vectors, axis=-1)


def lstm_gates(gates: tf.Tensor, cell: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
  """Returns the output and the cell state, [*prefix, N, H] each, of an LSTM (Hochreiter and Schmidhuber, 1997).

  Args:
    gates: input, forget, cell and output gates before their nonlinearities, [*prefix, N, 4H].
    cell: last cell state, [*prefix, N, H].
  """
  input_gate, forget_gate, candidate, output_gate = tf.split(gates, 4, axis=-1)
  cell = tf.sigmoid(forget_gate) * cell + tf.sigmoid(input_gate) * tf.tanh(candidate)
  return tf.sigmoid(output_gate) * tf.tanh(cell), cell


def scan(step: Step, inputs: tf.Tensor, state: State, *, unroll: bool) -> tf.Tensor:
  """Applies a step along the second to last axis.

  Args:
    step: maps inputs [..., D] and a state to an output [..., H] and a new state.
    inputs: [..., T, D]. T is known when the graph is built.
    state: state before the first step.
    unroll: whether to write the steps out in the graph instead of looping.

  Returns:
    The outputs, [..., T, H].
  """
  if not unroll:
    return _loop(step, inputs, state)
  outputs = []
  for step_inputs in tf.unstack(inputs, axis=-2):
    output, state = step(step_inputs, state)
    outputs.append(output)
  return tf.stack(outputs, axis=-2)


def _loop(step: Step, inputs: tf.Tensor, state: State) -> tf.Tensor:
  length, rank = inputs.shape[-2], inputs.shape.rank
  order = [rank - 2, *range(rank - 2), rank - 1]
  arrays = tf.TensorArray(tf.float32, length).unstack(tf.transpose(inputs, order))

  def body(t: tf.Tensor, state: State, outputs: tf.TensorArray) -> tuple[tf.Tensor, State, tf.TensorArray]:
    output, state = step(arrays.read(t), state)
    return t + 1, state, outputs.write(t, output)

  outputs = tf.TensorArray(tf.float32, length)
  _, _, outputs = tf.while_loop(lambda t, *_: t < length, body, (0, state, outputs), maximum_iterations=length)
  return tf.transpose(outputs.stack(), [*range(1, rank - 1), 0, rank - 1])


class EnsembleLayer(keras.layers.Layer):
  """A layer whose weights may have an axis for an ensemble. They exist as soon as the layer is constructed.

  Attributes:
    prefix: leading axes of every weight: () for a single controller, (ensemble_size,) for an ensemble.
  """

  def __init__(self, initializer: Initializer, **kwargs: Any):
    """Creates a layer without weights.

    Args:
      initializer: source of the weights.
      **kwargs: passed to `keras.layers.Layer`.
    """
    super().__init__(**kwargs)
    self.prefix = initializer.prefix
    self.built = True

  def add_value(self, name: str, value: np.ndarray) -> tf.Variable:
    """Returns a new trainable weight that starts as `value`."""
    return self.add_weight(name=name, shape=value.shape, initializer=lambda shape, dtype=None, **_: tf.constant(value))


class Linear(EnsembleLayer):
  """inputs @ kernel + bias."""

  def __init__(self, initializer: Initializer, inputs: int, outputs: int, *, bias: bool = True):
    """Creates the weights.

    Args:
      initializer: source of the weights.
      inputs: size of the inputs.
      outputs: size of the outputs.
      bias: whether there is a bias.
    """
    super().__init__(initializer)
    self.kernel = self.add_value("kernel", initializer.kernel(inputs, outputs))
    self.bias = self.add_value("bias", initializer.bias(inputs, outputs)) if bias else None

  def call(self, inputs: tf.Tensor) -> tf.Tensor:
    """Returns [*prefix, ..., out] for [*prefix, ..., in]."""
    bias = None if self.bias is None else tf.convert_to_tensor(self.bias)
    return project(inputs, tf.convert_to_tensor(self.kernel), bias)


class TokenEmbedding(EnsembleLayer):
  """A table of token embeddings that can be folded into the kernel that follows it."""

  def __init__(self, initializer: Initializer, num_tokens: int, size: int, *, mixing: np.ndarray | None = None):
    """Creates the weights.

    Args:
      initializer: source of the weights.
      num_tokens: number V of tokens.
      size: size of an embedding.
      mixing: matrix [V, V]; the embeddings are this matrix times the weights. None: the weights are the embeddings.
    """
    super().__init__(initializer)
    self.num_tokens, self._mixing = num_tokens, mixing
    self.table = self.add_value("table", initializer.embedding(num_tokens, size))

  @property
  def embeddings(self) -> tf.Tensor:
    """The embeddings of all tokens, [*prefix, V, size]."""
    table = tf.convert_to_tensor(self.table)
    return table if self._mixing is None else tf.matmul(self._mixing, table)

  def call(self, tokens: tf.Tensor) -> tf.Tensor:
    """Returns embeddings [*prefix, ..., size] of tokens [*prefix, ...]."""
    return project(tf.one_hot(tokens, self.num_tokens), self.embeddings)

  def folded(self, kernel: tf.Tensor, tokens_per_step: int = 1) -> tf.Tensor:
    """Returns the contribution of each token, at each place of a step, to the output of a linear layer.

    Args:
      kernel: kernel of a layer that reads the embeddings of `tokens_per_step` tokens side by side, [*prefix, in, out].
      tokens_per_step: number k of tokens.

    Returns:
      Contributions [*prefix, k * V, out]. Row i * V + v belongs to token v at place i.
    """
    table = self.embeddings
    *prefix, _, size = table.shape
    units = kernel.shape[-1]
    blocks = tf.reshape(kernel, [*prefix, tokens_per_step, size, units])
    contributions = tf.matmul(table[..., tf.newaxis, :, :], blocks)
    return tf.reshape(contributions, [*prefix, tokens_per_step * self.num_tokens, units])


class Lstm(EnsembleLayer):
  """An LSTM: its weights and its pass over a sequence. The gates are in the order input, forget, cell, output.

  Attributes:
    units: number H of units.
  """

  def __init__(
    self, initializer: Initializer, inputs: int, units: int, *, double_bias: bool = False, orthogonal: bool = False
  ):
    """Creates the weights.

    Args:
      initializer: source of the weights.
      inputs: size of the input of a step.
      units: number H of units.
      double_bias: whether there is a second bias, which is added to the first.
      orthogonal: whether both kernels together start orthogonal.
    """
    super().__init__(initializer)
    kernels = initializer.lstm_kernel(inputs, units), initializer.recurrent_kernel(units)
    if orthogonal:
      kernels = initializer.orthogonal_kernels(inputs, units)
    self.units = units
    self.kernel = self.add_value("kernel", kernels[0])
    self.recurrent_kernel = self.add_value("recurrent_kernel", kernels[1])
    self.bias = self.add_value("bias", initializer.lstm_bias(units))
    self.second_bias = self.add_value("second_bias", initializer.bias(units, 4 * units)) if double_bias else None

  def total_bias(self) -> tf.Tensor:
    """Returns the sum of the biases, [*prefix, 4H]."""
    bias = tf.convert_to_tensor(self.bias)
    return bias if self.second_bias is None else bias + tf.convert_to_tensor(self.second_bias)

  def stepper(self) -> Step:
    """Returns the step for `scan`. Its inputs are the inputs' share of the gates [..., 4H]; its state is (output, cell)."""
    recurrent_kernel = tf.convert_to_tensor(self.recurrent_kernel)

    def step(gates: tf.Tensor, state: State) -> tuple[tf.Tensor, State]:
      output, cell = state
      output, cell = lstm_gates(gates + tf.matmul(output, recurrent_kernel), cell)
      return output, (output, cell)

    return step

  def run(self, gates: tf.Tensor, state: State | None = None, *, unroll: bool) -> tf.Tensor:
    """Returns the outputs [*prefix, N, T, H] of a whole sequence.

    Args:
      gates: the inputs' contribution to the gates, bias included, [*prefix, N, T, 4H].
      state: output and cell state before the first step, [*prefix, N, H] each; None: zeros.
      unroll: see `scan`.
    """
    if state is None:
      zeros = tf.zeros_like(gates[..., 0, : self.units])
      state = zeros, zeros
    return scan(self.stepper(), gates, state, unroll=unroll)
