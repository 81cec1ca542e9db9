"""A search space of which only a part may be proposed, such as the networks that are small enough."""

from collections.abc import Callable, Hashable, Iterator, Sequence
from typing import Any

import numpy as np

from nao_tf.spaces.base import SearchSpace
from nao_tf.spaces.layer_graphs import LayerGraph
from nao_tf.trial import Architecture

_SAMPLE_ATTEMPTS = 100_000


class BoundedSpace(SearchSpace):
  """A space whose strategies propose only those architectures that fit.

  Those that do not fit stay valid. They can be told, as the trials of an earlier search are. They can be parents, too:
  what comes of them is proposed only if it fits.

  Attributes:
    inner: the space that is bounded.
  """

  def __init__(self, inner: SearchSpace, fits: Callable[[Architecture], bool]):
    """Bounds a space.

    Args:
      inner: the space.
      fits: whether a valid architecture may be proposed. All encodings of one network must give the same answer.
    """
    self.inner, self._fits = inner, fits
    self.name, self.decisions, self.decisions_per_step = inner.name, inner.decisions, inner.decisions_per_step

  def is_admitted(self, architecture: Architecture) -> bool:
    """Returns whether the architecture fits."""
    return self._fits(architecture)

  def sample(self, rng: np.random.Generator) -> Architecture:
    """Returns a random architecture that fits, as the space within draws them.

    Raises:
      ValueError: if none is found.
    """
    for _ in range(_SAMPLE_ATTEMPTS):
      architecture = self.inner.sample(rng)
      if self.is_admitted(architecture):
        return architecture
    raise ValueError(f"{self.name}: none of {_SAMPLE_ATTEMPTS} random architectures fits the bounds of the search")

  def enumerate(self) -> Iterator[Architecture]:
    """Yields every architecture that fits, in the order of the space within."""
    return filter(self.is_admitted, self.inner.enumerate())

  @property
  def size(self) -> int:
    """Number of tuples of choices that `enumerate` looks at."""
    return self.inner.size

  def decode(self, architecture: Architecture) -> Any:
    """Returns the genotype of an architecture, whether it fits or not."""
    return self.inner.decode(architecture)

  def check_rules(self, architecture: Sequence[int]) -> None:
    """Checks the rules of the space within; see `SearchSpace.check_rules`."""
    self.inner.check_rules(architecture)

  def mutate(self, architecture: Architecture, rng: np.random.Generator) -> Architecture:
    """Returns a mutant, which need not fit: mutants of mutants may."""
    return self.inner.mutate(architecture, rng)

  def neighbors(self, architecture: Architecture) -> Iterator[Architecture]:
    """Yields the neighbors that fit."""
    return filter(self.is_admitted, self.inner.neighbors(architecture))

  @property
  def initial(self) -> Architecture | None:
    """The network that a search by morphisms begins with, whether it fits or not."""
    return self.inner.initial

  def morphisms(self, architecture: Architecture) -> Iterator[Architecture]:
    """Yields the architectures that one morphism leads to and that fit."""
    return filter(self.is_admitted, self.inner.morphisms(architecture))

  def canonical(self, architecture: Architecture) -> Architecture:
    """Returns the encoding that represents all encodings of the same network."""
    return self.inner.canonical(architecture)

  def random_equivalent(self, architecture: Architecture, rng: np.random.Generator) -> Architecture:
    """Returns a random other encoding of the same network, if there is one."""
    return self.inner.random_equivalent(architecture, rng)

  def function_key(self, architecture: Architecture) -> Hashable:
    """Returns a value that is equal for architectures that compute the same function."""
    return self.inner.function_key(architecture)

  def random_isomorphic(self, architecture: Architecture, rng: np.random.Generator) -> Architecture:
    """Returns a random architecture that computes the same function."""
    return self.inner.random_isomorphic(architecture, rng)

  def graph(self, architecture: Architecture) -> LayerGraph | None:
    """Returns the network as a graph of layers; see `SearchSpace.graph`."""
    return self.inner.graph(architecture)

  def format(self, architecture: Architecture) -> str:
    """Returns the architecture as text."""
    return self.inner.format(architecture)

  def parse(self, text: str) -> Architecture:
    """Returns the architecture that `format` wrote as `text`."""
    return self.inner.parse(text)
