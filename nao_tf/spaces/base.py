"""Search spaces: the decisions that define an architecture, and which architectures describe the same network.

Only the search space knows what each position of an architecture means. Strategies work with decisions, validity and
encodings; network builders work with genotypes.
"""

import abc
import dataclasses
import functools
import itertools
import math
import operator
import re
from collections.abc import Hashable, Iterator, Sequence
from typing import Any, TypeGuard

import numpy as np

from nao_tf import fields
from nao_tf.spaces.layer_graphs import LayerGraph
from nao_tf.trial import Architecture

_NUMBER = re.compile(r"-?[0-9]{1,18}")


@dataclasses.dataclass(frozen=True)
class Decision:
  """One decision of an architecture, that is, one position of its tuple of choices.

  Attributes:
    kind: what is decided, such as "input" or "operation". Decisions of the same kind share token embeddings.
    size: number of choices; a choice is an integer in [0, size).
    ordered: whether the choices have an order in which neighbors are similar, such as the values of a number.
    reach: for an ordered decision, the distance between its first and its last choice, relative to other ordered
      decisions. A decision that refines the ordered one before it has a reach below 1: its choices are offsets around
      its middle one, which are so many steps of the refined decision apart.
  """

  kind: str
  size: int
  ordered: bool = False
  reach: float = 1.0


