"""Discovers the hyperparameters of a hypermodel, including conditional ones.

KerasTuner builds a hypermodel repeatedly until each conditional scope has been active once. Other hyperparameters that
become active on the way get unseeded random values there, so the space may differ from run to run. Here they get their
default values.
"""

import collections
import contextlib
from collections.abc import Sequence
from typing import Any, Protocol, TypeAlias

import keras_tuner

from nao_tf.spaces.hyperparameters import parents_first


class Condition(Protocol):
  """A KerasTuner condition: the hyperparameter `name` has one of these values."""

  name: str
  values: Sequence[Any]


Scope: TypeAlias = Sequence[Condition]
"""The conditions under which a part of a hypermodel is built, the outermost one first."""


def discover_hyperparameters(hypermodel: keras_tuner.HyperModel, oracle: keras_tuner.Oracle) -> None:
  """Builds a hypermodel with default values and once within each conditional scope; updates the space of the oracle."""
  hp = oracle.get_space()
  hypermodel.declare_hyperparameters(hp)
  oracle.update_space(hp)
  known: list[Scope] = []
  waiting: collections.deque[Scope] = collections.deque([()])
  while waiting:
    for scope in _build_within(waiting.popleft(), hypermodel, oracle):
      if scope not in known:
        known.append(scope)
        waiting.append(scope)


def _build_within(scope: Scope, hypermodel: keras_tuner.HyperModel, oracle: keras_tuner.Oracle) -> list[Scope]:
  """Builds with a conditional scope active. Returns the scopes that were met and were not active."""
  hp = oracle.get_space()
  hp.values.update((condition.name, condition.values[0]) for condition in scope)
  _set_defaults(hp)
  with contextlib.suppress(keras_tuner.errors.FailedTrialError):  # Hyperparameters met before it are known.
    hypermodel.build(hp)
  oracle.update_space(hp)
  return hp.inactive_scopes


def _set_defaults(hp: keras_tuner.HyperParameters) -> None:
  """Gives active hyperparameters without a value their default, and takes the values of inactive ones away."""
  for entry in parents_first(hp.space):
    if hp.is_active(entry):
      hp.values.setdefault(entry.name, entry.default)
    elif not any(hp.is_active(other) for other in hp.space if other.name == entry.name):
      hp.values.pop(entry.name, None)
