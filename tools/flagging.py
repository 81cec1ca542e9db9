"""Converts configurations to absl flags and back.

Each field of a configuration, a dataclass, becomes a flag of the same name. Its help is the entry of the field under
`Attributes:` in the docstring of the dataclass.
"""

import dataclasses
import re
import typing
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from absl import flags

from nao_tf.registries import MissingPackage
from nao_tf.runs.recorded_configs import from_settings, scalar_type
from nao_tf.runs.settings import RunDirectoryError, flat_settings
from nao_tf.tools import flag_types

if TYPE_CHECKING:
  from _typeshed import DataclassInstance

Config = TypeVar("Config", bound="DataclassInstance")

__all__ = ["REPORTED", "build", "define", "define_union", "field_help", "from_settings", "settings"]

REPORTED = (ValueError, OSError, RunDirectoryError, MissingPackage)
"""Errors that a user can mend. A command prints them without a traceback."""

_DEFINERS: dict[Any, Callable[..., object]] = {
  int: flags.DEFINE_integer,
  float: flag_types.define_number,
  bool: flags.DEFINE_boolean,
  str: flags.DEFINE_string,
  tuple[float, ...]: flag_types.define_numbers,
}


def define(
  config: "DataclassInstance",
  flag_values: flags.FlagValues,
  *,
  prefix: str = "",
  only: Collection[str] = (),
  skip: Collection[str] = (),
  unset: str = "",
  is_effective: bool = False,
) -> None:
  """Defines a flag for each field of a configuration.

  Args:
    config: its values are the defaults.
    flag_values: where to define the flags.
    prefix: put before the name of each field.
    only: names of the fields to define; empty for all.
    skip: names of fields that get no flag.
    unset: if given, the flags have no default. The help then says with these words where the value comes from.
    is_effective: whether the help says the values of the configuration, too: they are what that comes to if no flag is
      given.

  Raises:
    TypeError: if there is no flag for the type of a field.
  """
  documentation = field_help(type(config))
  types_ = typing.get_type_hints(type(config))
  for field in dataclasses.fields(config):
    if field.name in skip or (only and field.name not in only):
      continue
    value = getattr(config, field.name)
    default = f"{_shown(value)}, {unset}" if is_effective else unset
    help_ = documentation.get(field.name, field.name) + (f" Default: {default}." if unset else "")
    value = None if unset else value
    _definer(scalar_type(types_[field.name]), field.name)(prefix + field.name, value, help_, flag_values=flag_values)


def _shown(value: Any) -> str:
  """Returns a value as it is given to a flag."""
  if isinstance(value, tuple):
    return ",".join(map(str, value[:5])) + (",..." if len(value) > 5 else "")
  return str(value).lower() if isinstance(value, bool) else str(value)


def define_union(
  configs: Mapping[str, Sequence["DataclassInstance"]],
  flag_values: flags.FlagValues,
  *,
  prefix: str = "",
  skip: Collection[str] = (),
  unset: str = "",
) -> None:
  """Defines a flag for each field of the configurations of several kinds of things.

  A field that several kinds have is one flag. The flags have no default: what is taken if a flag is not given depends
  on the kind. The help says it for each kind.

  Args:
    configs: configurations by kind.
    flag_values: where to define the flags.
    prefix: put before the name of each field.
    skip: names of fields that get no flag.
    unset: if given, the help says with these words where a value comes from that is not given.

  Raises:
    TypeError: if a field has different types in two kinds, or there is no flag for its type.
  """
  types_: dict[str, Any] = {}
  helps: dict[str, list[str]] = {}
  for kind, config in ((kind, config) for kind, parts in configs.items() for config in parts):
    documentation, hints = field_help(type(config)), typing.get_type_hints(type(config))
    for field in (field for field in dataclasses.fields(config) if field.name not in skip):
      default = unset or getattr(config, field.name)
      helps.setdefault(field.name, []).append(f"{kind}: {documentation.get(field.name, '')} Default: {default}.")
      scalar = scalar_type(hints[field.name])
      if types_.setdefault(field.name, scalar) is not scalar:
        raise TypeError(f"the field {field.name} is a {types_[field.name].__name__} here and a {scalar.__name__} there")
  for name, help_ in helps.items():
    _definer(types_[name], name)(prefix + name, None, " ".join(help_), flag_values=flag_values)


def build(config: Config, flag_values: flags.FlagValues, *, prefix: str = "", **overrides: Any) -> Config:
  """Returns a configuration with the changes that flags make.

  Args:
    config: where the values come from that no flag gives.
    flag_values: the flags.
    prefix: prefix of the names of the flags.
    **overrides: fields with values that take precedence over the flags.

  Raises:
    ValueError: if the values do not make a configuration; the message names the flags.
  """
  names = [field.name for field in dataclasses.fields(config) if prefix + field.name in flag_values]
  values = {name: flag_values[prefix + name].value for name in names if name not in overrides}
  given = {name: value for name, value in values.items() if value is not None}
  try:
    return dataclasses.replace(config, **given | overrides)
  except ValueError as error:
    raise ValueError(_by_flags(str(error), config, given, prefix)) from error


def _by_flags(message: str, config: "DataclassInstance", given: Mapping[str, Any], prefix: str) -> str:
  """Returns what is wrong with a configuration in the words of its flags."""
  message = message.removeprefix(f"{type(config).__name__}: ")
  names = {field.name for field in dataclasses.fields(config)}
  message = re.sub(r"\b(\w+)=", lambda match: f"--{prefix}{match[0]}" if match[1] in names else match[0], message)
  first, space, rest = message.partition(" ")
  if first in names:
    return f"--{prefix}{first}{space}{rest}"
  named = [name for name in given if re.search(rf"\b{name}\b", message)] or list(given)
  return f"{' '.join(f'--{prefix}{name}={given[name]}' for name in named)}: {message}"


def settings(**configs: Any) -> dict[str, Any]:
  """Returns configurations as one flat dict of JSON values.

  Args:
    **configs: dataclasses or JSON values. A field of a dataclass has the key `keyword.field`.
  """
  return flat_settings(**configs)


def field_help(config_class: type["DataclassInstance"]) -> dict[str, str]:
  """Returns what the docstring of a dataclass says about each of its fields under `Attributes:`."""
  _, _, section = (config_class.__doc__ or "").partition("Attributes:")
  section = re.split(r"\n\s*\n", section, maxsplit=1)[0]
  entries: dict[str, str] = {}
  name = ""
  for line in section.split("\n"):
    match = re.match(r"\s+(\w+): (.*)", line)
    if match and match[1] in {field.name for field in dataclasses.fields(config_class)}:
      name = match[1]
      entries[name] = match[2]
    elif name and line.strip():
      entries[name] += " " + line.strip()
  return entries


def _definer(type_: Any, field: str) -> Callable[..., object]:
  """Returns the function that defines a flag of a type."""
  if type_ not in _DEFINERS:
    known = ", ".join(str(getattr(known, "__name__", known)) for known in _DEFINERS)
    raise TypeError(f"there is no flag for the field {field} of type {type_}; expected one of {known}")
  return _DEFINERS[type_]
