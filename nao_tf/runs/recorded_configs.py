"""Reads configurations from the settings that a run recorded."""

import dataclasses
import types
import typing
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from nao_tf import fields

if TYPE_CHECKING:
  from _typeshed import DataclassInstance

Config = TypeVar("Config", bound="DataclassInstance")

_CHECKS: dict[Any, Callable[[Any, str], Any]] = {
  int: fields.integer,
  float: fields.number,
  bool: fields.boolean,
  str: fields.text,
  tuple[float, ...]: fields.numbers_of,
}


def from_settings(config: Config, settings: Mapping[str, Any], name: str) -> Config:
  """Returns the configuration that `settings` recorded under a name.

  Args:
    config: where the values come from that were not recorded.
    settings: flat: the field `epochs` of the configuration `training` has the key `training.epochs`.
    name: name of the configuration there.

  Raises:
    ValueError: if a value is not of the type of its field, or there is no such field; the message names it.
  """
  values = {key.removeprefix(f"{name}."): value for key, value in settings.items() if key.startswith(f"{name}.")}
  types_ = typing.get_type_hints(type(config))
  unknown = sorted(set(values) - {field.name for field in dataclasses.fields(config)})
  if unknown:
    raise ValueError(f"expected the settings of a {type(config).__name__}, got {name}.{unknown[0][:60]}")
  return dataclasses.replace(config, **{k: _recorded(v, types_[k], f"{name}.{k}") for k, v in values.items()})


def scalar_type(annotation: Any) -> Any:
  """Returns the type of a field, without the None of an optional one."""
  if typing.get_origin(annotation) in (typing.Union, types.UnionType):
    return next(arm for arm in typing.get_args(annotation) if arm is not type(None))
  return annotation


def _recorded(value: Any, annotation: Any, name: str) -> Any:
  """Returns a value that was recorded for a field, as the field has it."""
  scalar = scalar_type(annotation)
  if value is None and scalar is not annotation:
    return None
  if scalar not in _CHECKS:
    raise TypeError(f"there is no check for the setting {name} of type {annotation}")
  return _CHECKS[scalar](value, name)
