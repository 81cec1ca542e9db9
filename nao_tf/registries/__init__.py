"""Registries: things that are chosen by name, in a flag or in the argument of a function.

Every package that offers a choice has one literal dict from names to places. A place is a text, `package.module:Name`.
So a registry can be read without importing what is in it. A place is accepted wherever a name is: that is how a space,
a strategy, an evaluator or a task of your own is used without a change to this package.
"""

import difflib
import importlib
import re
from collections.abc import Mapping
from typing import Any


class MissingPackage(ImportError):
  """Raised when what was chosen needs a package that is not installed; the message says how to install it."""


def resolve(name: str, registry: Mapping[str, str], kind: str) -> Any:
  """Returns the object that a name stands for. Its module is imported only now.

  Args:
    name: a key of the registry, or a place of the form `package.module:Name`.
    registry: places by name.
    kind: what is chosen, for error messages: "space", "strategy".

  Raises:
    ValueError: if the name is neither a key nor a place, or there is nothing at the place.
  """
  check_name(name, registry, kind)
  return load_place(registry.get(name, name), kind)


def check_name(name: str, registry: Mapping[str, str], kind: str) -> None:
  """Checks that a name is a key of the registry or has the form of a place. Nothing is imported.

  Raises:
    ValueError: if it is neither.
  """
  if name not in registry and ":" not in name:
    near = difflib.get_close_matches(name, registry)
    meant = f"; did you mean {' or '.join(near)}?" if near else ""
    raise ValueError(f"unknown {kind} {name!r}; expected {choices(registry)}{meant}")


def choices(registry: Mapping[str, str]) -> str:
  """Returns the names that may be given, in words."""
  return f"one of {', '.join(sorted(registry))}, or package.module:Name"


def load_place(place: str, kind: str) -> Any:
  """Returns the object at a place.

  Args:
    place: of the form `package.module:Name`.
    kind: what is expected there, for error messages.

  Raises:
    ValueError: if the module cannot be imported or has no such name.
  """
  module_name, _, attribute = place.partition(":")
  try:
    module = importlib.import_module(module_name)
  except (ImportError, ValueError) as error:
    raise ValueError(f"{kind} {place!r}: cannot import the module {module_name!r}: {error}") from error
  if not hasattr(module, attribute):
    raise ValueError(f"{kind} {place!r}: the module {module_name!r} has no {attribute!r}")
  return getattr(module, attribute)


def resolve_for(value: object, registry: Mapping[str, str], kind: str) -> Any:
  """Returns the object that a registry has for the class of a value, or else for the nearest of its base classes.

  Args:
    value: what something is chosen for.
    registry: places of the choices, by the places of classes.
    kind: what is chosen, for error messages: "trainer", "exporter".

  Raises:
    ValueError: if the registry has neither the class of the value nor one of its base classes.
  """
  place = place_for(value, registry)
  if place is None:
    raise ValueError(f"there is no {kind} for a {place_of(type(value))}; expected one of {', '.join(registry)}")
  return load_place(place, kind)


def place_for(value: object, registry: Mapping[str, str]) -> str | None:
  """Returns the place of what `resolve_for` returns, None if there is none. Nothing is imported."""
  return next((registry[name] for name in map(place_of, type(value).__mro__) if name in registry), None)


def place_of(cls: type) -> str:
  """Returns the place of a class."""
  return f"{cls.__module__}:{cls.__qualname__}"


def prefix_of(name: str, registry: Mapping[str, str]) -> str:
  """Returns what the names of the settings of a component begin with.

  Args:
    name: a key of the registry, or the place of a class.
    registry: places by name.

  Returns:
    The key; for a class that is not registered its name, in lower case with underscores.
  """
  keys = [key for key, place in registry.items() if name in (key, place)]
  return keys[0] if keys else re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name.partition(":")[2]).lower()
