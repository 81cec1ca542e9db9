"""Turns cells of edges into standard Keras layers; see `nao_tf.networks.plain_network`.

Names of layers tell their place: `cell_1-node_3-from_0-nor_conv_3x3-conv`.
"""

from collections.abc import Sequence

import numpy as np
from tensorflow import keras

from nao_tf.networks.drop_path import DropPath, DropPaths
from nao_tf.networks.edge_cell import EdgeCell, ResidualReduction, StackedEdgeCell
from nao_tf.networks.operations import Zero, is_dropped
from nao_tf.networks.plain_layers import Symbol, plain_layer
from nao_tf.training.variables import tf_variable


def plain_edge_cell(cell: StackedEdgeCell, inputs: Symbol, name: str, drop: DropPaths | None) -> Symbol:
  """Applies a cell of edges or a residual block; see `StackedEdgeCell.call`.

  Args:
    cell: the cell or the block.
    inputs: the output of the cell before.
    name: name of the output.
    drop: drop-path; None if there is none.
  """
  is_cell = isinstance(cell.body, EdgeCell)
  outputs = _edges(cell.body, inputs, name, drop) if is_cell else _residual(cell.body, inputs, name)
  if cell.norm is not None:
    outputs = plain_layer(cell.norm, outputs, f"{name}-output")
  return keras.layers.Identity(name=name)(outputs)


def _edges(cell: EdgeCell, inputs: Symbol, name: str, drop: DropPaths | None) -> Symbol:
  """Applies a cell. Zeros are left out of a sum that has other terms."""
  states = [inputs]
  for node in range(1, max(node for node, _, _ in cell.genotype.edges) + 1):
    numbers = [number for number, edge in enumerate(cell.genotype.edges) if edge[0] == node]
    read = [number for number in numbers if type(cell.operations[number]) is not Zero] or numbers[:1]
    terms = [_edge(cell, number, states, f"{name}-node_{node}", drop) for number in read]
    states.append(keras.layers.Add(name=f"{name}-node_{node}")(terms) if len(terms) > 1 else terms[0])
  return states[-1]


def _edge(cell: EdgeCell, number: int, states: Sequence[Symbol], place: str, drop: DropPaths | None) -> Symbol:
  _, source, operation = cell.genotype.edges[number]
  outputs = plain_layer(cell.operations[number], states[source], f"{place}-from_{source}-{operation}")
  if drop is None or not is_dropped(cell.branches[number], 1, cell.convention):
    return outputs
  return DropPath(drop.rate, name=f"{place}-from_{source}-drop_path")([outputs, drop.progress])


def _residual(block: ResidualReduction, inputs: Symbol, name: str) -> Symbol:
  """Applies a residual block; see `ResidualReduction.call`."""
  outputs = plain_layer(block.second, plain_layer(block.first, inputs, f"{name}-first"), f"{name}-second")
  pooled = keras.layers.AveragePooling2D(2, 2, "same", name=f"{name}-pool")(inputs)
  shortcut = keras.layers.Conv2D(block.filters, 1, use_bias=False, name=f"{name}-shortcut")
  projected = shortcut(pooled)
  shortcut.set_weights([np.array(tf_variable(block.kernel).read_value())])
  return keras.layers.Add(name=f"{name}-sum")([outputs, projected])
