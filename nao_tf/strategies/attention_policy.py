"""The policy of ENAS: a recurrent network that selects the inputs of a node by attention over the earlier nodes.

Source: Pham et al., "Efficient Neural Architecture Search via Parameter Sharing", ICML 2018, section 2.3 and its
releases. Shapes: B is the batch size, L the number of decisions, K the largest number of choices, U the number of
units.
"""

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf
from tensorflow import keras

from nao_tf.controller.keras_defaults import float32_defaults
from nao_tf.spaces.base import SearchSpace
from nao_tf.spaces.nasnet import NasnetSpace
from nao_tf.spaces.recurrent import RecurrentSpace
from nao_tf.strategies.policies import Policy
from nao_tf.strategies.reinforce_config import ReinforceConfig
from nao_tf.training.variables import tf_variable

_PREFERRED = "sep"
"""What the names of operations begin with that a policy may prefer in the beginning: separable convolutions."""

Choose = Callable[[int, tf.Tensor], tf.Tensor]
"""Returns the choices of a decision, int32 `[B]`, given its position and logits `[B, n]`."""


@dataclasses.dataclass(frozen=True)
class LogitsConfig:
  """How the logits of the decisions are computed.

  Attributes:
    initial_range: limit r of the uniform initialization of the weights in [-r, r].
    temperature: temperature by which the logits are divided before they are bounded.
    tanh_constant: c in c * tanh(logit), which bounds the logits; 0 for no bound.
    operation_divisor: value that `tanh_constant` is divided by for decisions on operations.
    separable_bias: initial value of the trainable bias for separable convolutions.
    separable_preference: value added to the logits of separable convolutions in the normal cell, and subtracted from
      the others.
    distance_weight: weight of the squared distance of an input node, which is subtracted from its logit.
  """

  initial_range: float = 0.1
  temperature: float = 1.0
  tanh_constant: float = 0.0
  operation_divisor: float = 1.0
  separable_bias: float = 0.0
  separable_preference: float = 0.0
  distance_weight: float = 0.0


class NodeDecisions(NamedTuple):
  """The decisions of a node.

  Attributes:
    sources: positions of the decisions on its inputs.
    operations: positions of the decisions on its operations.
  """

  sources: tuple[int, ...]
  operations: tuple[int, ...]


class CellDecisions(NamedTuple):
  """The decisions of a cell.

  Attributes:
    num_inputs: number of states before its first node.
    nodes: the decisions of each node.
  """

  num_inputs: int
  nodes: tuple[NodeDecisions, ...]


def cells_of(space: SearchSpace) -> tuple[CellDecisions, ...]:
  """Returns the decisions of each cell of a space.

  Raises:
    ValueError: if it is not a space of cells whose nodes read earlier nodes.
  """
  if isinstance(space, NasnetSpace):
    firsts = range(0, len(space.decisions), 4)
    nodes = tuple(NodeDecisions((first, first + 2), (first + 1, first + 3)) for first in firsts)
    half = len(nodes) // 2
    return tuple(CellDecisions(space.decisions[0].size, part) for part in (nodes[:half], nodes[half:]))
  if isinstance(space, RecurrentSpace):
    pairs = range(0, len(space.decisions), 2)
    return (CellDecisions(1, tuple(NodeDecisions((first,), (first + 1,)) for first in pairs)),)
  raise ValueError(
    f"{space.name}: a policy with attention needs a space of image cells such as nasnet5, or of recurrent cells such as"
    " rnn12"
  )


def make_attention_policy(
  space: SearchSpace, config: ReinforceConfig, logits_config: LogitsConfig, *, seed: int
) -> "AttentionPolicy":
  """Returns an untrained policy.

  Args:
    space: a space of image cells or of recurrent cells.
    config: size and training of the policy.
    logits_config: how the logits of the decisions are computed.
    seed: random seed of its weights.

  Raises:
    ValueError: if the policy does not support the space.
  """
  with float32_defaults():
    return AttentionPolicy(space, config, seed, logits_config)


