"""Turns cells of motifs into standard Keras layers; see `nao_tf.networks.plain_network`.

Names of layers tell their place: `cell_1-node_3-from_0-motif_2-node_1-from_0-sep3x3-0-depthwise`.
"""

from collections.abc import Sequence

from tensorflow import keras

from nao_tf.networks.drop_path import DropPath, DropPaths
from nao_tf.networks.motif_cell import MotifCell, MotifLayer
from nao_tf.networks.plain_layers import Symbol, plain_layer


def plain_motif_cell(cell: MotifCell, inputs: Symbol, name: str, drop: DropPaths | None) -> Symbol:
  """Applies a cell of motifs; see `MotifCell.call`.

  Args:
    cell: the cell.
    inputs: the output of the cell before.
    name: name of the output.
    drop: drop-path; None if there is none.
  """
  dropped = [number for number, edge in enumerate(cell.branches) if drop is not None and cell.is_dropped(edge)]
  read = plain_layer(cell.entry, inputs, f"{name}-input")
  return keras.layers.Identity(name=name)(_motif(cell.body, read, name, drop, dropped))


def _motif(
  layer: MotifLayer, inputs: Symbol, name: str, drop: DropPaths | None = None, dropped: Sequence[int] = ()
) -> Symbol:
  """Applies a motif; see `MotifLayer.call`. Drop-path acts on the edges with the numbers `dropped`."""
  states = {0: inputs}
  for node in layer.motif.live_nodes:
    place, terms = f"{name}-node_{node}", []
    for number, edge in enumerate(layer.motif.edges):
      if edge.node == node:
        term = _operation(layer.operations[number], states[edge.source], f"{place}-from_{edge.source}-{edge.operation}")
        if drop is not None and number in dropped:
          term = DropPath(drop.rate, name=f"{place}-from_{edge.source}-drop_path")([term, drop.progress])
        terms.append(term)
    states[node] = terms[0]
    if node in layer.merges:
      merged = keras.layers.Concatenate(name=f"{place}-concat")(terms)
      states[node] = plain_layer(layer.merges[node], merged, f"{place}-merge")
  return states[layer.motif.live_nodes[-1]]


def _operation(layer: keras.layers.Layer, inputs: Symbol, name: str) -> Symbol:
  return _motif(layer, inputs, name) if type(layer) is MotifLayer else plain_layer(layer, inputs, name)
