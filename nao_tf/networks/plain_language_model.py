"""Turns a language model into a functional Keras model, with equal outputs and all of its weights.

The layers are standard ones, but for two that Keras does not have: the searched cell (`nao_tf.networks.rnn_cell`) and
the embedding that is the kernel of the softmax, too (`nao_tf.networks.tied_embedding`). Both are registered with Keras.
So a model with an LSTM and without the softmax is made of standard layers alone.

Dropout has one mask for all steps of a sequence. It is as the configuration of the language model has it.
"""

from typing import NamedTuple

import numpy as np
import tensorflow as tf
from tensorflow import keras

from nao_tf.networks.language_model import LanguageModel, LanguageModelConfig
from nao_tf.networks.lstm import LstmBaseline
from nao_tf.networks.plain_layers import NotConvertible, Symbol, apply_layer
from nao_tf.networks.plain_network import layer_name
from nao_tf.networks.precision import check_precision
from nao_tf.networks.recurrent_cell import RecurrentCell
from nao_tf.networks.rnn_cell import RNNCell
from nao_tf.networks.tied_embedding import TiedEmbedding
from nao_tf.training.variables import tf_variable

TOLERANCE = 1e-4
_CHECKED_TOKENS = (2, 5)


class _Parts(NamedTuple):
  """Symbolic tensors of a language model.

  Attributes:
    inputs: the tokens, and the states if they are inputs.
    features: outputs of the cell `[B, T, H]`.
    dropped: the same after dropout.
    states: states of the cell, after the last token.
    embedding: the layer.
  """

  inputs: list[Symbol]
  features: Symbol
  dropped: Symbol
  states: list[Symbol]
  embedding: keras.layers.Layer


def plain_language_model(
  network: LanguageModel,
  *,
  include_top: bool = True,
  return_state: bool = False,
  classifier_activation: str | None = "softmax",
  name: str = "language_model",
) -> keras.Model:
  """Returns a functional model, tokens `[B, T]` to probabilities of the next token `[B, T, V]`.

  The weights are copies. The outputs are compared for random tokens before the model is returned.

  Args:
    network: trained or fresh.
    include_top: whether there is a softmax; otherwise the outputs are those of the cell, `[B, T, H]`.
    return_state: whether the model takes the states of the cell, too, each `[B, H]`, and returns them after the last
      token: `[tokens, *states]` to `[outputs, *states]`.
    classifier_activation: activation after the logits; None for logits.
    name: name of the model.

  Raises:
    nao_tf.networks.plain_layers.NotConvertible: if the network has something that is not known here.
    ValueError: if Keras is set to another precision than single.
  """
  check_precision()
  parts = _parts(network, include_top, return_state)
  logits = parts.embedding(parts.dropped, reverse=True) if include_top else parts.dropped
  _check_outputs(network, keras.Model(parts.inputs, [parts.features, logits]), include_top)
  activation = classifier_activation if include_top else None
  outputs = logits if activation is None else keras.layers.Activation(activation, name="probabilities")(logits)
  if not return_state:
    return keras.Model(parts.inputs[0], outputs, name=layer_name(name, "language_model"))
  return keras.Model(parts.inputs, [outputs, *parts.states], name=layer_name(name, "language_model"))


def _parts(network: LanguageModel, include_top: bool, return_state: bool) -> _Parts:
  """Applies embedding, cell and dropout."""
  if type(network) is not LanguageModel:
    raise NotConvertible(f"a {type(network).__name__} cannot be converted to a model of Keras")
  config = network.config
  tokens = keras.Input((None,), dtype="int32", name="tokens")
  embedding = _embedding(network, include_top)
  vectors = apply_layer(embedding, tokens, [network.table, network.bias][: 2 if _is_tied(embedding) else 1])
  vectors = _dropped(vectors, config.input_dropout, "input_dropout")
  vectors = _dropped(vectors, config.cell_input_dropout, "cell_input_dropout")
  inputs, outputs, states = _run(network, vectors, return_state)
  return _Parts(
    [tokens, *inputs], outputs, _dropped(outputs, config.output_dropout, "output_dropout"), states, embedding
  )


