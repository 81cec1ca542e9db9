"""Keys that are equal for networks that compute the same function, regardless of the order of their layers.

A layer is identified by what it computes from the inputs of the network and by what is computed from it. So two layers
with the same operation on the same input, which have separate weights, differ from one layer that is read twice. An
identity is identified with the layer that it reads.
"""

import hashlib
from collections.abc import Iterable

from nao_tf.spaces.layer_graphs import LayerGraph
from nao_tf.spaces.operation_names import family_of

_IDENTITY = family_of("identity")


def function_key_of(graph: LayerGraph) -> str:
  """Returns a key that is equal for graphs that differ only in the order of layers and in identities.

  Args:
    graph: graph of a network. Inputs that are read twice count twice; their order does not matter.
  """
  same = list(range(len(graph.layers)))
  sources = graph.sources()
  for number, layer in enumerate(graph.layers):
    if family_of(layer.label) == _IDENTITY:
      same[number] = same[sources[number][0]]
  kept = sorted(set(same))
  read = {number: [same[source] for source in sources[number]] for number in kept}
  readers: dict[int, list[int]] = {number: [] for number in kept}
  for number in kept:
    for source in read[number]:
      readers[source].append(number)
  before = _digests(graph, kept, read)
  after = _digests(graph, reversed(kept), readers)
  return _digest(sorted(before[number] + after[number] for number in kept))


def _digests(graph: LayerGraph, order: Iterable[int], neighbors: dict[int, list[int]]) -> dict[int, str]:
  """Returns a digest of each layer and of all that its neighbors lead to, given an order in which these come first."""
  digests: dict[int, str] = {}
  for number in order:
    layer = graph.layers[number]
    near = sorted(digests[neighbor] for neighbor in neighbors[number])
    digests[number] = _digest([layer.label, str(layer.units), str(layer.incoming), layer.part, *near])
  return digests


def _digest(words: Iterable[str]) -> str:
  return hashlib.sha256("\n".join(words).encode()).hexdigest()
