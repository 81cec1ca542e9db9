"""Turns configuration dataclasses into absl flags and back, and runs a binary's `main`.

A field becomes a flag of the same name; its help is the field's line under `Attributes:` in the docstring of its class.
"""

import dataclasses
import re
import sys
import types
import typing
from collections.abc import Callable, Collection, Mapping
from typing import Any, TypeVar

from absl import app, flags

from nao_tf.journal import JournalError

Config = TypeVar("Config")

_DEFINERS = {int: flags.DEFINE_integer, float: flags.DEFINE_float, bool: flags.DEFINE_boolean, str: flags.DEFINE_string}


def define(
  config: Any,
  flag_values: flags.FlagValues,
  *,
  prefix: str = "",
  only: Collection[str] = (),
  skip: Collection[str] = (),
) -> None:
  """Defines a flag for each field of a configuration.

  Args:
    config: an instance of a dataclass, whose values are the defaults.
    flag_values: where to define.
    prefix: put before each field's name.
    only: names of the fields to define; empty for all.
    skip: names of fields that get no flag.
  """
  documentation = _attributes(type(config))
  types_ = typing.get_type_hints(type(config))
  for field in dataclasses.fields(config):
    if field.name in skip or (only and field.name not in only):
      continue
    help_ = documentation.get(field.name, field.name)
    value = getattr(config, field.name)
    _DEFINERS[_scalar(types_[field.name])](prefix + field.name, value, help_, flag_values=flag_values)


def build(config: Config, flag_values: flags.FlagValues, *, prefix: str = "", **overrides: Any) -> Config:
  """Returns the configuration with every field replaced for which a flag was defined, or an override is given."""
  names = [field.name for field in dataclasses.fields(config) if prefix + field.name in flag_values]
  return dataclasses.replace(config, **{**{name: flag_values[prefix + name].value for name in names}, **overrides})


def settings(**configs: Any) -> Mapping[str, Any]:
  """Returns configurations as one flat dict of JSON values: a dataclass' fields under its keyword's name."""
  flat: dict[str, Any] = {}
  for name, config in configs.items():
    if dataclasses.is_dataclass(config):
      flat.update({f"{name}.{key}": value for key, value in dataclasses.asdict(config).items()})
    else:
      flat[name] = config
  return flat


def run(define_flags: Callable[[flags.FlagValues], None], main: Callable[[flags.FlagValues], int | None]) -> None:
  """Defines flags, parses the command line and calls `main`; what a user can mend is reported without a traceback.

  Args:
    define_flags: defines the binary's flags.
    main: what to do with them; returns the exit code, None for 0.
  """
  define_flags(flags.FLAGS)
  app.run(lambda argv: _main(argv, main))


def _main(argv: list[str], main: Callable[[flags.FlagValues], int | None]) -> int | None:
  if len(argv) > 1:
    raise app.UsageError(f"unexpected arguments: {' '.join(argv[1:])}")
  try:
    return main(flags.FLAGS)
  except (ValueError, OSError, JournalError) as error:
    print(f"error: {error}", file=sys.stderr)
    return 1


def _scalar(annotation: Any) -> type:
  """Returns the type of a field, taking the None out of an optional one."""
  if typing.get_origin(annotation) in (typing.Union, types.UnionType):
    return next(arm for arm in typing.get_args(annotation) if arm is not type(None))
  return annotation


def _attributes(cls: type) -> dict[str, str]:
  """Returns the text of each entry under `Attributes:` in a class docstring."""
  _, _, section = (cls.__doc__ or "").partition("Attributes:")
  section = re.split(r"\n\s*\n", section, maxsplit=1)[0]
  entries: dict[str, str] = {}
  name = ""
  for line in section.splitlines():
    match = re.match(r"\s+(\w+): (.*)", line)
    if match and match[1] in {field.name for field in dataclasses.fields(cls)}:
      name = match[1]
      entries[name] = match[2]
    elif name and line.strip():
      entries[name] += " " + line.strip()
  return entries