class SearchSpace(abc.ABC):
  """Base class of search spaces: a set of architectures, and the knowledge of which of them describe the same network.

  An architecture is a tuple with one integer, a choice, for each decision. A space of your own sets `name` and
  `decisions` and implements `decode`; everything else is optional. For example, two parallel layers can be swapped:

      >>> class TwoLayers(SearchSpace):
      ...   name = "two_layers"
      ...   decisions = (Decision("width", 3), Decision("width", 3))
      ...
      ...   def decode(self, architecture):
      ...     self.validate(architecture)
      ...     return [16 * 2**choice for choice in architecture]
      ...
      ...   def canonical(self, architecture):
      ...     return tuple(sorted(architecture))
      ...
      ...   def random_equivalent(self, architecture, rng):
      ...     return architecture[::-1]
      >>> space = TwoLayers()
      >>> space.decode((0, 2))
      [16, 64]
      >>> space.canonical((2, 0))
      (0, 2)
      >>> space.parse("1 2")
      (1, 2)
      >>> space.validate((0, 3))
      Traceback (most recent call last):
      ValueError: two_layers: position 1 (width) must be an integer in [0, 3), got 3

  Wherever the name of a space is expected, `your_package.your_module:TwoLayers` works too.

  Override these where the default does not fit:

  * `check_rules`, if some tuples of choices are not valid architectures. Default: all are valid.
  * `canonical` and `random_equivalent`, if a network can have several encodings. Default: each has one.
  * `function_key` and `random_isomorphic`, if architectures that compute the same function still count as different,
    for example because each has its own entry in a table. Default: derived from the encodings.
  * `graph`, if architectures are networks of layers. Strategies that compare networks need it. Default: None.
  * `parameter_count`, if the size of a network is known from its architecture. NAO then learns whether larger networks are
    better. Any number that grows with the size will do. Default: None.
  * `size` and `enumerate`, if each network can be listed once. Default: list all tuples of choices.
  * `decision_names`, if decisions have better names than their position and kind.
  * `format` and `parse`, if there is a published string format. Default: the choices, separated by spaces.
  * `initial` and `morphisms`, if a trained network can be transformed into a larger one that computes the same
    function. Default: no morphisms.
  * `sample`, `mutate` and `neighbors`, if few tuples of choices are valid. Default: try tuples until one is valid.

  Every space must satisfy these laws, for every valid architecture a and every random generator:

  * `sample`, `mutate`, `neighbors`, `canonical`, `random_equivalent`, `random_isomorphic` and `parse` return valid
    architectures, as tuples of `int`. Their results depend only on their arguments, not on hidden state.
  * canonical(canonical(a)) == canonical(a) == canonical(random_equivalent(a, rng))
  * function_key(random_isomorphic(a, rng)) == function_key(a)
  * graph(random_isomorphic(a, rng)) == graph(a), and it is None for all architectures of a space or for none
  * parameter_count(random_equivalent(a, rng)) == parameter_count(a) >= 0, or it is None for all architectures of a space
  * parse(format(a)) == a
  * `validate` and `decode` raise a ValueError for anything but a valid architecture. NumPy arrays of integers are
    accepted; `checked` converts them to tuples of `int`.

  Attributes:
    name: name of the search space.
    decisions: the decisions, one for each position of an architecture.
    decisions_per_step: number of consecutive decisions that belong together, such as the input and the operation of a
      branch, and that a controller reads in one step. It must divide the number of decisions.
  """

  name: str
  decisions: tuple[Decision, ...]
  decisions_per_step: int = 1

  @abc.abstractmethod
  def decode(self, architecture: Architecture) -> Any:
    """Decodes an architecture into its genotype, a readable description from which networks are built.

    Raises:
      ValueError: if `architecture` does not belong to this space.
    """

  @property
  def decision_names(self) -> tuple[str, ...]:
    """Unique, readable names of the decisions, for tables and plots of trials."""
    return tuple(f"{position:02d} {decision.kind}" for position, decision in enumerate(self.decisions))

  @property
  def size(self) -> int:
    """Number of tuples of choices that `enumerate` checks; by default all, including invalid ones."""
    return math.prod(decision.size for decision in self.decisions)

  def enumerate(self) -> Iterator[Architecture]:
    """Yields every valid architecture in a fixed order.

    A space may skip encodings of networks that have been listed already.
    """
    rows = itertools.product(*(range(decision.size) for decision in self.decisions))
    return filter(self.is_valid, rows)

  def validate(self, architecture: Sequence[int]) -> None:
    """Checks that a sequence of choices is an architecture of this space; see `checked`."""
    self.checked(architecture)

  def checked(self, architecture: Sequence[int]) -> Architecture:
    """Validates a sequence of choices, such as a NumPy array, and returns it as a tuple of `int`.

    Raises:
      ValueError: if it is not an architecture of this space. The message names the position, its kind, the expected
        range and the actual value.
    """
    choices = architecture if self._is_plain_row(architecture) else self._checked_choices(architecture)
    self.check_rules(choices)
    return choices

  @functools.cached_property
  def _sizes(self) -> tuple[int, ...]:
    return tuple(decision.size for decision in self.decisions)

  def _is_plain_row(self, architecture: Sequence[int]) -> TypeGuard[Architecture]:
    """Returns whether a sequence is a tuple of `int` within range, fast enough for thousands of candidates."""
    return (
      type(architecture) is tuple
      and len(architecture) == len(self._sizes)
      and set(map(type, architecture)) == {int}
      and min(architecture) >= 0
      and all(map(operator.lt, architecture, self._sizes))
    )

  def _checked_choices(self, architecture: Sequence[int]) -> Architecture:
    """Returns a sequence of choices as a tuple of `int` within range; see `checked`."""
    if not _is_row(architecture):
      raise ValueError(
        f"{self.name}: expected a row of {len(self.decisions)} choices, got {fields.shown(architecture)}"
      )
    if len(architecture) != len(self.decisions):
      raise ValueError(
        f"{self.name}: expected {len(self.decisions)} decisions, got {len(architecture)}: {fields.shown(architecture)}"
      )
    for position, (decision, choice) in enumerate(zip(self.decisions, architecture)):
      if not fields.is_integer(choice) or not 0 <= choice < decision.size:
        raise ValueError(
          f"{self.name}: position {position} ({decision.kind}) must be an integer in [0, {decision.size}),"
          f" got {fields.shown(choice)}"
        )
    return tuple(map(int, architecture))

  def check_rules(self, architecture: Sequence[int]) -> None:
    """Checks constraints between decisions. Each choice has already been checked to be within its range.

    Raises:
      ValueError: if a constraint is violated; the message names it.
    """

  def is_valid(self, architecture: Sequence[int]) -> bool:
    """Returns whether a sequence of choices is an architecture of this space."""
    try:
      self.validate(architecture)
    except ValueError:
      return False
    return True

  def is_admitted(self, architecture: Architecture) -> bool:
    """Returns whether strategies may propose a valid architecture; by default any. See `nao_tf.spaces.bounded`."""
    del architecture
    return True

  def sample(self, rng: np.random.Generator) -> Architecture:
    """Samples an architecture uniformly from all valid tuples of choices."""
    while True:
      architecture = tuple(rng.integers(self._sizes).tolist())
      if self.is_valid(architecture):
        return architecture

  def mutate(self, architecture: Architecture, rng: np.random.Generator) -> Architecture:
    """Returns a random valid architecture that differs from `architecture` in exactly one decision.

    Raises:
      ValueError: if there is none.
    """
    mutant = next(filter(self.is_valid, self._mutants(architecture, rng)), None)
    if mutant is None:
      raise ValueError(f"{self.name}: no valid architecture is one decision away from {architecture}")
    return mutant

  def neighbors(self, architecture: Architecture) -> Iterator[Architecture]:
    """Yields all valid architectures that differ in one decision; ordered decisions change by one step."""
    for position, decision in enumerate(self.decisions):
      here = architecture[position]
      for choice in (here - 1, here + 1) if decision.ordered else range(decision.size):
        neighbor = _changed(architecture, position, choice)
        if choice != here and 0 <= choice < decision.size and self.is_valid(neighbor):
          yield neighbor

  @property
  def initial(self) -> Architecture | None:
    """The initial architecture of a search by network morphisms; None if the space has no morphisms."""
    return None

  def morphisms(self, architecture: Architecture) -> Iterator[Architecture]:
    """Yields the architectures, one step larger, that can be initialized from the trained network of an architecture."""
    del architecture
    yield from ()

  @property
  def is_refined(self) -> bool:
    """Whether some decisions refine the choices of others."""
    return any(decision.reach != 1.0 for decision in self.decisions)

  def unrefined(self, architecture: Architecture) -> Architecture:
    """Returns the canonical choices of the decisions that do not refine others."""
    canonical = self.canonical(architecture)
    return tuple(choice for choice, decision in zip(canonical, self.decisions) if decision.reach == 1.0)

  def canonical(self, architecture: Architecture) -> Architecture:
    """Returns the canonical encoding of the network, the same for all of its encodings."""
    return architecture

  def random_equivalent(self, architecture: Architecture, rng: np.random.Generator) -> Architecture:
    """Returns a random equivalent encoding of the same network, if there is one (the paper's symmetry augmentation)."""
    del rng
    return architecture

  def function_key(self, architecture: Architecture) -> Hashable:
    """Returns a hashable key that is equal for architectures that compute the same function."""
    return self.canonical(architecture)

  def random_isomorphic(self, architecture: Architecture, rng: np.random.Generator) -> Architecture:
    """Returns a random architecture that computes the same function, as data augmentation for predictors."""
    return self.random_equivalent(architecture, rng)

  def graph(self, architecture: Architecture) -> LayerGraph | None:
    """Returns the network as a graph of layers, equal for all of its encodings; None if it has no such graph."""
    del architecture
    return None

  def parameter_count(self, architecture: Architecture) -> float | None:
    """Returns the number of parameters of the network, if it follows from the architecture alone; otherwise None."""
    del architecture
    return None

  def format(self, architecture: Architecture) -> str:
    """Formats an architecture as a string."""
    return " ".join(str(choice) for choice in architecture)

  def parse(self, text: str) -> Architecture:
    """Parses an architecture from a string written by `format`.

    Raises:
      ValueError: if `text` is not an architecture of this space.
    """
    return self.checked(self._parse_numbers(text))

  def _parse_numbers(self, text: str) -> tuple[int, ...]:
    """Returns the numbers in a text, separated by spaces, commas or vertical bars."""
    words = text.replace("|", " ").replace(",", " ").split()
    for position, word in enumerate(words):
      if not _NUMBER.fullmatch(word):
        raise ValueError(
          f"{self.name}: expected numbers separated by spaces, got {fields.shown(word)} at position {position}"
        )
    return tuple(int(word) for word in words)

  def _mutants(self, architecture: Architecture, rng: np.random.Generator) -> Iterator[Architecture]:
    """Yields all tuples of choices that differ in one decision, in random order, including invalid ones."""
    for position in rng.permutation(len(self.decisions)):
      for choice in rng.permutation(self.decisions[position].size):
        if choice != architecture[position]:
          yield _changed(architecture, position, int(choice))


def _is_row(value: Any) -> bool:
  """Returns whether a value is a sequence or a one-dimensional array."""
  if isinstance(value, np.ndarray):
    return value.ndim == 1
  return isinstance(value, Sequence) and not isinstance(value, (str, bytes))


def _changed(architecture: Architecture, position: int, choice: int) -> Architecture:
  """Returns an architecture with one choice replaced."""
  return (*architecture[:position], choice, *architecture[position + 1 :])
