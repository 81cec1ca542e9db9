"""Numbers of parameters of the networks that NAS-Bench-101 and NAS-Bench-201 trained, from their cells alone.

Both benchmarks build every cell into one kind of network, so its size is known without building it. A convolution has
no bias, and is followed by a batch normalization with a scale and an offset for each channel. Sources: Ying et al., ICML
2019, section 2; Dong and Yang, ICLR 2020, section 2.2.
"""

import itertools
from collections.abc import Sequence

_CLASSES = 10
_STACKS_101, _STEM_101, _CELLS_101 = (128, 256, 512), 128, 3
_KERNELS_101 = (3, 1, 0)
"""Sides of the kernels of the operations of NAS-Bench-101; 0: no weights."""
_STACKS_201, _CELLS_201 = (16, 32, 64), 5


def nasbench201_parameters(kernels: Sequence[int]) -> int:
  """Returns the number of parameters of a network of NAS-Bench-201.

  Args:
    kernels: for each edge of the cell, the side of the kernel of its convolution; 0 for operations without weights.
  """
  total, last = _convolution(3, 3, _STACKS_201[0]), _STACKS_201[-1]
  for channels in _STACKS_201:
    total += _CELLS_201 * sum(_convolution(kernel, channels, channels) for kernel in kernels)
  for before, after in itertools.pairwise(_STACKS_201):  # A residual block halves the image.
    total += _convolution(3, before, after) + _convolution(3, after, after) + before * after
  return total + 2 * last + last * _CLASSES + _CLASSES


def nasbench101_parameters(sources: Sequence[int], operations: Sequence[int]) -> int:
  """Returns the number of parameters of a network of NAS-Bench-101.

  Channels that are left over when the output's channels are divided go to the first of its sources. Their order is not
  known from a graph, so the number may differ from that of the benchmark by about one percent.

  Args:
    sources: for each vertex of the pruned cell the vertices that it reads, as a bit set. The input comes first.
    operations: operation of each vertex between input and output, an index into those of the space.
  """
  total, before = _convolution(3, 3, _STEM_101), _STEM_101
  for channels in _STACKS_101:
    first, later = (_cell(sources, operations, incoming, channels) for incoming in (before, channels))
    total += first + (_CELLS_101 - 1) * later
    before = channels
  return total + before * _CLASSES + _CLASSES


def _cell(sources: Sequence[int], operations: Sequence[int], incoming: int, outgoing: int) -> int:
  """Returns the number of parameters of a cell: of its operations, and of the projections of its input."""
  channels = _channels(sources, outgoing)
  inner = zip(operations, channels[1:-1])
  projected = sum(_convolution(1, incoming, own) for own, read in zip(channels[1:], sources[1:]) if read & 1)
  return projected + sum(_convolution(_KERNELS_101[operation], own, own) for operation, own in inner)


def _channels(sources: Sequence[int], outgoing: int) -> list[int]:
  """Returns the channels of each vertex; 0 for the input, whose channels are those of the cell before.

  The output concatenates its sources, which share its channels evenly. Every other vertex has as many channels as the
  vertex that reads it and has most.
  """
  last = len(sources) - 1
  concatenated = [vertex for vertex in range(1, last) if sources[last] >> vertex & 1]
  channels = [0] * last + [outgoing]
  for number, vertex in enumerate(concatenated):
    channels[vertex] = outgoing // len(concatenated) + (number < outgoing % len(concatenated))
  for vertex in reversed(range(1, last)):
    if vertex not in concatenated:
      channels[vertex] = max(channels[reader] for reader in range(vertex + 1, last) if sources[reader] >> vertex & 1)
  return channels


def _convolution(kernel: int, incoming: int, outgoing: int) -> int:
  """Returns the number of parameters of a convolution with its normalization; 0 if there is no kernel."""
  return kernel * kernel * incoming * outgoing + 2 * outgoing if kernel else 0
