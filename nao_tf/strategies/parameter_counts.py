"""The number of parameters as prior knowledge of NAO's Gaussian process, in spaces that know it.

Larger networks tend to be better. Each search determines whether that holds for its own trials, and uses the number of
parameters only then; see `nao_tf.controller.informed_process`.
"""

import functools
import math
from collections.abc import Sequence

import numpy as np

from nao_tf.spaces.base import SearchSpace
from nao_tf.trial import Architecture

_CACHED = 100_000


class ParameterCounts:
  """An informant: the logarithm of the number of parameters that a space knows.

  Attributes:
    name: display name.
  """

  name = "the network's number of parameters"

  def __init__(self, space: SearchSpace):
    """Initializes the informant for a space whose architectures all have a known number of parameters."""
    self._counted = functools.lru_cache(_CACHED)(functools.partial(_logarithm, space))

  def __call__(self, architectures: Sequence[Architecture]) -> np.ndarray:
    """Returns the logarithm of one more than the number of parameters of each architecture, [N]."""
    return np.array([self._counted(architecture) for architecture in architectures])


def counts_parameters(space: SearchSpace) -> bool:
  """Returns whether a space knows the numbers of parameters of its architectures."""
  return space.parameter_count(space.sample(np.random.default_rng(0))) is not None


def _logarithm(space: SearchSpace, architecture: Architecture) -> float:
  count = space.parameter_count(architecture)
  if count is None:
    raise ValueError(f"{space.name}: parameter_count must return a number for all architectures or for none, got None")
  return math.log1p(count)
