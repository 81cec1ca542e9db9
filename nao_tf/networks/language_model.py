"""The language model: embedding, recurrent cell, and a softmax that shares the weights of the embedding.

Luo et al., NeurIPS 2018, section 4.2, with the dropout of AWD-LSTM (Merity, Keskar, Socher, ICLR 2018): of whole words,
of the embedded inputs, of the inputs and states of the cell, and of the outputs. Each has a mask that is the same at all
steps of a segment.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol

import tensorflow as tf
from tensorflow import keras

from nao_tf.networks import tied_softmax
from nao_tf.networks.conventions import derive_seeds
from nao_tf.networks.language_model_config import LanguageModelConfig
from nao_tf.networks.lstm import LstmBaseline
from nao_tf.networks.parameter_counts import num_parameters
from nao_tf.networks.precision import check_precision
from nao_tf.networks.recurrent_cell import RecurrentCell, dropout_mask
from nao_tf.spaces.genotypes import LstmGenotype, RecurrentGenotype
from nao_tf.training.micro_batches import draw_number

__all__ = [
  "Features",
  "LanguageGenotype",
  "LanguageModel",
  "LanguageModelConfig",
  "SegmentCell",
  "cell_seed",
  "count_parameters",
  "language_model",
]

LanguageGenotype = RecurrentGenotype | LstmGenotype


class SegmentCell(Protocol):
  """A Keras layer that a language model has as its cell: it runs over whole segments of a text."""

  @property
  def num_state_units(self) -> int:
    """S, the size of the state that is carried from segment to segment."""

  def build(self, input_shape: tuple[int | None, ...]) -> None:
    """Creates the weights for inputs `[T, B, E]`."""

  def run(
    self, inputs: tf.Tensor, hidden: tf.Tensor, mask: tf.Tensor | None = None, training: bool = False
  ) -> tuple[tf.Tensor, tf.Tensor]:
    """Returns the outputs of all steps, `[T, B, H]`, and the new state, `[B, S]`; see `RecurrentCell.run`."""


class Features(NamedTuple):
  """What a language model computes of a segment before the softmax.

  Attributes:
    outputs: outputs of the cell, `[T, B, H]`.
    dropped: the outputs after dropout, which the softmax reads.
    state: the next segment begins with it, `[B, S]`.
  """

  outputs: tf.Tensor
  dropped: tf.Tensor
  state: tf.Tensor


class LanguageModel(keras.Model):
  """Tokens and a state in, scores of all words as the next token and a new state out.

  Attributes:
    config: its configuration.
    vocabulary_size: V.
    cell: its cell.
    num_state_units: S, the size of the state that is carried from segment to segment.
  """

  def __init__(self, cell: SegmentCell, config: LanguageModelConfig, vocabulary_size: int, seed: int) -> None:
    """Creates the model, including its weights.

    Args:
      cell: its cell, not built yet, with `cell_seed(seed)` as the seed of its weights.
      config: everything but the cell and the vocabulary.
      vocabulary_size: V.
      seed: random seed of the initial weights and of dropout.

    Raises:
      ValueError: if the vocabulary is empty.
    """
    if vocabulary_size < 1:
      raise ValueError(f"vocabulary_size must be at least 1, got {vocabulary_size}")
    super().__init__(name="language_model")
    self.config, self.vocabulary_size = config, vocabulary_size
    self._table_seed, _, self._random_seed = derive_seeds(seed, 3)
    self.cell, self.num_state_units = cell, cell.num_state_units
    self.build((None, None))

  def build(self, input_shape: tuple[int | None, ...]) -> None:
    """Creates the embedding table [V, H], the bias [V] and the weights of the cell."""
    del input_shape
    initial_range = self.config.initial_range
    initializer = keras.initializers.RandomUniform(-initial_range, initial_range, seed=self._table_seed)
    self.table = self.add_weight(
      name="embedding", shape=(self.vocabulary_size, self.config.units), initializer=initializer
    )
    self.bias = self.add_weight(name="bias", shape=(self.vocabulary_size,), initializer="zeros")
    self.cell.build((None, None, self.config.units))
    self.built = True

  def call(
    self,
    tokens: tf.Tensor,
    state: tf.Tensor | None = None,
    training: bool = False,
    step: tf.Tensor | None = None,
  ) -> tuple[tf.Tensor, tf.Tensor]:
    """Returns the scores of all words after each token, and the state after the last.

    Args:
      tokens: integers in [0, V), `[B, T]`.
      state: `[B, S]`; None for zeros.
      training: whether dropout acts.
      step: number of the training step, which dropout depends on; None drops nothing.

    Returns:
      Logits `[B, T, V]` and state `[B, S]`.
    """
    features = self.features(tokens, state, training=training, step=step)
    flat = tf.reshape(features.dropped, [-1, self.config.units])
    scores = tied_softmax.logits(flat, self._value(self.table), self._value(self.bias))
    length, batch_size = tf.unstack(tf.shape(features.dropped)[:2])
    scores = tf.reshape(scores, [length, batch_size, self.vocabulary_size])
    return tf.transpose(scores, [1, 0, 2]), features.state

  def features(
    self,
    tokens: tf.Tensor,
    state: tf.Tensor | None = None,
    *,
    training: bool = False,
    step: tf.Tensor | None = None,
  ) -> Features:
    """Returns what comes before the softmax; the arguments are those of `call`."""
    state = self.initial_state(tf.shape(tokens)[0]) if state is None else state
    masks = self._masks(tf.shape(tokens)[0], step) if training and step is not None else _NO_MASKS
    inputs = self._embed(tf.transpose(tokens), masks)
    inputs, state, mask = (None if x is None else tf.cast(x, self.compute_dtype) for x in (inputs, state, masks.states))
    outputs, state = self.cell.run(inputs, state, mask=mask, training=training)
    outputs, state = (tf.cast(x, self.variable_dtype) for x in (outputs, state))
    return Features(outputs, outputs if masks.outputs is None else outputs * masks.outputs, state)

  def token_losses(self, features: Features, targets: tf.Tensor) -> tf.Tensor:
    """Returns the negative log-probability of each target `[B, T]` in nats, `[B, T]`."""
    flat = tf.reshape(features.dropped, [-1, self.config.units])
    table, bias = self._value(self.table), self._value(self.bias)
    losses = tied_softmax.cross_entropies(flat, table, bias, tf.reshape(tf.transpose(targets), [-1]))
    return tf.transpose(tf.reshape(losses, tf.shape(features.dropped)[:2]))

  def initial_state(self, batch_size: tf.Tensor | int) -> tf.Tensor:
    """Returns the state before a text, zeros `[B, S]`."""
    return tf.zeros([batch_size, self.num_state_units])

  def _value(self, variable: Any) -> tf.Tensor:
    """Returns the value of a weight."""
    return tf.convert_to_tensor(variable)

  def _embed(self, steps: tf.Tensor, masks: "_Masks") -> tf.Tensor:
    """Returns the inputs of the cell, `[T, B, H]`, for tokens `[T, B]`."""
    inputs = tf.gather(self._value(self.table), steps)
    if masks.words is not None:
      inputs *= tf.gather(masks.words, steps)
    for mask in (masks.inputs, masks.cell_inputs):
      inputs = inputs if mask is None else inputs * mask
    return inputs

  def _masks(self, batch_size: tf.Tensor, step: tf.Tensor) -> "_Masks":
    """Draws the masks of a segment: functions of the seed of the model, the step and the replica."""
    config, batch_shape = self.config, [batch_size, self.config.units]
    rates = (config.input_dropout, config.cell_input_dropout, config.state_dropout, config.output_dropout)
    masks = [self._mask(i, step, batch_shape, rate) for i, rate in enumerate(rates)]
    return _Masks(self._mask(len(rates), step, [self.vocabulary_size, 1], config.embedding_dropout), *masks)

  def _mask(self, index: int, step: tf.Tensor, shape: Sequence[tf.Tensor | int], rate: float) -> tf.Tensor | None:
    if not rate:
      return None
    return dropout_mask(tf.random.stateless_uniform(shape, [self._random_seed + index, draw_number(step)]), rate)


class _Masks(NamedTuple):
  """Dropout of a segment; None where nothing is dropped."""

  words: tf.Tensor | None
  inputs: tf.Tensor | None
  cell_inputs: tf.Tensor | None
  states: tf.Tensor | None
  outputs: tf.Tensor | None


_NO_MASKS = _Masks(None, None, None, None, None)


def language_model(
  genotype: LanguageGenotype,
  config: LanguageModelConfig | None = None,
  *,
  vocabulary_size: int = 10_000,
  seed: int = 0,
) -> LanguageModel:
  """Builds a language model and initializes its weights.

  Args:
    genotype: genotype of the cell.
    config: size and regularization of the model; None for that of the paper.
    vocabulary_size: size of the vocabulary, V.
    seed: random seed of the initial weights and dropout.

  Raises:
    ValueError: if the genotype is malformed, the vocabulary is empty, or Keras is set to another precision than
      float32.
  """
  check_precision()
  config = config or LanguageModelConfig()
  return LanguageModel(_make_cell(genotype, config, cell_seed(seed)), config, vocabulary_size, seed)


def cell_seed(seed: int) -> int:
  """Returns the seed of the weights of the cell in a language model with that seed."""
  return derive_seeds(seed, 3)[1]


def count_parameters(genotype: LanguageGenotype, config: LanguageModelConfig | None = None, **kwargs: Any) -> int:
  """Returns the number of trainable parameters of a language model, without allocating them; see `language_model`."""
  with tf.Graph().as_default():
    return num_parameters(language_model(genotype, config, **kwargs))


def _make_cell(genotype: LanguageGenotype, config: LanguageModelConfig, seed: int) -> SegmentCell:
  if isinstance(genotype, LstmGenotype):
    return LstmBaseline(config.units, seed=seed, name="cell")
  return RecurrentCell(
    genotype,
    config.units,
    input_dropout=config.cell_input_dropout,
    state_dropout=config.state_dropout,
    initial_range=config.initial_range,
    seed=seed,
    name="cell",
  )
