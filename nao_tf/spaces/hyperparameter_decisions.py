"""One hyperparameter as decisions of a search space.

A hyperparameter with few values is one decision. The decision is ordered if the values are numbers in order, unless
KerasTuner says that they are unordered.

A range with many values becomes a grid over KerasTuner's cumulative probability, where linear and logarithmic sampling
are both even. The first decision is a coarse position. Each refinement is a further decision: how far the value lies from
the position so far. All of these decisions are ordered. The middle choice of a refinement keeps the unrefined value, so a
finer space contains the coarser one. Every grid contains the ends of the range.

Values from outside may be NumPy's, and floats may be rounded: 0.3 is the value that KerasTuner computes as 3 * 0.1.
"""

import abc
import collections
import functools
import itertools
import math
from collections.abc import Collection, Mapping, Sequence
from typing import Any, TypeGuard

from absl import logging
from keras_tuner.engine import hyperparameters as hp_module

from nao_tf.spaces.base import Decision
from nao_tf.spaces.plain_values import PlainValue, plain_value
from nao_tf.spaces.value_grids import PRECISION, ValueGrid
from nao_tf.trial import Architecture

COARSE_SIZE = 9
"""Number of coarse positions of a range."""
FINE_SIZE = 5
"""Number of choices of a refinement."""
MAX_LISTED = 16
"""A range with more values than this becomes a grid."""


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
    """The choices for the default value, or for the nearest value if the default is none of the values."""
    return self.choices(self.default_value)

  @functools.cached_property
  def default_value(self) -> Any:
    """The default value, or the nearest one if the default is none of the values; there is a warning then."""
    default = self._hyperparameter.default
    try:
      return self.accepted(default)
    except ValueError as error:
      nearest = self._nearest(default)
      logging.warning("Its default is none of the values: %s. The default is taken to be %r.", error, nearest)
      return nearest

  @property
  def is_complete(self) -> bool:
    """Whether the choices reach every value that the hyperparameter can have."""
    return True

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

  def accepted(self, value: Any) -> Any:
    """Returns a value that somebody has given, in the type and rounding of the hyperparameter.

    Raises:
      ValueError: if the hyperparameter cannot have this value.
    """
    return self.value(self.choices(value))

  def simplest(self, choices: Architecture) -> Architecture:
    """Returns the simplest choices that stand for the same value."""
    return choices

  def _nearest(self, value: Any) -> Any:
    """Returns the nearest value to one that the hyperparameter cannot have; the first if there is no nearest one."""
    del value
    return self.value(self.simplest(tuple(0 for _ in self.decisions)))

  def _plain(self, value: Any) -> PlainValue:
    return plain_value(value, f"hyperparameter {self.name!r}")

  def _error(self, expected: str, value: Any) -> ValueError:
    return ValueError(f"hyperparameter {self.name!r}: expected {expected}, got {value!r}")


class Listed(Parameter):
  """A hyperparameter with few values: one decision."""

  def __init__(self, hyperparameter: hp_module.HyperParameter, kind: str, values: Sequence[Any]):
    """Initializes the decisions.

    Args:
      hyperparameter: the hyperparameter.
      kind: kind of the decision.
      values: its values, all different, two or more.
    """
    super().__init__(hyperparameter)
    self._values = list(values)
    if len(self._values) > 1:
      self.decisions = (Decision(kind, len(self._values), _is_ordered(hyperparameter, self._values)),)

  @functools.cached_property
  def encodings(self) -> Mapping[Any, Architecture]:
    """The choice of each value; see `Parameter.encodings`."""
    return {value: self._choices(number) for number, value in enumerate(self._values)}

  def value(self, choices: Architecture) -> Any:
    """Returns the value of the choice; see `Parameter.value`."""
    return self._values[choices[0] if choices else 0]

  def choices(self, value: Any) -> Architecture:
    """Returns the choice of a value; see `Parameter.choices`."""
    plain = self._plain(value)
    number = self._number(plain)
    if number is None:
      raise self._error(f"one of {self._values}", plain)
    return self._choices(number)

  def _choices(self, number: int) -> Architecture:
    return (number,) if self.decisions else ()

  def _number(self, value: PlainValue) -> int | None:
    """Returns the number of a value; None if it is none of the values.

    True and False are numbers only for a `Choice` of KerasTuner, which makes numbers of them itself.
    """
    makes_numbers = isinstance(self._hyperparameter, hp_module.Choice) and set(self._values) <= {0, 1}
    if isinstance(value, bool) and not isinstance(self._values[0], bool) and not makes_numbers:
      return None
    return self._values.index(value) if value in self._values else self._close_number(value)

  def _close_number(self, value: PlainValue) -> int | None:
    """Returns the number of the value that a float is a rounding of; None if there is none."""
    if not isinstance(value, float):
      return None
    distances = {n: abs(value - v) for n, v in enumerate(self._values) if isinstance(v, float)}
    close = [n for n in distances if math.isclose(value, self._values[n], rel_tol=PRECISION)]
    return min(close, key=lambda n: distances[n], default=None)


