"""Language models as models of Keras: equal outputs, states, dropout, files, and what is refused."""

import dataclasses

import numpy as np
import pytest
import tensorflow as tf
from tensorflow import keras

from nao_tf.networks import registered_layers
from nao_tf.networks.language_model import LanguageModel, LanguageModelConfig, language_model
from nao_tf.networks.named_genotypes import read_genotype
from nao_tf.networks.plain_language_model import plain_language_model
from nao_tf.networks.plain_layers import NotConvertible
from nao_tf.spaces.published import RECURRENT_CELLS
from tests.support.random_weights import randomize

WORDS, UNITS = 13, 6
DROPPING = LanguageModelConfig(units=UNITS, embedding_dropout=0.2, initial_range=0.5)
TOKENS = np.random.default_rng(0).integers(0, WORDS, (3, 7)).astype(np.int32)
NAMES = [*RECURRENT_CELLS, "lstm"]


def make(name, config=DROPPING):
  """Returns a language model with weights as a training might leave them."""
  network = language_model(read_genotype(name), config, vocabulary_size=WORDS, seed=1)
  randomize(network)
  return network


def states_of(model):
  return [np.full((len(TOKENS), UNITS), 0.1 * i, np.float32) for i in range(1, len(model.inputs))]


@pytest.mark.parametrize("name", NAMES)
def test_the_logits_are_those_of_the_language_model(name):
  network = make(name)
  model = plain_language_model(network, classifier_activation=None)
  np.testing.assert_allclose(model(TOKENS), network(TOKENS)[0], atol=1e-5)
  assert model.output_shape == (None, None, WORDS)


@pytest.mark.parametrize("name", ["ENAS-RNN", "lstm"])
def test_a_text_is_continued_from_its_state(name, tmp_path):
  network = make(name)
  model = plain_language_model(network, return_state=True, classifier_activation=None)
  states = states_of(model)
  logits, *after = model([TOKENS, *states])
  expected, state = network(TOKENS, tf.concat(states, 1))
  np.testing.assert_allclose(logits, expected, atol=1e-5)
  np.testing.assert_allclose(tf.concat(after, 1), state, atol=1e-5)
  model.save(tmp_path / "x.keras")
  np.testing.assert_allclose(keras.models.load_model(tmp_path / "x.keras")([TOKENS, *states])[0], logits, atol=1e-6)


@pytest.mark.parametrize("name", ["DARTS-RNN-V2", "lstm"])
def test_it_is_saved_loaded_and_trained(name, tmp_path, no_graphs):
  model = plain_language_model(make(name, DROPPING.without_dropout()))
  np.testing.assert_allclose(tf.reduce_sum(model(TOKENS), -1), 1.0, atol=1e-5)
  model.save(tmp_path / "x.keras")
  loaded = keras.models.load_model(tmp_path / "x.keras")
  np.testing.assert_allclose(loaded(TOKENS), model(TOKENS), atol=1e-6)
  loaded.compile(keras.optimizers.Adam(0.02), "sparse_categorical_crossentropy")
  losses = loaded.fit(TOKENS, np.roll(TOKENS, -1, 1), epochs=4, verbose=0).history["loss"]
  assert losses[-1] < losses[0]


def test_the_softmax_shares_the_weights_of_the_embedding():
  network = make("ENAS-RNN")
  model = plain_language_model(network)
  assert model.count_params() == network.count_params()
  assert "Total params" in summary(model) and f"(None, None, {WORDS})" in summary(model)


def summary(model):
  lines = []
  model.summary(print_fn=lambda line, **_: lines.append(line), line_length=160)
  return "\n".join(lines)


def test_without_the_softmax_an_lstm_is_made_of_standard_layers():
  network = make("lstm", DROPPING.without_dropout())
  model = plain_language_model(network, include_top=False)
  expected = tf.transpose(network.features(TOKENS).outputs, [1, 0, 2])
  np.testing.assert_allclose(model(TOKENS), expected, atol=1e-5)
  assert all(type(layer).__module__.startswith("keras.") for layer in model.layers)


def test_dropout_is_as_configured():
  model = plain_language_model(make("ENAS-RNN"))
  rates = [model.get_layer(name).rate for name in ("input_dropout", "cell_input_dropout", "output_dropout")]
  assert rates == [DROPPING.input_dropout, DROPPING.cell_input_dropout, DROPPING.output_dropout]
  assert model.get_layer("embedding").dropout == DROPPING.embedding_dropout
  assert model.get_layer("cell").cell.state_dropout == DROPPING.state_dropout
  assert np.abs(model(TOKENS, training=True) - np.array(model(TOKENS))).max() > 1e-3
  still = plain_language_model(make("ENAS-RNN", DROPPING.without_dropout()))
  np.testing.assert_allclose(still(TOKENS, training=True), still(TOKENS), atol=1e-6)


def test_words_are_dropped_everywhere_in_a_batch():
  layer = registered_layers.TiedEmbedding(WORDS, UNITS, dropout=0.5, initial_range=1.0)
  free, dropped = layer(TOKENS), np.array(layer(TOKENS, training=True))
  for word in np.unique(TOKENS):
    kept = dropped[word == TOKENS] / np.array(free)[word == TOKENS]
    assert set(np.unique(kept.round(4))) in ({0.0}, {2.0})


class OtherNetwork(keras.Model):
  pass


def test_another_network_and_another_cell_are_refused():
  with pytest.raises(NotConvertible, match="a OtherNetwork cannot be converted to a model of Keras"):
    plain_language_model(OtherNetwork())
  cell = registered_layers.RNNCell(read_genotype("ENAS-RNN"), UNITS)
  with pytest.raises(NotConvertible, match="cell: a RNNCell cannot be converted to a cell for keras.layers.RNN"):
    plain_language_model(LanguageModel(cell, DROPPING, WORDS, seed=0))


def test_a_network_that_computes_something_else_is_refused(monkeypatch):
  network = make("ENAS-RNN", dataclasses.replace(DROPPING, units=UNITS))
  original = type(network).features
  wrong = lambda self, *args, **rest: original(self, *args, **rest)._replace(dropped=tf.ones([5, 2, UNITS]))  # noqa: E731
  monkeypatch.setattr(type(network), "features", wrong)
  with pytest.raises(NotConvertible, match="the language model was not converted correctly: its outputs differ by"):
    plain_language_model(network)
