"""Flags for the settings of strategies and evaluators, derived from what a class declares.

A class declares its settings with two class attributes; see `nao_tf.strategies.base.Strategy`. `config_class` is a
frozen dataclass, and `presets` are named settings. The class registered as "nao" has these flags:

* `--nao_preset`, which chooses a preset, if there are any;
* `--nao_<field>` for each field of its settings;
* for a field that is itself a dataclass, such as `controller`: `--controller_<field>` for each of its fields; and
  `--nao_controller`, which chooses a preset, if the metadata of the field has any under the key "presets".

The flags of a class that is not registered start with its name in snake case, such as `--greedy_search_<field>` for
`my_package.my_module:GreedySearch`. They are defined if the command line or a flagfile names the class, so the command
line is scanned before flags are defined; see `named`.
"""

import dataclasses
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from absl import flags

from nao_tf import registries
from nao_tf.tools import flagging

_PRESETS = "presets"


def named(argv: Sequence[str], *flag_names: str) -> list[str]:
  """Returns the values, separated by commas, that a command line gives to flags. Other flags are skipped.

  Args:
    argv: the name of the program and its arguments, flagfiles included; may be empty.
    *flag_names: the flags to look at.

  Raises:
    flags.Error: if a flagfile cannot be read.
  """
  probe = flags.FlagValues()
  for name in flag_names:
    flags.DEFINE_list(name, [], "names", flag_values=probe)
  probe.set_gnu_getopt(True)
  probe(list(argv) or [""], known_only=True)
  return [value for name in flag_names for value in getattr(probe, name)]


def define_all(
  registry: Mapping[str, str],
  load: Callable[[str], object],
  names: Iterable[str],
  flag_values: flags.FlagValues,
  *,
  presets: Mapping[str, str] | None = None,
) -> None:
  """Defines the flags for the settings of all registered components and of some others.

  Args:
    registry: import paths by name.
    load: returns the component of a name.
    names: further components, by place. Others are skipped: the flag itself refuses wrong names.
    flag_values: where to define the flags.
    presets: the default of the flag for a preset, by prefix, where it is not "default".

  Raises:
    ValueError: if there is nothing of the kind at a place.
  """
  others = [name for name in dict.fromkeys(names) if ":" in name and name not in registry.values()]
  for name in (*registry, *others):
    prefix = registries.prefix_of(name, registry)
    define(prefix, load(name), flag_values, preset=(presets or {}).get(prefix, "default"))


def define(prefix: str, component: object, flag_values: flags.FlagValues, *, preset: str = "default") -> None:
  """Defines the flags for the settings of a component.

  Args:
    prefix: what they begin with.
    component: a class that declares its settings. Without any there are no flags.
    flag_values: where to define the flags.
    preset: the default of the flag for a preset.

  Raises:
    ValueError: if another component has flags with this prefix.
  """
  config_class, presets = _declared(component)
  if config_class is None:
    return
  config = presets[preset] if presets else config_class()
  names = [f"{prefix}_{field.name}" for field in dataclasses.fields(config)]
  if any(name in flag_values for name in names):
    raise ValueError(f"another strategy or evaluator has flags that begin with --{prefix}_; rename {component!r}")
  if presets:
    help_ = f"preset of {prefix}; --{prefix}_... flags override it"
    flags.DEFINE_enum(f"{prefix}_preset", preset, sorted(presets), help_, flag_values=flag_values)
  parts = dict(_parts(config))
  unset = f"unless --{prefix}_preset says otherwise" if presets else ""
  flagging.define(config, flag_values, prefix=f"{prefix}_", skip=parts, unset=unset, is_effective=True)
  for field, choices in parts.items():
    _define_part(prefix, field, getattr(config, field), choices, flag_values)


def config(prefix: str, component: object, flag_values: flags.FlagValues) -> Any:
  """Returns the settings of a component that the flags describe; None if it has none."""
  config_class, presets = _declared(component)
  if config_class is None:
    return None
  base = presets[getattr(flag_values, f"{prefix}_preset")] if presets else config_class()
  parts = {field: _part(prefix, field, getattr(base, field), choices, flag_values) for field, choices in _parts(base)}
  return flagging.build(base, flag_values, prefix=f"{prefix}_", **parts)


def _declared(component: object) -> tuple[type | None, Mapping[str, Any]]:
  """Returns the class of a component's settings and its presets, as far as it declares them."""
  return getattr(component, "config_class", None), getattr(component, "presets", {})


def _define_part(prefix: str, field: str, part: Any, presets: Mapping[str, Any], flag_values: flags.FlagValues) -> None:
  """Defines the flags for the settings of a part. Components with a part of the same name share the flags of it."""
  unset = f"as {prefix} has it"
  if presets:
    help_ = f"preset of the {field}; --{field}_... flags override it; default: as in the preset of {prefix}"
    flags.DEFINE_enum(f"{prefix}_{field}", None, sorted(presets), help_, flag_values=flag_values)
    unset = f"unless --{prefix}_{field} says otherwise"
  if not all(f"{field}_{inner.name}" in flag_values for inner in dataclasses.fields(part)):
    flagging.define(part, flag_values, prefix=f"{field}_", unset=unset, is_effective=True)


def _part(prefix: str, field: str, part: Any, presets: Mapping[str, Any], flag_values: flags.FlagValues) -> Any:
  """Returns the settings of a part that the flags describe."""
  chosen = getattr(flag_values, f"{prefix}_{field}") if presets else None
  return flagging.build(presets[chosen] if chosen else part, flag_values, prefix=f"{field}_")


def _parts(config: Any) -> Iterator[tuple[str, Mapping[str, Any]]]:
  """Yields the fields that are settings of a part, with the presets of each."""
  for field in dataclasses.fields(config):
    if dataclasses.is_dataclass(getattr(config, field.name)):
      yield field.name, field.metadata.get(_PRESETS, {})
