"""The decoder: an LSTM that writes the tokens of an architecture from its embedding and attends to the memory.

Sources: Luo et al., NeurIPS 2018, section 3.2, and the two forms in its releases. Both forms start from the state
(h, c) = (e, e), where e is the architecture embedding, and from the start token. A mask keeps every token legal at its
position, also in training.

With normed Bahdanau attention, the LSTM reads the last context together with the last token, and the logits are linear
in its output. Attention therefore acts on the next token. With Luong's attention, the decoder attends after the LSTM, so
in training it handles the whole sequence at once.
"""

import abc

import numpy as np
import tensorflow as tf

from nao_tf.controller.attention import LuongAttention, NormedBahdanauAttention
from nao_tf.controller.config import ControllerConfig
from nao_tf.controller.initialization import Initializer
from nao_tf.controller.layers import EnsembleLayer, Linear, Lstm, State, TokenEmbedding, lstm_gates, project, scan
from nao_tf.controller.vocabulary import START_TOKEN, Vocabulary

ILLEGAL = -1e9
"""Number that is added to the logit of a token that is not legal at a position."""

Constants = dict[str, tf.Tensor]
"""Tensors that stay the same while a sequence is written, by name."""


def shift_right(tokens: tf.Tensor) -> tf.Tensor:
  """Returns the decoder's input while it is taught to write `tokens`: the start token, then all tokens but the last."""
  start = tf.fill(tf.shape(tokens[..., :1]), tf.constant(START_TOKEN, tokens.dtype))
  return tf.concat([start, tokens[..., :-1]], axis=-1)


class Decoder(EnsembleLayer):
  """The parts that both forms share.

  Attributes:
    length: number of tokens L to write.
    num_tokens: size V of the vocabulary.
    mask: numbers to add to the logits, [L, V]: 0 where a token is legal, a large negative number elsewhere.
  """

  def __init__(self, vocabulary: Vocabulary, config: ControllerConfig, initializer: Initializer, extra_inputs: int = 0):
    """Creates the weights.

    Args:
      vocabulary: tokens to write.
      config: sizes.
      initializer: source of the weights.
      extra_inputs: size of the vector that the LSTM reads together with each token.
    """
    super().__init__(initializer)
    size, token_size = config.encoder_size, config.decoder_token_size
    self.length, self.num_tokens = vocabulary.length, vocabulary.size
    self.mask = np.where(vocabulary.legal, 0.0, ILLEGAL).astype(np.float32)
    self.unroll = config.unroll
    self.embedding = TokenEmbedding(initializer, vocabulary.size, token_size)
    self.lstm = Lstm(
      initializer,
      token_size + extra_inputs,
      size,
      double_bias=config.double_bias,
      orthogonal=config.orthogonal_decoder,
    )
    self.readout = Linear(initializer, size, vocabulary.size)
    self.token_size = token_size

  def token_gates(self) -> tf.Tensor:
    """Returns each token's share of the LSTM's gates, bias included, [*prefix, V, 4H]."""
    kernel = tf.convert_to_tensor(self.lstm.kernel)[..., : self.token_size, :]
    return self.embedding.folded(kernel) + self.lstm.total_bias()[..., tf.newaxis, :]

  def taught_gates(self, tokens: tf.Tensor) -> tf.Tensor:
    """Returns the tokens' contribution to the gates while tokens [*prefix, N, L] are taught, [*prefix, N, L, 4H]."""
    return project(tf.one_hot(shift_right(tokens), self.num_tokens), self.token_gates())

  def gates_after(self, previous: tf.Tensor, constants: Constants) -> tf.Tensor:
    """Returns the contribution to the gates of the last tokens `previous` [*prefix, N], [*prefix, N, 4H]."""
    axis = len(self.prefix)
    return tf.gather(constants["token_gates"], previous, axis=axis, batch_dims=axis)

  @abc.abstractmethod
  def teach(self, tokens: tf.Tensor, memory: tf.Tensor, embedding: tf.Tensor) -> tf.Tensor:
    """Returns masked logits [*prefix, N, L, V] for each token, given the right tokens before it (teacher forcing).

    Args:
      tokens: tokens to write, [*prefix, N, L].
      memory: [*prefix, N, T, H].
      embedding: [*prefix, N, H].
    """

  @abc.abstractmethod
  def begin(self, memory: tf.Tensor, embedding: tf.Tensor) -> tuple[Constants, State]:
    """Returns the constants for `step` and the state before the first token.

    The tensors of the state have one row per sequence, [*prefix, N, H].

    Args:
      memory: [*prefix, N, T, H].
      embedding: [*prefix, N, H].
    """

  @abc.abstractmethod
  def step(self, previous: tf.Tensor, state: State, constants: Constants) -> tuple[tf.Tensor, State]:
    """Returns unmasked logits [*prefix, N, V] for the token after `previous` [*prefix, N], and the new state."""


