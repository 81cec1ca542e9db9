"""The arithmetic of all recurrent cells of a space: tensors say which state a node reads and which activation it has.

It computes what `nao_tf.networks.recurrence` computes for the genotype of the same architecture, node by node. The gradient
of a segment is written out here, too.
"""

import functools
from collections.abc import Callable, Sequence
from typing import NamedTuple

import tensorflow as tf

from nao_tf.networks.recurrence import ACTIVATIONS, Activation
from nao_tf.networks.segments import go_back, new_array, outer, run_steps, trace_steps
from nao_tf.supernets.state_list import StateList

_FIRST_ACTIVATION = ACTIVATIONS["tanh"]


class NodeChoices(NamedTuple):
  """What an architecture chooses for the searched nodes.

  Attributes:
    predecessors: number of the node that each reads, int32 `[n]`.
    activations: which of the activations each has, int32 `[n]`.
  """

  predecessors: tf.Tensor
  activations: tf.Tensor


class Trace(NamedTuple):
  """The intermediate results of a step for each node by number, the fixed first one included; or arrays of them over time.

  Attributes:
    states: each `[B, H]`.
    gates: each `[B, H]`.
    values: each `[B, H]`.
  """

  states: Sequence[tf.Tensor | tf.TensorArray]
  gates: Sequence[tf.Tensor | tf.TensorArray]
  values: Sequence[tf.Tensor | tf.TensorArray]


