"""What networks cost, as a hint of how good they are: informants of NAO's Gaussian process.

Larger networks are often better ones. So the number of parameters and of multiply-adds, which are known without training,
may say something about rewards. Whether they do is found out in each search; see `nao_tf.controller.informed_process`.
"""

import functools
import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from nao_tf.networks.cost_bounds import genotype_describer, has_known_costs
from nao_tf.searches.untrained_proxies import UNTRAINED, untrained_proxies
from nao_tf.spaces.base import SearchSpace
from nao_tf.strategies import Strategy
from nao_tf.tables.base import Table
from nao_tf.trial import Architecture

if TYPE_CHECKING:
  from nao_tf.controller.informed_process import Informant
  from nao_tf.tasks.base import Task

COSTS = ("parameters", "multiply_adds")
PROXIES = (*COSTS, *UNTRAINED)
_COUNTS = {"parameters": "params", "multiply_adds": "macs"}
"""Names of the proxies in tables."""
_CACHED = 100_000

Costs = Callable[[Architecture], Sequence[float]]
"""Returns the costs of an architecture by the names of the proxies, in their order."""


class CostProxy:
  """An informant: the logarithm of a cost.

  Attributes:
    name: name of the cost, for people.
  """

  def __init__(self, name: str, index: int, costs: Costs):
    """Takes where the cost comes from.

    Args:
      name: name of the proxy.
      index: index of the cost among `costs`.
      costs: returns the costs of an architecture.
    """
    self.name = f"the number of {name.replace('_', '-')}"
    self._index, self._costs = index, costs

  def __call__(self, architectures: Sequence[Architecture]) -> np.ndarray:
    """Returns the logarithm of one more than the cost of each architecture, [N]."""
    return np.array([math.log1p(self._costs(architecture)[self._index]) for architecture in architectures])


def with_proxies(strategy: Strategy, names: Sequence[str], costs: Costs) -> Strategy:
  """Returns a strategy that was asked nothing, after it was told whom to ask about architectures.

  Args:
    strategy: with a method `inform`, as that of NAO.
    names: names of the proxies.
    costs: returns the costs of an architecture, in the order of the names.

  Raises:
    ValueError: if the strategy cannot use proxies.
  """
  return informed(strategy, [CostProxy(name, index, costs) for index, name in enumerate(names)])


def with_network_proxies(
  strategy: Strategy, names: Sequence[str], space: SearchSpace, network_config: Any, make_task: "Callable[[], Task]"
) -> Strategy:
  """Returns a strategy that was asked nothing, after it was told what to ask about the networks of a search.

  Args:
    strategy: with a method `inform`, as that of NAO.
    names: names of the proxies.
    space: the search space.
    network_config: how networks are built.
    make_task: returns the task.

  Raises:
    ValueError: if the strategy cannot use proxies, or there are none of such networks.
  """
  counted = [name for name in names if name in COSTS]
  costs = network_costs(counted, space, network_config, make_task) if counted else None
  untrained = [name for name in names if name in UNTRAINED]
  informants: list[Informant] = list(untrained_proxies(untrained, space, network_config, make_task, seed=strategy.seed))
  if costs is not None:
    informants = [*(CostProxy(name, index, costs) for index, name in enumerate(counted)), *informants]
  return informed(strategy, informants)


def informed(strategy: Strategy, informants: "Sequence[Informant]") -> Strategy:
  """Returns a strategy that was asked nothing, after it was told whom to ask about architectures.

  Raises:
    ValueError: if the strategy cannot use proxies.
  """
  inform = getattr(strategy, "inform", None)
  if inform is None:
    raise ValueError(f"proxies are for the strategy nao, got {type(strategy).__name__}")
  inform(informants)
  return strategy


def check_proxies(names: Sequence[str]) -> tuple[str, ...]:
  """Returns names of proxies, each once.

  Raises:
    ValueError: if there is none of a name.
  """
  wrong = [names] if isinstance(names, str) else [name for name in names if name not in PROXIES]
  if wrong:
    raise ValueError(f"proxies must be among {', '.join(PROXIES)}, got {wrong[0]!r}")
  return tuple(dict.fromkeys(names))


def network_costs(
  names: Sequence[str], space: SearchSpace, network_config: Any, make_task: "Callable[[], Task]"
) -> Costs:
  """Returns what says what the networks of a search cost.

  Args:
    names: names of the proxies.
    space: the search space.
    network_config: how networks are built.
    make_task: returns the task, which says what their inputs and outputs are.

  Raises:
    ValueError: if the costs of such networks are not known.
  """
  if not has_known_costs(space.decode(space.sample(np.random.default_rng(0))), network_config):
    raise ValueError(f"proxies: the costs of the networks of the space {space.name} are not known")
  task = make_task()
  described = genotype_describer(network_config, task.input_shape, task.num_outputs)

  @functools.lru_cache(_CACHED)
  def costs(architecture: Architecture) -> tuple[float, ...]:
    description = described(space.decode(architecture))
    return tuple(float(getattr(description, name)) for name in names)

  return costs


def table_costs(names: Sequence[str], table: Table) -> Costs:
  """Returns what says what architectures cost as a table has it. What is not in the table counts as the mean.

  Raises:
    ValueError: if the table has no such numbers.
  """
  untrained = [name for name in names if name in UNTRAINED]
  if untrained:
    raise ValueError(
      f"proxies: {untrained[0]} is computed on networks, and a table has none; choose {' or '.join(COSTS)}"
    )
  missing = [name for name in names if _COUNTS[name] not in table.counts]
  if missing:
    raise ValueError(f"{table.path}: has no {_COUNTS[missing[0]]}, which the proxy {missing[0]} needs")
  columns = [table.counts[_COUNTS[name]] for name in names]
  means = tuple(float(column.mean()) for column in columns)

  @functools.lru_cache(_CACHED)
  def costs(architecture: Architecture) -> tuple[float, ...]:
    row = table.row(architecture)
    return means if row is None else tuple(float(column[row]) for column in columns)

  return costs
