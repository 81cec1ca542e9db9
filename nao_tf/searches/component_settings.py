"""Settings of the strategy and the evaluator as keyword arguments of `nao_tf.search`, named like their flags.

A strategy or evaluator declares its settings with `config_class` and `presets`; see `nao_tf.strategies.base.Strategy`.
A preset is chosen with, for example, `bayesian_preset="nasbot"`. Settings of your own class are prefixed with its name
in snake case: `hill_climbing_restarts=3` for `HillClimbing`.
"""

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

from nao_tf import evaluators, fields, registries, strategies
from nao_tf.searches.choices import AnyEvaluator, AnyStrategy, recorded_name
from nao_tf.searches.overrides import prefixed_settings

_PRESETS = "presets"
"""Key of the metadata of a field that is a configuration itself, for those of these that have names."""


def strategy_settings(strategy: AnyStrategy, overrides: Mapping[str, Any]) -> tuple[Any, dict[str, Any]]:
  """Returns the settings of a strategy, None for its defaults, and the remaining overrides.

  Args:
    strategy: a name, an import path, a class, or a strategy, which already has its settings.
    overrides: values by name, including those of networks and trainings.

  Raises:
    ValueError: if there is no such strategy, preset or setting, a value is invalid, or a setting belongs to another
      strategy.
  """
  return _taken("strategy", strategy, overrides, strategies.STRATEGIES, strategies.declared_settings)


def evaluator_settings(evaluator: AnyEvaluator, overrides: Mapping[str, Any]) -> tuple[Any, dict[str, Any]]:
  """Returns the settings of an evaluator, None for its defaults, and the remaining overrides.

  Args:
    evaluator: a name, an import path, a class, or an evaluator, which already has its settings.
    overrides: values by name.

  Raises:
    ValueError: see `strategy_settings`.
  """
  return _taken("evaluator", evaluator, overrides, evaluators.EVALUATORS, evaluators.declared_settings)


def settings_on_record(strategy: AnyStrategy, config: Any) -> Any:
  """Returns the settings of a strategy as a search records them; None for the defaults of one that is made here.

  Args:
    strategy: see `strategy_settings`.
    config: what that returned.
  """
  if not isinstance(strategy, strategies.Strategy):
    return config
  own = getattr(strategy, "config", None)
  is_ours = recorded_name(strategy) in strategies.STRATEGIES.values()
  is_declared = strategy.config_class is not None and isinstance(own, strategy.config_class)
  return own if dataclasses.is_dataclass(own) and (is_ours or is_declared) else None


def _taken(
  kind: str,
  given: Any,
  overrides: Mapping[str, Any],
  registry: Mapping[str, str],
  declared: Callable[[str], object],
) -> tuple[Any, dict[str, Any]]:
  """Returns the settings of a strategy or an evaluator, and the other overrides."""
  prefix = registries.prefix_of(recorded_name(given), registry)
  config, rest = None, dict(overrides)
  if isinstance(given, (str, type)):
    component = declared(given) if isinstance(given, str) else given
    config, rest = _config(component, prefix, overrides)
  for name in rest:
    _refuse_foreign(kind, given, prefix, name, registry, declared)
  return config, rest


def _config(component: object, prefix: str, overrides: Mapping[str, Any]) -> tuple[Any, dict[str, Any]]:
  """Returns the settings of a component, None for its defaults, and the overrides that are not for it."""
  config_class, presets = getattr(component, "config_class", None), getattr(component, "presets", {})
  if config_class is None:
    return None, dict(overrides)
  default = presets["default"] if presets else config_class()
  name = f"{prefix}_preset"
  rest = dict(overrides)
  base = presets[fields.one_of(rest.pop(name), name, sorted(presets))] if presets and name in rest else default
  config, rest = prefixed_settings(base, prefix, _with_named_parts(base, prefix, rest))
  return None if config == default else config, rest


def _with_named_parts(config: Any, prefix: str, overrides: Mapping[str, Any]) -> dict[str, Any]:
  """Returns overrides with a configuration in place of its name, such as `nao_controller="torch"`."""
  found = dict(overrides)
  for field in dataclasses.fields(config):
    name, choices = f"{prefix}_{field.name}", field.metadata.get(_PRESETS, {})
    if choices and name in found and not isinstance(found[name], type(getattr(config, field.name))):
      found[name] = choices[fields.one_of(found[name], name, sorted(choices))]
  return found


def _refuse_foreign(
  kind: str, given: Any, prefix: str, name: str, registry: Mapping[str, str], declared: Callable[[str], object]
) -> None:
  """Raises a ValueError if a name is that of a setting of another component, or of one that is made already."""
  owners = [key for key in registry if name.startswith(f"{key}_") and hasattr(declared(key), "config_class")]
  if not owners:
    return
  if owners[0] == prefix and not isinstance(given, (str, type)):
    raise ValueError(
      f"{name}: the {kind} is already constructed; pass it by name, or pass the settings to its constructor"
    )
  if owners[0] != prefix:
    raise ValueError(f"{name} is a setting of the {kind} {owners[0]}, but {kind} is {prefix}")
