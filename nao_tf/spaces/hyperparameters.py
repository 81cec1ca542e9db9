"""Search spaces of KerasTuner hyperparameters, conditional ones included.

A hyperparameter with few values is one decision; its values have no order there, so none is invented. A range is read
off on a grid over KerasTuner's cumulative probability, in which linear and logarithmic sampling alike are even: one
decision for a coarse position and, for each refinement, one for how far off it the value lies. The middle of a
refinement is the unrefined value, so a finer space contains the coarser one. The ends of a range are on every grid.

A hyperparameter whose conditions do not hold is inactive, and what is decided for it means nothing.
"""

import abc
import functools
import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from keras_tuner import HyperParameters
from keras_tuner.engine import hyperparameters as hp_module

from nao_tf.architecture import Architecture
from nao_tf.spaces.base import Decision, SearchSpace

COARSE_SIZE = 9
FINE_SIZE = 5
MAX_LISTED = 16
MAX_REFINEMENTS = 6
_TOLERANCE = 1e-6


class HyperParameterSpace(SearchSpace):
  """What a `keras_tuner.HyperParameters` can be set to.

  Spellings of one configuration differ in decisions about inactive hyperparameters, or in positions of a grid that
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
        divides the distance between neighbours by `FINE_SIZE`.

    Raises:
      ValueError: if `refinements` is out of range.
    """
    if not 0 <= refinements <= MAX_REFINEMENTS:
      raise ValueError(f"refinements must be in [0, {MAX_REFINEMENTS}], got {refinements}")
    self.refinements = refinements
    self._parameters = _make_parameters(parents_first(hyperparameters.space), refinements)
    self.decisions = tuple(itertools.chain(*(parameter.decisions for parameter in self._parameters)))
    ends = list(itertools.accumulate(len(parameter.decisions) for parameter in self._parameters))
    self._slices = [slice(end - len(p.decisions), end) for end, p in zip(ends, self._parameters)]

  @property
  def num_parameters(self) -> int:
    """Number of hyperparameters about which there is something to decide."""
    return sum(bool(parameter.decisions) for parameter in self._parameters)

  @property
  def refinable(self) -> bool:
    """Whether one more refinement gives more configurations."""
    return self.refinements < MAX_REFINEMENTS and any(isinstance(p, _Range) for p in self._parameters)

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
    """Returns the spelling with all inactive hyperparameters at their defaults and the simplest grid positions."""
    active: dict[str, Any] = {}
    spelling: list[int] = []
    for parameter, choices in self._parts(architecture):
      if parameter.is_active(active):
        active[parameter.name] = parameter.value(choices)
        spelling += parameter.simplest(choices)
      else:
        spelling += parameter.default
    return tuple(spelling)

  def equivalents(self, architecture: Architecture, rng: np.random.Generator) -> Architecture:
    """Draws what is decided for inactive hyperparameters anew."""
    active: dict[str, Any] = {}
    spelling: list[int] = []
    for parameter, choices in self._parts(architecture):
      if parameter.is_active(active):
        active[parameter.name] = parameter.value(choices)
        spelling += choices
      else:
        spelling += (int(rng.integers(decision.size)) for decision in parameter.decisions)
    return tuple(spelling)

  def mutate(self, architecture: Architecture, rng: np.random.Generator) -> Architecture:
    """Returns an architecture one decision away that is another configuration, if there is one."""
    before = self.canonical(architecture)
    for position in rng.permutation(len(self.decisions)):
      for choice in rng.permutation(self.decisions[position].size):
        mutant = (*architecture[:position], int(choice), *architecture[position + 1 :])
        if self.canonical(mutant) != before:
          return mutant
    return super().mutate(architecture, rng)

  def _parts(self, architecture: Architecture) -> Iterator[tuple["_Parameter", Architecture]]:
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


def tidied(hyperparameters: HyperParameters) -> HyperParameters:
  """Returns hyperparameters with parents before children, and with values for active ones alone.

  After a round trip through KerasTuner's messages, inactive ones may have their defaults.
  """
  space = parents_first(hyperparameters.space)
  values: dict[str, Any] = {}
  for hp in space:
    if hp.name in hyperparameters.values and all(condition.is_active(values) for condition in hp.conditions):
      values[hp.name] = hyperparameters.values[hp.name]
  result = HyperParameters()
  result.merge(space)
  result.values = values
  return result


def with_new_entries(known: HyperParameters, reported: HyperParameters) -> HyperParameters:
  """Returns hyperparameters with those entries added, parents first, that came up in a worker.

  The values are the ones handed out: some types do not survive the messages.
  """
  together = known.copy()
  new = [hp for hp in reported.space if not any(_are_same(hp, other) for other in known.space)]
  together.merge(parents_first(new))
  together.values = {**reported.values, **known.values}
  return together


def _are_same(hp: Any, other: Any) -> bool:
  return hp.name == other.name and hp.conditions == other.conditions


