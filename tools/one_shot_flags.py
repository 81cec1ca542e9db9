"""Flags of one-shot searches, derived from the registry, such as `--relaxed_<field>` for gradient-based searches.

Searches with settings of the same class share flags. Flags that are not given default to the settings of the search.
"""

import itertools
from collections.abc import Sequence
from typing import Any

from absl import flags

from nao_tf.searches.one_shot import ONE_SHOT_SEARCHES, OneShotSearch, is_one_shot, one_shot_search
from nao_tf.searches.one_shot.base import OneShotDefaults
from nao_tf.tasks import task_traits
from nao_tf.tools import component_flags, flagging

_TASK = "digits"
_UNSET = "unless --strategy says otherwise"


def define(flag_values: flags.FlagValues, argv: Sequence[str] = ()) -> None:
  """Defines the flags for the settings of all one-shot searches, and of one that the command line names.

  If it names one, that decides how much of the data is held out by default.

  Args:
    flag_values: where to define; has the flags of `search_flags`.
    argv: the command line.

  Raises:
    ValueError: if the command line names one that does not exist.
  """
  named = _named(argv)
  searches = [one_shot_search(name) for name in (*ONE_SHOT_SEARCHES, *([named] if named else []))]
  for prefix, alike in itertools.groupby(sorted(searches, key=lambda search: search.prefix), lambda s: s.prefix):
    config = next(alike).config
    flagging.define(config, flag_values, prefix=f"{prefix}_", unset=_UNSET, is_effective=True)
  defaults = _defaults_for(argv)
  if defaults and defaults.validation_fraction is not None:
    flag_values.set_default("validation_fraction", defaults.validation_fraction)


def preferred_space(argv: Sequence[str]) -> str | None:
  """Returns the space of the one-shot search that a command line names, for its task; None if it names none."""
  defaults = _defaults_for(argv)
  return defaults.space if defaults else None


def chosen(flag_values: flags.FlagValues) -> OneShotSearch | None:
  """Returns the one-shot search that the flags name; None if they name a strategy."""
  name = flag_values["strategy"].value if "strategy" in flag_values else None
  return one_shot_search(name) if is_one_shot(name) else None


def defaults(flag_values: flags.FlagValues) -> OneShotDefaults | None:
  """Returns what the one-shot search that the flags name does by default on their task; None if they name a strategy.

  Raises:
    ValueError: if it is not for such a task.
  """
  search = chosen(flag_values)
  if search is None:
    return None
  try:
    return search.defaults_for(task_traits(flag_values.task).kind)
  except ValueError as error:
    raise ValueError(f"--strategy={flag_values.strategy} --task={flag_values.task}: {error}") from error


def config(search: OneShotSearch, flag_values: flags.FlagValues) -> Any:
  """Returns the settings of a one-shot search, a dataclass."""
  config = search.config_for(task_traits(flag_values.task).kind)
  return flagging.build(config, flag_values, prefix=f"{search.prefix}_")


def _named(argv: Sequence[str]) -> str | None:
  """Returns the one-shot search that a command line names."""
  names = component_flags.named(argv, "strategy")
  return names[-1] if names and is_one_shot(names[-1]) else None


def _defaults_for(argv: Sequence[str]) -> OneShotDefaults | None:
  """Returns the defaults of the one-shot search that a command line names; None if it is not for the task."""
  name, tasks = _named(argv), component_flags.named(argv, "task")
  if name is None:
    return None
  return one_shot_search(name).defaults.get(task_traits(tasks[-1] if tasks else _TASK).kind)
