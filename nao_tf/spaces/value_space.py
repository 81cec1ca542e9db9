"""Search spaces whose architectures stand for values of hyperparameters, whatever the hyperparameters mean."""

import abc
from collections.abc import Mapping
from typing import Any, Protocol

from keras_tuner import HyperParameters

from nao_tf.spaces.base import SearchSpace
from nao_tf.trial import Architecture


class ValueSpace(SearchSpace):
  """A search space whose genotypes are values of hyperparameters, by name.

  Attributes:
    refinements: how many decisions follow the coarse one where a hyperparameter has many values.
  """

  refinements: int = 0

  @property
  @abc.abstractmethod
  def num_parameters(self) -> int:
    """Number of hyperparameters about which there is something to decide."""

  @property
  def refinable(self) -> bool:
    """Whether one more refinement gives more configurations."""
    return False

  @abc.abstractmethod
  def decode(self, architecture: Architecture) -> dict[str, Any]:
    """Returns the values of all active hyperparameters by name."""

  @abc.abstractmethod
  def encode(self, values: Mapping[str, Any]) -> Architecture:
    """Returns the architecture of a configuration.

    Raises:
      ValueError: if the values are not of this space.
    """

  def complete(self, values: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the values of all active hyperparameters, with what is given as it is given.

    Unlike `decode`, it keeps numbers between those that architectures stand for.

    Args:
      values: values by name. A missing hyperparameter has its default value. Unknown names are ignored.

    Raises:
      ValueError: if the values are not of this space.
    """
    return self.decode(self.encode(values))


class MakeSpace(Protocol):
  """Derives a space from hyperparameters, as `HyperParameterSpace` does when it is called."""

  def __call__(self, hyperparameters: HyperParameters, /, *, refinements: int = 1) -> ValueSpace:
    """Returns the space of what the hyperparameters can be set to, with so many refinements."""