class Constant(Listed):
  """A hyperparameter with a single value. It has no decisions."""

  def __init__(self, hyperparameter: hp_module.HyperParameter, value: Any):
    """Initializes with the value.

    Args:
      hyperparameter: the hyperparameter.
      value: its value.
    """
    super().__init__(hyperparameter, hyperparameter.name, [value])


class Stepped(Listed):
  """A numerical hyperparameter with a step and few values: one decision."""

  def __init__(self, hyperparameter: hp_module.Int | hp_module.Float, kind: str, grid: ValueGrid):
    """Initializes the decisions.

    Args:
      hyperparameter: the hyperparameter.
      kind: kind of the decision.
      grid: its values.
    """
    super().__init__(hyperparameter, kind, [grid.value(index) for index in range(grid.count)])
    self._grid = grid

  def _number(self, value: PlainValue) -> int | None:
    """Returns the number of a value, which may be rounded; see `Listed`."""
    if not _is_number(value) or not _is_in_range(self._hyperparameter, value) or not self._grid.contains(value):
      return None
    return self._grid.nearest(value)

  def _nearest(self, value: Any) -> Any:
    return self._grid.value(self._grid.nearest(value)) if _is_number(value) else super()._nearest(value)


class Range(Parameter):
  """A numerical hyperparameter with many values: a coarse position and its refinements."""

  def __init__(
    self, hyperparameter: hp_module.Int | hp_module.Float, kind: str, refinements: int, grid: ValueGrid | None
  ):
    """Initializes the decisions.

    Args:
      hyperparameter: the hyperparameter.
      kind: kind of the coarse decision. The kinds of its refinements begin with it.
      refinements: number of refinements.
      grid: its values; None if it has no step.
    """
    super().__init__(hyperparameter)
    self._is_int = isinstance(hyperparameter, hp_module.Int)
    self._grid = grid
    fine = (
      Decision(f"{kind}, refinement {i}", FINE_SIZE, ordered=True, reach=FINE_SIZE**-i)
      for i in range(1, refinements + 1)
    )
    self.decisions = (Decision(kind, COARSE_SIZE, ordered=True), *fine)

  @property
  def is_complete(self) -> bool:
    """Whether the choices reach every value; see `Parameter.is_complete`. Without a step floats are never complete."""
    return self._count is not None and len(self.encodings) == self._count

  def value(self, choices: Architecture) -> Any:
    """Returns the value at the position of the choices; see `Parameter.value`."""
    hp, position = self._hyperparameter, self._position(choices)
    if self._grid is None:
      return min(max(hp.prob_to_value(position), hp.min_value), hp.max_value)
    return self._grid.value(min(int(position / (1 / self._grid.count)), self._grid.count - 1))

  def choices(self, value: Any) -> Architecture:
    """Returns the simplest choices for the nearest value that choices reach; see `Parameter.choices`."""
    exact = self.accepted(value)
    if exact in self.encodings:
      return self.encodings[exact]
    position = self._position_of(exact)
    nearest = min(self.encodings.values(), key=lambda choices: abs(self._position(choices) - position))
    return self.simplest(nearest)

  def accepted(self, value: Any) -> Any:
    """Returns a given value, also one that no choices reach; see `Parameter.accepted`."""
    plain = self._plain(value)
    if not self._holds(plain):
      raise self._error(self._expected, plain)
    return self._nearest(plain)

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

  @property
  def _count(self) -> int | None:
    """Number of values; None if there is no end of them."""
    if self._grid is not None:
      return self._grid.count
    return self._hyperparameter.max_value - self._hyperparameter.min_value + 1 if self._is_int else None

  @property
  def _expected(self) -> str:
    hp = self._hyperparameter
    kind = "an integer" if self._is_int else "a number"
    step = "" if hp.step is None else f", with steps of {hp.step} ({hp.sampling})"
    return f"{kind} in [{hp.min_value}, {hp.max_value}]{step}"

  def _holds(self, value: PlainValue) -> bool:
    """Returns whether the hyperparameter can have a value. Floats may be rounded."""
    if not _is_number(value) or not _is_in_range(self._hyperparameter, value):
      return False
    if self._grid is not None:
      return self._grid.contains(value)
    return not self._is_int or value == int(value)

  def _nearest(self, value: Any) -> Any:
    if not _is_number(value):
      return super()._nearest(value)
    if self._grid is not None:
      return self._grid.value(self._grid.nearest(value))
    inside = min(max(value, self._hyperparameter.min_value), self._hyperparameter.max_value)
    return round(inside) if self._is_int else float(inside)

  def _position_of(self, value: Any) -> float:
    """Returns the cumulative probability in the middle of a value."""
    if self._grid is None:
      return self._hyperparameter.value_to_prob(value)
    return (self._grid.nearest(value) + 0.5) / self._grid.count

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
  named: collections.defaultdict[str, list[Any]] = collections.defaultdict(list)
  for condition in itertools.chain(*(hyperparameter.conditions for hyperparameter in hyperparameters)):
    named[condition.name] += condition.values
  for hyperparameter in hyperparameters:
    kind = _unused_kind(hyperparameter.name, kinds)
    kinds.add(kind)
    parameters.append(_make_parameter(hyperparameter, kind, refinements, named[hyperparameter.name]))
  return parameters


