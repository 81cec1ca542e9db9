"""Writing sequences with a decoder: the likeliest token each time, drawn tokens, or a beam.

Every token is legal at its position. Drawing uses the Gumbel trick: argmax(logits + temperature * noise) is a draw from
softmax(logits / temperature), and at temperature 0 it is the likeliest token.
"""

import tensorflow as tf

from nao_tf.controller.axes import shape_of
from nao_tf.controller.decoder import ILLEGAL, Decoder
from nao_tf.controller.vocabulary import START_TOKEN


def write(
  decoder: Decoder,
  memory: tf.Tensor,
  embedding: tf.Tensor,
  temperature: tf.Tensor | None = None,
  seed: tf.Tensor | None = None,
) -> tf.Tensor:
  """Returns one sequence per row of the memory, int32 [*prefix, N, L].

  Args:
    decoder: writes the tokens.
    memory: [*prefix, N, T, H].
    embedding: [*prefix, N, H].
    temperature: of each row, [*prefix, N], 0 or more; None: the likeliest token each time.
    seed: integers [2], needed with a temperature.
  """
  constants, state = decoder.begin(memory, embedding)
  mask, length = tf.constant(decoder.mask), decoder.length
  previous = tf.fill(tf.shape(embedding)[:-1], START_TOKEN)

  def body(t, previous, state, written):
    logits, state = decoder.step(previous, state, constants)
    logits += mask[t]
    if temperature is not None:
      logits += temperature[..., tf.newaxis] * _gumbel(tf.shape(logits), seed, t)
    token = tf.argmax(logits, axis=-1, output_type=tf.int32)
    return t + 1, token, state, written.write(t, token)

  written = tf.TensorArray(tf.int32, length, element_shape=previous.shape)
  loop = tf.while_loop(lambda t, *_: t < length, body, (0, previous, state, written), maximum_iterations=length)
  written = loop[3].stack()
  return tf.transpose(written, [*range(1, written.shape.rank), 0])


def _gumbel(shape: tf.Tensor, seed: tf.Tensor, t: tf.Tensor) -> tf.Tensor:
  seed = tf.random.experimental.stateless_fold_in(seed, t)
  uniform = tf.random.stateless_uniform(shape, seed, minval=1e-7)
  return -tf.math.log(-tf.math.log(uniform))


def beam_search(decoder: Decoder, memory: tf.Tensor, embedding: tf.Tensor, width: int) -> tuple[tf.Tensor, tf.Tensor]:
  """Returns the sequences that a beam finds, the likeliest first, with their log-probabilities.

  Args:
    decoder: writes the tokens.
    memory: [*prefix, N, T, H].
    embedding: [*prefix, N, H].
    width: number k of sequences followed; at most the number of legal sequences.

  Returns:
    Tokens, int32 [*prefix, N, k, L], and log-probabilities [*prefix, N, k]. All legal sequences have probabilities that
    sum to 1.
  """
  rows, axis = shape_of(embedding)[:-1], len(decoder.prefix)
  constants, state = decoder.begin(tf.repeat(memory, width, axis), tf.repeat(embedding, width, axis))
  alone = tf.where(tf.range(width) == 0, 0.0, ILLEGAL * decoder.length)
  scores = tf.broadcast_to(alone, [*rows, width])
  tokens = tf.zeros([*rows, width, decoder.length], tf.int32)
  previous = tf.fill([*rows, width], START_TOKEN)
  for_length = tf.one_hot(tf.range(decoder.length), decoder.length, dtype=tf.int32)

  def body(t, previous, state, scores, tokens):
    logits, state = decoder.step(_merge(previous, rows, width), state, constants)
    gains = tf.nn.log_softmax(logits + tf.constant(decoder.mask)[t])
    totals = scores[..., tf.newaxis] + tf.reshape(gains, [*rows, width, decoder.num_tokens])
    scores, best = tf.math.top_k(tf.reshape(totals, [*rows, width * decoder.num_tokens]), width)
    parents, token = best // decoder.num_tokens, best % decoder.num_tokens
    state = tuple(_choose(part, parents, rows, width) for part in state)
    tokens = tf.gather(tokens, parents, batch_dims=len(rows)) + token[..., tf.newaxis] * for_length[t]
    return t + 1, token, state, scores, tokens

  loop = (0, previous, state, scores, tokens)
  *_, scores, tokens = tf.while_loop(lambda t, *_: t < decoder.length, body, loop, maximum_iterations=decoder.length)
  return tokens, scores


def _merge(tensor: tf.Tensor, rows: list, width: int) -> tf.Tensor:
  """Returns [*prefix, N, width, ...] as [*prefix, N * width, ...]."""
  return tf.reshape(tensor, [*rows[:-1], rows[-1] * width, *shape_of(tensor)[len(rows) + 1 :]])


def _choose(tensor: tf.Tensor, parents: tf.Tensor, rows: list, width: int) -> tf.Tensor:
  """Returns [*prefix, N * width, H] with rows replaced by those of their beam which `parents` [*prefix, N, k] gives."""
  beams = tf.reshape(tensor, [*rows, width, tensor.shape[-1]])
  return _merge(tf.gather(beams, parents, batch_dims=len(rows)), rows, width)
