"""What a strategy knows before the first trial: an earlier search, and training-free proxies."""

from collections.abc import Sequence

from absl import flags

from nao_tf.runs.settings import RunDirectoryError
from nao_tf.searches.cost_proxies import PROXIES, check_proxies, table_costs, with_network_proxies, with_proxies
from nao_tf.spaces import make_space
from nao_tf.spaces.base import SearchSpace
from nao_tf.strategies import Strategy
from nao_tf.strategies.earlier_search import EarlierSearch, read_earlier_search, warm_started
from nao_tf.tables import read_table
from nao_tf.tools import experiment, search_flags


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


def proxies_of(flag_values: flags.FlagValues) -> tuple[str, ...]:
  """Returns the names of the proxies.

  Raises:
    ValueError: if there is none of a name; the message names the flag.
  """
  try:
    return check_proxies(flag_values.proxies)
  except ValueError as error:
    raise ValueError(f"--{error}") from error


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
