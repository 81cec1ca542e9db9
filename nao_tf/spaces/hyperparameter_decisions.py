"""One hyperparameter as decisions of a search space.

A hyperparameter with few values is one decision. The decision is ordered if the values are numbers in order, unless
KerasTuner says that they are unordered.

A range with many values becomes a grid over KerasTuner's cumulative probability, where linear and logarithmic sampling
are both even. The first decision is a coarse position. Each refinement is a further decision: how far the value lies from
the position so far. All of these decisions are ordered. The middle choice of a refinement keeps the unrefined value, so a
finer space contains the coarser one. Every grid contains the ends of the range.
"""

import abc
import functools
import itertools
import math
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from keras_tuner.engine import hyperparameters as hp_module

from nao_tf.spaces.base import Decision
from nao_tf.trial import Architecture

COARSE_SIZE = 9
"""Number of coarse positions of a range."""
FINE_SIZE = 5
"""Number of choices of a refinement."""
MAX_LISTED = 16
"""A range with more values than this becomes a grid."""
_TOLERANCE = 1e-6


class Parameter(abc.ABC):
  """One hyperparameter as decisions.

  Attributes:
    name: name of the hyperparameter. Hyperparameters of the same name share their value.
    names: the name, and the names of the hyperparameters that its conditions depend on.
    decisions: its decisions; empty if it has only one value.
  """

  decisions: tuple[Decision, ...] = ()

  def __init__(self, hyperparameter: hp_module.HyperParameter):
    """Reads name and conditions.

    Args:
      hyperparameter: the hyperparameter.
    """
    self.name: str = hyperparameter.name
    self.names = frozenset({self.name, *(condition.name for condition in hyperparameter.conditions)})
    self._hyperparameter = hyperparameter

  def is_active(self, values: Mapping[str, Any]) -> bool:
    """Returns whether its conditions hold and no earlier hyperparameter of the same name is active.

    Args:
      values: values of the active hyperparameters before it, by name.
    """
    return self.name not in values and all(c.is_active(values) for c in self._hyperparameter.conditions)

  @functools.cached_property
  def default(self) -> Architecture:
    """The choices for the default value; the first choices if the default is none of the values."""
    try:
      return self.choices(self._hyperparameter.default)
    except ValueError:
      return self.simplest(tuple(0 for _ in self.decisions))

  @property
  @abc.abstractmethod
  def encodings(self) -> Mapping[Any, Architecture]:
    """The simplest choices for each value."""

  @abc.abstractmethod
  def value(self, choices: Architecture) -> Any:
    """Returns the value that the choices stand for."""

  @abc.abstractmethod
  def choices(self, value: Any) -> Architecture:
    """Returns the simplest choices for a value.

    Raises:
      ValueError: if the hyperparameter cannot have this value.
    """

  def simplest(self, choices: Architecture) -> Architecture:
    """Returns the simplest choices that stand for the same value."""
    return choices

  def _error(self, expected: str, value: Any) -> ValueError:
    return ValueError(f"hyperparameter {self.name!r}: expected {expected}, got {value!r}")


class Constant(Parameter):
  """A hyperparameter with a single value. It has no decisions."""

  def __init__(self, hyperparameter: hp_module.HyperParameter, value: Any):
    """Takes the value.

    Args:
      hyperparameter: the hyperparameter.
      value: its value.
    """
    super().__init__(hyperparameter)
    self._value = value

  @functools.cached_property
  def encodings(self) -> Mapping[Any, Architecture]:
    """The value, with no choices; see `Parameter.encodings`."""
    return {self._value: ()}

  def value(self, choices: Architecture) -> Any:
    """Returns the value; see `Parameter.value`."""
    del choices
    return self._value

  def choices(self, value: Any) -> Architecture:
    """Returns no choices; see `Parameter.choices`."""
    if value != self._value:
      raise self._error(f"one of {[self._value]}", value)
    return ()


class Listed(Parameter):
  """A hyperparameter with few values: one decision."""

  def __init__(self, hyperparameter: hp_module.HyperParameter, kind: str, values: Sequence[Any]):
    """Creates the decision.

    Args:
      hyperparameter: the hyperparameter.
      kind: kind of the decision.
      values: its values, all different, two or more.
    """
    super().__init__(hyperparameter)
    self._values = list(values)
    self.decisions = (Decision(kind, len(self._values), _is_ordered(hyperparameter, self._values)),)

  @functools.cached_property
  def encodings(self) -> Mapping[Any, Architecture]:
    """The choice of each value; see `Parameter.encodings`."""
    return {value: (choice,) for choice, value in enumerate(self._values)}

  def value(self, choices: Architecture) -> Any:
    """Returns the value of the choice; see `Parameter.value`."""
    return self._values[choices[0]]

  def choices(self, value: Any) -> Architecture:
    """Returns the choice of a value; see `Parameter.choices`."""
    if value not in self._values:
      raise self._error(f"one of {self._values}", value)
    return self.encodings[value]


