"""Search spaces of KerasTuner hyperparameters, including conditional ones.

A hyperparameter is inactive if its conditions do not hold. Its decisions then have no effect.
"""

import collections
import functools
import itertools
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from keras_tuner import HyperParameters
from keras_tuner.engine import hyperparameters as hp_module

from nao_tf.spaces.hyperparameter_decisions import Parameter, make_parameters
from nao_tf.spaces.plain_values import plain_hyperparameter, plain_hyperparameters
from nao_tf.spaces.value_space import ValueSpace
from nao_tf.trial import Architecture

MAX_REFINEMENTS = 6

_Counts = collections.Counter[tuple[tuple[str, Any], ...]]
"""Numbers of configurations, by the names and values that later hyperparameters depend on."""


class HyperParameterSpace(ValueSpace):
  """The search space of a `keras_tuner.HyperParameters`.

  Encodings of the same configuration differ in the decisions of inactive hyperparameters, or in grid positions that
  represent the same value.

  Example:
      hp = keras_tuner.HyperParameters()
      hp.Int("layers", 1, 3)
      space = HyperParameterSpace(hp)
      space.decode((2,))  # {"layers": 3}
  """

  name = "hyperparameters"

  def __init__(self, hyperparameters: HyperParameters, *, refinements: int = 1):
    """Derives the space from hyperparameters.

    Args:
      hyperparameters: the hyperparameters, in any order. Their current values are ignored.
      refinements: number of refining decisions after the coarse one for ranges with many values, 0 to
        `MAX_REFINEMENTS`. Each divides the distance between neighboring values by `FINE_SIZE`.

    Raises:
      ValueError: if `refinements` is out of range, a hyperparameter has NaN or infinity among its values, or two of the
        same name with different values can be active at the same time.
    """
    if not 0 <= refinements <= MAX_REFINEMENTS:
      raise ValueError(f"refinements must be in [0, {MAX_REFINEMENTS}], got {refinements}")
    self.refinements = refinements
    ordered = parents_first([plain_hyperparameter(hp) for hp in hyperparameters.space])
    check_namesakes(ordered)
    self._parameters = make_parameters(ordered, refinements)
    self.decisions = tuple(itertools.chain(*(parameter.decisions for parameter in self._parameters)))
    ends = list(itertools.accumulate(len(parameter.decisions) for parameter in self._parameters))
    self._slices = [slice(end - len(p.decisions), end) for end, p in zip(ends, self._parameters)]

  @functools.cached_property
  def size(self) -> int:
    """Number of configurations."""
    counts: _Counts = collections.Counter({(): 1})
    for number, parameter in enumerate(self._parameters, start=1):
      needed = {name for later in self._parameters[number:] for name in later.names}
      counts = _extended(counts, parameter, needed)
    return counts.total()

  def enumerate(self) -> Iterator[Architecture]:
    """Yields the canonical architecture of every configuration. The first hyperparameter changes most slowly."""
    return self._encodings({}, ())

  @property
  def num_parameters(self) -> int:
    """Number of hyperparameters with more than one value."""
    return sum(bool(parameter.decisions) for parameter in self._parameters)

  @property
  def refinable(self) -> bool:
    """Whether another refinement would add configurations."""
    return self.refinements < MAX_REFINEMENTS and not all(p.is_complete for p in self._parameters)

  def decode(self, architecture: Architecture) -> dict[str, Any]:
    """Returns the values of all active hyperparameters by name, parents before children."""
    self.validate(architecture)
    parts = self._parts(architecture)
    return {parameter.name: parameter.value(choices) for parameter, choices, is_active in parts if is_active}

  def encode(self, values: Mapping[str, Any]) -> Architecture:
    """Returns the canonical architecture of a configuration, or of the nearest one on the grid.

    Args:
      values: values by name. Missing hyperparameters take their defaults. Unknown names are ignored.

    Raises:
      ValueError: if a value is not allowed for its hyperparameter.
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

  def complete(self, values: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the values of all active hyperparameters; see `ValueSpace.complete`."""
    active: dict[str, Any] = {}
    for parameter in self._parameters:
      if parameter.is_active(active):
        given = parameter.name in values
        active[parameter.name] = parameter.accepted(values[parameter.name]) if given else parameter.default_value
    return active

  def canonical(self, architecture: Architecture) -> Architecture:
    """Sets inactive hyperparameters to their defaults and uses the simplest grid positions."""
    encoding: list[int] = []
    for parameter, choices, is_active in self._parts(architecture):
      encoding += parameter.simplest(choices) if is_active else parameter.default
    return tuple(encoding)

  def random_equivalent(self, architecture: Architecture, rng: np.random.Generator) -> Architecture:
    """Randomizes the decisions of inactive hyperparameters."""
    encoding: list[int] = []
    for parameter, choices, is_active in self._parts(architecture):
      if is_active:
        encoding += choices
      else:
        encoding += (int(rng.integers(decision.size)) for decision in parameter.decisions)
    return tuple(encoding)

  def mutate(self, architecture: Architecture, rng: np.random.Generator) -> Architecture:
    """Returns an architecture that differs in one decision, and in its configuration if possible.

    See `SearchSpace.mutate`.
    """
    before = self.canonical(architecture)
    for mutant in self._mutants(architecture, rng):
      if self.canonical(mutant) != before:
        return mutant
    return super().mutate(architecture, rng)

  def _encodings(self, active: dict[str, Any], encoding: Architecture, number: int = 0) -> Iterator[Architecture]:
    """Yields the canonical architectures with a given beginning.

    Args:
      active: values of the active hyperparameters among the first `number`.
      encoding: choices of the first `number` hyperparameters.
      number: number of hyperparameters in the beginning.
    """
    if number == len(self._parameters):
      yield encoding
      return
    parameter = self._parameters[number]
    if not parameter.is_active(active):
      yield from self._encodings(active, encoding + parameter.default, number + 1)
      return
    for value, choices in parameter.encodings.items():
      yield from self._encodings({**active, parameter.name: value}, encoding + choices, number + 1)

  def _parts(self, architecture: Architecture) -> Iterator[tuple[Parameter, Architecture, bool]]:
    """Yields each hyperparameter with its choices, and whether it is active."""
    values: dict[str, Any] = {}
    for parameter, part in zip(self._parameters, self._slices):
      choices = tuple(architecture[part])
      is_active = parameter.is_active(values)
      if is_active:
        values[parameter.name] = parameter.value(choices)
      yield parameter, choices, is_active


