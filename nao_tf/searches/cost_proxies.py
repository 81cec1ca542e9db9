"""Costs of networks as proxies of their rewards: informants of NAO's Gaussian process.

Larger networks tend to be better, so the numbers of parameters and multiply-adds, which are known without training, may
predict rewards. Each search determines whether they do; see `nao_tf.controller.informed_process`.
"""

import functools
import math
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from nao_tf import fields
from nao_tf.networks.buildable import is_buildable
from nao_tf.networks.cost_bounds import genotype_describer
from nao_tf.searches.untrained_proxies import UNTRAINED, check_space, untrained_proxies
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
    name: display name of the cost.
  """

  def __init__(self, name: str, index: int, costs: Costs):
    """Initializes the proxy.

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
  """Adds informants to a fresh strategy, and returns the strategy.

  Args:
    strategy: a strategy with a method `inform`, such as NAO.
    names: names of the proxies.
    costs: function that returns the costs of an architecture, in the order of the names.

  Raises:
    ValueError: if the strategy does not support proxies.
  """
  return informed(strategy, [CostProxy(name, index, costs) for index, name in enumerate(names)])


def with_network_proxies(
  strategy: Strategy, names: Sequence[str], space: SearchSpace, network_config: Any, make_task: "Callable[[], Task]"
) -> Strategy:
  """Adds informants about the networks of a search to a fresh strategy, and returns the strategy.

  Args:
    strategy: a strategy with a method `inform`, such as NAO.
    names: names of the proxies.
    space: the search space.
    network_config: configuration of the networks.
    make_task: function that returns the task.

  Raises:
    ValueError: if the strategy does not support proxies, or the proxies are not available for such networks.
  """
  check_network_proxies(names, space, network_config)
  counted = [name for name in names if name in COSTS]
  costs = network_costs(counted, space, network_config, make_task) if counted else None
  untrained = [name for name in names if name in UNTRAINED]
  informants: list[Informant] = list(untrained_proxies(untrained, space, network_config, make_task, seed=strategy.seed))
  if costs is not None:
    informants = [*(CostProxy(name, index, costs) for index, name in enumerate(counted)), *informants]
  return informed(strategy, informants)


def check_network_proxies(names: Sequence[str], space: SearchSpace, network_config: Any) -> None:
  """Checks that proxies are available for the networks of a space, before any data is read.

  Raises:
    ValueError: if one is not.
  """
  if any(name in COSTS for name in names):
    _check_known(space, network_config)
  untrained = [name for name in names if name in UNTRAINED]
  if untrained:
    check_space(untrained, space, network_config)


def _check_known(space: SearchSpace, network_config: Any) -> None:
  """Checks that the costs of the networks of a space are known."""
  if not is_buildable(space, network_config):
    raise ValueError(f"proxies: the costs of the networks of the space {space.name} are not known")


def informed(strategy: Strategy, informants: "Sequence[Informant]") -> Strategy:
  """Adds informants to a fresh strategy, and returns the strategy.

  Raises:
    ValueError: if the strategy does not support proxies.
  """
  inform = getattr(strategy, "inform", None)
  if inform is None:
    raise ValueError(f"proxies are for the strategy nao, got {type(strategy).__name__}")
  inform(informants)
  return strategy


def check_proxies(names: Sequence[str]) -> tuple[str, ...]:
  """Checks the names of proxies and returns them without duplicates.

  Raises:
    ValueError: if it is not a list, or a name is unknown.
  """
  if isinstance(names, str):
    raise ValueError(f"expected a list of proxies, got {names!r}; write {fields.split_text(names)!r}")
  if not isinstance(names, Iterable):
    raise fields.wrong("a list", "proxies", names)
  wrong = [name for name in names if name not in PROXIES]
  if wrong:
    raise ValueError(f"proxies must be among {', '.join(PROXIES)}, got {fields.shown(wrong[0])}")
  return tuple(dict.fromkeys(names))


def network_costs(
  names: Sequence[str], space: SearchSpace, network_config: Any, make_task: "Callable[[], Task]"
) -> Costs:
  """Returns a function that computes the costs of the networks of a search.

  Args:
    names: names of the proxies.
    space: the search space.
    network_config: configuration of the networks.
    make_task: function that returns the task, which defines the inputs and outputs of networks.

  Raises:
    ValueError: if the costs of such networks are unknown.
  """
  _check_known(space, network_config)
  task = make_task()
  described = genotype_describer(network_config, task.input_shape, task.num_outputs)

  @functools.lru_cache(_CACHED)
  def costs(architecture: Architecture) -> tuple[float, ...]:
    description = described(space.decode(architecture))
    return tuple(float(getattr(description, name)) for name in names)

  return costs


def table_costs(names: Sequence[str], table: Table) -> Costs:
  """Returns a function that looks up the costs of architectures in a table. Missing architectures get the mean.

  Raises:
    ValueError: if the table has no such costs.
  """
  untrained = [name for name in names if name in UNTRAINED]
  if untrained:
    raise ValueError(
      f"proxies: {untrained[0]} is computed on networks, and a table has none; choose {' or '.join(COSTS)}"
    )
  missing = [name for name in names if _COUNTS[name] not in table.counts]
  if missing:
    raise ValueError(f"proxies: {table.path} has no {_COUNTS[missing[0]]}, which the proxy {missing[0]} needs")
  columns = [table.counts[_COUNTS[name]] for name in names]
  means = tuple(float(column.mean()) for column in columns)

  @functools.lru_cache(_CACHED)
  def costs(architecture: Architecture) -> tuple[float, ...]:
    row = table.row(architecture)
    return means if row is None else tuple(float(column[row]) for column in columns)

  return costs
