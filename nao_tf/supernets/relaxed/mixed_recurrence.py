"""The arithmetic of a relaxed recurrent cell: one step, and a whole segment with its gradient.

Node i adds up what its edges pass on, one edge from each node p before it (Liu et al., ICLR 2019, appendix A):

  c, v = split((s_p * mask) W_i),   passed = w * s_p + sigmoid(c) * (sum of w_f * f(v) - w * s_p)

Here w_f is the share of activation f on the edge, and w the sum of these shares: the absent operation passes nothing
on.

The edges that leave a node follow one another, and their kernels stand side by side. So they are one matrix product and
one application of each activation. The fixed first node reads the previous output; what the inputs of the segment
contribute to it has been computed before.

The gradient of a segment is written out, as in `nao_tf.networks.recurrence`. The factors by which a gradient passes an
edge depend on the forward pass alone, so a step has them for all edges at once. The gradients of kernels and of the
mixture are taken after the way back through time. A graph that needs only one of them does not compute the other.
"""

import functools
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from nao_tf.networks.recurrence import ACTIVATIONS, PREVIOUS, Group, group_kernels
from nao_tf.networks.segments import go_back, new_array, outer, read_all, run_steps, trace_steps
from nao_tf.spaces.operation_names import ZERO

_EPSILON = 1e-5


class Trace(NamedTuple):
  """What the gradient needs of a step, or arrays of it over time.

  Attributes:
    first: gate and proposed value of the first node before their activations, `[B, 2H]`.
    gates: gates of the edges that leave each node but the last, `[B, k * H]`.
    values: values of the same edges before their activations, `[B, k * H]`.
    states: states of all nodes, each `[B, H]`.
    scales: that the norms of all nodes multiply with, each `[1, H]`.
  """

  first: Any
  gates: list[Any]
  values: list[Any]
  states: list[Any]
  scales: list[Any]


class _Shares(NamedTuple):
  """Shares of the activations on some edges, for each unit of each edge.

  Attributes:
    activations: by name, each `[k * H]`.
    total: their sum.
  """

  activations: dict[str, tf.Tensor]
  total: tf.Tensor


