"""What a search space is: decisions, and laws about them.

A space says what position i of an architecture means. Strategies see decisions, validity and encodings; network
builders see genotypes; nobody else needs to know more.
"""

import abc
import dataclasses
import itertools
import math
from collections.abc import Hashable, Iterator, Sequence
from typing import Any

import numpy as np

from nao_tf.trial import Architecture


@dataclasses.dataclass(frozen=True)
class Decision:
  """One position of an architecture.

  Attributes:
    kind: what is chosen ("input", "operation"); decisions of one kind share token embeddings.
    size: number of choices; a choice is an integer in [0, size).
    ordered: whether neighboring choices are alike, as those of a number are.
    reach: of an ordered decision, how much its last choice differs from its first, beside other ordered decisions: a
      refinement of what another decision has chosen reaches less far.
  """

  kind: str
  size: int
  ordered: bool = False
  reach: float = 1.0


class SearchSpace(abc.ABC):
  """A set of architectures, with the knowledge of which of them are encodings of the same network.

  Subclasses set `name` and `decisions` and implement `decode`. A space in which one network has several encodings also
  overrides `canonical` and `random_equivalent`, and `size` and `enumerate` if it can list each network once. One in
  which not every row of choices is an architecture overrides `check_rules`. One with a published string form overrides
  `format` and `parse`.

  Attributes:
    name: key in the registry.
    decisions: what each position means.
    decisions_per_step: how many consecutive decisions belong together, such as a branch's input and operation. A
      controller reads them in one step. Divides the number of decisions.
  """

  name: str
  decisions: tuple[Decision, ...]
  decisions_per_step: int = 1

  @property
  def size(self) -> int:
    """How many rows of choices `enumerate` goes through: here all, different encodings and invalid ones included."""
    return math.prod(decision.size for decision in self.decisions)

  def enumerate(self) -> Iterator[Architecture]:
    """Yields every valid architecture, always in the same order; a space that can may leave out further encodings."""
    rows = itertools.product(*(range(decision.size) for decision in self.decisions))
    return filter(self.is_valid, rows)

  def validate(self, architecture: Sequence[int]) -> None:
    """Checks that a row of choices is an architecture of this space.

    Raises:
      ValueError: naming the position, its kind, the range expected and the value received.
    """
    if len(architecture) != len(self.decisions):
      raise ValueError(
        f"{self.name}: expected {len(self.decisions)} decisions, got {len(architecture)}: {architecture}"
      )
    for position, (decision, choice) in enumerate(zip(self.decisions, architecture)):
      if not isinstance(choice, (int, np.integer)) or not 0 <= choice < decision.size:
        raise ValueError(
          f"{self.name}: position {position} ({decision.kind}) must be an integer in [0, {decision.size}),"
          f" got {choice!r}"
        )
    self.check_rules(architecture)

  def check_rules(self, architecture: Sequence[int]) -> None:
    """Checks what goes beyond single positions; called when every choice is in its range.

    Raises:
      ValueError: naming the rule that is broken.
    """

  def is_valid(self, architecture: Sequence[int]) -> bool:
    """Whether `validate` accepts the row of choices."""
    try:
      self.validate(architecture)
    except ValueError:
      return False
    return True

  def sample(self, rng: np.random.Generator) -> Architecture:
    """Returns a valid architecture, each row of choices that is one as likely as any other."""
    while True:
      architecture = tuple(int(choice) for choice in rng.integers([decision.size for decision in self.decisions]))
      if self.is_valid(architecture):
        return architecture

  def mutate(self, architecture: Architecture, rng: np.random.Generator) -> Architecture:
    """Returns a valid architecture that differs from `architecture` in exactly one decision.

    Raises:
      ValueError: if there is none.
    """
    for position in rng.permutation(len(self.decisions)):
      for choice in rng.permutation(self.decisions[position].size):
        mutant = (*architecture[:position], int(choice), *architecture[position + 1 :])
        if choice != architecture[position] and self.is_valid(mutant):
          return mutant
    raise ValueError(f"{self.name}: no valid architecture is one decision away from {architecture}")

  def neighbors(self, architecture: Architecture) -> Iterator[Architecture]:
    """Yields the valid architectures that differ from `architecture` in one decision, an ordered one by one step."""
    for position, decision in enumerate(self.decisions):
      here = architecture[position]
      for choice in (here - 1, here + 1) if decision.ordered else range(decision.size):
        neighbor = (*architecture[:position], choice, *architecture[position + 1 :])
        if choice != here and 0 <= choice < decision.size and self.is_valid(neighbor):
          yield neighbor

  @property
  def is_refined(self) -> bool:
    """Whether there are decisions that refine what others have chosen."""
    return any(decision.reach != 1.0 for decision in self.decisions)

  def unrefined(self, architecture: Architecture) -> Architecture:
    """Returns the canonical choices of the decisions that reach all the way: those that no other one refines."""
    canonical = self.canonical(architecture)
    return tuple(choice for choice, decision in zip(canonical, self.decisions) if decision.reach == 1.0)

  def canonical(self, architecture: Architecture) -> Architecture:
    """Returns the one representative of all encodings of the same network."""
    return architecture

  def random_equivalent(self, architecture: Architecture, rng: np.random.Generator) -> Architecture:
    """Returns a random other encoding of the same network (the paper's symmetry augmentation), if there is another."""
    del rng
    return architecture

  def function_key(self, architecture: Architecture) -> Hashable:
    """Returns a value that is equal for architectures that compute the same function.

    By default the canonical encoding. A space that counts architectures as different although they compute the same,
    because each was trained by itself, overrides this and `random_isomorphic`.
    """
    return self.canonical(architecture)

  def random_isomorphic(self, architecture: Architecture, rng: np.random.Generator) -> Architecture:
    """Returns a random architecture that computes the same function, for a predictor to learn that it does."""
    return self.random_equivalent(architecture, rng)

  @abc.abstractmethod
  def decode(self, architecture: Architecture) -> Any:
    """Returns the genotype: named, printable, what builders consume.

    Raises:
      ValueError: if `architecture` is not one of this space.
    """

  def format(self, architecture: Architecture) -> str:
    """Returns the architecture as text."""
    return " ".join(str(choice) for choice in architecture)

  def parse(self, text: str) -> Architecture:
    """Returns the architecture that `format` wrote as `text`.

    Raises:
      ValueError: if `text` is not an architecture of this space.
    """
    architecture = self._numbers(text)
    self.validate(architecture)
    return architecture

  def _numbers(self, text: str) -> Architecture:
    words = text.replace("|", " ").replace(",", " ").split()
    for position, word in enumerate(words):
      if not word.lstrip("-").isdecimal():
        raise ValueError(f"{self.name}: expected numbers separated by spaces, got {word!r} at position {position}")
    return tuple(int(word) for word in words)
