"""A search space of which only a part may be proposed, such as networks below a size limit."""

from collections.abc import Callable, Hashable, Iterator, Sequence
from typing import Any

import numpy as np

from nao_tf.spaces.base import SearchSpace
from nao_tf.spaces.layer_graphs import LayerGraph
from nao_tf.trial import Architecture

_SAMPLE_ATTEMPTS = 100_000


class BoundedSpace(SearchSpace):
  """A space of which strategies only propose the architectures that satisfy a condition.

  Other architectures remain valid: they can be reported, like trials of an earlier search, and can be parents, whose
  children are proposed if they satisfy the condition.

  Attributes:
    inner: the unrestricted space.
  """

  def __init__(self, inner: SearchSpace, fits: Callable[[Architecture], bool]):
    """Restricts a space.

    Args:
      inner: the unrestricted space.
      fits: function that says whether a valid architecture may be proposed, with the same result for all encodings of a
        network.
    """
    self.inner, self._fits = inner, fits
    self.name, self.decisions, self.decisions_per_step = inner.name, inner.decisions, inner.decisions_per_step

  def is_admitted(self, architecture: Architecture) -> bool:
    """Returns whether the architecture satisfies the condition."""
    return self._fits(architecture)

  def sample(self, rng: np.random.Generator) -> Architecture:
    """Samples an architecture of the inner space that satisfies the condition.

    Raises:
      ValueError: if none is found.
    """
    for _ in range(_SAMPLE_ATTEMPTS):
      architecture = self.inner.sample(rng)
      if self.is_admitted(architecture):
        return architecture
    raise ValueError(f"{self.name}: none of {_SAMPLE_ATTEMPTS} random architectures fits the bounds of the search")

  def enumerate(self) -> Iterator[Architecture]:
    """Yields every architecture that satisfies the condition, in the order of the inner space."""
    return filter(self.is_admitted, self.inner.enumerate())

  @property
  def size(self) -> int:
    """Number of tuples of choices that `enumerate` checks."""
    return self.inner.size

  def parameter_count(self, architecture: Architecture) -> float | None:
    """Returns the number of parameters of any architecture; see `SearchSpace.parameter_count`."""
    return self.inner.parameter_count(architecture)

  def decode(self, architecture: Architecture) -> Any:
    """Returns the genotype of any architecture, whether or not it satisfies the condition."""
    return self.inner.decode(architecture)

  def check_rules(self, architecture: Sequence[int]) -> None:
    """Checks the constraints of the inner space; see `SearchSpace.check_rules`."""
    self.inner.check_rules(architecture)

  def mutate(self, architecture: Architecture, rng: np.random.Generator) -> Architecture:
    """Returns a mutation, which may violate the condition, since mutations of it may satisfy it."""
    return self.inner.mutate(architecture, rng)

  def neighbors(self, architecture: Architecture) -> Iterator[Architecture]:
    """Yields the neighbors that satisfy the condition."""
    return filter(self.is_admitted, self.inner.neighbors(architecture))

  @property
  def initial(self) -> Architecture | None:
    """The initial architecture of a search by network morphisms, whether or not it satisfies the condition."""
    return self.inner.initial

  def morphisms(self, architecture: Architecture) -> Iterator[Architecture]:
    """Yields the architectures that a single morphism leads to and that satisfy the condition."""
    return filter(self.is_admitted, self.inner.morphisms(architecture))

  def canonical(self, architecture: Architecture) -> Architecture:
    """Returns the canonical encoding of the network."""
    return self.inner.canonical(architecture)

  def random_equivalent(self, architecture: Architecture, rng: np.random.Generator) -> Architecture:
    """Returns a random equivalent encoding of the same network, if there is one."""
    return self.inner.random_equivalent(architecture, rng)

  def function_key(self, architecture: Architecture) -> Hashable:
    """Returns a hashable key that is equal for architectures that compute the same function."""
    return self.inner.function_key(architecture)

  def random_isomorphic(self, architecture: Architecture, rng: np.random.Generator) -> Architecture:
    """Returns a random architecture that computes the same function."""
    return self.inner.random_isomorphic(architecture, rng)

  def graph(self, architecture: Architecture) -> LayerGraph | None:
    """Returns the network as a graph of layers; see `SearchSpace.graph`."""
    return self.inner.graph(architecture)

  def format(self, architecture: Architecture) -> str:
    """Formats an architecture as a string."""
    return self.inner.format(architecture)

  def parse(self, text: str) -> Architecture:
    """Parses an architecture from a string written by `format`."""
    return self.inner.parse(text)
