"""Flags for the settings of strategies, derived from the registry; see `nao_tf.tools.component_flags`."""

from collections.abc import Mapping, Sequence
from typing import Any

from absl import flags

from nao_tf import registries
from nao_tf.searches.one_shot import is_one_shot, one_shot_search
from nao_tf.spaces import make_space
from nao_tf.strategies import STRATEGIES, declared_settings, make_strategy, preferred_by
from nao_tf.tools import component_flags, one_shot_flags


def define(
  flag_values: flags.FlagValues, argv: Sequence[str] = (), *, presets: Mapping[str, str] | None = None
) -> None:
  """Defines the flags of every registered strategy, and of others that the command line names.

  Args:
    flag_values: where to define the flags.
    argv: the command line, which may name strategies with `--strategy` or `--strategies`.
    presets: the default of `--<strategy>_preset` by strategy, where it is not "default".

  Raises:
    ValueError: if the command line names a strategy that does not exist.
  """
  names = [name for name in component_flags.named(argv, "strategy", "strategies") if not is_one_shot(name)]
  component_flags.define_all(STRATEGIES, declared_settings, names, flag_values, presets=presets)


def preferred(argv: Sequence[str], attribute: str) -> str | None:
  """Returns the space or the evaluator that the strategy of a command line is made for, if it is made for one.

  Args:
    argv: the command line.
    attribute: "preferred_space" or "preferred_evaluator"; see `nao_tf.strategies.base.Strategy`.
  """
  names = component_flags.named(argv, "strategy")
  is_named = names and (names[-1] in STRATEGIES or ":" in names[-1])  # The flag itself refuses a wrong name.
  known = is_named and not is_one_shot(names[-1])
  return preferred_by(names[-1], attribute) if known else None


def config(name: str, flag_values: flags.FlagValues) -> Any:
  """Returns the settings of a strategy or of a one-shot search, a dataclass; None if it has none."""
  if is_one_shot(name):
    return one_shot_flags.config(one_shot_search(name), flag_values)
  return component_flags.config(registries.prefix_of(name, STRATEGIES), declared_settings(name), flag_values)


def options(name: str, flag_values: flags.FlagValues) -> dict[str, Any]:
  """Returns what a strategy is made with beside its space and seed."""
  settings = config(name, flag_values)
  return {} if settings is None else {"config": settings}


def strategies_and_seeds(flag_values: flags.FlagValues) -> tuple[dict[str, dict[str, Any]], range]:
  """Returns what a benchmark compares: the options of each strategy of --strategies, and the seeds of its searches.

  Raises:
    ValueError: if settings that are not the defaults do not fit the space.
  """
  strategies = {name: options(name, flag_values) for name in flag_values.strategies}
  for name, given in strategies.items():
    if given and given["config"] != type(given["config"])():  # One with its defaults may import TensorFlow for nothing.
      make_strategy(name, make_space(flag_values.space), **given)
  return strategies, range(flag_values.first_seed, flag_values.first_seed + flag_values.num_seeds)
