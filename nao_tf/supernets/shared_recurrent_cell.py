"""The recurrent cells of all architectures of a space as one Keras layer, with shared weights.

The layer itself has the weights of all architectures: the input kernel and the kernel of the fixed first node. The kernels
of the searched nodes come together with the architecture. Each node has one for every predecessor and activation that it
may have, as in the release of NAO-WS.
"""

import contextlib
import dataclasses
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import tensorflow as tf
from tensorflow import keras

from nao_tf.networks import recurrence
from nao_tf.networks.conventions import derive_seeds
from nao_tf.networks.language_model_config import INITIAL_RANGE
from nao_tf.supernets.shared_recurrence import NodeChoices, SharedRecurrence
from nao_tf.supernets.weight_bank import Candidate, ChoiceBlock, WeightBank


@dataclasses.dataclass(frozen=True)
class AllRecurrentCells:
  """The recurrent cells of a space.

  Attributes:
    num_nodes: how many nodes are searched.
    activations: names of the activations, in the order of their choices.
  """

  num_nodes: int
  activations: tuple[str, ...]


class SharedRecurrentCell(keras.layers.Layer):
  """The cell of the architecture that is bound. A language model uses it as it uses a `RecurrentCell`.

  Attributes:
    cells: the space.
    units: H, the size of its output.
    num_state_units: size of what `run` carries from one segment to the next, H.
  """

  def __init__(
    self,
    cells: AllRecurrentCells,
    units: int,
    *,
    initial_range: float = INITIAL_RANGE,
    seed: int = 0,
    **kwargs: Any,
  ) -> None:
    """Creates the layer without its weights.

    Args:
      cells: the space.
      units: H, the size of the output.
      initial_range: initial weights are distributed uniformly between plus and minus this.
      seed: random seed of the initial weights.
      **kwargs: keyword arguments of `keras.layers.Layer`.
    """
    super().__init__(**kwargs)
    self.cells, self.units, self.num_state_units = cells, units, units
    self._initial_range = initial_range
    *self._node_seeds, self._first_seed, self._input_seed = derive_seeds(seed, cells.num_nodes + 2)
    self._bound: SharedRecurrence | None = None

  def build(self, input_shape: tuple[int | None, ...]) -> None:
    """Creates the layer's own weights for inputs [..., E]: the kernels [E, 2H] and [H, 2H].

    Raises:
      ValueError: if E is unknown.
    """
    if input_shape[-1] is None:
      raise ValueError(f"a shared recurrent cell needs inputs of known size, got the shape {input_shape}")
    self.input_size = int(input_shape[-1])
    self.input_kernel = self._add_kernel("input_kernel", self.input_size, self._input_seed)
    self.first_kernel = self._add_kernel("kernel_0", self.units, self._first_seed)
    self.built = True

  def make_bank(self) -> WeightBank:
    """Returns where the kernels of the searched nodes are: a unit for each, with one selector."""
    return WeightBank([[self._choice_block(node)] for node in range(self.cells.num_nodes)])

  def selectors(self, architecture: tf.Tensor) -> tf.Tensor:
    """Returns the selectors of an architecture, int32 `[decisions]`: predecessor and activation of each node as one."""
    choices = self._read(architecture)
    codes = choices.predecessors * len(self.cells.activations) + choices.activations
    return tf.concat([[0], codes], 0)

  @contextlib.contextmanager
  def bound(self, architecture: tf.Tensor, weights: tf.Tensor) -> Iterator[None]:
    """Makes the layer, in this context, the cell of an architecture.

    Args:
      architecture: int32 `[decisions]`.
      weights: the kernels on its path, one after another, `[A]`.
    """
    kernels = tf.reshape(weights, [self.cells.num_nodes, self.units, 2 * self.units])
    kernels = [tf.convert_to_tensor(self.first_kernel), *tf.unstack(kernels)]
    self._bound = SharedRecurrence(self.cells.activations, self._read(architecture), kernels)
    try:
      yield
    finally:
      self._bound = None

  def run(
    self, inputs: tf.Tensor, hidden: tf.Tensor, mask: tf.Tensor | None = None, training: bool = False
  ) -> tuple[tf.Tensor, tf.Tensor]:
    """Computes all steps of a segment; see `RecurrentCell.run`.

    Raises:
      ValueError: if no architecture is bound.
    """
    if self._bound is None:
      raise ValueError("a shared recurrent cell needs an architecture: call it within bound(...)")
    projected = recurrence.project(inputs, tf.cast(tf.convert_to_tensor(self.input_kernel), inputs.dtype))
    if training:
      outputs = self._bound.run_training(projected, hidden, tf.ones_like(hidden) if mask is None else mask)
    else:
      outputs = self._bound.run(projected, hidden, mask)
    return outputs, outputs[-1]

  def _read(self, architecture: tf.Tensor) -> NodeChoices:
    pairs = tf.reshape(architecture, [self.cells.num_nodes, 2])
    return NodeChoices(pairs[:, 0], pairs[:, 1])

  def _choice_block(self, node: int) -> ChoiceBlock:
    """Returns the kernels of a searched node, by predecessor and activation."""
    rng = np.random.default_rng(self._node_seeds[node])
    size, limit = 2 * self.units**2, self._initial_range
    count = (node + 1) * len(self.cells.activations)
    kernels = rng.uniform(-limit, limit, (count, size)).astype(np.float32)
    return ChoiceBlock(1 + node, [Candidate(kernel) for kernel in kernels])

  def _add_kernel(self, name: str, size: int, seed: int) -> tf.Variable:
    initializer = keras.initializers.RandomUniform(-self._initial_range, self._initial_range, seed=seed)
    return self.add_weight(name=name, shape=(size, 2 * self.units), initializer=initializer)


def assign_kernels(kernels: Sequence[Any], cell: SharedRecurrentCell, weights: np.ndarray) -> None:
  """Gives a separate `RecurrentCell` of the same architecture the weights on its path.

  Args:
    kernels: variables of the separate cell: the input kernel and those of its nodes by number.
    cell: the shared cell.
    weights: on the path, `[A]`.
  """
  values = [tf.convert_to_tensor(cell.input_kernel), tf.convert_to_tensor(cell.first_kernel)]
  values += list(np.reshape(weights, [cell.cells.num_nodes, cell.units, 2 * cell.units]))
  for kernel, value in zip(kernels, values):
    kernel.assign(value)