class SharedRecurrence:
  """One step and whole segments of the cell of an architecture."""

  def __init__(self, names: Sequence[str], choices: NodeChoices, kernels: Sequence[tf.Tensor]) -> None:
    """Initializes the arithmetic of an architecture.

    Args:
      names: names of the activations, in the order of their choices.
      choices: choices of the architecture.
      kernels: kernels of all nodes by number, including the first, each `[H, 2 * H]`.

    Raises:
      ValueError: if an activation is unknown.
    """
    unknown = sorted({name for name in names if name not in ACTIVATIONS})
    if unknown:
      raise ValueError(f"unknown activation {', '.join(unknown)}; expected some of {', '.join(ACTIVATIONS)}")
    self._activations = [ACTIVATIONS[name] for name in names]
    self._choices, self._kernels = choices, list(kernels)
    self._size = int(self._kernels[0].shape[0])

  def run(self, projected: tf.Tensor, hidden: tf.Tensor, mask: tf.Tensor | None = None) -> tf.Tensor:
    """Computes all steps of a segment.

    Args:
      projected: what the inputs contribute to the first node, `[T, B, 2 * H]`.
      hidden: the output before the segment, `[B, H]`.
      mask: dropout of all states that nodes read, `[B, H]`; None for none.

    Returns:
      The outputs, `[T, B, H]`.
    """
    kernels = self._kernels_in(projected.dtype)
    return run_steps(lambda inputs, before: self._step(kernels, inputs, before, mask), projected, hidden)

  def run_training(self, projected: tf.Tensor, hidden: tf.Tensor, mask: tf.Tensor) -> tf.Tensor:
    """Does the same as `run`, with a fast gradient. There is none with respect to the mask."""

    @tf.custom_gradient
    def run(
      projected: tf.Tensor, hidden: tf.Tensor, *kernels: tf.Tensor
    ) -> tuple[tf.Tensor, Callable[[tf.Tensor], tuple[tf.Tensor, ...]]]:
      outputs, traces = self._forward(kernels, projected, hidden, mask)

      def gradient(d_outputs: tf.Tensor) -> tuple[tf.Tensor, ...]:
        previous = tf.concat([hidden[None], outputs[:-1]], axis=0)
        d_hidden, d_products = self._backward(kernels, traces, previous, mask, d_outputs)
        return d_products[0], d_hidden, *self._kernel_gradients(traces, previous, mask, d_products)

      return outputs, gradient

    return run(projected, hidden, *self._kernels_in(projected.dtype))

  def _kernels_in(self, dtype: tf.DType) -> list[tf.Tensor]:
    """Returns the kernels in the type that the segment is computed in."""
    return [tf.cast(kernel, dtype) for kernel in self._kernels]

  def _step(
    self, kernels: Sequence[tf.Tensor], projected: tf.Tensor, hidden: tf.Tensor, mask: tf.Tensor | None
  ) -> tuple[tf.Tensor, Trace]:
    """Returns the output `[B, H]` of a step and its trace."""
    states, gates, values = StateList(hidden.shape, hidden.dtype), [], []
    for number, kernel in enumerate(kernels):
      source = hidden if number == 0 else states.read(self._choices.predecessors[number - 1])
      product = tf.matmul(source if mask is None else source * mask, kernel)
      gate, value = tf.split(product + projected if number == 0 else product, 2, axis=1)
      gates.append(tf.sigmoid(gate))
      values.append(self._activate(number, value))
      states.append(source + gates[-1] * (values[-1] - source))
    ordered = [states.read(tf.constant(number)) for number in range(len(kernels))]
    return tf.add_n(ordered[1:]) / (len(ordered) - 1), Trace(ordered, gates, values)

  def _forward(
    self, kernels: Sequence[tf.Tensor], projected: tf.Tensor, hidden: tf.Tensor, mask: tf.Tensor
  ) -> tuple[tf.Tensor, Trace]:
    """Returns the outputs `[T, B, H]` and a trace of arrays over time."""
    length, new = tf.shape(projected)[0], functools.partial(new_array, dtype=projected.dtype)
    states, gates, values = ([new(length, self._size) for _ in kernels] for _ in Trace._fields)
    traces = Trace(states, gates, values)
    return trace_steps(lambda inputs, before: self._step(kernels, inputs, before, mask), projected, hidden, traces)

  def _backward(
    self,
    kernels: Sequence[tf.Tensor],
    traces: Trace,
    previous: tf.Tensor,
    mask: tf.Tensor,
    d_outputs: tf.Tensor,
  ) -> tuple[tf.Tensor, list[tf.Tensor]]:
    """Returns the gradients with respect to the first previous output, `[B, H]`, and to the product of each node."""
    length, transposed = tf.shape(d_outputs)[0], [tf.transpose(kernel) for kernel in kernels]
    d_products = [new_array(length, 2 * self._size, d_outputs.dtype) for _ in kernels]

    def step_backward(trace: Trace, previous: tf.Tensor, d_output: tf.Tensor) -> tuple[tf.Tensor, list[tf.Tensor]]:
      return self._step_backward(transposed, trace, previous, mask, d_output)

    d_hidden, d_products = go_back(step_backward, traces, previous, d_outputs, d_products)
    return d_hidden, [d_product.stack() for d_product in d_products]

  def _step_backward(
    self,
    transposed: Sequence[tf.Tensor],
    trace: Trace,
    previous: tf.Tensor,
    mask: tf.Tensor,
    d_output: tf.Tensor,
  ) -> tuple[tf.Tensor, list[tf.Tensor]]:
    """Returns the gradients with respect to the previous output, `[B, H]`, and to each node's product, `[B, 2 * H]`."""
    share = d_output / (len(trace.states) - 1)
    states, d_states = StateList(share.shape, share.dtype), StateList(share.shape, share.dtype)
    for number, state in enumerate(trace.states):
      states.append(state)
      d_states.append(share if number else tf.zeros_like(share))
    d_products: list[tf.Tensor] = []
    for number in range(len(trace.states) - 1, -1, -1):
      predecessor = None if number == 0 else self._choices.predecessors[number - 1]
      source = previous if predecessor is None else states.read(predecessor)
      d_state = d_states.read(tf.constant(number))
      d_value = d_state * trace.gates[number]
      d_source = d_state - d_value
      d_gate = (trace.states[number] - source) * d_source  # = d_state * (value - source) * gate * (1 - gate)
      d_products.append(tf.concat([d_gate, self._differentiate(number, trace.values[number], d_value)], axis=1))
      d_source += tf.matmul(d_products[-1], transposed[number]) * mask
      if predecessor is not None:
        d_states.write(predecessor, d_states.read(predecessor) + d_source)
    return d_source, d_products[::-1]

  def _kernel_gradients(
    self, traces: Trace, previous: tf.Tensor, mask: tf.Tensor, d_products: Sequence[tf.Tensor]
  ) -> list[tf.Tensor]:
    """Returns the gradients of the kernels: sums over time and batch of outer products."""
    stacked = StateList([None, None, self._size], mask.dtype)
    for array in traces.states:
      stacked.append(array.stack())
    sources = [previous, *map(stacked.read, tf.unstack(self._choices.predecessors))]
    return [outer(source * mask, d) for source, d in zip(sources, d_products)]

  def _activate(self, number: int, value: tf.Tensor) -> tf.Tensor:
    if number == 0:
      return _FIRST_ACTIVATION.apply(value)
    return self._choose(number, lambda activation: activation.apply(value))

  def _differentiate(self, number: int, value: tf.Tensor, d_value: tf.Tensor) -> tf.Tensor:
    if number == 0:
      return _FIRST_ACTIVATION.backward(value, d_value)
    return self._choose(number, lambda activation: activation.backward(value, d_value))

  def _choose(self, number: int, function: Callable[[Activation], tf.Tensor]) -> tf.Tensor:
    """Returns the result of a function of the activation of a searched node."""
    branches = [functools.partial(function, activation) for activation in self._activations]
    return tf.switch_case(self._choices.activations[number - 1], branches)
