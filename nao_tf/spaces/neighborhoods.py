"""Neighborhoods of layers, the features of the Weisfeiler-Lehman kernel.

The neighborhood of radius 0 is the operation of a layer. That of radius r + 1 consists of the neighborhoods of radius r
of the layer, of its inputs and of its readers. The more neighborhoods two networks share, the more similar they are,
regardless of positions in the encoding (Shervashidze et al., JMLR 2011; for architectures Ru et al., ICLR 2021).
"""

import collections
from typing import Any

from nao_tf.spaces.layer_graphs import LayerGraph


def neighborhood_counts(graph: LayerGraph, radius: int) -> tuple[collections.Counter[Any], ...]:
  """Counts the neighborhoods of a network, for each radius from 0 to the given one.

  Args:
    graph: graph of the network.
    radius: maximum radius, at least 0.
  """
  sources, readers = graph.sources(), graph.readers()
  labels: list[Any] = [(layer.part, layer.label) for layer in graph.layers]
  counts = [collections.Counter(labels)]
  for _ in range(radius):
    labels = [
      (label, tuple(sorted(labels[i] for i in read)), tuple(sorted(labels[i] for i in reading)))
      for label, read, reading in zip(labels, sources, readers)
    ]
    counts.append(collections.Counter(labels))
  return tuple(counts)
