"""Registries: components that are chosen by name, in a flag or in an argument.

Each package that offers a choice has a literal dict from names to import paths of the form `package.module:Name`, so a
registry can be read without importing its components. An import path is accepted wherever a name is. That is how you
use your own search space, strategy, evaluator or task without changing this package.
"""

import difflib
import importlib
import re
from collections.abc import Mapping
from typing import Any


class MissingPackage(ImportError):
  """Raised when a component needs a package that is not installed; the message says how to install it."""


def resolve(name: str, registry: Mapping[str, str], kind: str) -> Any:
  """Returns the object with the given name. Its module is imported only now.

  Args:
    name: a key of the registry, or an import path of the form `package.module:Name`.
    registry: import paths by name.
    kind: kind of component for error messages, such as "space" or "strategy".

  Raises:
    ValueError: if the name is neither a key nor an import path, or the import fails.
  """
  check_name(name, registry, kind)
  return load_place(registry.get(name, name), kind)


def check_name(name: str, registry: Mapping[str, str], kind: str) -> None:
  """Checks that a name is a key of the registry or has the form of an import path. Nothing is imported.

  Raises:
    ValueError: if it is neither.
  """
  if name not in registry and ":" not in name:
    near = difflib.get_close_matches(name, registry)
    meant = f"; did you mean {' or '.join(near)}?" if near else ""
    raise ValueError(f"unknown {kind} {name!r}; expected {choices(registry)}{meant}")


def choices(registry: Mapping[str, str]) -> str:
  """Returns a description of the accepted names, for messages and help."""
  return f"one of {', '.join(sorted(registry))}, or package.module:Name"


def load_place(place: str, kind: str) -> Any:
  """Imports the object at an import path.

  Args:
    place: import path of the form `package.module:Name`.
    kind: kind of component, for error messages.

  Raises:
    ValueError: if the module cannot be imported or has no such attribute.
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
  """Returns the registered object for the class of a value, or for its nearest registered base class.

  Args:
    value: the value to find a component for.
    registry: import paths of components, keyed by import paths of classes.
    kind: kind of component for error messages, such as "trainer" or "exporter".

  Raises:
    ValueError: if neither the class of the value nor any of its base classes is registered.
  """
  place = place_for(value, registry)
  if place is None:
    raise ValueError(f"there is no {kind} for a {place_of(type(value))}; expected one of {', '.join(registry)}")
  return load_place(place, kind)


def place_for(value: object, registry: Mapping[str, str]) -> str | None:
  """Returns the import path of the object that `resolve_for` returns; None if there is none. Nothing is imported."""
  return next((registry[name] for name in map(place_of, type(value).__mro__) if name in registry), None)


def place_of(cls: type) -> str:
  """Returns the import path of a class."""
  return f"{cls.__module__}:{cls.__qualname__}"


def prefix_of(name: str, registry: Mapping[str, str]) -> str:
  """Returns the prefix of the setting names of a component.

  Args:
    name: a key of the registry, or the import path of a class.
    registry: import paths by name.

  Returns:
    The key; for a class that is not registered, its name in snake case.
  """
  keys = [key for key, place in registry.items() if name in (key, place)]
  return keys[0] if keys else re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name.partition(":")[2]).lower()
