"""Search spaces whose architectures represent values of hyperparameters."""

import abc
from collections.abc import Mapping
from typing import Any, Protocol

from keras_tuner import HyperParameters

from nao_tf.spaces.base import SearchSpace
from nao_tf.trial import Architecture


class ValueSpace(SearchSpace):
  """Base class of search spaces whose genotypes are values of hyperparameters, by name.

  Attributes:
    refinements: number of refining decisions after the coarse one, for hyperparameters with many values.
  """

  refinements: int = 0

  @property
  @abc.abstractmethod
  def num_parameters(self) -> int:
    """Number of hyperparameters with more than one value."""

  @property
  def refinable(self) -> bool:
    """Whether another refinement would add configurations."""
    return False

  @abc.abstractmethod
  def decode(self, architecture: Architecture) -> dict[str, Any]:
    """Returns the values of all active hyperparameters by name."""

  @abc.abstractmethod
  def encode(self, values: Mapping[str, Any]) -> Architecture:
    """Returns the architecture of a configuration.

    Raises:
      ValueError: if the values do not belong to this space.
    """

  def complete(self, values: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the values of all active hyperparameters, keeping the given values exactly.

    Unlike `decode`, it keeps numbers between the values that architectures represent.

    Args:
      values: values by name. Missing hyperparameters take their defaults. Unknown names are ignored.

    Raises:
      ValueError: if the values do not belong to this space.
    """
    return self.decode(self.encode(values))


class MakeSpace(Protocol):
  """A function that derives a search space from hyperparameters, such as `HyperParameterSpace`."""

  def __call__(self, hyperparameters: HyperParameters, /, *, refinements: int = 1) -> ValueSpace:
    """Returns the space of what the hyperparameters can be set to, with so many refinements."""
