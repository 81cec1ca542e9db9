"""What a graph whose operations are on its edges has in memory while it is computed. Does not import TensorFlow.

Edges are computed in the order of their nodes. A state is kept until the last node that reads it has been computed. An
identity writes nothing.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from nao_tf.networks.layer_costs import Cost


class Term(NamedTuple):
  """An edge that leads to a node.

  Attributes:
    source: the node that it reads. Node 0 is the input of the graph.
    cost: what its operation costs.
  """

  source: int
  cost: Cost


def peak_values(terms: Mapping[int, Sequence[Term]], size: int, *, concatenated: bool) -> int:
  """Returns the largest number of values in memory, the input left out; 0 if the output is the input.

  Args:
    terms: the edges that lead to each node, in ascending order of the nodes; the last node is the output.
    size: number of values of each node.
    concatenated: whether the edges of a node are concatenated, and a layer makes its values of that; otherwise they are
      summed over one of them.
  """
  homes = _homes(terms)
  last: dict[int, int] = {}
  for node, edges in terms.items():
    last.update(dict.fromkeys([homes[term.source] for term in edges], node))
  output, held, peak = homes[max(terms)], 0, 0
  for node, edges in terms.items():
    before = held
    for term in edges:
      peak = max(peak, held + term.cost.written)
      held += term.cost.output_values
    if len(edges) > 1:
      peak = max(peak, *_while_merged(before, held, len(edges), size, concatenated=concatenated))
      held = before + size
    held -= size * sum(home not in (0, output) and reader == node for home, reader in last.items())
  return peak


def _while_merged(before: int, held: int, count: int, size: int, *, concatenated: bool) -> tuple[int, int]:
  """Returns the number of values in memory at two moments while the edges of a node are merged."""
  if concatenated:
    return held + count * size, before + (count + 1) * size
  return held, before + size


def _homes(terms: Mapping[int, Sequence[Term]]) -> dict[int, int]:
  """Returns for each node the node whose values it has: itself, or what it is the identity of."""
  homes = {0: 0}
  for node, (first, *others) in terms.items():
    homes[node] = homes[first.source] if not others and not first.cost.written else node
  return homes
