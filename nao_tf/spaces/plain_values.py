"""Values of hyperparameters as plain Python values, as JSON has them.

Values that users give may be NumPy's. They are made plain where they come in, so that all that is proposed, run and
recorded is of one type.
"""

import math
from collections.abc import Iterable, Mapping
from typing import Any, TypeAlias

import numpy as np
from keras_tuner import HyperParameters
from keras_tuner.engine.hyperparameters import HyperParameter

from nao_tf import fields

PlainValue: TypeAlias = bool | int | float | str

_LARGEST_INTEGER = 2**63
_NUMBERS = ("default", "min_value", "max_value", "step", "value")
"""Names in the configuration of a hyperparameter."""


def plain_value(value: Any, place: str) -> PlainValue:
  """Returns a value as bool, int, float or str.

  Args:
    value: one of these, or a NumPy scalar or array without dimensions.
    place: where it is from, for error messages.

  Raises:
    ValueError: if it is anything else, is NaN or infinite, or is an integer of more than 64 bits.
  """
  plain = _without_array(value)
  if isinstance(plain, (bool, str)):
    return plain
  if isinstance(plain, (float, np.floating)) and math.isfinite(plain):
    return float(plain)
  if isinstance(plain, int) and -_LARGEST_INTEGER <= plain < _LARGEST_INTEGER:
    return int(plain)
  raise ValueError(
    f"{place}: expected a bool, a string or a finite number of at most 64 bits, got {fields.shown(value)}"
  )


def plain_values(values: Any, place: str) -> dict[str, PlainValue]:
  """Returns values of hyperparameters by name, each of them plain; see `plain_value`.

  Args:
    values: by name.
    place: where they are from, for error messages.

  Raises:
    ValueError: if they are not a mapping from names, or one cannot be converted to a plain value.
  """
  if not isinstance(values, Mapping) or not all(isinstance(name, str) for name in values):
    raise ValueError(f"{place}: expected values by the names of hyperparameters, got {fields.shown(values)}")
  return {name: plain_value(value, f"{place}: hyperparameter {name!r}") for name, value in values.items()}


def plain_hyperparameter(hyperparameter: HyperParameter) -> HyperParameter:
  """Returns a hyperparameter with plain values.

  Raises:
    ValueError: if one of its values is NaN or infinite, or its step is not above 0. The message names it.
  """
  place = f"hyperparameter {hyperparameter.name!r}"
  config = hyperparameter.get_config()
  plain: dict[str, Any] = {key: plain_value(config[key], place) for key in _NUMBERS if config.get(key) is not None}
  if "values" in config:
    plain["values"] = [plain_value(value, place) for value in config["values"]]
  step = plain.get("step", 1)
  if not isinstance(step, (int, float)) or step <= 0:
    raise ValueError(f"{place}: expected a step above 0, got {step!r}")
  return type(hyperparameter).from_config({**config, **plain})


def plain_hyperparameters(hyperparameters: HyperParameters) -> HyperParameters:
  """Returns hyperparameters and their values with plain values; see `plain_hyperparameter`.

  Raises:
    ValueError: if one of them cannot be converted to a plain value.
  """
  return with_entries(map(plain_hyperparameter, hyperparameters.space), plain_values(hyperparameters.values, "values"))


def with_entries(space: Iterable[HyperParameter], values: Mapping[str, Any]) -> HyperParameters:
  """Returns hyperparameters of a space with their values.

  Args:
    space: the hyperparameters, in the order that they are to have.
    values: by name.
  """
  result = HyperParameters()
  result.merge(list(space))
  result.values = dict(values)
  return result


def _without_array(value: Any) -> Any:
  """Returns what is in a NumPy scalar, an array or a tensor without dimensions; any other value as it is."""
  if not hasattr(value, "__array__"):
    return value
  array = np.asarray(value)
  return array.item() if array.ndim == 0 else value