class Range(Parameter):
  """A numerical hyperparameter with many values: a coarse position and its refinements."""

  def __init__(self, hyperparameter: hp_module.Int | hp_module.Float, kind: str, refinements: int):
    """Creates the decisions.

    Args:
      hyperparameter: the hyperparameter.
      kind: kind of the coarse decision. The kinds of its refinements begin with it.
      refinements: number of refinements.
    """
    super().__init__(hyperparameter)
    fine = (
      Decision(f"{kind}, refinement {i}", FINE_SIZE, ordered=True, reach=FINE_SIZE**-i)
      for i in range(1, refinements + 1)
    )
    self.decisions = (Decision(kind, COARSE_SIZE, ordered=True), *fine)

  def value(self, choices: Architecture) -> Any:
    """Returns the value at the position of the choices; see `Parameter.value`."""
    hp = self._hyperparameter
    return min(max(hp.prob_to_value(self._position(choices)), hp.min_value), hp.max_value)

  def choices(self, value: Any) -> Architecture:
    """Returns the simplest choices for the nearest value on the grid; see `Parameter.choices`."""
    hp = self._hyperparameter
    margin = _TOLERANCE * (hp.max_value - hp.min_value)
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if not is_number or not hp.min_value - margin <= value <= hp.max_value + margin:
      raise self._error(f"a number in [{hp.min_value}, {hp.max_value}]", value)
    if value in self.encodings:
      return self.encodings[value]
    position = hp.value_to_prob(min(max(value, hp.min_value), hp.max_value))
    nearest = min(self.encodings.values(), key=lambda choices: abs(self._position(choices) - position))
    return self.simplest(nearest)

  def simplest(self, choices: Architecture) -> Architecture:
    """Returns the choices with the smallest refinements; see `Parameter.simplest`."""
    return self.encodings[self.value(choices)]

  @functools.cached_property
  def encodings(self) -> Mapping[Any, Architecture]:
    """The choices with the smallest refinements, the finest ones first; see `Parameter.encodings`."""
    grid = itertools.product(*(range(decision.size) for decision in self.decisions))
    encodings: dict[Any, Architecture] = {}
    for choices in sorted(grid, key=lambda choices: [abs(offset) for offset in reversed(_offsets(choices))]):
      encodings.setdefault(self.value(choices), choices)
    return encodings

  def _position(self, choices: Architecture) -> float:
    """Returns the cumulative probability that the choices stand for, in [0, 1]."""
    position, width = float(choices[0]), 1.0
    for offset in _offsets(choices):
      width /= FINE_SIZE
      position += offset * width
    return min(max(position / (COARSE_SIZE - 1), 0.0), 1.0)


def make_parameters(hyperparameters: Sequence[hp_module.HyperParameter], refinements: int) -> list[Parameter]:
  """Returns hyperparameters as decisions, in the given order.

  Args:
    hyperparameters: the hyperparameters.
    refinements: number of refinements of each range with many values.
  """
  parameters: list[Parameter] = []
  kinds: set[str] = set()
  for hyperparameter in hyperparameters:
    kind = _unused_kind(hyperparameter.name, kinds)
    kinds.add(kind)
    parameters.append(_make_parameter(hyperparameter, kind, refinements))
  return parameters


def _unused_kind(name: str, kinds: Collection[str]) -> str:
  """Returns a kind for a hyperparameter. Hyperparameters of one name may have different values, so kinds differ."""
  numbered = (f"{name}, {number}" for number in itertools.count(2))
  return next(kind for kind in itertools.chain([name], numbered) if kind not in kinds)


def _make_parameter(hyperparameter: hp_module.HyperParameter, kind: str, refinements: int) -> Parameter:
  values = _few_values(hyperparameter)
  if values is None:
    return Range(hyperparameter, kind, refinements)
  distinct = list(dict.fromkeys(values))
  if len(distinct) == 1:
    return Constant(hyperparameter, distinct[0])
  return Listed(hyperparameter, kind, distinct)


def _offsets(choices: Architecture) -> list[int]:
  """Returns how far each refinement is from its middle choice."""
  return [choice - FINE_SIZE // 2 for choice in choices[1:]]


def _is_ordered(hp: hp_module.HyperParameter, values: Sequence[Any]) -> bool:
  """Returns whether there are more than two values, and they are ascending or descending numbers."""
  is_unordered = isinstance(hp, hp_module.Choice) and not hp.ordered
  if len(values) < 3 or isinstance(values[0], (str, bool)) or is_unordered:
    return False
  return list(values) in (sorted(values), sorted(values, reverse=True))


def _few_values(hp: hp_module.HyperParameter) -> Sequence[Any] | None:
  """Returns the values of a hyperparameter; None if it is a range with many."""
  if not isinstance(hp, (hp_module.Int, hp_module.Float)):
    return list(hp.values)
  if hp.min_value == hp.max_value:
    return [hp.min_value]
  count = _num_steps(hp)
  if count is None or count > MAX_LISTED:
    return None
  return [hp.prob_to_value((i + 0.5) / count) for i in range(count)]


def _num_steps(hp: hp_module.Int | hp_module.Float) -> int | None:
  """Returns the number of values of a range with a step; None if it has no step."""
  if hp.step is None:
    return None
  if hp.sampling == "linear":
    return int((hp.max_value - hp.min_value) // hp.step) + 1
  return int(math.log(hp.max_value / hp.min_value, hp.step) + _TOLERANCE) + 1
