"""An embedding whose table is the kernel of the softmax, too, as a Keras layer that is saved and loaded."""

from typing import Any

import tensorflow as tf
from tensorflow import keras

from nao_tf.networks.language_model_config import INITIAL_RANGE
from nao_tf.networks.recurrent_cell import dropout_mask


@keras.utils.register_keras_serializable(package="nao_tf")
class TiedEmbedding(keras.layers.Layer):
  """Maps tokens to vectors; called with `reverse=True`, it maps vectors to the scores of all tokens."""

  def __init__(
    self,
    vocabulary_size: int,
    units: int,
    *,
    dropout: float = 0.0,
    initial_range: float = INITIAL_RANGE,
    seed: int = 0,
    **kwargs: Any,
  ) -> None:
    """Creates the layer without its weights.

    Args:
      vocabulary_size: V.
      units: H, the size of a vector.
      dropout: rate at which words are dropped in training, each everywhere in a batch.
      initial_range: initial weights are distributed uniformly between plus and minus this.
      seed: random seed of the initial weights.
      **kwargs: keyword arguments of `keras.layers.Layer`.
    """
    super().__init__(**kwargs)
    self.vocabulary_size, self.units, self.dropout = vocabulary_size, units, dropout
    self._initial_range, self._weight_seed = initial_range, seed

  def build(self, input_shape: tuple[int | None, ...]) -> None:
    """Creates the table `[V, H]` and the bias `[V]` of the scores."""
    del input_shape
    initializer = keras.initializers.RandomUniform(-self._initial_range, self._initial_range, seed=self._weight_seed)
    shape = (self.vocabulary_size, self.units)
    self.table = self.add_weight(name="embedding", shape=shape, initializer=initializer)
    self.bias = self.add_weight(name="bias", shape=shape[:1], initializer="zeros")
    self.built = True

  def call(self, inputs: tf.Tensor, reverse: bool = False, training: bool = False) -> tf.Tensor:
    """Maps tokens `[B, T]` to vectors `[B, T, H]`, or vectors to scores `[B, T, V]`.

    Args:
      inputs: tokens or vectors.
      reverse: whether they are vectors.
      training: whether words are dropped.
    """
    table = tf.convert_to_tensor(self.table)
    if reverse:
      return tf.nn.bias_add(tf.tensordot(inputs, table, [[2], [1]]), tf.convert_to_tensor(self.bias))
    vectors = tf.gather(table, tf.cast(inputs, tf.int32))
    if not (training and self.dropout):
      return vectors
    words = dropout_mask(tf.random.uniform([self.vocabulary_size, 1]), self.dropout)
    return vectors * tf.gather(words, tf.cast(inputs, tf.int32))

  def get_config(self) -> dict[str, Any]:
    """Returns the arguments of an equal layer, as JSON values."""
    return {
      **super().get_config(),
      "vocabulary_size": self.vocabulary_size,
      "units": self.units,
      "dropout": self.dropout,
      "initial_range": self._initial_range,
      "seed": self._weight_seed,
    }
