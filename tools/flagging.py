"""Turns configurations into absl flags and back, and runs the `main` of a binary.

A field of a configuration, a dataclass, becomes a flag of the same name. The help of the flag is the line about the
field under `Attributes:` in the docstring of the dataclass.
"""

import dataclasses
import os
import re
import sys
import typing
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from absl import app, flags

from nao_tf.runs.recorded_configs import from_settings, scalar_type
from nao_tf.runs.settings import RunDirectoryError, flat_settings
from nao_tf.tools import flag_types, parsing

if TYPE_CHECKING:
  from _typeshed import DataclassInstance

Config = TypeVar("Config", bound="DataclassInstance")

__all__ = ["REPORTED", "build", "define", "define_union", "field_help", "from_settings", "run", "settings"]

REPORTED = (ValueError, OSError, RunDirectoryError)
"""Errors that a user can mend. A binary prints them without a traceback."""

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
) -> None:
  """Defines a flag for each field of a configuration.

  Args:
    config: its values are the defaults.
    flag_values: where to define.
    prefix: put before the name of each field.
    only: names of the fields to define; empty for all.
    skip: names of fields that get no flag.
    unset: if given, the flags have no default. The help then says with these words where the value comes from.

  Raises:
    TypeError: if there is no flag for the type of a field.
  """
  documentation = field_help(type(config))
  types_ = typing.get_type_hints(type(config))
  for field in dataclasses.fields(config):
    if field.name in skip or (only and field.name not in only):
      continue
    help_ = documentation.get(field.name, field.name) + (f" Default: {unset}." if unset else "")
    value = None if unset else getattr(config, field.name)
    _definer(scalar_type(types_[field.name]), field.name)(prefix + field.name, value, help_, flag_values=flag_values)


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
    flag_values: where to define.
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
    prefix: of the names of the flags.
    **overrides: fields with values that take precedence over the flags.
  """
  names = [field.name for field in dataclasses.fields(config) if prefix + field.name in flag_values]
  values = {name: flag_values[prefix + name].value for name in names if name not in overrides}
  return dataclasses.replace(config, **{k: v for k, v in values.items() if v is not None} | overrides)


def settings(**configs: Any) -> dict[str, Any]:
  """Returns configurations as one flat dict of JSON values.

  Args:
    **configs: dataclasses or JSON values. A field of a dataclass has the key `keyword.field`.
  """
  return flat_settings(**configs)


def run(define_flags: Callable[[flags.FlagValues], None], main: Callable[[flags.FlagValues], int | None]) -> None:
  """Defines flags, parses the command line, calls `main` and exits with its code.

  An error that a user can mend is reported in one line. The current directory is searched for modules, too, so that
  names of the form `package.module:Name` are found there.

  Args:
    define_flags: defines the flags of the binary.
    main: what to do with them; returns the exit code, None for 0.
  """
  sys.modules["__main__"].__doc__ = sys.modules[main.__module__].__doc__  # A console command has none of its own.
  sys.path.append(os.getcwd())
  app.run(lambda argv: _main(argv, main), flags_parser=lambda argv: _parse(argv, define_flags))


def _parse(argv: Sequence[str], define_flags: Callable[[flags.FlagValues], None]) -> list[str]:
  """Defines and parses the flags; returns the arguments that are no flags."""

  def define(expanded: Sequence[str]) -> None:
    sys.argv[:] = expanded  # `define_flags` may look there for the names of components.
    known = set(flags.FLAGS)
    define_flags(flags.FLAGS)
    for name in set(flags.FLAGS) - known:
      flags.FLAGS.register_key_flag_for_module(argv[0], flags.FLAGS[name])  # What --help shows.

  try:
    return parsing.parse(flags.FLAGS, argv, define)
  except flags.Error as error:
    print(f"FATAL Flags parsing error: {error}", file=sys.stderr)
    print("Pass --helpshort or --helpfull to see help on flags.", file=sys.stderr)
  except REPORTED as error:
    print(f"error: {error}", file=sys.stderr)
  sys.exit(1)


def _main(argv: list[str], main: Callable[[flags.FlagValues], int | None]) -> int | None:
  if len(argv) > 1:
    raise app.UsageError(f"unexpected arguments: {' '.join(argv[1:])}")
  try:
    return main(flags.FLAGS)
  except REPORTED as error:
    print(f"error: {error}", file=sys.stderr)
    return 1


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
