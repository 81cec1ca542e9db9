"""The arithmetic of a recurrent cell: a single step, and a whole segment with its gradient.

A node moves from the state of its predecessor toward a proposed value, controlled by its gate (Luo et al., NeurIPS
2018, section 4.2):

  c, v = split((s_p * mask) W),   s = s_p + sigmoid(c) * (activation(v) - s_p)

Nodes with the same predecessor form a group. Their kernels are concatenated, so that a group is one matrix product. The
first node reads the previous output and forms a group of its own; the contribution of the inputs of the segment to it
is computed beforehand for all steps at once.

The gradient of a segment is implemented explicitly. It stores what the chain rule needs of each step, goes backward
through time, and multiplies the two factors of each kernel's gradient over all steps in a single product. Automatic
differentiation would add up a small product per step.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import tensorflow as tf

from nao_tf.networks.segments import go_back, new_array, outer, run_steps, trace_steps
from nao_tf.spaces.genotypes import RecurrentGenotype

PREVIOUS = -1
"""Number of the previous output, as the predecessor of a node."""
_FIRST = 0  # Number of the first node.


class Activation(NamedTuple):
  """A function and its derivative.

  Attributes:
    apply: the function.
    backward: given a value of the function and the gradient with respect to it, returns the gradient with respect to the
      argument.
  """

  apply: Callable[[tf.Tensor], tf.Tensor]
  backward: Callable[[tf.Tensor, tf.Tensor], tf.Tensor]


ACTIVATIONS = {
  "tanh": Activation(tf.tanh, lambda value, d: tf.raw_ops.TanhGrad(y=value, dy=d)),
  "relu": Activation(tf.nn.relu, lambda value, d: tf.raw_ops.ReluGrad(gradients=d, features=value)),
  "sigmoid": Activation(tf.sigmoid, lambda value, d: tf.raw_ops.SigmoidGrad(y=value, dy=d)),
  "identity": Activation(tf.identity, lambda value, d: d),
}


class Group(NamedTuple):
  """Nodes that read the same predecessor.

  Attributes:
    predecessor: number of the node they read.
    nodes: their numbers.
    activations: the activation of each.
  """

  predecessor: int
  nodes: tuple[int, ...]
  activations: tuple[str, ...]


_FIRST_GROUP = Group(PREVIOUS, (_FIRST,), ("tanh",))


class Trace(NamedTuple):
  """The intermediate results of a step, or of all steps as arrays over time.

  Attributes:
    states: states of all nodes by number, each `[B, H]`.
    gates: gates of each group, `[B, k * H]`.
    values: proposed by all nodes, in the order of the groups, each `[B, H]`.
  """

  states: list[tf.Tensor | tf.TensorArray]
  gates: list[tf.Tensor | tf.TensorArray]
  values: list[tf.Tensor | tf.TensorArray]


def group_nodes(genotype: RecurrentGenotype) -> tuple[Group, ...]:
  """Returns the groups in an order in which predecessors come before their readers; the first node's comes first.

  Raises:
    ValueError: if an activation is unknown, or a node reads one that does not come before it.
  """
  _check_nodes(genotype)
  groups = [_FIRST_GROUP]
  for predecessor in sorted({node.predecessor for node in genotype.nodes}):
    numbers = tuple(i for i, node in enumerate(genotype.nodes, start=1) if node.predecessor == predecessor)
    groups.append(Group(predecessor, numbers, tuple(genotype.nodes[i - 1].activation for i in numbers)))
  return tuple(groups)


def separate_nodes(genotype: RecurrentGenotype) -> tuple[Group, ...]:
  """Returns each node as a group of its own: for single steps, which would put kernels side by side again and again.

  Raises:
    ValueError: see `group_nodes`.
  """
  _check_nodes(genotype)
  nodes = enumerate(genotype.nodes, start=1)
  return _FIRST_GROUP, *(Group(node.predecessor, (number,), (node.activation,)) for number, node in nodes)


def group_kernels(groups: Sequence[Group], kernels: Sequence[tf.Tensor]) -> list[tf.Tensor]:
  """Returns each group's kernel `[H, 2 * k * H]`: the gates of all its nodes, then the values.

  Args:
    groups: groups of a cell.
    kernels: kernels of its nodes by number, each `[H, 2 * H]`.
  """
  grouped = []
  for group in groups:
    if len(group.nodes) == 1:
      grouped.append(kernels[group.nodes[0]])
      continue
    halves = [tf.split(kernels[number], 2, axis=1) for number in group.nodes]
    grouped.append(tf.concat([gate for gate, _ in halves] + [value for _, value in halves], axis=1))
  return grouped


def project(inputs: tf.Tensor, kernel: tf.Tensor) -> tf.Tensor:
  """Maps inputs [..., E] with the input kernel [E, 2H] to what they contribute to the first node, [..., 2H]."""
  flat = tf.matmul(tf.reshape(inputs, [-1, kernel.shape[0]]), kernel)
  return tf.reshape(flat, tf.concat([tf.shape(inputs)[:-1], [kernel.shape[1]]], 0))


def step(
  groups: Sequence[Group],
  kernels: Sequence[tf.Tensor],
  projected: tf.Tensor,
  hidden: tf.Tensor,
  mask: tf.Tensor | None = None,
) -> tuple[tf.Tensor, Trace]:
  """Computes one step.

  Args:
    groups: groups of the cell.
    kernels: kernels of the groups, from `group_kernels`.
    projected: what the input contributes to the first node, `[B, 2 * H]`.
    hidden: the previous output, `[B, H]`.
    mask: dropout of all states that nodes read, `[B, H]`; None for none.

  Returns:
    The output, which is the mean of all nodes but the first, `[B, H]`; and the trace.
  """
  states, gates, values = {PREVIOUS: hidden}, [], []
  for group, kernel in zip(groups, kernels):
    source = states[group.predecessor]
    product = tf.matmul(source if mask is None else source * mask, kernel)
    gate, value = tf.split(product + projected if group.predecessor == PREVIOUS else product, 2, axis=1)
    gates.append(tf.sigmoid(gate))
    for number, name, g, v in zip(group.nodes, group.activations, _per_node(gates[-1], group), _per_node(value, group)):
      values.append(ACTIVATIONS[name].apply(v))
      states[number] = source + g * (values[-1] - source)
  ordered = [states[number] for number in range(len(values))]
  return tf.add_n(ordered[1:]) / (len(ordered) - 1), Trace(ordered, gates, values)


def run_segment(
  groups: Sequence[Group],
  kernels: Sequence[tf.Tensor],
  projected: tf.Tensor,
  hidden: tf.Tensor,
  mask: tf.Tensor | None = None,
) -> tf.Tensor:
  """Computes all steps of a segment. The arguments are those of `step`, but `projected` is `[T, B, 2 * H]`.

  Returns:
    The outputs, `[T, B, H]`.
  """
  return run_steps(lambda inputs, before: step(groups, kernels, inputs, before, mask), projected, hidden)


def run_training_segment(
  groups: Sequence[Group], kernels: Sequence[tf.Tensor], projected: tf.Tensor, hidden: tf.Tensor, mask: tf.Tensor
) -> tf.Tensor:
  """Does the same as `run_segment`, faster if the gradient is asked for. There is none with respect to the mask."""

  @tf.custom_gradient
  def run(
    projected: tf.Tensor, hidden: tf.Tensor, *kernels: tf.Tensor
  ) -> tuple[tf.Tensor, Callable[[tf.Tensor], tuple[tf.Tensor, ...]]]:
    outputs, traces = _forward(groups, kernels, projected, hidden, mask)

    def gradient(d_outputs: tf.Tensor) -> tuple[tf.Tensor, ...]:
      previous = tf.concat([hidden[None], outputs[:-1]], axis=0)
      d_hidden, d_products = _backward(groups, kernels, traces, previous, mask, d_outputs)
      sources = [previous, *(traces.states[group.predecessor].stack() for group in groups[1:])]
      d_kernels = [outer(source * mask, d) for source, d in zip(sources, d_products)]
      return d_products[0], d_hidden, *d_kernels

    return outputs, gradient

  return run(projected, hidden, *kernels)


def _forward(
  groups: Sequence[Group], kernels: Sequence[tf.Tensor], projected: tf.Tensor, hidden: tf.Tensor, mask: tf.Tensor
) -> tuple[tf.Tensor, Trace]:
  """Returns the outputs `[T, B, H]` and a trace of arrays over time."""
  size, length, dtype = hidden.shape[-1], tf.shape(projected)[0], hidden.dtype
  num_nodes = sum(len(group.nodes) for group in groups)
  traces = Trace(
    [new_array(length, size, dtype) for _ in range(num_nodes)],
    [new_array(length, size * len(group.nodes), dtype) for group in groups],
    [new_array(length, size, dtype) for _ in range(num_nodes)],
  )
  return trace_steps(lambda inputs, before: step(groups, kernels, inputs, before, mask), projected, hidden, traces)


def _backward(
  groups: Sequence[Group],
  kernels: Sequence[tf.Tensor],
  traces: Trace,
  previous: tf.Tensor,
  mask: tf.Tensor,
  d_outputs: tf.Tensor,
) -> tuple[tf.Tensor, list[tf.Tensor]]:
  """Goes back through time.

  Returns:
    The gradients with respect to the first previous output, `[B, H]`, and to each group's product, `[T, B, 2 * k * H]`.
  """
  size, length, dtype = mask.shape[-1], tf.shape(d_outputs)[0], mask.dtype
  transposed = [tf.transpose(kernel) for kernel in kernels]
  d_products = [new_array(length, 2 * size * len(group.nodes), dtype) for group in groups]

  def step_backward(trace: Trace, previous: tf.Tensor, d_output: tf.Tensor) -> tuple[tf.Tensor, list[tf.Tensor]]:
    return _step_backward(groups, transposed, trace, previous, mask, d_output)

  d_hidden, d_products = go_back(step_backward, traces, previous, d_outputs, d_products)
  return d_hidden, [d_product.stack() for d_product in d_products]


def _step_backward(
  groups: Sequence[Group],
  transposed: Sequence[tf.Tensor],
  trace: Trace,
  previous: tf.Tensor,
  mask: tf.Tensor,
  d_output: tf.Tensor,
) -> tuple[tf.Tensor, list[tf.Tensor]]:
  """Returns the gradients with respect to the previous output and to each group's product."""
  states = {PREVIOUS: previous, **dict(enumerate(trace.states))}
  values = dict(zip((number for group in groups for number in group.nodes), trace.values))
  share = d_output / (len(trace.states) - 1)
  d_states = {number: [] if number <= _FIRST else [share] for number in states}
  d_products: list[tf.Tensor] = []
  for group, kernel, gates in reversed(list(zip(groups, transposed, trace.gates))):
    source, d_gates, d_values = states[group.predecessor], [], []
    for number, name, gate in zip(group.nodes, group.activations, _per_node(gates, group)):
      d_state = tf.add_n(d_states[number])
      d_value = d_state * gate
      d_source = d_state - d_value
      d_gates.append((states[number] - source) * d_source)  # = d_state * (value - source) * gate * (1 - gate)
      d_values.append(ACTIVATIONS[name].backward(values[number], d_value))
      d_states[group.predecessor].append(d_source)
    d_products.append(tf.concat(d_gates + d_values, axis=1))
    d_states[group.predecessor].append(tf.matmul(d_products[-1], kernel) * mask)
  return tf.add_n(d_states[PREVIOUS]), d_products[::-1]


def _check_nodes(genotype: RecurrentGenotype) -> None:
  for number, node in enumerate(genotype.nodes, start=1):
    if node.activation not in ACTIVATIONS:
      raise ValueError(
        f"node {number}: unknown activation {node.activation!r}; expected one of {', '.join(ACTIVATIONS)}"
      )
    if not 0 <= node.predecessor < number:
      raise ValueError(f"node {number}: its predecessor must be in [0, {number}), got {node.predecessor}")


def _per_node(tensor: tf.Tensor, group: Group) -> list[tf.Tensor]:
  """Splits `[B, k * H]` into the parts of a group's nodes."""
  return tf.split(tensor, len(group.nodes), axis=1) if len(group.nodes) > 1 else [tensor]
