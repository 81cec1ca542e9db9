"""The relaxed recurrent cell: each node adds mixtures of all activations on all earlier nodes.

  c, v = split([x * m_x ; h * m_h] W_0),   s_0 = norm(h + sigmoid(c) * (tanh(v) - h))
  c, v = split((s_p * m_h) W_i),           s_i = norm(sum of a * (s_p + sigmoid(c) * (f(v) - s_p)))
  output = mean(s_1, ..., s_n)

The sum is over all earlier nodes p and all activations f; a is the weight of f on the edge from p, and the absent
operation adds nothing. A node has one kernel for all its edges. The norm has neither scale nor offset, and takes the
statistics of the batch. Source: Liu et al., ICLR 2019, section 3.1 and appendix A.
"""

import contextlib
from collections.abc import Iterator, Sequence
from typing import Any

import tensorflow as tf
from tensorflow import keras

from nao_tf.networks import recurrence
from nao_tf.networks.conventions import derive_seeds
from nao_tf.networks.language_model import LanguageModel, LanguageModelConfig, cell_seed
from nao_tf.networks.weight_sources import OWN_WEIGHTS, WeightSource
from nao_tf.supernets.relaxed.mixed_recurrence import MixedRecurrence


class RelaxedRecurrentCell(keras.layers.Layer):
  """A cell for language models whose edges are mixtures; call it while a mixture is bound to it.

  Attributes:
    operations: names of the activations, the absent one among them.
    num_nodes: searched nodes.
    units: H, the size of its output.
    num_state_units: H.
  """

  def __init__(
    self,
    operations: Sequence[str],
    num_nodes: int,
    units: int,
    *,
    initial_range: float,
    seed: int,
    normalized: bool = True,
    **kwargs: Any,
  ) -> None:
    """Creates the cell without its weights.

    Args:
      operations: names of the activations; the absent one may be among them.
      num_nodes: searched nodes.
      units: H.
      initial_range: initial weights are distributed uniformly between plus and minus this.
      seed: random seed of the initial weights, which are those of a `RecurrentCell` with this seed.
      normalized: whether all nodes are normalized, as in the search of the paper.
      **kwargs: keyword arguments of `keras.layers.Layer`.
    """
    super().__init__(**kwargs)
    self.operations, self.num_nodes, self.normalized = tuple(operations), num_nodes, normalized
    self.units = self.num_state_units = units
    self._initial_range, self._seed = initial_range, seed
    self._recurrence = MixedRecurrence(operations, num_nodes, units, normalized=normalized)
    self._mixture: tf.Tensor | None = None
    self._source: WeightSource = OWN_WEIGHTS

  def build(self, input_shape: tuple[int | None, ...]) -> None:
    """Creates the weights for inputs [..., E]: the input kernel [E, 2H] and a kernel [H, 2H] for each node."""
    *node_seeds, input_seed = derive_seeds(self._seed, self.num_nodes + 2)
    self.input_kernel = self._add_kernel("input_kernel", int(input_shape[-1] or 0), input_seed)
    self.node_kernels = [self._add_kernel(f"kernel_{i}", self.units, key) for i, key in enumerate(node_seeds)]
    self.built = True

  @contextlib.contextmanager
  def bound(self, mixture: tf.Tensor, weights: WeightSource = OWN_WEIGHTS) -> Iterator[None]:
    """Gives the cell a mixture, in this context.

    Args:
      mixture: weights of the operations on each edge, `[edges, operations]`; node i has an edge to each of its i earlier
        nodes, and the edges of a node follow one another.
      weights: where the kernels come from.
    """
    self._mixture, self._source = mixture, weights
    try:
      yield
    finally:
      self._mixture, self._source = None, OWN_WEIGHTS

  def run(
    self, inputs: tf.Tensor, hidden: tf.Tensor, mask: tf.Tensor | None = None, training: bool = False
  ) -> tuple[tf.Tensor, tf.Tensor]:
    """Computes all steps of a segment; see `RecurrentCell.run`.

    Raises:
      ValueError: if no mixture is bound.
    """
    if self._mixture is None:
      raise ValueError("a relaxed recurrent cell needs a mixture: call it within bound(...)")
    kernels = [tf.cast(self._source.read(kernel), inputs.dtype) for kernel in self.node_kernels]
    projected = recurrence.project(inputs, tf.cast(self._source.read(self.input_kernel), inputs.dtype))
    projected, hidden, mask = self._wide(projected), self._wide(hidden), None if mask is None else self._wide(mask)
    run = self._recurrence.run_training if training else self._recurrence.run
    outputs = run(self._recurrence.group_kernels(kernels), self._mixture, projected, hidden, mask)
    return outputs, outputs[-1]

  def _wide(self, tensor: tf.Tensor) -> tf.Tensor:
    """Returns a tensor in the precision of the weights: in mixed precision, products alone are taken in half of it."""
    return tf.cast(tensor, self.variable_dtype)

  def _add_kernel(self, name: str, size: int, seed: int) -> tf.Variable:
    initializer = keras.initializers.RandomUniform(-self._initial_range, self._initial_range, seed=seed)
    return self.add_weight(name=name, shape=(size, 2 * self.units), initializer=initializer)


class RelaxedLanguageModel(LanguageModel):
  """A language model whose cell is relaxed; call it while a mixture is bound to it."""

  cell: RelaxedRecurrentCell
  _source: WeightSource = OWN_WEIGHTS

  def __init__(
    self,
    operations: Sequence[str],
    num_nodes: int,
    config: LanguageModelConfig,
    vocabulary_size: int,
    seed: int,
    *,
    normalized: bool = True,
  ) -> None:
    """Creates the model, including its weights; see `RelaxedRecurrentCell` and `LanguageModel`."""
    cell = RelaxedRecurrentCell(
      operations,
      num_nodes,
      config.units,
      initial_range=config.initial_range,
      seed=cell_seed(seed),
      normalized=normalized,
      name="cell",
    )
    super().__init__(cell, config, vocabulary_size, seed)

  @contextlib.contextmanager
  def bound(self, mixture: tf.Tensor, weights: WeightSource = OWN_WEIGHTS) -> Iterator[None]:
    """Gives the cell a mixture, and all layers their weights, in this context; see `RelaxedRecurrentCell.bound`."""
    self._source = weights
    try:
      with self.cell.bound(mixture, weights):
        yield
    finally:
      self._source = OWN_WEIGHTS

  def _value(self, variable: Any) -> tf.Tensor:
    return tf.convert_to_tensor(self._source.read(variable))
