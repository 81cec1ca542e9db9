"""Special mutations for evolution, instead of changing any decision.

Those of cells follow AmoebaNet (Real et al., AAAI 2019): they replace the input of a branch, there called a hidden
state, or its operation.
"""

from collections.abc import Callable, Mapping

import numpy as np

from nao_tf.spaces.base import SearchSpace
from nao_tf.trial import Architecture

AMOEBANET = "amoebanet"
_HIDDEN_STATES, _OPERATIONS = ("input", "predecessor"), ("operation", "activation")
"""Kinds of decisions that the two mutations of cells change."""

Mutation = Callable[[Architecture, np.random.Generator], Architecture]
"""Returns a valid architecture that differs in one decision."""


class CellMutation:
  """The mutations of cells: of a hidden state (the input of a branch) or of an operation."""

  def __init__(self, space: SearchSpace):
    """Finds the decisions of a space.

    Args:
      space: space of cells.

    Raises:
      ValueError: if it has no inputs or no operations to choose.
    """
    self._space = space
    rows = [(i, decision) for i, decision in enumerate(space.decisions) if decision.size > 1]
    self._positions = [[i for i, d in rows if d.kind in kinds] for kinds in (_HIDDEN_STATES, _OPERATIONS)]
    if not all(self._positions):
      kinds = ", ".join(dict.fromkeys(decision.kind for decision in space.decisions))
      raise ValueError(
        f"--evolution_mutation={AMOEBANET} needs a space of cells, whose decisions are inputs and operations of branches;"
        f" {space.name} has {kinds}"
      )

  def __call__(self, architecture: Architecture, rng: np.random.Generator) -> Architecture:
    """Returns the architecture with a random other input, or operation, of a random branch."""
    while True:
      positions = self._positions[rng.integers(2)]
      position = positions[rng.integers(len(positions))]
      others = [n for n in range(self._space.decisions[position].size) if n != architecture[position]]
      mutant = (*architecture[:position], others[rng.integers(len(others))], *architecture[position + 1 :])
      if self._space.is_valid(mutant):
        return mutant


MUTATIONS: Mapping[str, Callable[[SearchSpace], Mutation]] = {AMOEBANET: CellMutation}
"""How children differ from their parents, by name."""
