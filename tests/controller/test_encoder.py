"""The encoder: unit vectors, the LSTM that Keras has, and who can see which token."""

import dataclasses

import numpy as np
import pytest
import tensorflow as tf
from tensorflow import keras

from nao_tf.controller.encoder import Encoder, architecture_embedding
from nao_tf.controller.initialization import Initializer
from tests.support import controller_cases as cases


def make_encoder(**changes):
  config = dataclasses.replace(cases.SMALL, **changes)
  return Encoder(cases.VOCABULARY, config, Initializer(config, seed=0))


def keras_states(encoder, tokens):
  """What Keras' own layers make of the encoder's weights, before normalization."""
  embedded = np.take(np.asarray(encoder.embedding.table), tokens, axis=0).reshape(len(tokens), encoder.num_steps, -1)
  layer = keras.layers.LSTM(encoder.size, return_sequences=True)
  layer.build(embedded.shape)
  lstm = encoder.lstms[0]
  layer.set_weights([np.asarray(weight) for weight in (lstm.kernel, lstm.recurrent_kernel, lstm.total_bias())])
  return np.asarray(layer(embedded))


def test_memory_has_unit_vectors_one_for_each_step():
  memory = make_encoder()(cases.some_tokens(7))
  assert memory.shape == (7, 2, 5)
  np.testing.assert_allclose(np.linalg.norm(memory, axis=-1), 1, rtol=1e-5)


@pytest.mark.parametrize("changes", [{}, {"double_bias": True, "initializer": "torch"}, {"unroll": False}])
def test_states_are_those_of_keras_lstm(changes):
  encoder, tokens = make_encoder(**changes), cases.some_tokens(7)
  np.testing.assert_allclose(
    encoder(tokens), tf.math.l2_normalize(keras_states(encoder, tokens), axis=-1), rtol=1e-4, atol=1e-6
  )


def test_a_state_does_not_see_later_tokens_unless_bidirectional():
  tokens = cases.some_tokens(1)
  other = tokens.copy()
  other[0, -1] = 3 + (other[0, -1] - 2) % 3
  assert np.array_equal(make_encoder()(tokens)[:, 0], make_encoder()(other)[:, 0])
  both_ways = make_encoder(bidirectional=True)
  assert both_ways(tokens).shape == (1, 2, 5)
  assert not np.allclose(both_ways(tokens)[:, 0], both_ways(other)[:, 0])


def test_tokens_per_step_can_differ_from_the_vocabulary():
  assert make_encoder(tokens_per_step=1)(cases.some_tokens(3)).shape == (3, 4, 5)
  with pytest.raises(ValueError, match="4 tokens cannot be read 3 at a time"):
    make_encoder(tokens_per_step=3)


def test_embedding_is_the_normalized_mean():
  memory = tf.constant([[[1.0, 0.0], [0.0, 1.0]]])
  np.testing.assert_allclose(architecture_embedding(memory), [[0.5**0.5, 0.5**0.5]], rtol=1e-6)


@pytest.mark.parametrize("kind", ["embedding_dropout", "encoder_dropout"])
def test_dropout_is_a_function_of_its_seed(kind):
  encoder, tokens = make_encoder(**{kind: 0.5}), cases.some_tokens(5)
  assert np.array_equal(encoder(tokens, seed=tf.constant([1, 2])), encoder(tokens, seed=tf.constant([1, 2])))
  assert not np.allclose(encoder(tokens, seed=tf.constant([1, 2])), encoder(tokens, seed=tf.constant([1, 3])))
  np.testing.assert_allclose(encoder(tokens), make_encoder()(tokens), rtol=1e-5)


def test_both_ways_to_the_gates_agree():
  tokens = cases.some_tokens(5)
  nothing_dropped = make_encoder(embedding_dropout=1e-12)(tokens, seed=tf.constant([1, 2]))
  np.testing.assert_allclose(nothing_dropped, make_encoder()(tokens), rtol=1e-4, atol=1e-6)
