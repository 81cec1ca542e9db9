"""A Keras LSTM with the interface of the recurrent cell, to compare searched cells with."""

from typing import Any

import tensorflow as tf
from tensorflow import keras

from nao_tf.networks.conventions import derive_seeds


class LstmBaseline(keras.layers.Layer):
  """Runs `keras.layers.LSTM` over segments. Its state is the output and the memory, one after another.

  Attributes:
    units: H, the size of its output.
    num_state_units: size of the state, 2H.
  """

  def __init__(self, units: int, *, seed: int = 0, **kwargs: Any) -> None:
    """Creates the layer without its weights.

    Args:
      units: H, the size of the output.
      seed: random seed of the initial weights.
      **kwargs: keyword arguments of `keras.layers.Layer`.
    """
    super().__init__(**kwargs)
    self.units, self.num_state_units = units, 2 * units
    first, second = derive_seeds(seed, 2)
    self.lstm = keras.layers.LSTM(
      units,
      return_sequences=True,
      return_state=True,
      kernel_initializer=keras.initializers.GlorotUniform(seed=first),
      recurrent_initializer=keras.initializers.Orthogonal(seed=second),
    )

  def build(self, input_shape: tuple[int | None, ...]) -> None:
    """Creates the weights for inputs [..., E]."""
    self.lstm.build((None, None, input_shape[-1]))
    self.built = True

  def run(
    self, inputs: tf.Tensor, hidden: tf.Tensor, mask: tf.Tensor | None = None, training: bool = False
  ) -> tuple[tf.Tensor, tf.Tensor]:
    """Computes all steps of a segment; see `RecurrentCell.run`. The mask is not used: the LSTM of Keras takes none."""
    del mask
    state = tf.split(hidden, 2, axis=1)
    outputs, *state = self.lstm(tf.transpose(inputs, [1, 0, 2]), initial_state=state, training=training)
    return tf.transpose(outputs, [1, 0, 2]), tf.concat(state, axis=1)
