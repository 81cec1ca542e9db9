"""Turns configuration dataclasses into absl flags and back, and runs a binary's `main`.

A field becomes a flag of the same name; its help is the field's line under `Attributes:` in the docstring of its class.
"""

import dataclasses
import re
import sys
import types
import typing
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, TypeVar

from absl import app, flags

from nao_tf.runs.settings import RunDirectoryError

Config = TypeVar("Config")

REPORTED = (ValueError, OSError, RunDirectoryError)
"""Errors that a user can mend; a binary prints them without a traceback."""


class _FloatsParser(flags.ArgumentParser):
  """Reads numbers separated by commas."""

  def parse(self, argument):
    words = argument.split(",") if isinstance(argument, str) else argument
    return tuple(float(word) for word in words)

  def flag_type(self):
    return "numbers separated by commas"


def _define_floats(name: str, default: tuple[float, ...], help_: str, *, flag_values: flags.FlagValues) -> None:
  flags.DEFINE(_FloatsParser(), name, default, help_, flag_values, _FloatsSerializer())


class _FloatsSerializer(flags.ArgumentSerializer):
  """Writes numbers as the parser reads them."""

  def serialize(self, value):
    return ",".join(f"{number:g}" for number in value)


_DEFINERS = {
  int: flags.DEFINE_integer,
  float: flags.DEFINE_float,
  bool: flags.DEFINE_boolean,
  str: flags.DEFINE_string,
  tuple[float, ...]: _define_floats,
}


def define(
  config: Any,
  flag_values: flags.FlagValues,
  *,
  prefix: str = "",
  only: Collection[str] = (),
  skip: Collection[str] = (),
  unset: str = "",
) -> None:
  """Defines a flag for each field of a configuration.

  Args:
    config: an instance of a dataclass, whose values are the defaults.
    flag_values: where to define.
    prefix: put before each field's name.
    only: names of the fields to define; empty for all.
    skip: names of fields that get no flag.
    unset: if given, the flags have no default, and this says in their help where the value comes from then.
  """
  documentation = _attributes(type(config))
  types_ = typing.get_type_hints(type(config))
  for field in dataclasses.fields(config):
    if field.name in skip or (only and field.name not in only):
      continue
    help_ = documentation.get(field.name, field.name) + (f" Default: {unset}." if unset else "")
    value = None if unset else getattr(config, field.name)
    _DEFINERS[_scalar(types_[field.name])](prefix + field.name, value, help_, flag_values=flag_values)


def define_union(
  configs: Mapping[str, Sequence[Any]],
  flag_values: flags.FlagValues,
  *,
  prefix: str = "",
  skip: Collection[str] = (),
  unset: str = "",
) -> None:
  """Defines a flag for each field of the configurations of several kinds of things; a field of several kinds is one flag.

  The flags have no default: what is taken if one is not given depends on the kind, and is said in its help for each.

  Args:
    configs: instances of dataclasses, by kind.
    flag_values: where to define.
    prefix: put before each field's name.
    skip: names of fields that get no flag.
    unset: if given, this says in the help where a value that is not given comes from.
  """
  types_: dict[str, type] = {}
  helps: dict[str, list[str]] = {}
  for kind, config in ((kind, config) for kind, parts in configs.items() for config in parts):
    documentation, hints = _attributes(type(config)), typing.get_type_hints(type(config))
    for field in (field for field in dataclasses.fields(config) if field.name not in skip):
      default = unset or getattr(config, field.name)
      helps.setdefault(field.name, []).append(f"{kind}: {documentation.get(field.name, '')} Default: {default}.")
      scalar = _scalar(hints[field.name])
      if types_.setdefault(field.name, scalar) is not scalar:
        raise TypeError(f"the field {field.name} is a {types_[field.name].__name__} here and a {scalar.__name__} there")
  for name, help_ in helps.items():
    _DEFINERS[types_[name]](prefix + name, None, " ".join(help_), flag_values=flag_values)


def build(config: Config, flag_values: flags.FlagValues, *, prefix: str = "", **overrides: Any) -> Config:
  """Returns the configuration with every field replaced whose flag has a value, or for which an override is given."""
  names = [field.name for field in dataclasses.fields(config) if prefix + field.name in flag_values]
  values = {name: flag_values[prefix + name].value for name in names}
  return dataclasses.replace(config, **{k: v for k, v in values.items() if v is not None} | overrides)


def settings(**configs: Any) -> Mapping[str, Any]:
  """Returns configurations as one flat dict of JSON values: a dataclass' fields under its keyword's name."""
  flat: dict[str, Any] = {}
  for name, config in configs.items():
    if dataclasses.is_dataclass(config):
      parts = {field.name: getattr(config, field.name) for field in dataclasses.fields(config)}
      flat.update({f"{name}.{key}": value for key, value in settings(**parts).items()})
    else:
      flat[name] = config
  return flat


def from_settings(config: Config, settings: Mapping[str, Any], name: str) -> Config:
  """Returns the configuration that `settings` recorded under `name`."""
  values = {key.removeprefix(f"{name}."): value for key, value in settings.items() if key.startswith(f"{name}.")}
  return dataclasses.replace(config, **values)


def run(define_flags: Callable[[flags.FlagValues], None], main: Callable[[flags.FlagValues], int | None]) -> None:
  """Defines flags, parses the command line and calls `main`; what a user can mend is reported without a traceback.

  Args:
    define_flags: defines the binary's flags.
    main: what to do with them; returns the exit code, None for 0.
  """
  sys.modules["__main__"].__doc__ = sys.modules[main.__module__].__doc__  # A console command has none of its own.
  define_flags(flags.FLAGS)
  app.run(lambda argv: _main(argv, main))


def _main(argv: list[str], main: Callable[[flags.FlagValues], int | None]) -> int | None:
  if len(argv) > 1:
    raise app.UsageError(f"unexpected arguments: {' '.join(argv[1:])}")
  try:
    return main(flags.FLAGS)
  except REPORTED as error:
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
