"""The values of a numerical hyperparameter with a step, the end of its range included.

Steps such as 0.1 are not exact floats. So values are counted and compared within the precision of 32-bit floats, since
users give such values, too. KerasTuner itself rounds the number of steps down and may lose the end of the range.
"""

import math
from collections.abc import Iterable

from keras_tuner.engine import hyperparameters as hp_module

_ROUNDING = 1e-6
"""How much of a step the last value may miss the end of the range by."""
PRECISION = 2.0**-22
"""Relative precision with which floats are compared. That of 32-bit floats is 2**-24."""


class ValueGrid:
  """The values of one hyperparameter, as KerasTuner computes them.

  Attributes:
    count: how many there are.
  """

  def __init__(self, hyperparameter: hp_module.Int | hp_module.Float, *, named: Iterable[float] = ()):
    """Counts the values.

    Args:
      hyperparameter: has a step.
      named: values that conditions of other hyperparameters name. KerasTuner compares them by equality, so those that
        are on the grid within rounding are taken as they are named.

    Raises:
      ValueError: if the step is not above 0.
    """
    if hyperparameter.step <= 0:
      raise ValueError(f"hyperparameter {hyperparameter.name!r}: expected a step above 0, got {hyperparameter.step!r}")
    self._hp = hyperparameter
    self._is_int = isinstance(hyperparameter, hp_module.Int)
    steps = self._steps_between(hyperparameter.min_value, hyperparameter.max_value)
    self._ends_on_grid = abs(round(steps) - steps) <= _ROUNDING
    self.count = (round(steps) if self._ends_on_grid else int(steps)) + 1
    self._named: dict[int, float] = {}
    self._named = {self.nearest(value): value for value in named if self.contains(value)}

  def value(self, index: int) -> int | float:
    """Returns the value of an index in [0, count). The first one of `reverse_log` sampling is the largest."""
    hp = self._hp
    if index in self._named:
      return self._named[index]
    if self._ends_on_grid and index == self.count - 1:
      return hp.min_value if hp.sampling == "reverse_log" else hp.max_value
    value = hp.min_value + index * hp.step if hp.sampling == "linear" else hp.min_value * hp.step**index
    value = hp.max_value + hp.min_value - value if hp.sampling == "reverse_log" else value
    return min(max(value, hp.min_value), hp.max_value)

  def nearest(self, value: float) -> int:
    """Returns the index of the nearest value. On a logarithmic grid it is the nearest by ratio."""
    hp = self._hp
    value = min(max(value, hp.min_value), hp.max_value)
    distance = hp.max_value + hp.min_value - value if hp.sampling == "reverse_log" else value
    return min(round(self._steps_between(hp.min_value, distance)), self.count - 1)

  def contains(self, value: float) -> bool:
    """Returns whether a value is on the grid: exactly for integers, otherwise within the precision."""
    index = self.nearest(value)
    exact = self.value(index)
    if value == exact or self._is_int or self.count == 1:
      return value == exact
    spacing = abs(exact - self.value(index + 1 if index == 0 else index - 1))
    return abs(value - exact) <= min(spacing / 4, max(spacing * _ROUNDING, abs(exact) * PRECISION))

  def _steps_between(self, low: float, high: float) -> float:
    """Returns the number of steps from one value to a higher one."""
    if self._hp.sampling != "linear":
      return math.log(high / low) / math.log(self._hp.step)
    if self._is_int and (high - low) % self._hp.step == 0:
      return (high - low) // self._hp.step
    return (high - low) / self._hp.step
