"""What the operations of cells cost: a row for each row of `nao_tf.networks.operations.OPERATIONS`.

`OPERATION_COSTS[name](shape, filters, stride, convention)` is the cost of the layer `OPERATIONS[name](filters, stride,
convention, seed)` on a map of that shape. An operation without a row here cannot be described, and a search with a bound
cannot propose it.
"""

import functools
from collections.abc import Callable

from nao_tf.networks.conventions import A_QUARTER, THREE_EIGHTHS, Convention, bottleneck_filters
from nao_tf.networks.layer_costs import (
  Cost,
  LayerCost,
  Shape,
  conv_norm,
  factorized_reduction,
  in_sequence,
  num_values,
  separable_conv_norm,
  strided,
)

OperationCost = Callable[[Shape, int, int, Convention], Cost]
"""Returns what an operation costs, given the shape of its input, its filters, its stride and the convention."""


def operation_cost(name: str, shape: Shape, filters: int, stride: int, convention: Convention) -> Cost:
  """Returns what an operation costs.

  Args:
    name: name of the operation.
    shape: shape of its input.
    filters: output channels.
    stride: 1 or 2.
    convention: how its layers are put together.

  Raises:
    ValueError: if no operation of that name has a cost.
  """
  if name not in OPERATION_COSTS:
    raise ValueError(f"operation {name!r}: its cost is not known; known are those of {', '.join(OPERATION_COSTS)}")
  return OPERATION_COSTS[name](shape, filters, stride, convention)


def _convolution(*sizes: tuple[int, int], width: float = A_QUARTER) -> OperationCost:
  def cost(shape: Shape, filters: int, stride: int, convention: Convention) -> Cost:
    if not convention.bottlenecks or max(sizes) == (1, 1):
      return convolve(shape, filters, stride, convention)
    few = bottleneck_filters(filters, width)
    layers: list[LayerCost] = [
      functools.partial(conv_norm, filters=few),
      functools.partial(convolve, filters=few, stride=stride, convention=convention),
      functools.partial(conv_norm, filters=filters),
    ]
    return in_sequence(shape, layers)

  def convolve(shape: Shape, filters: int, stride: int, convention: Convention) -> Cost:
    strides = [(stride, stride)] + [(1, 1)] * (len(sizes) - 1)
    if len(sizes) == 2 and convention.split_stride:
      strides = [(1, stride), (stride, 1)]
    layers: list[LayerCost] = [
      functools.partial(conv_norm, filters=filters, strides=step, size=size) for size, step in zip(sizes, strides)
    ]
    return in_sequence(shape, layers)

  return cost


def _separable(size: int, *, dilated: bool = False) -> OperationCost:
  def cost(shape: Shape, filters: int, stride: int, convention: Convention) -> Cost:
    strides = [stride] + [1] * ((convention.dilated_repeats if dilated else 2) - 1)
    layers: list[LayerCost] = [
      functools.partial(separable_conv_norm, filters=filters, stride=step, size=size) for step in strides
    ]
    return in_sequence(shape, layers)

  return cost


def _identity(shape: Shape, filters: int, stride: int, convention: Convention) -> Cost:
  if stride > 1 and convention.factorized_identity:
    return factorized_reduction(shape, filters, stride)
  if stride > 1 or shape[-1] != filters:
    return conv_norm(shape, filters, (stride, stride))
  return Cost(shape)


def _pool(shape: Shape, filters: int, stride: int, convention: Convention) -> Cost:
  del convention
  pooled = strided(shape, (stride, stride), shape[-1])
  pool = Cost(pooled, written=num_values(pooled))
  if shape[-1] == filters:
    return pool
  return in_sequence(shape, [lambda _: pool, functools.partial(conv_norm, filters=filters)])


def _zero(shape: Shape, filters: int, stride: int, convention: Convention) -> Cost:
  del convention
  output = strided(shape, (stride, stride), filters)
  return Cost(output, written=num_values(output))


OPERATION_COSTS: dict[str, OperationCost] = {
  "identity": _identity,
  "zero": _zero,
  "conv1x1": _convolution((1, 1)),
  "conv3x3": _convolution((3, 3)),
  "conv5x5": _convolution((5, 5)),
  "conv7x7": _convolution((7, 7)),
  "conv1x3_3x1": _convolution((1, 3), (3, 1), width=THREE_EIGHTHS),
  "conv1x7_7x1": _convolution((1, 7), (7, 1)),
  "dil_conv3x3": _convolution((3, 3)),  # The zeros in its kernel are not counted.
  "sep3x3": _separable(3),
  "sep5x5": _separable(5),
  "sep7x7": _separable(7),
  "dil_sep3x3": _separable(3, dilated=True),
  "dil_sep5x5": _separable(5, dilated=True),
  "dil_sep7x7": _separable(7, dilated=True),
  "max2x2": _pool,
  "max3x3": _pool,
  "max5x5": _pool,
  "max7x7": _pool,
  "avg2x2": _pool,
  "avg3x3": _pool,
  "avg5x5": _pool,
  "avg7x7": _pool,
  "min2x2": _pool,
  "min3x3": _pool,
  "min5x5": _pool,
  "min7x7": _pool,
}
