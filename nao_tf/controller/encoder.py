"""The encoder: an LSTM from token sequences to a memory of unit vectors (Luo et al., NeurIPS 2018, section 3.2)."""

import tensorflow as tf

from nao_tf.controller.axes import shape_of
from nao_tf.controller.config import ControllerConfig
from nao_tf.controller.initialization import Initializer
from nao_tf.controller.layers import EnsembleLayer, Linear, Lstm, TokenEmbedding, dropout, project
from nao_tf.controller.ordered_tokens import mixing_matrix
from nao_tf.controller.vocabulary import Vocabulary


class Encoder(EnsembleLayer):
  """Reads `tokens_per_step` tokens in each step and scales every output to unit length.

  Attributes:
    tokens_per_step: number k of tokens in a step.
    num_steps: length T of the memory.
    size: size H of its vectors.
  """

  def __init__(self, vocabulary: Vocabulary, config: ControllerConfig, initializer: Initializer):
    """Creates the weights.

    Args:
      vocabulary: tokens to read.
      config: sizes.
      initializer: source of the weights.

    Raises:
      ValueError: if the number of tokens is not a multiple of the tokens per step.
    """
    super().__init__(initializer)
    self.tokens_per_step = config.tokens_per_step or vocabulary.tokens_per_step
    if vocabulary.length % self.tokens_per_step:
      raise ValueError(f"{vocabulary.length} tokens cannot be read {self.tokens_per_step} at a time")
    self.num_steps, self.size = vocabulary.length // self.tokens_per_step, config.encoder_size
    self._config = config
    inputs = self.tokens_per_step * config.token_size
    self.embedding = TokenEmbedding(initializer, vocabulary.size, config.token_size, mixing=mixing_matrix(vocabulary))
    num_directions = 2 if config.bidirectional else 1
    self.lstms = [Lstm(initializer, inputs, self.size, double_bias=config.double_bias) for _ in range(num_directions)]
    self.merge = Linear(initializer, 2 * self.size, self.size) if config.bidirectional else None

  def call(self, tokens: tf.Tensor, seed: tf.Tensor | None = None) -> tf.Tensor:
    """Returns the memory of token sequences.

    Args:
      tokens: [*prefix, N, L].
      seed: two integers for dropout; None: no dropout.

    Returns:
      Unit vectors, [*prefix, N, T, H].
    """
    states = dropout(self._run(self._gates(tokens, seed)), self._config.encoder_dropout, seed, layer=1)
    return tf.math.l2_normalize(states, axis=-1)

  def _gates(self, tokens: tf.Tensor, seed: tf.Tensor | None) -> list[tf.Tensor]:
    """Returns the inputs' contribution to the gates of each LSTM, bias included, [*prefix, N, T, 4H] each."""
    if self._config.embedding_dropout and seed is not None:
      inputs = self._group(dropout(self.embedding(tokens), self._config.embedding_dropout, seed, layer=2))
      return [project(inputs, tf.convert_to_tensor(lstm.kernel), lstm.total_bias()) for lstm in self.lstms]
    one_hot = self._group(tf.one_hot(tokens, self.embedding.num_tokens))
    return [project(one_hot, self._folded_kernel(lstm), lstm.total_bias()) for lstm in self.lstms]

  def _group(self, per_token: tf.Tensor) -> tf.Tensor:
    """Returns [*prefix, N, L, D] as [*prefix, N, T, k * D], with the k tokens of a step side by side."""
    *leading, _, size = shape_of(per_token)
    return tf.reshape(per_token, [*leading, self.num_steps, self.tokens_per_step * size])

  def _folded_kernel(self, lstm: Lstm) -> tf.Tensor:
    return self.embedding.folded(tf.convert_to_tensor(lstm.kernel), self.tokens_per_step)

  def _run(self, gates: list[tf.Tensor]) -> tf.Tensor:
    unroll = self._config.unroll
    forwards = self.lstms[0].run(gates[0], unroll=unroll)
    if self.merge is None:
      return forwards
    backwards = self.lstms[1].run(tf.reverse(gates[1], axis=[-2]), unroll=unroll)
    return self.merge(tf.concat([forwards, tf.reverse(backwards, axis=[-2])], axis=-1))


def architecture_embedding(memory: tf.Tensor) -> tf.Tensor:
  """Returns the architecture embedding, the mean of the memory scaled to unit length: [..., T, H] to [..., H]."""
  return tf.math.l2_normalize(tf.reduce_mean(memory, axis=-2), axis=-1)
