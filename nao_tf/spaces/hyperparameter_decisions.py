"""One hyperparameter as decisions of a search space.

A hyperparameter with few values is one decision, ordered if its values are numbers in order and KerasTuner does not say
that it is unordered. A range is read off on a grid over KerasTuner's cumulative probability, in which linear and
logarithmic sampling alike are even: one decision for a coarse position and, for each refinement, one for how far off it
the value lies, all of them ordered. The middle of a refinement is the unrefined value, so a finer space contains the
coarser one. The ends of a range are on every grid.
"""

import abc
import functools
import itertools
import math
from collections.abc import Mapping, Sequence
from typing import Any

from keras_tuner.engine import hyperparameters as hp_module

from nao_tf.spaces.base import Decision
from nao_tf.trial import Architecture

COARSE_SIZE = 9
FINE_SIZE = 5
MAX_LISTED = 16
_TOLERANCE = 1e-6


class Parameter(abc.ABC):
  """One hyperparameter as decisions.

  Attributes:
    name: its name; several hyperparameters may share one and with it a value.
    decisions: none if there is nothing to decide.
    encodings: every value with the simplest choices for it.
    names: its own and those that its conditions are about.
  """

  decisions: tuple[Decision, ...]
  encodings: Mapping[Any, Architecture]

  def __init__(self, hyperparameter: hp_module.HyperParameter):
    self.name = hyperparameter.name
    self.names = frozenset({self.name, *(condition.name for condition in hyperparameter.conditions)})
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


class Listed(Parameter):
  """A hyperparameter with few values, one decision; with a single one, none."""

  def __init__(self, hyperparameter: hp_module.HyperParameter, kind: str, values: Sequence[Any]):
    super().__init__(hyperparameter)
    self._values = list(dict.fromkeys(values))
    decision = Decision(kind, len(self._values), _is_ordered(hyperparameter, self._values))
    self.decisions = (decision,) if len(self._values) > 1 else ()
    self.encodings = {value: (i,) * len(self.decisions) for i, value in enumerate(self._values)}

  def value(self, choices):
    return self._values[choices[0]] if choices else self._values[0]

  def choices(self, value):
    if value not in self._values:
      raise self._refusal(f"one of {self._values}", value)
    return self.encodings[value]


class Range(Parameter):
  """A numerical hyperparameter with many values: a coarse position and its refinements."""

  def __init__(self, hyperparameter: hp_module.Int | hp_module.Float, kind: str, refinements: int):
    super().__init__(hyperparameter)
    fine = (
      Decision(f"{kind}, refinement {i}", FINE_SIZE, ordered=True, reach=FINE_SIZE**-i)
      for i in range(1, refinements + 1)
    )
    self.decisions = (Decision(kind, COARSE_SIZE, ordered=True), *fine)

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
    if value in self.encodings:
      return self.encodings[value]
    position = hp.value_to_prob(min(max(value, hp.min_value), hp.max_value))
    nearest = min(self.encodings.values(), key=lambda choices: abs(self._position(choices) - position))
    return self.simplest(nearest)

  def simplest(self, choices):
    return self.encodings[self.value(choices)]

  @functools.cached_property
  def encodings(self):
    # The smallest corrections, the finest first, are the simplest.
    grid = itertools.product(*(range(decision.size) for decision in self.decisions))
    encodings: dict[Any, Architecture] = {}
    for choices in sorted(grid, key=lambda choices: [abs(offset) for offset in reversed(_offsets(choices))]):
      encodings.setdefault(self.value(choices), choices)
    return encodings

  def _position(self, choices: Architecture) -> float:
    """Returns the cumulative probability that choices spell, in [0, 1]."""
    position, width = float(choices[0]), 1.0
    for offset in _offsets(choices):
      width /= FINE_SIZE
      position += offset * width
    return min(max(position / (COARSE_SIZE - 1), 0.0), 1.0)


def _offsets(choices: Architecture) -> list[int]:
  return [choice - FINE_SIZE // 2 for choice in choices[1:]]


def make_parameters(hyperparameters: Sequence[hp_module.HyperParameter], refinements: int) -> list[Parameter]:
  parameters: list[Parameter] = []
  seen: set[str] = set()
  for hp in hyperparameters:
    kind = hp.name
    for number in itertools.count(2):  # Namesakes may have other values, so each has tokens of its own.
      if kind not in seen:
        break
      kind = f"{hp.name}, {number}"
    seen.add(kind)
    values = _few_values(hp)
    parameters.append(Range(hp, kind, refinements) if values is None else Listed(hp, kind, values))
  return parameters


def _is_ordered(hp: hp_module.HyperParameter, values: Sequence[Any]) -> bool:
  """Whether there are more than two values, they are numbers, and they rise or fall all along."""
  is_listed = isinstance(hp, hp_module.Choice)
  if len(values) < 3 or isinstance(values[0], (str, bool)) or (is_listed and not hp.ordered):
    return False
  return list(values) in (sorted(values), sorted(values, reverse=True))


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