def _embedding(network: LanguageModel, include_top: bool) -> keras.layers.Layer:
  """Returns the embedding: a standard one if its table is nothing else and no words are dropped."""
  config = network.config
  if not include_top and not config.embedding_dropout:
    return keras.layers.Embedding(network.vocabulary_size, config.units, name="embedding")
  return TiedEmbedding(
    network.vocabulary_size,
    config.units,
    dropout=config.embedding_dropout,
    initial_range=config.initial_range,
    name="embedding",
  )


def _is_tied(embedding: keras.layers.Layer) -> bool:
  return isinstance(embedding, TiedEmbedding)


def _dropped(vectors: Symbol, rate: float, name: str) -> Symbol:
  """Drops units, at all steps of a sequence alike."""
  return keras.layers.SpatialDropout1D(rate, name=name)(vectors) if rate else vectors


def _run(network: LanguageModel, vectors: Symbol, with_state: bool) -> tuple[list[Symbol], Symbol, list[Symbol]]:
  """Applies the cell; returns its states before the text if they are inputs, its outputs, and its states after it."""
  if type(network.cell) is LstmBaseline:
    names, rate = ["hidden_state", "memory"] if with_state else [], 0.0
    layer = keras.layers.LSTM(network.config.units, return_sequences=True, return_state=True, name="cell")
    weights = network.cell.lstm.weights
  elif type(network.cell) is RecurrentCell:
    names, rate = ["state"] if with_state else [], network.config.state_dropout
    layer = keras.layers.RNN(_cell(network.cell, network.config), return_sequences=True, return_state=True, name="cell")
    weights = network.cell.weights
  else:
    raise NotConvertible(f"cell: a {type(network.cell).__name__} cannot be converted to a cell for keras.layers.RNN")
  inputs = [keras.Input((network.config.units,), name=name) for name in names]
  masks = [_mask(inputs[0], rate)] if inputs and rate else []
  outputs, *states = layer(vectors, initial_state=[*inputs, *masks]) if inputs else layer(vectors)
  layer.set_weights([np.array(tf_variable(weight).read_value()) for weight in weights])
  return inputs, outputs, states[: len(states) - bool(rate)]


def _cell(cell: RecurrentCell, config: LanguageModelConfig) -> RNNCell:
  """Returns the cell for `keras.layers.RNN`, without weights yet."""
  return RNNCell(cell.genotype, config.units, state_dropout=config.state_dropout, initial_range=config.initial_range)


def _mask(state: Symbol, rate: float) -> Symbol:
  """Returns the mask of a sequence that begins with a given state: ones that went through dropout."""
  ones = keras.layers.Rescaling(0.0, 1.0, name="ones")(state)
  return keras.layers.Dropout(rate, name="state_dropout")(ones)


def _check_outputs(network: LanguageModel, model: keras.Model, include_top: bool) -> None:
  """Compares a network with a model that returns features and logits, for random tokens and states of zeros.

  Raises:
    NotConvertible: if they differ.
  """
  tokens = np.random.default_rng(0).integers(0, network.vocabulary_size, _CHECKED_TOKENS, np.int32)
  states = [np.zeros((len(tokens), state.shape[-1]), np.float32) for state in model.inputs[1:]]
  answers = model([tokens, *states] if states else tokens, training=False)
  expected = network(tokens)[0] if include_top else tf.transpose(network.features(tokens).outputs, [1, 0, 2])
  difference = np.abs(np.array(answers[1]) - np.array(expected)).max()
  if not difference <= TOLERANCE * max(1.0, np.abs(np.array(expected)).max()):
    raise NotConvertible(f"the language model was not converted correctly: its outputs differ by {difference}")
