"""What a strategy knows before the first trial: an earlier search, and training-free proxies."""

import contextlib
from collections.abc import Iterator, Sequence

from absl import flags

from nao_tf import registries
from nao_tf.runs.settings import RunDirectoryError
from nao_tf.searches.choices import check_learns
from nao_tf.searches.cost_proxies import (
  PROXIES,
  check_network_proxies,
  check_proxies,
  table_costs,
  with_network_proxies,
  with_proxies,
)
from nao_tf.spaces import make_space
from nao_tf.spaces.base import SearchSpace
from nao_tf.strategies import STRATEGIES, Strategy
from nao_tf.strategies.earlier_search import EarlierSearch, read_earlier_search, warm_started
from nao_tf.tables import Table, read_table
from nao_tf.tools import experiment, search_flags, strategy_flags


def define(flag_values: flags.FlagValues) -> None:
  """Defines the flags of what is known before."""
  help_ = (
    "directory of an earlier search of the same space, on other data or with shorter trainings, to learn from; used only"
    " as far as it improves predictions"
  )
  flags.DEFINE_string("warm_start", None, help_, flag_values=flag_values)
  help_ = f"training-free features that nao learns from as far as they improve predictions: {', '.join(PROXIES)}"
  flags.DEFINE_list("proxies", [], help_, flag_values=flag_values)


def earlier_search(flag_values: flags.FlagValues) -> EarlierSearch:
  """Returns what the earlier search of a warm start has found out, or had found out when this search began.

  Raises:
    ValueError: if there is nothing to learn from; the message names the flag.
  """
  try:
    return read_earlier_search(flag_values.warm_start, make_space(flag_values.space), workdir=flag_values.workdir)
  except (ValueError, RunDirectoryError) as error:
    raise ValueError(f"--warm_start={error}") from error


def check(flag_values: flags.FlagValues) -> None:
  """Checks that the strategy can learn from what is known before, as far as possible before any data is read.

  Raises:
    ValueError: if it cannot; the message names the flags.
  """
  given = [name for name in ("warm_start", "proxies") if flag_values[name].value]
  if not given:
    return
  config = strategy_flags.config(flag_values.strategy, flag_values)
  prefix = registries.prefix_of(flag_values.strategy, STRATEGIES)
  source = _source(f"{prefix}_gaussian_share", f"{prefix}_preset", flag_values)
  for name in given:
    check_learns(config, f"--{name}", f"--{prefix}_gaussian_share", source)
  if flag_values.warm_start is not None:
    earlier_search(flag_values)
  _check_proxies(proxies_of(flag_values), flag_values)


def _source(name: str, preset: str, flag_values: flags.FlagValues) -> str:
  """Returns where a setting comes from, in brackets, if it is a preset."""
  is_preset = preset in flag_values and flag_values[name].value is None
  return f" (from --{preset}={flag_values[preset].value})" if is_preset else ""


def _check_proxies(proxies: Sequence[str], flag_values: flags.FlagValues) -> None:
  """Checks that there are such proxies of the networks of the search; those of a table are checked when it is read."""
  if flag_values.evaluator != "tabular":
    with _named():
      check_network_proxies(proxies, make_space(flag_values.space), search_flags.children(flag_values).network_config)


@contextlib.contextmanager
def _named() -> Iterator[None]:
  """Makes a flag of the argument that an error begins with."""
  try:
    yield
  except ValueError as error:
    raise ValueError(f"--{error}") from error


def check_table(flag_values: flags.FlagValues, table: Table) -> None:
  """Checks that a table has the proxies.

  Raises:
    ValueError: if it has not; the message names the flag.
  """
  with _named():
    table_costs(proxies_of(flag_values), table)


def proxies_of(flag_values: flags.FlagValues) -> tuple[str, ...]:
  """Returns the names of the proxies.

  Raises:
    ValueError: if there is none of a name; the message names the flag.
  """
  with _named():
    return check_proxies(flag_values.proxies)


def strategy_of(flag_values: flags.FlagValues, proposals: SearchSpace) -> Strategy:
  """Returns the strategy, which may learn from an earlier search and from proxies."""
  strategy = search_flags.strategy(flag_values, proposals)
  if flag_values.warm_start is not None:
    warm_started(strategy, flag_values.warm_start, workdir=flag_values.workdir)
  if proxies := proxies_of(flag_values):
    inform(strategy, flag_values, proxies)
  return strategy


def inform(strategy: Strategy, flag_values: flags.FlagValues, proxies: Sequence[str]) -> None:
  """Tells a strategy what to ask about the networks of the search, or those of a table.

  Raises:
    ValueError: if there are no such proxies of these networks; the message names the flag.
  """
  if flag_values.evaluator == "tabular":
    with_proxies(strategy, proxies, table_costs(proxies, read_table(flag_values.table)))
    return
  space, network_config = make_space(flag_values.space), search_flags.children(flag_values).network_config
  with_network_proxies(strategy, proxies, space, network_config, lambda: experiment.task_of(flag_values))
