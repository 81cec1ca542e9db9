"""The language model: embedding, recurrent cell, and a softmax that shares the embedding's weights.

Luo et al., NeurIPS 2018, section 4.2, with the dropout of AWD-LSTM (Merity, Keskar, Socher, ICLR 2018): of whole words,
of the embedded inputs, of the inputs and states of the cell, and of the outputs, each with a mask that is the same at all
steps of a segment.
"""

import dataclasses
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf
from tensorflow import keras

from nao_tf.networks import tied_softmax
from nao_tf.networks.conventions import derive_seeds
from nao_tf.networks.lstm import LstmBaseline
from nao_tf.networks.recurrent_cell import INITIAL_RANGE, RecurrentCell, dropout_mask
from nao_tf.spaces.genotypes import LstmGenotype, RecurrentGenotype
from nao_tf.supernets.shared_recurrent_cell import AllRecurrentCells, SharedRecurrentCell

LanguageGenotype = RecurrentGenotype | LstmGenotype | AllRecurrentCells


@dataclasses.dataclass(frozen=True)
class LanguageModelConfig:
  """What a language model is apart from its genotype and its vocabulary; the defaults are the paper's on Penn Treebank.

  Attributes:
    units: size of the embeddings, of the cell's state and of its output.
    embedding_dropout: rate at which words are dropped, each everywhere in a segment.
    input_dropout: rate at which units of the embedded inputs are dropped.
    cell_input_dropout: rate at which they are dropped again, on their way into the cell.
    state_dropout: rate at which units of all states that nodes read are dropped; an LSTM has no such dropout.
    output_dropout: rate at which units of the outputs are dropped.
    initial_range: weights begin uniformly distributed between plus and minus this.
  """

  units: int = 850
  embedding_dropout: float = 0.0
  input_dropout: float = 0.2
  cell_input_dropout: float = 0.75
  state_dropout: float = 0.25
  output_dropout: float = 0.75
  initial_range: float = INITIAL_RANGE

  def __post_init__(self):
    if self.units < 1:
      raise ValueError(f"LanguageModelConfig: units must be at least 1, got {self.units}")
    for field in dataclasses.fields(self):
      if field.name.endswith("dropout") and not 0.0 <= getattr(self, field.name) < 1.0:
        raise ValueError(f"LanguageModelConfig: {field.name} must be in [0, 1), got {getattr(self, field.name)}")
    if not self.initial_range > 0:
      raise ValueError(f"LanguageModelConfig: initial_range must be above 0, got {self.initial_range}")

  def without_dropout(self) -> "LanguageModelConfig":
    """Returns the same with all rates 0."""
    rates: dict[str, Any] = {field.name: 0.0 for field in dataclasses.fields(self) if field.name.endswith("dropout")}
    return dataclasses.replace(self, **rates)


class Features(NamedTuple):
  """What a language model makes of a segment, before the softmax.

  Attributes:
    outputs: of the cell, `[T, B, H]`.
    dropped: the outputs after dropout; what the softmax reads.
    state: to begin the next segment with, `[B, S]`.
  """

  outputs: tf.Tensor
  dropped: tf.Tensor
  state: tf.Tensor


