"""Space-filling samples: each new architecture differs from those before it, so that all choices are tried early."""

from collections.abc import Sequence

import numpy as np

from nao_tf.spaces.base import SearchSpace
from nao_tf.trial import Architecture

_SHARPNESS = 4.0
"""How much more one close architecture counts than several distant ones."""


def least_alike(space: SearchSpace, candidates: Sequence[Architecture], others: Sequence[Architecture]) -> Architecture:
  """Returns the candidate that is least similar to the others; the first candidate if there are no others.

  Equal choices are similar. For ordered decisions, choices are more similar the closer they are.

  Args:
    space: the search space.
    candidates: at least one candidate.
    others: architectures chosen before.
  """
  rows, columns = _choices(space, candidates), _choices(space, others)
  is_ordered = np.array([decision.ordered for decision in space.decisions])
  lengths = np.maximum([decision.size - 1 for decision in space.decisions], 1)
  distances = np.abs(rows[:, np.newaxis] - columns)
  likeness = np.where(is_ordered, 1 - distances / lengths, distances == 0).mean(axis=-1)
  return candidates[int(np.argmin(np.exp(_SHARPNESS * likeness).sum(axis=1)))]


def _choices(space: SearchSpace, architectures: Sequence[Architecture]) -> np.ndarray:
  rows = [space.canonical(architecture) for architecture in architectures]
  return np.array(rows, np.int64).reshape(-1, len(space.decisions))