class _Parameter(abc.ABC):
  """One hyperparameter as decisions.

  Attributes:
    name: its name; several hyperparameters may share one and with it a value.
    decisions: none if there is nothing to decide.
  """

  decisions: tuple[Decision, ...]

  def __init__(self, hyperparameter: hp_module.HyperParameter):
    self.name = hyperparameter.name
    self._hyperparameter = hyperparameter

  def is_active(self, values: Mapping[str, Any]) -> bool:
    """Whether its conditions hold and no namesake before it is active."""
    return self.name not in values and all(c.is_active(values) for c in self._hyperparameter.conditions)

  @functools.cached_property
  def default(self) -> Architecture:
    """The choices that spell the default; the first ones if the default is none of the values."""
    try:
      return self.choices(self._hyperparameter.default)
    except ValueError:
      return self.simplest((0,) * len(self.decisions))

  @abc.abstractmethod
  def value(self, choices: Architecture) -> Any:
    """Returns the value that choices spell."""

  @abc.abstractmethod
  def choices(self, value: Any) -> Architecture:
    """Returns the simplest choices for a value; raises ValueError if it is none of this hyperparameter's."""

  def simplest(self, choices: Architecture) -> Architecture:
    """Returns the simplest choices with the same value."""
    return choices

  def _refusal(self, expected: str, value: Any) -> ValueError:
    return ValueError(f"hyperparameter {self.name!r}: expected {expected}, got {value!r}")


class _Listed(_Parameter):
  """A hyperparameter with few values, one decision; with a single one, none."""

  def __init__(self, hyperparameter: hp_module.HyperParameter, kind: str, values: Sequence[Any]):
    super().__init__(hyperparameter)
    self._values = list(dict.fromkeys(values))
    self.decisions = (Decision(kind, len(self._values)),) if len(self._values) > 1 else ()

  def value(self, choices):
    return self._values[choices[0]] if choices else self._values[0]

  def choices(self, value):
    if value not in self._values:
      raise self._refusal(f"one of {self._values}", value)
    return (self._values.index(value),) if self.decisions else ()


class _Range(_Parameter):
  """A numerical hyperparameter with many values: a coarse position and its refinements."""

  def __init__(self, hyperparameter: hp_module.Int | hp_module.Float, kind: str, refinements: int):
    super().__init__(hyperparameter)
    fine = (Decision(f"{kind}, refinement {i}", FINE_SIZE) for i in range(1, refinements + 1))
    self.decisions = (Decision(kind, COARSE_SIZE), *fine)

  def value(self, choices):
    hp = self._hyperparameter
    value = hp.prob_to_value(self._position(choices))
    return min(max(value, hp.min_value), hp.max_value)

  def choices(self, value):
    hp = self._hyperparameter
    margin = _TOLERANCE * (hp.max_value - hp.min_value)
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if not is_number or not hp.min_value - margin <= value <= hp.max_value + margin:
      raise self._refusal(f"a number in [{hp.min_value}, {hp.max_value}]", value)
    if value in self._spellings:
      return self._spellings[value]
    position = hp.value_to_prob(min(max(value, hp.min_value), hp.max_value))
    nearest = min(self._spellings.values(), key=lambda choices: abs(self._position(choices) - position))
    return self.simplest(nearest)

  def simplest(self, choices):
    return self._spellings[self.value(choices)]

  @functools.cached_property
  def _spellings(self) -> dict[Any, Architecture]:
    """The simplest choices for each value on the grid: those with the smallest corrections, the finest first."""
    grid = itertools.product(*(range(decision.size) for decision in self.decisions))
    spellings: dict[Any, Architecture] = {}
    for choices in sorted(grid, key=lambda choices: [abs(offset) for offset in reversed(_offsets(choices))]):
      spellings.setdefault(self.value(choices), choices)
    return spellings

  def _position(self, choices: Architecture) -> float:
    """Returns the cumulative probability that choices spell, in [0, 1]."""
    position, width = float(choices[0]), 1.0
    for offset in _offsets(choices):
      width /= FINE_SIZE
      position += offset * width
    return min(max(position / (COARSE_SIZE - 1), 0.0), 1.0)


def _offsets(choices: Architecture) -> list[int]:
  return [choice - FINE_SIZE // 2 for choice in choices[1:]]


def _make_parameters(hyperparameters: Sequence[hp_module.HyperParameter], refinements: int) -> list[_Parameter]:
  parameters: list[_Parameter] = []
  seen: set[str] = set()
  for hp in hyperparameters:
    kind = hp.name
    for number in itertools.count(2):  # Namesakes may have other values, so each has tokens of its own.
      if kind not in seen:
        break
      kind = f"{hp.name}, {number}"
    seen.add(kind)
    values = _few_values(hp)
    parameters.append(_Range(hp, kind, refinements) if values is None else _Listed(hp, kind, values))
  return parameters


def _few_values(hp: hp_module.HyperParameter) -> Sequence[Any] | None:
  """Returns the values of a hyperparameter, None if it is a range with many."""
  if not isinstance(hp, (hp_module.Int, hp_module.Float)):
    return list(hp.values)
  if hp.min_value == hp.max_value:
    return [hp.min_value]
  count = _num_steps(hp)
  if count is None or count > MAX_LISTED:
    return None
  return [hp.prob_to_value((i + 0.5) / count) for i in range(count)]


def _num_steps(hp: hp_module.Int | hp_module.Float) -> int | None:
  """Returns how many values a range has by its step; None if it has none."""
  if hp.step is None:
    return None
  if hp.sampling == "linear":
    return int((hp.max_value - hp.min_value) // hp.step) + 1
  return int(math.log(hp.max_value / hp.min_value, hp.step) + _TOLERANCE) + 1