class LuongDecoder(Decoder):
  """token -> LSTM -> attention -> tanh(W [context; output]) -> logits."""

  def __init__(self, vocabulary: Vocabulary, config: ControllerConfig, initializer: Initializer):
    """Creates the weights; see `Decoder`."""
    super().__init__(vocabulary, config, initializer)
    size = config.encoder_size
    self.attention = LuongAttention(initializer, size, bilinear=config.attention == "bilinear")
    self.combine = Linear(initializer, 2 * size, size, bias=config.combine_bias)

  def teach(self, tokens: tf.Tensor, memory: tf.Tensor, embedding: tf.Tensor) -> tf.Tensor:
    """Returns masked logits for a whole sequence; see `Decoder.teach`."""
    outputs = self.lstm.run(self.taught_gates(tokens), (embedding, embedding), unroll=self.unroll)
    return self._logits(outputs, *self._keys_and_values(memory)) + self.mask

  def begin(self, memory: tf.Tensor, embedding: tf.Tensor) -> tuple[Constants, State]:
    """Returns keys, values and the LSTM's state; see `Decoder.begin`."""
    keys, values = self._keys_and_values(memory)
    constants = {"token_gates": self.token_gates(), "keys": keys, "values": values}
    return constants, (embedding, embedding)

  def step(self, previous: tf.Tensor, state: State, constants: Constants) -> tuple[tf.Tensor, State]:
    """Returns logits for the next token; see `Decoder.step`."""
    output, state = self.lstm.stepper()(self.gates_after(previous, constants), state)
    logits = self._logits(output[..., tf.newaxis, :], constants["keys"], constants["values"])
    return tf.squeeze(logits, axis=-2), state

  def _keys_and_values(self, memory: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Returns keys, and as values the memory times the combining layer's kernel.

    Averaging and the kernel are both linear, so the kernel may be applied first.
    """
    kernel = tf.convert_to_tensor(self.combine.kernel)[..., : self.lstm.units, :]
    return self.attention.keys(memory), project(memory, kernel)

  def _logits(self, outputs: tf.Tensor, keys: tf.Tensor, values: tf.Tensor) -> tf.Tensor:
    kernel = tf.convert_to_tensor(self.combine.kernel)[..., self.lstm.units :, :]
    bias = None if self.combine.bias is None else tf.convert_to_tensor(self.combine.bias)
    contexts = tf.matmul(self.attention.alignments(outputs, keys), values)
    return self.readout(tf.tanh(contexts + project(outputs, kernel, bias)))


class BahdanauDecoder(Decoder):
  """[token; last context] -> LSTM -> logits. The LSTM's output is the query for the next context."""

  def __init__(self, vocabulary: Vocabulary, config: ControllerConfig, initializer: Initializer):
    """Creates the weights; see `Decoder`."""
    super().__init__(vocabulary, config, initializer, extra_inputs=config.encoder_size)
    self.attention = NormedBahdanauAttention(initializer, config.encoder_size)

  def teach(self, tokens: tf.Tensor, memory: tf.Tensor, embedding: tf.Tensor) -> tf.Tensor:
    """Returns masked logits, step by step; see `Decoder.teach`."""
    constants, state = self.begin(memory, embedding)

    def step(gates: tf.Tensor, state: State) -> tuple[tf.Tensor, State]:
      return self._advance(gates, state, constants)

    return self.readout(scan(step, self.taught_gates(tokens), state, unroll=self.unroll)) + self.mask

  def begin(self, memory: tf.Tensor, embedding: tf.Tensor) -> tuple[Constants, State]:
    """Returns keys, kernels and the state (output, cell, context); see `Decoder.begin`."""
    kernels = [self.lstm.recurrent_kernel, tf.convert_to_tensor(self.lstm.kernel)[..., self.token_size :, :]]
    constants = {
      "token_gates": self.token_gates(),
      "state_kernel": tf.concat([tf.convert_to_tensor(kernel) for kernel in kernels], axis=-2),
      "memory": memory,
      "keys": self.attention.keys(memory),
    }
    return constants, (embedding, embedding, tf.zeros_like(embedding))

  def step(self, previous: tf.Tensor, state: State, constants: Constants) -> tuple[tf.Tensor, State]:
    """Returns logits for the next token; see `Decoder.step`."""
    output, state = self._advance(self.gates_after(previous, constants), state, constants)
    return self.readout(output), state

  def _advance(self, gates: tf.Tensor, state: State, constants: Constants) -> tuple[tf.Tensor, State]:
    output, cell, context = state
    gates += tf.matmul(tf.concat([output, context], axis=-1), constants["state_kernel"])
    output, cell = lstm_gates(gates, cell)
    alignments = self.attention.alignments(output, constants["keys"])
    context = tf.linalg.matvec(constants["memory"], alignments, transpose_a=True)
    return output, (output, cell, context)


def make_decoder(vocabulary: Vocabulary, config: ControllerConfig, initializer: Initializer) -> Decoder:
  """Returns the decoder with the attention that the configuration names."""
  form = BahdanauDecoder if config.attention == "bahdanau" else LuongDecoder
  return form(vocabulary, config, initializer)
