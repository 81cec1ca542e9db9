"""Flags for the settings of strategies. They follow from the registry; see `nao_tf.tools.component_flags`."""

from collections.abc import Mapping, Sequence
from typing import Any

from absl import flags

from nao_tf.strategies import STRATEGIES, declared_settings
from nao_tf.tools import component_flags


def define(
  flag_values: flags.FlagValues, argv: Sequence[str] = (), *, presets: Mapping[str, str] | None = None
) -> None:
  """Defines the flags of every registered strategy, and of others that the command line names.

  Args:
    flag_values: where to define.
    argv: the command line, which may name strategies with `--strategy` or `--strategies`.
    presets: the default of `--<strategy>_preset` by strategy, where it is not "default".

  Raises:
    ValueError: if the command line names a strategy that does not exist.
  """
  names = component_flags.named(argv, "strategy", "strategies")
  component_flags.define_all(STRATEGIES, declared_settings, names, flag_values, presets=presets)


def config(name: str, flag_values: flags.FlagValues) -> Any:
  """Returns the settings of a strategy, a dataclass; None if it has none."""
  return component_flags.config(component_flags.prefix_of(name, STRATEGIES), declared_settings(name), flag_values)


def options(name: str, flag_values: flags.FlagValues) -> dict[str, Any]:
  """Returns what a strategy is made with beside its space and seed."""
  settings = config(name, flag_values)
  return {} if settings is None else {"config": settings}