class MixedRecurrence:
  """One step and whole segments of a cell whose edges are mixtures."""

  def __init__(self, operations: Sequence[str], num_nodes: int, units: int, *, normalized: bool = True) -> None:
    """Initializes the arithmetic; it has no weights.

    Args:
      operations: names of the activations; the absent one may be among them.
      num_nodes: N, how many nodes are searched.
      units: H.
      normalized: whether all nodes are normalized over the batch.
    """
    self._numbers = {name: number for number, name in enumerate(operations) if name != ZERO}
    self._num_operations, self._num_nodes, self._units, self._normalized = len(operations), num_nodes, units, normalized
    self._sizes = [units * (num_nodes - source) for source in range(num_nodes)]
    edges = [(node, source) for source in range(num_nodes) for node in range(source + 1, num_nodes + 1)]
    self._order = np.array([node * (node - 1) // 2 + source for node, source in edges], np.int32)

  def group_kernels(self, kernels: Sequence[tf.Tensor]) -> list[tf.Tensor]:
    """Returns the kernel `[H, 2H]` of the first node, and the kernels of the edges that leave each node but the last.

    Args:
      kernels: kernels of all nodes by number, each `[H, 2H]`.
    """
    nodes = range(self._num_nodes + 1)
    groups = [Group(source, tuple(nodes[source + 1 :]), ()) for source in range(PREVIOUS, self._num_nodes)]
    return group_kernels([Group(PREVIOUS, (0,), ()), *groups[1:]], kernels)

  def run(
    self,
    kernels: Sequence[tf.Tensor],
    mixture: tf.Tensor,
    projected: tf.Tensor,
    hidden: tf.Tensor,
    mask: tf.Tensor | None = None,
  ) -> tf.Tensor:
    """Computes all steps of a segment.

    Args:
      kernels: from `group_kernels`. Products are taken in their type, everything else in the type of `projected`.
      mixture: shares of the operations on each edge, `[E, operations]`. Node i has an edge to each of the i nodes before
        it, and the edges of a node follow one another.
      projected: what the inputs contribute to the first node, `[T, B, 2H]`.
      hidden: the output before the segment, `[B, H]`.
      mask: dropout of the states that nodes read, `[B, H]`; None for none.

    Returns:
      The outputs, `[T, B, H]`.
    """
    shares = self._shares(mixture)
    return run_steps(lambda inputs, before: self._step(kernels, shares, inputs, before, mask), projected, hidden)

  def run_training(
    self,
    kernels: Sequence[tf.Tensor],
    mixture: tf.Tensor,
    projected: tf.Tensor,
    hidden: tf.Tensor,
    mask: tf.Tensor | None = None,
  ) -> tf.Tensor:
    """Does the same as `run`, with a fast gradient. There is none with respect to the mask."""

    @tf.custom_gradient
    def run(
      projected: tf.Tensor, hidden: tf.Tensor, mixture: tf.Tensor, *kernels: tf.Tensor
    ) -> tuple[tf.Tensor, Callable[[tf.Tensor], tuple[tf.Tensor, ...]]]:
      shares = self._shares(mixture)
      outputs, traces = self._forward(kernels, shares, projected, hidden, mask)

      def gradient(d_outputs: tf.Tensor) -> tuple[tf.Tensor, ...]:
        previous = tf.concat([hidden[None], outputs[:-1]], 0)
        d_hidden, d_products, d_totals = self._backward(kernels, shares, traces, previous, mask, d_outputs)
        d_mixture = self._mixture_gradient(traces, d_totals)
        d_products = [d_product.stack() for d_product in d_products]
        return d_products[0], d_hidden, d_mixture, *_kernel_gradients(kernels, traces, previous, mask, d_products)

      return outputs, gradient

    return run(projected, hidden, mixture, *kernels)

  def _shares(self, mixture: tf.Tensor) -> list[_Shares]:
    """Returns the shares on the edges that leave each node but the last."""
    columns = tf.unstack(tf.repeat(tf.gather(mixture, self._order), self._units, axis=0), axis=1)
    rows = [columns[number] for number in self._numbers.values()]
    parts = zip(*(tf.split(row, self._sizes) for row in (*rows, tf.add_n(rows))))
    return [_Shares(dict(zip(self._numbers, part)), part[-1]) for part in parts]

  def _step(
    self,
    kernels: Sequence[tf.Tensor],
    shares: Sequence[_Shares],
    projected: tf.Tensor,
    hidden: tf.Tensor,
    mask: tf.Tensor | None,
  ) -> tuple[tf.Tensor, Trace]:
    """Returns the output of a step, `[B, H]`, and its trace."""
    first, totals = _product(hidden, kernels[0], mask) + projected, []
    gate, value = tf.split(first, 2, 1)
    state, scale = self._norm(hidden + tf.sigmoid(gate) * (tf.tanh(value) - hidden))
    trace = Trace(first, [], [], [state], [scale])
    for kernel, edges in zip(kernels[1:], shares):
      gates, values = tf.split(_product(state, kernel, mask), 2, 1)
      gates = tf.sigmoid(gates)
      totals.append(_pass_on(edges, _tiled(state, gates), gates, values))
      total, *totals = tf.split(tf.add_n(totals), [self._units, gates.shape[1] - self._units], 1)
      state, scale = self._norm(total)
      for kept, new in zip(trace[1:], (gates, values, state, scale)):
        kept.append(new)
    return tf.add_n(trace.states[1:]) / self._num_nodes, trace

  def _norm(self, state: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Returns a state, normalized over the batch, and by what it was multiplied, `[1, H]`."""
    if not self._normalized:
      return state, tf.ones_like(state[:1])
    centered = state - tf.reduce_mean(state, 0, keepdims=True)
    scale = tf.math.rsqrt(tf.reduce_mean(tf.square(centered), 0, keepdims=True) + _EPSILON)
    return centered * scale, scale

  def _norm_backward(self, state: tf.Tensor, scale: tf.Tensor, d_state: tf.Tensor) -> tf.Tensor:
    """Returns the gradient with respect to a state before the norm, given it and the state after the norm."""
    if not self._normalized:
      return d_state
    mean, slope = (tf.reduce_mean(tensor, 0, keepdims=True) for tensor in (d_state, d_state * state))
    return scale * (d_state - mean - state * slope)

  def _forward(
    self,
    kernels: Sequence[tf.Tensor],
    shares: Sequence[_Shares],
    projected: tf.Tensor,
    hidden: tf.Tensor,
    mask: tf.Tensor | None,
  ) -> tuple[tf.Tensor, Trace]:
    """Returns the outputs `[T, B, H]` and a trace of arrays over time."""
    length, new = tf.shape(projected)[0], functools.partial(new_array, dtype=projected.dtype)
    gates, values = ([new(length, size) for size in self._sizes] for _ in range(2))
    states, scales = ([new(length, self._units) for _ in kernels] for _ in range(2))
    traces = Trace(new(length, 2 * self._units), gates, values, states, scales)
    return trace_steps(
      lambda inputs, before: self._step(kernels, shares, inputs, before, mask), projected, hidden, traces
    )

  def _backward(
    self,
    kernels: Sequence[tf.Tensor],
    shares: Sequence[_Shares],
    traces: Trace,
    previous: tf.Tensor,
    mask: tf.Tensor | None,
    d_outputs: tf.Tensor,
  ) -> tuple[tf.Tensor, list[tf.TensorArray], tf.TensorArray]:
    """Goes back through time.

    Returns:
      The gradients with respect to the first previous output, `[B, H]`, and, as arrays over time, to the product of each
      group, `[B, 2 * k * H]`, and to all searched nodes before their norms, `[B, N * H]`.
    """
    length, new = tf.shape(d_outputs)[0], functools.partial(new_array, dtype=d_outputs.dtype)
    transposed = [tf.transpose(kernel) for kernel in kernels]
    d_products = [new(length, 2 * size) for size in (self._units, *self._sizes)]

    def step_backward(
      trace: Trace, previous: tf.Tensor, d_output: tf.Tensor
    ) -> tuple[tf.Tensor, tuple[list[tf.Tensor], tf.Tensor]]:
      d_hidden, *others = self._step_backward(transposed, shares, trace, previous, mask, d_output)
      return d_hidden, tuple(others)

    arrays = (d_products, new(length, self._sizes[0]))
    d_hidden, (d_products, d_totals) = go_back(step_backward, traces, previous, d_outputs, arrays)
    return d_hidden, d_products, d_totals

  def _step_backward(
    self,
    transposed: Sequence[tf.Tensor],
    shares: Sequence[_Shares],
    trace: Trace,
    previous: tf.Tensor,
    mask: tf.Tensor | None,
    d_output: tf.Tensor,
  ) -> tuple[tf.Tensor, list[tf.Tensor], tf.Tensor]:
    """Returns the gradients with respect to the previous output, to each group's product and to all nodes before norms."""
    share, d_products = d_output / self._num_nodes, []
    d_state, d_totals = share, share[:, :0]
    for node in range(self._num_nodes, 0, -1):
      d_total = self._norm_backward(trace.states[node], trace.scales[node], d_state)
      d_totals = tf.concat([d_total, d_totals], 1)
      d_state, d_product = _edges_backward(shares[node - 1], trace, node - 1, d_totals)
      d_products.append(d_product)
      d_state += _product_backward(d_product, transposed[node], mask) + (share if node > 1 else 0.0)
    d_first = self._norm_backward(trace.states[0], trace.scales[0], d_state)
    d_hidden, d_product = _first_backward(trace.first, previous, d_first)
    d_products.append(d_product)
    return d_hidden + _product_backward(d_product, transposed[0], mask), d_products[::-1], d_totals

  def _mixture_gradient(self, traces: Trace, d_totals: tf.TensorArray) -> tf.Tensor:
    """Returns the gradient with respect to the mixture, `[E, operations]`."""
    length, shape = d_totals.size(), [len(self._numbers), len(self._order) * self._units]

    def add(time: tf.Tensor, total: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
      return time + 1, total + self._step_of_mixture(read_all(traces, time), d_totals.read(time))

    total = tf.while_loop(lambda time, _: time < length, add, (0, tf.zeros(shape, d_totals.dtype)))[1]
    edges = tf.reduce_sum(tf.reshape(total, [len(self._numbers), len(self._order), self._units]), 2)
    rows = dict(zip(self._numbers.values(), tf.unstack(edges)))
    absent = tf.zeros_like(edges[0])
    gradient = tf.stack([rows.get(number, absent) for number in range(self._num_operations)], 1)
    return tf.gather(gradient, np.argsort(self._order))

  def _step_of_mixture(self, trace: Trace, d_totals: tf.Tensor) -> tf.Tensor:
    """Returns what a step adds to the gradient of the shares of the activations, for each unit of each edge."""
    parts = []
    for source, (state, gates, values) in enumerate(zip(trace.states, trace.gates, trace.values)):
      d_edges = d_totals[:, source * self._units :]
      d_mixed = d_edges * gates
      kept = tf.reduce_sum((d_edges - d_mixed) * _tiled(state, gates), 0)
      passed = [tf.reduce_sum(d_mixed * ACTIVATIONS[name].apply(values), 0) for name in self._numbers]
      parts.append(tf.stack(passed) + kept)
    return tf.concat(parts, 1)


def _tiled(state: tf.Tensor, edges: tf.Tensor) -> tf.Tensor:
  """Returns a state for each of the edges that leave it."""
  return tf.tile(state, [1, edges.shape[1] // state.shape[1]])


def _pass_on(shares: _Shares, states: tf.Tensor, gates: tf.Tensor, values: tf.Tensor) -> tf.Tensor:
  """Returns what edges pass on, `[B, k * H]`."""
  mixed = tf.add_n([share * ACTIVATIONS[name].apply(values) for name, share in shares.activations.items()])
  kept = shares.total * states
  return kept + gates * (mixed - kept)


def _edges_backward(shares: _Shares, trace: Trace, source: int, d_totals: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
  """Returns the gradients with respect to a node, past the kernel of the edges that leave it, and to their product."""
  state, gates, values = trace.states[source], trace.gates[source], trace.values[source]
  d_mixed, mixed, d_values = d_totals * gates, [], []
  for name, share in shares.activations.items():
    value = ACTIVATIONS[name].apply(values)
    mixed.append(share * value)
    d_values.append(ACTIVATIONS[name].backward(value, share * d_mixed))
  d_kept = d_totals - d_mixed
  d_gates = (tf.add_n(mixed) - shares.total * _tiled(state, gates)) * gates * d_kept
  d_state = tf.add_n(tf.split(shares.total * d_kept, gates.shape[1] // state.shape[1], 1))
  return d_state, tf.concat([d_gates, tf.add_n(d_values)], 1)


def _first_backward(first: tf.Tensor, previous: tf.Tensor, d_node: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
  """Returns the gradients of the first node with respect to the previous output, past the kernel, and to its product."""
  gate, value = tf.split(first, 2, 1)
  gate, value = tf.sigmoid(gate), tf.tanh(value)
  d_value = d_node * gate
  d_previous = d_node - d_value
  d_gate = d_previous * gate * (value - previous)
  return d_previous, tf.concat([d_gate, ACTIVATIONS["tanh"].backward(value, d_value)], 1)


def _product(states: tf.Tensor, kernel: tf.Tensor, mask: tf.Tensor | None) -> tf.Tensor:
  """Multiplies states `[B, H]` with a kernel, in the type of the kernel."""
  masked = states if mask is None else states * mask
  return tf.cast(tf.matmul(tf.cast(masked, kernel.dtype), kernel), states.dtype)


def _product_backward(d_product: tf.Tensor, transposed: tf.Tensor, mask: tf.Tensor | None) -> tf.Tensor:
  """Returns the gradient with respect to the states, `[B, H]`, given the transposed kernel."""
  return _product(d_product, transposed, None) if mask is None else _product(d_product, transposed, None) * mask


def _kernel_gradients(
  kernels: Sequence[tf.Tensor],
  traces: Trace,
  previous: tf.Tensor,
  mask: tf.Tensor | None,
  d_products: Sequence[tf.Tensor],
) -> list[tf.Tensor]:
  """Returns the gradients of the kernels: sums over time and batch of outer products."""
  states = [array.stack() for array in traces.states[:-1]]
  masked = [state if mask is None else state * mask for state in (previous, *states)]
  cast = ((tf.cast(x, kernel.dtype), tf.cast(d, kernel.dtype)) for x, d, kernel in zip(masked, d_products, kernels))
  return [outer(*factors) for factors in cast]
