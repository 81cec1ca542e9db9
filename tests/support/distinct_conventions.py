"""Conventions that differ in what some modules read of them: the others would run the very same code again."""

import dataclasses
import inspect
import re

from nao_tf.networks.conventions import CONVENTIONS, Convention

_FIELDS = {field.name for field in dataclasses.fields(Convention)}


def facts_read_by(*modules):
  """Returns the facts of conventions that the source of some modules names, wherever it does: a later one is found."""
  words = {word for module in modules for word in re.findall(r"\.(\w+)", inspect.getsource(module))}
  return sorted(words & _FIELDS)


def distinct_conventions(*modules):
  """Returns names of conventions, the first of those to which the facts that some modules read are equal."""
  facts, first = facts_read_by(*modules), {}
  for name, convention in CONVENTIONS.items():
    first.setdefault(tuple(getattr(convention, fact) for fact in facts), name)
  return list(first.values())
