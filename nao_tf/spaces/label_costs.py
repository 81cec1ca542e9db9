"""What it costs to take one layer for another, by what they are. Distances between networks add this up.

The cost of a pair of labels is computed once and then looked up.
"""

from collections.abc import Callable

import numpy as np

from nao_tf.spaces.layer_graphs import Layer


class LabelCosts:
  """A table of costs that grows with the labels that come up."""

  def __init__(self, cost: Callable[[Layer, Layer], float]):
    """Creates an empty table.

    Args:
      cost: cost of two layers. It depends on their labels and parts only, not on their sizes.
    """
    self._cost = cost
    self._layers: dict[tuple[str, str], tuple[int, Layer]] = {}
    self._table = np.zeros((0, 0))

  def codes(self, layers: tuple[Layer, ...]) -> np.ndarray:
    """Returns the row of each layer in the table [L]."""
    return np.array([self._code(layer) for layer in layers], np.intp)

  def between(self, codes: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Returns the costs of all pairs [L, M]."""
    return self._table[codes[:, np.newaxis], others[np.newaxis, :]]

  def _code(self, layer: Layer) -> int:
    key = layer.label, layer.part
    if key not in self._layers:
      self._layers[key] = len(self._layers), layer
      self._grow(layer)
    return self._layers[key][0]

  def _grow(self, layer: Layer) -> None:
    """Adds a row and a column."""
    size = len(self._layers)
    table = np.zeros((size, size))
    table[:-1, :-1] = self._table
    for code, other in self._layers.values():
      table[-1, code] = table[code, -1] = self._cost(layer, other)
    self._table = table
