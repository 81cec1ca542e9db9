"""Writing sequences with a decoder: the most likely token each time, drawn tokens, or a beam search.

Every token is legal at its position. Drawing uses the Gumbel trick: argmax(logits + temperature * noise) is a draw from
softmax(logits / temperature). At temperature 0 it is the most likely token.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import tensorflow as tf

from nao_tf.controller.axes import shape_of
from nao_tf.controller.decoder import ILLEGAL, Decoder
from nao_tf.controller.layers import State
from nao_tf.controller.vocabulary import START_TOKEN

_Shape = Sequence[int | tf.Tensor]


def write(
  decoder: Decoder,
  memory: tf.Tensor,
  embedding: tf.Tensor,
  temperature: tf.Tensor | None = None,
  seed: tf.Tensor | None = None,
) -> tf.Tensor:
  """Returns one sequence for each row of the memory, int32 [*prefix, N, L].

  Args:
    decoder: writes the tokens.
    memory: [*prefix, N, T, H].
    embedding: [*prefix, N, H].
    temperature: 0 or more for each row, [*prefix, N]; None: the most likely token each time.
    seed: two integers; needed with a temperature.
  """
  constants, state = decoder.begin(memory, embedding)
  legal, length = tf.constant(decoder.mask == 0.0), decoder.length
  previous = tf.fill(tf.shape(embedding)[:-1], START_TOKEN)

  def body(
    t: tf.Tensor, previous: tf.Tensor, state: State, written: tf.TensorArray
  ) -> tuple[tf.Tensor, tf.Tensor, State, tf.TensorArray]:
    logits, state = decoder.step(previous, state, constants)
    if temperature is not None:
      logits += temperature[..., tf.newaxis] * _gumbel(tf.shape(logits), seed, t)
    token = tf.argmax(tf.where(legal[t], logits, -math.inf), axis=-1, output_type=tf.int32)
    return t + 1, token, state, written.write(t, token)

  written = tf.TensorArray(tf.int32, length, element_shape=previous.shape)
  loop = tf.while_loop(lambda t, *_: t < length, body, (0, previous, state, written), maximum_iterations=length)
  tokens = loop[3].stack()
  return tf.transpose(tokens, [*range(1, tokens.shape.rank), 0])


def _gumbel(shape: tf.Tensor, seed: tf.Tensor | None, t: tf.Tensor) -> tf.Tensor:
  seed = tf.random.experimental.stateless_fold_in(seed, t)
  uniform = tf.random.stateless_uniform(shape, seed, minval=1e-7)
  return -tf.math.log(-tf.math.log(uniform))


class _Beams(NamedTuple):
  """The k sequences that are followed for each row of a memory.

  Attributes:
    last: last token of each sequence, int32 [*prefix, N, k].
    scores: log-probabilities, [*prefix, N, k].
    tokens: the sequences so far, filled up with 0, int32 [*prefix, N, k, L].
  """

  last: tf.Tensor
  scores: tf.Tensor
  tokens: tf.Tensor


def beam_search(decoder: Decoder, memory: tf.Tensor, embedding: tf.Tensor, width: int) -> tuple[tf.Tensor, tf.Tensor]:
  """Returns the sequences that a beam search finds, most likely first, with their log-probabilities.

  Args:
    decoder: writes the tokens.
    memory: [*prefix, N, T, H].
    embedding: [*prefix, N, H].
    width: number k of sequences to follow; at most the number of legal sequences.

  Returns:
    Tokens, int32 [*prefix, N, k, L], and log-probabilities [*prefix, N, k]. The probabilities of all legal sequences
    sum to 1.
  """
  axis = len(decoder.prefix)
  shape = [*shape_of(embedding)[:-1], width]
  constants, state = decoder.begin(tf.repeat(memory, width, axis), tf.repeat(embedding, width, axis))

  def body(t: tf.Tensor, state: State, beams: _Beams) -> tuple[tf.Tensor, State, _Beams]:
    logits, state = decoder.step(_merge(beams.last, shape), state, constants)
    parents, beams = _extended(decoder, beams, logits, t, shape)
    return t + 1, tuple(_choose(part, parents, shape) for part in state), beams

  start = (0, state, _first_beams(decoder, shape))
  end = tf.while_loop(lambda t, *_: t < decoder.length, body, start, maximum_iterations=decoder.length)
  return end[2].tokens, end[2].scores


def _first_beams(decoder: Decoder, shape: _Shape) -> _Beams:
  """Returns the beams before the first token. Only the first of each row counts: all are the same empty sequence."""
  alone = tf.where(tf.range(shape[-1]) == 0, 0.0, ILLEGAL * decoder.length)
  return _Beams(
    last=tf.fill(shape, START_TOKEN),
    scores=tf.broadcast_to(alone, shape),
    tokens=tf.zeros([*shape, decoder.length], tf.int32),
  )


def _extended(
  decoder: Decoder, beams: _Beams, logits: tf.Tensor, t: tf.Tensor, shape: _Shape
) -> tuple[tf.Tensor, _Beams]:
  """Returns the most likely sequences with one token more, and which beam each of them continues.

  Args:
    decoder: has written the logits.
    beams: the sequences so far.
    logits: unmasked logits of token t, [*prefix, N * k, V].
    t: position of the token.
    shape: sizes of [*prefix, N, k].

  Returns:
    Indices of the continued beams, int32 [*prefix, N, k], and the new beams.
  """
  *rows, width = shape
  gains = tf.nn.log_softmax(logits + tf.constant(decoder.mask)[t])
  totals = beams.scores[..., tf.newaxis] + tf.reshape(gains, [*shape, decoder.num_tokens])
  scores, best = tf.math.top_k(tf.reshape(totals, [*rows, width * decoder.num_tokens]), width)
  parents, token = best // decoder.num_tokens, best % decoder.num_tokens
  here = tf.one_hot(t, decoder.length, dtype=tf.int32)
  tokens = tf.gather(beams.tokens, parents, batch_dims=len(rows)) + token[..., tf.newaxis] * here
  return parents, _Beams(token, scores, tokens)


def _merge(tensor: tf.Tensor, shape: _Shape) -> tf.Tensor:
  """Returns [*prefix, N, k, ...] as [*prefix, N * k, ...]."""
  *prefix, count, width = shape
  return tf.reshape(tensor, [*prefix, count * width, *shape_of(tensor)[len(shape) :]])


def _choose(tensor: tf.Tensor, parents: tf.Tensor, shape: _Shape) -> tf.Tensor:
  """Returns [*prefix, N * k, H] with the row of each beam replaced by that of its parent, [*prefix, N, k]."""
  beams = tf.reshape(tensor, [*shape, tensor.shape[-1]])
  return _merge(tf.gather(beams, parents, batch_dims=len(shape) - 1), shape)
