"""How architecture parameters define the weights of a mixture, and which cells are derived from them.

Architecture parameters (strengths) are a tensor `[2, edges, operations]`, of the normal and of the reduction cell. Node
i of a cell has an edge to each of its 2 + i earlier states, so the edges of a node follow one another.

Source: Liu et al., ICLR 2019, sections 2.2 and 2.4; Xie et al., ICLR 2019, equation 3 (after Maddison et al. and Jang
et al., ICLR 2017); Dong and Yang, CVPR 2019, for samples of one operation.
"""

from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from nao_tf.runs.shares import Shares
from nao_tf.spaces.genotypes import (
  NUM_CELL_INPUTS,
  Branch,
  Cell,
  CellGenotype,
  Node,
  RecurrentGenotype,
  RecurrentNode,
)
from nao_tf.spaces.operation_names import ZERO

BRANCHES = 2
"""Edges that a node of a derived cell keeps."""


def num_edges(num_nodes: int) -> int:
  """Returns how many edges a relaxed cell has."""
  return sum(NUM_CELL_INPUTS + node for node in range(num_nodes))


def softmax_mixture(strengths: tf.Tensor) -> tf.Tensor:
  """Returns the mixture of DARTS: the softmax over the operations of each edge."""
  return tf.nn.softmax(strengths, -1)


def concrete_mixture(
  strengths: tf.Tensor, temperature: tf.Tensor | float, seed: tf.Tensor | tuple[int, int]
) -> tf.Tensor:
  """Draws the mixture of SNAS: a sample of the concrete (Gumbel-softmax) distribution for each edge.

  Args:
    strengths: the logits.
    temperature: the lower, the closer the sample is to one operation; that operation is drawn with the probabilities of
      the softmax.
    seed: two integers; the sample is a function of them.
  """
  return tf.nn.softmax((strengths + gumbel_noise(tf.shape(strengths), seed)) / temperature, -1)


def one_hot_mixture(
  strengths: tf.Tensor, temperature: tf.Tensor | float, seed: tf.Tensor | tuple[int, int]
) -> tf.Tensor:
  """Draws the mixture of GDAS: one operation for each edge.

  The gradient of its share is that of the concrete sample. The shares of other operations have none, since the method does
  not compute these operations.
  """
  soft = concrete_mixture(strengths, temperature, seed)
  return likeliest_mixture(soft) * (1.0 + (soft - tf.stop_gradient(soft)))  # Its values are exactly 0 and 1.


def likeliest_mixture(strengths: tf.Tensor) -> tf.Tensor:
  """Returns the mixture of the most likely operation of each edge, without a gradient."""
  return tf.one_hot(tf.argmax(strengths, -1), tf.shape(strengths)[-1], dtype=strengths.dtype)


def gumbel_noise(shape: tf.Tensor | Sequence[int], seed: tf.Tensor | tuple[int, int]) -> tf.Tensor:
  """Draws from the standard Gumbel distribution."""
  tiny = np.finfo(np.float32).tiny
  return -tf.math.log(-tf.math.log(tf.random.stateless_uniform(shape, seed, minval=tiny, maxval=1.0)))


def entropy(strengths: np.ndarray) -> float:
  """Returns the mean entropy of the softmax over operations, in nats: log(operations) in the beginning, 0 at the end."""
  probabilities = _softmax(strengths)
  logarithms = np.log(np.maximum(probabilities, np.finfo(probabilities.dtype).tiny))
  return float(-(probabilities * logarithms).sum(-1).mean())


def shares(strengths: np.ndarray, operations: Sequence[str], num_nodes: int) -> list[Shares]:
  """Returns the softmax over the operations of each edge; see `derive`."""
  edges = [
    f"{source} to {NUM_CELL_INPUTS + node}" for node in range(num_nodes) for source in range(NUM_CELL_INPUTS + node)
  ]
  probabilities = _softmax(np.asarray(strengths, np.float64)).tolist()
  return [
    Shares(f"{cell} cell", edge, tuple(operations), tuple(values))
    for cell, rows in zip(("normal", "reduction"), probabilities)
    for edge, values in zip(edges, rows)
  ]