class LanguageModel(keras.Model):
  """Tokens and a state in, scores of all words as the next token and a new state out.

  Attributes:
    config: what it is.
    vocabulary_size: V.
    num_state_units: S, the size of the state that is carried from segment to segment.
  """

  def __init__(self, genotype: LanguageGenotype, config: LanguageModelConfig, vocabulary_size: int, seed: int):
    super().__init__(name="language_model")
    self.config, self.vocabulary_size = config, vocabulary_size
    self._table_seed, cell_seed, self._random_seed = derive_seeds(seed, 3)
    self.cell = _cell(genotype, config, cell_seed)
    self.num_state_units = self.cell.num_state_units
    self.build((None, None))

  def build(self, input_shape):
    """Makes the embedding table [V, H], the bias [V] and the cell's weights."""
    del input_shape
    initial_range = self.config.initial_range
    initializer = keras.initializers.RandomUniform(-initial_range, initial_range, seed=self._table_seed)
    self.table = self.add_weight(
      name="embedding", shape=(self.vocabulary_size, self.config.units), initializer=initializer
    )
    self.bias = self.add_weight(name="bias", shape=(self.vocabulary_size,), initializer="zeros")
    self.cell.build((None, None, self.config.units))
    self.built = True

  def call(self, tokens, state=None, training=False, step=None):
    """Returns the scores of all words after each token, and the state after the last.

    Args:
      tokens: integers in [0, V), `[B, T]`.
      state: `[B, S]`; None for zeros.
      training: whether dropout acts.
      step: number of the training step, which dropout is a function of; None drops nothing.

    Returns:
      Logits `[B, T, V]` and state `[B, S]`.
    """
    features = self.features(tokens, state, training=training, step=step)
    flat = tf.reshape(features.dropped, [-1, self.config.units])
    scores = tied_softmax.logits(flat, tf.convert_to_tensor(self.table), tf.convert_to_tensor(self.bias))
    length, batch_size = tf.unstack(tf.shape(features.dropped)[:2])
    scores = tf.reshape(scores, [length, batch_size, self.vocabulary_size])
    return tf.transpose(scores, [1, 0, 2]), features.state

  def features(self, tokens, state=None, *, training: bool = False, step=None) -> Features:
    """Returns what comes before the softmax; the arguments are those of `call`."""
    state = self.initial_state(tf.shape(tokens)[0]) if state is None else state
    masks = self._masks(tf.shape(tokens)[0], step) if training and step is not None else _NO_MASKS
    steps = tf.transpose(tokens)
    inputs = tf.gather(tf.convert_to_tensor(self.table), steps)
    if masks.words is not None:
      inputs *= tf.gather(masks.words, steps)
    for mask in (masks.inputs, masks.cell_inputs):
      inputs = inputs if mask is None else inputs * mask
    outputs, state = self.cell.run(inputs, state, mask=masks.states, training=training)
    return Features(outputs, outputs if masks.outputs is None else outputs * masks.outputs, state)

  def token_losses(self, features: Features, targets) -> tf.Tensor:
    """Returns the negative log-probability of each target `[B, T]` in nats, `[B, T]`."""
    flat = tf.reshape(features.dropped, [-1, self.config.units])
    table, bias = tf.convert_to_tensor(self.table), tf.convert_to_tensor(self.bias)
    losses = tied_softmax.cross_entropies(flat, table, bias, tf.reshape(tf.transpose(targets), [-1]))
    return tf.transpose(tf.reshape(losses, tf.shape(features.dropped)[:2]))

  def initial_state(self, batch_size) -> tf.Tensor:
    """Returns the state before a text, zeros `[B, S]`."""
    return tf.zeros([batch_size, self.num_state_units])

  def _masks(self, batch_size, step) -> "_Masks":
    """Draws the masks of a segment: functions of the model's seed, the step and the replica."""
    config, batch_shape = self.config, [batch_size, self.config.units]
    rates = (config.input_dropout, config.cell_input_dropout, config.state_dropout, config.output_dropout)
    masks = [self._mask(i, step, batch_shape, rate) for i, rate in enumerate(rates)]
    return _Masks(self._mask(len(rates), step, [self.vocabulary_size, 1], config.embedding_dropout), *masks)

  def _mask(self, index: int, step, shape, rate: float):
    if not rate:
      return None
    replica = tf.distribute.get_replica_context().replica_id_in_sync_group
    num_replicas = tf.distribute.get_strategy().num_replicas_in_sync
    draw = tf.cast(step, tf.int64) * num_replicas + tf.cast(replica, tf.int64)
    return dropout_mask(tf.random.stateless_uniform(shape, [self._random_seed + index, draw]), rate)


class _Masks(NamedTuple):
  """Dropout of a segment; None where nothing is dropped."""

  words: Any
  inputs: Any
  cell_inputs: Any
  states: Any
  outputs: Any


_NO_MASKS = _Masks(None, None, None, None, None)


def language_model(
  genotype: LanguageGenotype,
  config: LanguageModelConfig | None = None,
  *,
  vocabulary_size: int = 10_000,
  seed: int = 0,
) -> LanguageModel:
  """Builds a language model, weights included.

  Args:
    genotype: the cell, or that it is to be all cells of a space, with shared weights.
    config: everything else; None: the paper's.
    vocabulary_size: V.
    seed: the initial weights and dropout are functions of the arguments.

  Raises:
    ValueError: if the genotype is malformed, or the vocabulary is empty.
  """
  if vocabulary_size < 1:
    raise ValueError(f"vocabulary_size must be at least 1, got {vocabulary_size}")
  return LanguageModel(genotype, config or LanguageModelConfig(), vocabulary_size, seed)


def num_parameters(model: keras.Model) -> int:
  """Returns how many trainable parameters a model has; the shared table counts once."""
  return sum(int(np.prod(weight.shape)) for weight in model.trainable_weights)


def count_parameters(genotype: LanguageGenotype, config: LanguageModelConfig | None = None, **kwargs) -> int:
  """Returns how many trainable parameters a language model would have, without allocating them; see `language_model`."""
  with tf.Graph().as_default():
    return num_parameters(language_model(genotype, config, **kwargs))


def _cell(genotype: LanguageGenotype, config: LanguageModelConfig, seed: int) -> keras.layers.Layer:
  if isinstance(genotype, LstmGenotype):
    return LstmBaseline(config.units, seed=seed, name="cell")
  if isinstance(genotype, AllRecurrentCells):
    return SharedRecurrentCell(genotype, config.units, initial_range=config.initial_range, seed=seed, name="cell")
  return RecurrentCell(
    genotype,
    config.units,
    input_dropout=config.cell_input_dropout,
    state_dropout=config.state_dropout,
    initial_range=config.initial_range,
    seed=seed,
    name="cell",
  )