class AttentionPolicy(Policy):
  """An LSTM that decides node by node, first on the inputs of a node, then on its operations.

  Its output after a node becomes the key of that node: later nodes select their inputs by attention over these keys.
  """

  def __init__(self, space: SearchSpace, config: ReinforceConfig, seed: int, logits_config: LogitsConfig):
    """Creates the network; see `make_attention_policy`."""
    super().__init__(space, config, seed)
    self._cells, self._logits_config = cells_of(space), logits_config
    self._separable = _separable(space)
    self._rng = np.random.default_rng(seed)
    units, num_operations = config.units, len(self._separable)
    self._start = self._weight("start", (1, units))
    self._embeddings = self._weight("embeddings", (num_operations, units))
    self._operation_kernel = self._weight("operation_kernel", (units, num_operations))
    self._key_kernel = self._weight("key_kernel", (units, units))
    self._query_kernel = self._weight("query_kernel", (units, units))
    self._attention = self._weight("attention", (units, 1))
    biases = logits_config.separable_bias * self._separable
    initial = keras.initializers.Constant(0.0)
    self._operation_bias = tf_variable(self.add_weight(name="bias", shape=biases.shape, initializer=initial))
    self._operation_bias.assign(biases)
    self._lstm = keras.layers.LSTMCell(units, kernel_initializer=self._uniform(), recurrent_initializer=self._uniform())
    self._lstm(tf.zeros((1, units)), [tf.zeros((1, units))] * 2)
    signature = [tf.TensorSpec([], tf.int32), tf.TensorSpec([len(self._mask), 2], tf.int32)]
    self._draw_rows: Any = tf.function(self._drawn, input_signature=signature, autograph=False)
    self._ready()

  def logits(self, choices: tf.Tensor) -> tf.Tensor:
    """Returns the logits of each decision conditioned on the earlier choices, [B, L, K]."""
    logits, _ = self._walk(tf.shape(choices)[0], lambda position, _: choices[:, position])
    return logits

  def _sampled(self, count: int, seeds: np.ndarray) -> np.ndarray:
    return np.asarray(self._draw_rows(tf.constant(count, tf.int32), tf.constant(seeds, tf.int32)))

  def _drawn(self, count: tf.Tensor, seeds: tf.Tensor) -> tf.Tensor:
    """Returns samples, int32 [count, L]."""

    def choose(position: int, logits: tf.Tensor) -> tf.Tensor:
      return tf.random.stateless_categorical(logits, 1, seeds[position], dtype=tf.int32)[:, 0]

    return self._walk(count, choose)[1]

  def _walk(self, count: tf.Tensor, choose: Choose) -> tuple[tf.Tensor, tf.Tensor]:
    """Makes all decisions.

    Args:
      count: B.
      choose: makes one.

    Returns:
      The logits by position, [B, L, K], and the choices, int32 [B, L].
    """
    walk = _Walk(count, self._config.units, choose)
    start = tf.repeat(self._start, count, axis=0)
    for number, cell in enumerate(self._cells):
      keys = [walk.advance(self._lstm, start) for _ in range(cell.num_inputs)]
      for node in cell.nodes:
        keys.append(self._node(walk, node, keys, start, is_normal=number == 0))
    num_choices = self._mask.shape[1]
    padded = [tf.pad(row, [[0, 0], [0, num_choices - row.shape[1]]]) for _, row in sorted(walk.logits.items())]
    return tf.stack(padded, 1), tf.stack([row for _, row in sorted(walk.choices.items())], 1)

  def _node(
    self, walk: "_Walk", node: NodeDecisions, keys: Sequence[tf.Tensor], start: tf.Tensor, *, is_normal: bool
  ) -> tf.Tensor:
    """Makes the decisions of a node; returns its key, [B, U]."""
    inputs, memory = start, tf.stack(keys, 1)
    for position in node.sources:
      logits = self._source_logits(walk.advance(self._lstm, inputs), memory)
      inputs = tf.gather(memory, walk.decide(position, logits), batch_dims=1)
    for position in node.operations:
      logits = self._operation_logits(walk.advance(self._lstm, inputs), is_normal=is_normal)
      inputs = tf.gather(self._embeddings, walk.decide(position, logits))
    return walk.advance(self._lstm, inputs)

  def _source_logits(self, output: tf.Tensor, memory: tf.Tensor) -> tf.Tensor:
    """Returns the logits of the states that can be read, [B, n]: v * tanh(W1 * key + W2 * output)."""
    hidden = tf.tanh(memory @ self._key_kernel + (output @ self._query_kernel)[:, tf.newaxis])
    logits = self._bounded(tf.squeeze(hidden @ self._attention, -1), 1.0)
    distances = np.arange(memory.shape[1], 0, -1, dtype=np.float32)
    return logits - self._logits_config.distance_weight * distances**2

  def _operation_logits(self, output: tf.Tensor, *, is_normal: bool) -> tf.Tensor:
    """Returns the logits of the operations, [B, n]."""
    config = self._logits_config
    logits = self._bounded(output @ self._operation_kernel + self._operation_bias, config.operation_divisor)
    preference = config.separable_preference if is_normal and self._separable.any() else 0.0
    return logits + preference * (2 * self._separable - 1)

  def _bounded(self, logits: tf.Tensor, divisor: float) -> tf.Tensor:
    logits /= self._logits_config.temperature
    constant = self._logits_config.tanh_constant
    return constant / divisor * tf.tanh(logits) if constant else logits

  def _weight(self, name: str, shape: tuple[int, ...]) -> tf.Variable:
    return tf_variable(self.add_weight(name=name, shape=shape, initializer=self._uniform()))

  def _uniform(self) -> keras.initializers.Initializer:
    """Returns what draws the next weight."""
    limit = self._logits_config.initial_range
    return keras.initializers.RandomUniform(-limit, limit, seed=int(self._rng.integers(2**31)))


class _Walk:
  """The decisions that were made so far.

  Attributes:
    logits: by position, each [B, n].
    choices: by position, each int32 [B].
  """

  def __init__(self, count: tf.Tensor, units: int, choose: Choose) -> None:
    self._choose, self._states = choose, [tf.zeros([count, units])] * 2
    self.logits: dict[int, tf.Tensor] = {}
    self.choices: dict[int, tf.Tensor] = {}

  def advance(self, lstm: keras.layers.Layer, inputs: tf.Tensor) -> tf.Tensor:
    """Returns the next output of the LSTM, [B, U]."""
    output, self._states = lstm(inputs, self._states)
    return output

  def decide(self, position: int, logits: tf.Tensor) -> tf.Tensor:
    """Makes a decision; returns the choices, int32 [B]."""
    self.logits[position], self.choices[position] = logits, self._choose(position, logits)
    return self.choices[position]


def _separable(space: SearchSpace) -> np.ndarray:
  """Returns 1 for each operation that is a separable convolution, and 0 for each other, [number of operations]."""
  if isinstance(space, NasnetSpace):
    return np.array([operation.name.startswith(_PREFERRED) for operation in space.operations], np.float32)
  return np.zeros(space.decisions[1].size, np.float32)
