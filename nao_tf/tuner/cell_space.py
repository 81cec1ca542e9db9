"""Cells as hyperparameters: each decision of a search space of cells becomes one."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import keras_tuner
import numpy as np

from nao_tf.spaces.base import SearchSpace
from nao_tf.spaces.layer_graphs import LayerGraph
from nao_tf.spaces.plain_values import plain_value
from nao_tf.spaces.value_space import ValueSpace
from nao_tf.trial import Architecture


class CellSpace(ValueSpace):
  """A hyperparameter space with one hyperparameter for each decision of a search space of cells.

  It keeps the constraints and equivalences of the cell space, which hyperparameters alone do not express.
  """

  def __init__(self, cells: SearchSpace):
    """Creates a space of hyperparameters.

    Args:
      cells: the space of cells.
    """
    self.cells = cells
    self.name, self.decisions, self.decisions_per_step = cells.name, cells.decisions, cells.decisions_per_step
    self.names = tuple(f"{position:02d} {decision.kind}" for position, decision in enumerate(cells.decisions))

  @property
  def num_parameters(self) -> int:
    """Number of hyperparameters."""
    return len(self.names)

  @property
  def size(self) -> int:
    """Number of tuples of choices that `enumerate` checks."""
    return self.cells.size

  def enumerate(self) -> Iterator[Architecture]:
    """Yields every valid architecture of the cell space."""
    return self.cells.enumerate()

  def declare(self, hp: keras_tuner.HyperParameters) -> Architecture:
    """Declares all hyperparameters and returns the architecture that their values define."""
    sizes = (decision.size for decision in self.decisions)
    return tuple(hp.Choice(name, list(range(size)), ordered=False) for name, size in zip(self.names, sizes))

  def check_rules(self, architecture: Sequence[int]) -> None:
    """Checks the constraints of the cells; see `SearchSpace.check_rules`."""
    self.cells.check_rules(architecture)

  def is_admitted(self, architecture: Architecture) -> bool:
    """Returns whether the cell space admits an architecture."""
    return self.cells.is_admitted(architecture)

  def sample(self, rng: np.random.Generator) -> Architecture:
    """Samples a valid architecture from the cell space."""
    return self.cells.sample(rng)

  def mutate(self, architecture: Architecture, rng: np.random.Generator) -> Architecture:
    """Mutates an architecture like the cell space."""
    return self.cells.mutate(architecture, rng)

  def canonical(self, architecture: Architecture) -> Architecture:
    """Returns the canonical encoding of the same cells."""
    return self.cells.canonical(architecture)

  def random_equivalent(self, architecture: Architecture, rng: np.random.Generator) -> Architecture:
    """Returns a random equivalent encoding of the same cells, if there is another."""
    return self.cells.random_equivalent(architecture, rng)

  def random_isomorphic(self, architecture: Architecture, rng: np.random.Generator) -> Architecture:
    """Returns a random architecture that computes the same function."""
    return self.cells.random_isomorphic(architecture, rng)

  def graph(self, architecture: Architecture) -> LayerGraph | None:
    """Returns the network as a graph of layers, like the cell space."""
    return self.cells.graph(architecture)

  def decode(self, architecture: Architecture) -> dict[str, int]:
    """Returns the values of the hyperparameters by name."""
    self.validate(architecture)
    return dict(zip(self.names, architecture))

  def encode(self, values: Mapping[str, Any]) -> Architecture:
    """Returns the architecture for given values of the hyperparameters.

    Raises:
      ValueError: if a value is missing or out of range, or the cells violate a constraint.
    """
    missing = [name for name in self.names if name not in values]
    if missing:
      raise ValueError(f"{self.name}: there is no value for {', '.join(missing)}")
    architecture = tuple(_choice(values[name], f"{self.name}: hyperparameter {name!r}") for name in self.names)
    self.validate(architecture)
    return architecture


def _choice(value: Any, place: str) -> int:
  """Returns a choice, which may be NumPy's, or a float if it has gone through a format that knows no integers."""
  plain = plain_value(value, place)
  if isinstance(plain, (bool, str)) or plain != int(plain):
    raise ValueError(f"{place}: expected an integer, got {plain!r}")
  return int(plain)