def derive(
  strengths: np.ndarray, operations: Sequence[str], num_nodes: int, *, may_be_absent: bool = False
) -> CellGenotype:
  """Returns the discrete cells derived from architecture parameters.

  Each edge has the most likely of its operations. Each node keeps the two edges on which that operation is most likely.
  All nodes are concatenated.

  Args:
    strengths: `[2, edges, operations]`.
    operations: names of the operations.
    num_nodes: computed nodes of a cell.
    may_be_absent: whether an edge whose most likely operation is the absent one is left out, as with SNAS, so that a
      node may have fewer than two; otherwise the absent operation is left out of the comparison, as with DARTS.

  Raises:
    ValueError: if the shape of the architecture parameters is another one, or there is no operation but the absent one.
  """
  expected = (2, num_edges(num_nodes), len(operations))
  if np.shape(strengths) != expected or set(operations) <= {ZERO}:
    raise ValueError(
      f"expected strengths of shape {expected} with an operation other than {ZERO}, got {np.shape(strengths)}"
    )
  choices = [number for number, name in enumerate(operations) if may_be_absent or name != ZERO]
  normal, reduction = (
    _derive_cell(cell, operations, num_nodes, choices) for cell in _softmax(np.asarray(strengths, np.float64))
  )
  return CellGenotype(normal, reduction)


def num_recurrent_edges(num_nodes: int) -> int:
  """Returns how many edges a relaxed recurrent cell has: node i has one to each of the i nodes before it."""
  return num_nodes * (num_nodes + 1) // 2


def recurrent_shares(strengths: np.ndarray, operations: Sequence[str], num_nodes: int) -> list[Shares]:
  """Returns the softmax over the activations of each edge; see `derive_recurrent`."""
  edges = [f"{source} to {node}" for node in range(1, num_nodes + 1) for source in range(node)]
  probabilities = _softmax(np.asarray(strengths, np.float64)).tolist()
  return [Shares("cell", edge, tuple(operations), tuple(values)) for edge, values in zip(edges, probabilities)]


def derive_recurrent(strengths: np.ndarray, operations: Sequence[str], num_nodes: int) -> RecurrentGenotype:
  """Returns the discrete recurrent cell derived from architecture parameters.

  Each node keeps the one edge on which an activation is most likely, the absent one left out.

  Args:
    strengths: `[edges, operations]`.
    operations: names of the activations.
    num_nodes: searched nodes.

  Raises:
    ValueError: if the shape of the architecture parameters is another one, or there is no operation but the absent one.
  """
  expected = (num_recurrent_edges(num_nodes), len(operations))
  if np.shape(strengths) != expected or set(operations) <= {ZERO}:
    raise ValueError(
      f"expected strengths of shape {expected} with an operation other than {ZERO}, got {np.shape(strengths)}"
    )
  present = [number for number, name in enumerate(operations) if name != ZERO]
  probabilities = _softmax(np.asarray(strengths, np.float64))[:, present]
  nodes, first = [], 0
  for node in range(1, num_nodes + 1):
    source, best = np.unravel_index(int(np.argmax(probabilities[first : first + node])), (node, len(present)))
    nodes.append(RecurrentNode(int(source), operations[present[int(best)]]))
    first += node
  return RecurrentGenotype(tuple(nodes))


def count_identities(genotype: CellGenotype) -> tuple[int, int]:
  """Returns how many identities the normal and the reduction cell have. DARTS collapses to them."""
  normal, reduction = (
    sum(branch.operation == "identity" for node in cell.nodes for branch in node)
    for cell in (genotype.normal, genotype.reduction)
  )
  return normal, reduction


def _derive_cell(probabilities: np.ndarray, operations: Sequence[str], num_nodes: int, choices: Sequence[int]) -> Cell:
  """Returns a cell, given the probabilities `[edges, operations]` and the numbers of the operations it may have."""
  best = [choices[int(np.argmax(row[choices]))] for row in probabilities]
  # Edges that are absent come last, those from the earliest states first.
  worth = [0.0 if operations[number] == ZERO else row[number] for number, row in zip(best, probabilities)]
  nodes, first = [], 0
  for node in range(num_nodes):
    edges = range(first, first + NUM_CELL_INPUTS + node)
    kept = sorted(sorted(edges, key=lambda edge: -worth[edge])[:BRANCHES])
    left, right = (Branch(operations[best[edge]], edge - first) for edge in kept)
    nodes.append(Node(left, right))
    first = edges.stop
  return Cell(tuple(nodes), tuple(range(NUM_CELL_INPUTS, NUM_CELL_INPUTS + num_nodes)))


def _softmax(strengths: np.ndarray) -> np.ndarray:
  exponents = np.exp(strengths - strengths.max(-1, keepdims=True))
  return exponents / exponents.sum(-1, keepdims=True)
