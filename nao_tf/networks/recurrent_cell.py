"""The recurrent cell of NAO as a Keras layer (Luo et al., NeurIPS 2018, section 4.2).

  c, v = split([x * m_x ; h * m_h] W_0),      s_0 = h + sigmoid(c) * (tanh(v) - h)
  c, v = split((s_p * m_h) W_i),              s_i = s_p + sigmoid(c) * (activation_i(v) - s_p)
  output = mean(s_1, ..., s_n)

There are no biases. The masks of the variational dropout, m_x and m_h, are drawn once a sequence.
"""

from typing import Any

import tensorflow as tf
from tensorflow import keras

from nao_tf.networks import recurrence
from nao_tf.networks.conventions import derive_seeds
from nao_tf.networks.language_model_config import INITIAL_RANGE
from nao_tf.spaces.genotypes import RecurrentGenotype


class RecurrentCell(keras.layers.Layer):
  """A cell for `keras.layers.RNN`, which can also run over a whole segment at once.

  As a cell, its state is the previous output and the two masks. `get_initial_state` draws the masks, so they are the same
  at every step of a sequence. They act only in training.

  Attributes:
    genotype: its searched nodes.
    units: H, the size of its output.
  """

  def __init__(
    self,
    genotype: RecurrentGenotype,
    units: int,
    *,
    input_dropout: float = 0.0,
    state_dropout: float = 0.0,
    initial_range: float = INITIAL_RANGE,
    seed: int = 0,
    **kwargs: Any,
  ) -> None:
    """Creates the cell without its weights.

    Args:
      genotype: the searched nodes.
      units: H, the size of the output.
      input_dropout: rate at which the masks of `get_initial_state` drop inputs.
      state_dropout: rate at which they drop units of the states that nodes read.
      initial_range: initial weights are distributed uniformly between plus and minus this.
      seed: random seed of the initial weights.
      **kwargs: keyword arguments of `keras.layers.Layer`.

    Raises:
      ValueError: if the genotype is malformed, or a number is out of range.
    """
    super().__init__(**kwargs)
    if units < 1:
      raise ValueError(f"units must be at least 1, got {units}")
    for name, rate in (("input_dropout", input_dropout), ("state_dropout", state_dropout)):
      if not 0.0 <= rate < 1.0:
        raise ValueError(f"{name} must be in [0, 1), got {rate}")
    self.genotype, self.units = genotype, units
    self.input_dropout, self.state_dropout = input_dropout, state_dropout
    self._initial_range, self._weight_seed = initial_range, seed
    self._groups = recurrence.group_nodes(genotype)

  def build(self, input_shape: tuple[int | None, ...]) -> None:
    """Creates the weights for inputs [..., E]: the input kernel [E, 2H] and a kernel [H, 2H] for each node.

    Raises:
      ValueError: if E is unknown.
    """
    if input_shape[-1] is None:
      raise ValueError(f"a recurrent cell needs inputs of known size, got the shape {input_shape}")
    self.input_size = int(input_shape[-1])
    num_nodes = len(self.genotype.nodes) + 1
    *node_seeds, input_seed = derive_seeds(self._weight_seed, num_nodes + 1)
    self.input_kernel = self._add_kernel("input_kernel", self.input_size, input_seed)
    self.node_kernels = [self._add_kernel(f"kernel_{i}", self.units, seed) for i, seed in enumerate(node_seeds)]
    self.built = True

  @property
  def output_size(self) -> int:
    """H."""
    return self.units

  @property
  def num_state_units(self) -> int:
    """Size of what `run` carries from one segment to the next, H."""
    return self.units

  @property
  def state_size(self) -> list[int]:
    """Sizes of the previous output and of the two masks."""
    return [self.units, self.input_size, self.units]

  def get_initial_state(
    self,
    inputs: tf.Tensor | None = None,
    batch_size: tf.Tensor | int | None = None,
    dtype: tf.DType | None = None,
  ) -> list[tf.Tensor]:
    """Returns zeros `[B, H]` and freshly drawn masks, `[B, E]` and `[B, H]`."""
    batch_size = tf.shape(inputs)[0] if inputs is not None else batch_size
    masks = [
      dropout_mask(tf.random.uniform([batch_size, size]), rate)
      for size, rate in ((self.input_size, self.input_dropout), (self.units, self.state_dropout))
    ]
    return [tf.zeros([batch_size, self.units], dtype or tf.float32), *masks]

  def call(
    self, inputs: tf.Tensor, states: list[tf.Tensor], training: bool = False
  ) -> tuple[tf.Tensor, list[tf.Tensor]]:
    """Computes one step.

    Args:
      inputs: `[B, E]`.
      states: the previous output `[B, H]`, the input mask `[B, E]` and the state mask `[B, H]`.
      training: whether the masks act.

    Returns:
      The output `[B, H]` and the new states.
    """
    hidden, input_mask, state_mask = states
    inputs, mask = (inputs * input_mask, state_mask) if training else (inputs, None)
    output, _ = recurrence.step(self._groups, self._grouped_kernels(inputs.dtype), self._project(inputs), hidden, mask)
    return output, [output, input_mask, state_mask]

  def run(
    self, inputs: tf.Tensor, hidden: tf.Tensor, mask: tf.Tensor | None = None, training: bool = False
  ) -> tuple[tf.Tensor, tf.Tensor]:
    """Computes all steps of a segment, with one product for all inputs and a fast gradient in training.

    Args:
      inputs: `[T, B, E]`, their dropout done.
      hidden: the output before the segment, `[B, H]`.
      mask: dropout of the states that nodes read, `[B, H]`; None for none.
      training: whether the gradient will be asked for.

    Returns:
      The outputs, `[T, B, H]`, and the last of them.
    """
    kernels, projected = self._grouped_kernels(inputs.dtype), self._project(inputs)
    if training:
      mask = tf.ones_like(hidden) if mask is None else mask
      outputs = recurrence.run_training_segment(self._groups, kernels, projected, hidden, mask)
    else:
      outputs = recurrence.run_segment(self._groups, kernels, projected, hidden, mask)
    return outputs, outputs[-1]

  def _project(self, inputs: tf.Tensor) -> tf.Tensor:
    """Maps inputs [..., E] to what they contribute to the first node, [..., 2H]."""
    kernel = tf.cast(tf.convert_to_tensor(self.input_kernel), inputs.dtype)
    return recurrence.project(inputs, kernel)

  def _grouped_kernels(self, dtype: tf.DType) -> list[tf.Tensor]:
    kernels = [tf.cast(tf.convert_to_tensor(kernel), dtype) for kernel in self.node_kernels]
    return recurrence.group_kernels(self._groups, kernels)

  def _add_kernel(self, name: str, size: int, seed: int) -> tf.Variable:
    initializer = keras.initializers.RandomUniform(-self._initial_range, self._initial_range, seed=seed)
    return self.add_weight(name=name, shape=(size, 2 * self.units), initializer=initializer)


def dropout_mask(uniform: tf.Tensor, rate: float) -> tf.Tensor:
  """Returns a dropout mask: 0 with probability `rate`, else 1 / (1 - rate).

  Args:
    uniform: independent numbers, uniform over [0, 1).
    rate: in [0, 1).
  """
  return tf.cast(uniform >= rate, tf.float32) / (1.0 - rate)
