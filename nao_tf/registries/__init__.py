"""Registries: things that are chosen by name, in a flag or in a function's argument.

Every package that offers a choice has one literal dict from names to places. A place is text, `package.module:Name`, so
that a registry can be read without importing what is in it. Wherever a name is accepted a place is accepted, too: that
is how a user's own space, strategy, evaluator or task is used without a change to this package.
"""

import importlib
from collections.abc import Mapping
from typing import Any


def resolve(name: str, registry: Mapping[str, str], kind: str) -> Any:
  """Returns the object that a name stands for, importing its module only now.

  Args:
    name: a key of the registry, or a place of the form `package.module:Name`.
    registry: places by name.
    kind: what is being chosen, for error messages: "space", "strategy".

  Raises:
    ValueError: if the name is neither a key nor a place, or there is nothing at the place.
  """
  if name not in registry and ":" not in name:
    known = ", ".join(sorted(registry))
    raise ValueError(f"unknown {kind} {name!r}; expected one of {known}, or package.module:Name")
  return load(registry.get(name, name), kind)


def load(place: str, kind: str) -> Any:
  """Returns the object at a place.

  Args:
    place: of the form `package.module:Name`.
    kind: what is expected there, for error messages.

  Raises:
    ValueError: if there is no such module, or nothing of that name in it.
  """
  module_name, _, attribute = place.partition(":")
  try:
    module = importlib.import_module(module_name)
  except (ModuleNotFoundError, ValueError) as error:
    raise ValueError(f"{kind} {place!r}: cannot import the module {module_name!r}: {error}") from error
  if not hasattr(module, attribute):
    raise ValueError(f"{kind} {place!r}: the module {module_name!r} has no {attribute!r}")
  return getattr(module, attribute)
