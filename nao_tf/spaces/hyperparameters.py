"""Search spaces of KerasTuner hyperparameters, conditional ones included.

A hyperparameter whose conditions do not hold is inactive, and what is decided for it means nothing.
"""

import collections
import functools
import itertools
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from keras_tuner import HyperParameters
from keras_tuner.engine import hyperparameters as hp_module

from nao_tf.spaces.base import SearchSpace
from nao_tf.spaces.hyperparameter_decisions import Parameter, Range, make_parameters
from nao_tf.trial import Architecture

MAX_REFINEMENTS = 6


class HyperParameterSpace(SearchSpace):
  """What a `keras_tuner.HyperParameters` can be set to.

  Encodings of one configuration differ in decisions about inactive hyperparameters, or in positions of a grid that
  have the same value.

  Example:

      hp = keras_tuner.HyperParameters()
      hp.Int("layers", 1, 3)
      space = HyperParameterSpace(hp)
      space.decode((2,))  # {"layers": 3}
  """

  name = "hyperparameters"

  def __init__(self, hyperparameters: HyperParameters, *, refinements: int = 1):
    """Derives the space.

    Args:
      hyperparameters: in any order; the values that they are set to do not matter.
      refinements: how many decisions follow the coarse one where a range has many values, 0 to `MAX_REFINEMENTS`. Each
        divides the distance between neighbors by `FINE_SIZE`.

    Raises:
      ValueError: if `refinements` is out of range.
    """
    if not 0 <= refinements <= MAX_REFINEMENTS:
      raise ValueError(f"refinements must be in [0, {MAX_REFINEMENTS}], got {refinements}")
    self.refinements = refinements
    self._parameters = make_parameters(parents_first(hyperparameters.space), refinements)
    self.decisions = tuple(itertools.chain(*(parameter.decisions for parameter in self._parameters)))
    ends = list(itertools.accumulate(len(parameter.decisions) for parameter in self._parameters))
    self._slices = [slice(end - len(p.decisions), end) for end, p in zip(ends, self._parameters)]

  @functools.cached_property
  def size(self) -> int:
    """Number of configurations."""
    counts = collections.Counter({(): 1})  # By those values that later hyperparameters depend on.
    for number, parameter in enumerate(self._parameters, start=1):
      needed = frozenset().union(*(later.names for later in self._parameters[number:]))
      counts = _extended(counts, parameter, needed)
    return counts.total()

  def enumerate(self) -> Iterator[Architecture]:
    """Yields the canonical architecture of every configuration, the first hyperparameter changing slowest."""
    return self._spell({}, ())

  @property
  def num_parameters(self) -> int:
    """Number of hyperparameters about which there is something to decide."""
    return sum(bool(parameter.decisions) for parameter in self._parameters)

  @property
  def refinable(self) -> bool:
    """Whether one more refinement gives more configurations."""
    return self.refinements < MAX_REFINEMENTS and any(isinstance(p, Range) for p in self._parameters)

  def decode(self, architecture: Architecture) -> dict[str, Any]:
    """Returns the values of all active hyperparameters by name, parents before children."""
    self.validate(architecture)
    values: dict[str, Any] = {}
    for parameter, choices in self._parts(architecture):
      if parameter.is_active(values):
        values[parameter.name] = parameter.value(choices)
    return values

  def encode(self, values: Mapping[str, Any]) -> Architecture:
    """Returns the canonical architecture of a configuration, or of the nearest one on the grid.

    Args:
      values: by name; an active hyperparameter that is missing has its default, one that is unknown is ignored.

    Raises:
      ValueError: if a value is not one of its hyperparameter's.
    """
    architecture: list[int] = []
    active: dict[str, Any] = {}
    for parameter in self._parameters:
      choices = parameter.default
      if parameter.is_active(active):
        choices = parameter.choices(values[parameter.name]) if parameter.name in values else choices
        active[parameter.name] = parameter.value(choices)
      architecture += choices
    return tuple(architecture)

  def canonical(self, architecture: Architecture) -> Architecture:
    """Returns the encoding with all inactive hyperparameters at their defaults and the simplest grid positions."""
    active: dict[str, Any] = {}
    encoding: list[int] = []
    for parameter, choices in self._parts(architecture):
      if parameter.is_active(active):
        active[parameter.name] = parameter.value(choices)
        encoding += parameter.simplest(choices)
      else:
        encoding += parameter.default
    return tuple(encoding)

  def random_equivalent(self, architecture: Architecture, rng: np.random.Generator) -> Architecture:
    """Draws what is decided for inactive hyperparameters anew."""
    active: dict[str, Any] = {}
    encoding: list[int] = []
    for parameter, choices in self._parts(architecture):
      if parameter.is_active(active):
        active[parameter.name] = parameter.value(choices)
        encoding += choices
      else:
        encoding += (int(rng.integers(decision.size)) for decision in parameter.decisions)
    return tuple(encoding)

  def mutate(self, architecture: Architecture, rng: np.random.Generator) -> Architecture:
    """Returns an architecture one decision away that is another configuration, if there is one."""
    before = self.canonical(architecture)
    for position in rng.permutation(len(self.decisions)):
      for choice in rng.permutation(self.decisions[position].size):
        mutant = (*architecture[:position], int(choice), *architecture[position + 1 :])
        if self.canonical(mutant) != before:
          return mutant
    return super().mutate(architecture, rng)

  def _spell(self, active: dict[str, Any], encoding: Architecture, number: int = 0) -> Iterator[Architecture]:
    """Yields the canonical architectures that begin with `encoding`, which is about the first `number` parameters."""
    if number == len(self._parameters):
      yield encoding
      return
    parameter = self._parameters[number]
    if not parameter.is_active(active):
      yield from self._spell(active, encoding + parameter.default, number + 1)
      return
    for value, choices in parameter.encodings.items():
      yield from self._spell({**active, parameter.name: value}, encoding + choices, number + 1)

  def _parts(self, architecture: Architecture) -> Iterator[tuple[Parameter, Architecture]]:
    for parameter, part in zip(self._parameters, self._slices):
      yield parameter, tuple(architecture[part])


def parents_first(
  hyperparameters: Sequence[hp_module.HyperParameter],
) -> list[hp_module.HyperParameter]:
  """Returns hyperparameters so that each comes after those that its conditions name, else in the given order.

  A round trip through KerasTuner's messages groups hyperparameters by type and may turn families around.
  """
  ordered, waiting = [], list(hyperparameters)
  while waiting:
    names = {hp.name for hp in waiting}
    ready = next((hp for hp in waiting if not names & {c.name for c in hp.conditions}), waiting[0])
    waiting.remove(ready)
    ordered.append(ready)
  return ordered


def _extended(counts: collections.Counter, parameter: Parameter, needed: frozenset[str]) -> collections.Counter:
  """Returns the numbers of configurations with one more parameter, by the values of `needed` ones."""
  extended: collections.Counter = collections.Counter()
  for items, count in counts.items():
    active = dict(items)
    kept = tuple((name, value) for name, value in items if name in needed)
    if not parameter.is_active(active):
      extended[kept] += count
    elif parameter.name not in needed:
      extended[kept] += count * len(parameter.encodings)
    else:
      extended.update({(*kept, (parameter.name, value)): count for value in parameter.encodings})
  return extended
