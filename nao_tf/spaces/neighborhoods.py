"""The neighborhoods of a network's layers: what the Weisfeiler-Lehman kernel compares.

A neighborhood of radius 0 is the operation of a layer; one of radius r + 1 is that of radius r, together with those of the
layers that it reads and of those that read it. The more neighborhoods two networks have in common, the more alike they are,
wherever these are in the encoding (Shervashidze et al., JMLR 2011; for architectures Ru et al., ICLR 2021).
"""

import collections
from typing import Any

from nao_tf.spaces.layer_graphs import LayerGraph


def neighborhood_counts(graph: LayerGraph, radius: int) -> tuple[collections.Counter[Any], ...]:
  """Returns how often a network has each neighborhood, for each radius from 0 to the given one.

  Args:
    graph: the network.
    radius: the largest one, at least 0.
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