def _unused_kind(name: str, kinds: Collection[str]) -> str:
  """Returns a kind for a hyperparameter. Hyperparameters of one name may have different values, so kinds differ."""
  numbered = (f"{name}, {number}" for number in itertools.count(2))
  return next(kind for kind in itertools.chain([name], numbered) if kind not in kinds)


def _make_parameter(
  hyperparameter: hp_module.HyperParameter, kind: str, refinements: int, named: Collection[Any]
) -> Parameter:
  """Returns a hyperparameter as decisions; `named` are the values that conditions name."""
  if not isinstance(hyperparameter, (hp_module.Int, hp_module.Float)):
    return _make_listed(hyperparameter, kind, list(dict.fromkeys(hyperparameter.values)))
  if hyperparameter.min_value == hyperparameter.max_value:
    return Constant(hyperparameter, hyperparameter.min_value)
  if hyperparameter.step is None:
    return Range(hyperparameter, kind, refinements, None)
  grid = ValueGrid(hyperparameter, named=filter(_is_number, named))
  if grid.count > MAX_LISTED:
    return Range(hyperparameter, kind, refinements, grid)
  if grid.count == 1:
    return Constant(hyperparameter, grid.value(0))
  return Stepped(hyperparameter, kind, grid)


def _make_listed(hyperparameter: hp_module.HyperParameter, kind: str, values: Sequence[Any]) -> Listed:
  return Constant(hyperparameter, values[0]) if len(values) == 1 else Listed(hyperparameter, kind, values)


def _offsets(choices: Architecture) -> list[int]:
  """Returns how far each refinement is from its middle choice."""
  return [choice - FINE_SIZE // 2 for choice in choices[1:]]


def _is_ordered(hp: hp_module.HyperParameter, values: Sequence[Any]) -> bool:
  """Returns whether there are more than two values, and they are ascending or descending numbers."""
  is_unordered = isinstance(hp, hp_module.Choice) and not hp.ordered
  if len(values) < 3 or isinstance(values[0], (str, bool)) or is_unordered:
    return False
  return list(values) in (sorted(values), sorted(values, reverse=True))


def _is_number(value: Any) -> TypeGuard[int | float]:
  return isinstance(value, (int, float)) and not isinstance(value, bool)


def _is_in_range(hp: hp_module.HyperParameter, value: float) -> bool:
  """Returns whether a number is in a range. The ends of a range of floats may be rounded."""
  precision = 0.0 if isinstance(hp, hp_module.Int) else PRECISION
  return hp.min_value - precision * abs(hp.min_value) <= value <= hp.max_value + precision * abs(hp.max_value)