def parents_first(
  hyperparameters: Sequence[hp_module.HyperParameter],
) -> list[hp_module.HyperParameter]:
  """Returns hyperparameters with each after those that its conditions depend on, otherwise in the given order.

  KerasTuner's messages group hyperparameters by type, which may change their order.
  """
  ordered: list[hp_module.HyperParameter] = []
  waiting = list(hyperparameters)
  while waiting:
    names = {hp.name for hp in waiting}
    ready = next((hp for hp in waiting if not names & {c.name for c in hp.conditions}), waiting[0])
    waiting.remove(ready)
    ordered.append(ready)
  return ordered


def check_namesakes(hyperparameters: Sequence[hp_module.HyperParameter]) -> None:
  """Checks that a value cannot have to be one of two different hyperparameters of the same name.

  KerasTuner knows a hyperparameter by its name and conditions, and a value by its name alone.

  Args:
    hyperparameters: all of a space.

  Raises:
    ValueError: if hyperparameters of one name and with different values can be active at the same time.
  """
  by_name: collections.defaultdict[str, list[hp_module.HyperParameter]] = collections.defaultdict(list)
  for hp in hyperparameters:
    by_name[hp.name].append(hp)
  for namesakes in by_name.values():
    for one, other in itertools.combinations(namesakes, 2):
      if definition(one) != definition(other) and not _exclude_each_other(one, other):
        raise ValueError(
          f"hyperparameter {one.name!r} is defined twice, and both can be active at the same time: {one} and {other};"
          " give them different names, or conditions that exclude each other"
        )


def with_active_values(hyperparameters: HyperParameters) -> HyperParameters:
  """Returns hyperparameters with plain values, for all that are active and for no inactive ones.

  KerasTuner takes the value of an active hyperparameter away if another one of its name is inactive, and draws values
  that are missing at random. Here a missing value is the default.

  Args:
    hyperparameters: with values, which may be NumPy's. Values whose names are not in the space stay.

  Raises:
    ValueError: if a value is not a finite number, a string or a bool.
  """
  plain = plain_hyperparameters(hyperparameters)
  names = {hp.name for hp in plain.space}
  active: dict[str, Any] = {name: value for name, value in plain.values.items() if name not in names}
  for hp in parents_first(plain.space):
    if all(condition.is_active(active) for condition in hp.conditions):
      active.setdefault(hp.name, plain.values.get(hp.name, hp.default))
  plain.values = active
  return plain


def definition(hp: hp_module.HyperParameter) -> dict[str, Any]:
  """Returns the type and the values of a hyperparameter, without its conditions and its default, for comparisons."""
  return {**hp.get_config(), "conditions": None, "default": None, "class": type(hp).__name__}


def _exclude_each_other(one: hp_module.HyperParameter, other: hp_module.HyperParameter) -> bool:
  """Returns whether two hyperparameters need different values of a third one."""
  return any(
    first.name == second.name and not any(value in second.values for value in first.values)
    for first in one.conditions
    for second in other.conditions
  )


def _extended(counts: _Counts, parameter: Parameter, needed: Collection[str]) -> _Counts:
  """Returns the numbers of configurations of one more hyperparameter.

  Args:
    counts: numbers of configurations of the hyperparameters before it.
    parameter: the hyperparameter.
    needed: names whose values later hyperparameters depend on.
  """
  extended: _Counts = collections.Counter()
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
