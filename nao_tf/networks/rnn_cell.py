"""A recurrent cell for `keras.layers.RNN`, which is saved and loaded with the models that it is in.

    cell = RNNCell(read_genotype("DARTS-RNN-V2"), 64)
    outputs = keras.layers.RNN(cell, return_sequences=True)(inputs)

The arithmetic is that of `RecurrentCell`. Keras has no layer that computes it, so a file with such a cell is loaded where
this package is installed: see `nao_tf.networks.registered_layers`.
"""

from collections.abc import Mapping
from typing import Any

import tensorflow as tf
from tensorflow import keras

from nao_tf.networks import recurrence
from nao_tf.networks.language_model_config import INITIAL_RANGE
from nao_tf.networks.recurrent_cell import RecurrentCell, dropout_mask
from nao_tf.spaces.genotypes import RecurrentGenotype


@keras.utils.register_keras_serializable(package="nao_tf")
class RNNCell(RecurrentCell):
  """The cell of a recurrent genotype. Its state is the previous output and, with dropout, the mask of a sequence."""

  def __init__(
    self,
    genotype: RecurrentGenotype | Mapping[str, Any],
    units: int,
    *,
    state_dropout: float = 0.0,
    initial_range: float = INITIAL_RANGE,
    seed: int = 0,
    **kwargs: Any,
  ) -> None:
    """Creates the cell without its weights.

    Args:
      genotype: the searched nodes, or their JSON form.
      units: H, the size of the output.
      state_dropout: rate at which units of the states that nodes read are dropped in training, at all steps of a
        sequence alike.
      initial_range: initial weights are distributed uniformly between plus and minus this.
      seed: random seed of the initial weights.
      **kwargs: keyword arguments of `keras.layers.Layer`.

    Raises:
      ValueError: if the genotype is malformed, or a number is out of range.
    """
    nodes = genotype if isinstance(genotype, RecurrentGenotype) else RecurrentGenotype.from_json(genotype)
    super().__init__(nodes, units, state_dropout=state_dropout, initial_range=initial_range, seed=seed, **kwargs)
    self._groups = recurrence.separate_nodes(nodes)

  @property
  def state_size(self) -> list[int]:
    """Sizes of the previous output and, with dropout, of the mask."""
    return [self.units, self.units] if self.state_dropout else [self.units]

  def get_initial_state(
    self,
    inputs: tf.Tensor | None = None,
    batch_size: tf.Tensor | int | None = None,
    dtype: tf.DType | None = None,
  ) -> list[tf.Tensor]:
    """Returns zeros `[B, H]` and, with dropout, a freshly drawn mask `[B, H]`."""
    batch_size = tf.shape(inputs)[0] if inputs is not None else batch_size
    state = [tf.zeros([batch_size, self.units], dtype or tf.float32)]
    if self.state_dropout:
      state.append(dropout_mask(tf.random.uniform([batch_size, self.units]), self.state_dropout))
    return state

  def call(
    self, inputs: tf.Tensor, states: list[tf.Tensor], training: bool = False
  ) -> tuple[tf.Tensor, list[tf.Tensor]]:
    """Computes one step.

    Args:
      inputs: `[B, E]`.
      states: the previous output `[B, H]` and, with dropout, the mask `[B, H]`.
      training: whether the mask acts.

    Returns:
      The output `[B, H]` and the new states.
    """
    hidden, *mask = states
    acting = mask[0] if mask and training else None
    output, _ = recurrence.step(
      self._groups, self._grouped_kernels(inputs.dtype), self._project(inputs), hidden, acting
    )
    return output, [output, *mask]

  def get_config(self) -> dict[str, Any]:
    """Returns the arguments of an equal cell, as JSON values."""
    return {
      **super().get_config(),
      "genotype": self.genotype.to_json(),
      "units": self.units,
      "state_dropout": self.state_dropout,
      "initial_range": self._initial_range,
      "seed": self._weight_seed,
    }
