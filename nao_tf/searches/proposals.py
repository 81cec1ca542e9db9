"""Restricts a search space to networks within the size limits of a search."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from nao_tf.networks.buildable import is_buildable
from nao_tf.networks.cost_bounds import CostBounds, bounded_space, genotype_describer
from nao_tf.spaces.base import SearchSpace

if TYPE_CHECKING:
  from nao_tf.tasks.base import Task


class UnknownCosts(ValueError):
  """Raised when a limited cost is unknown for the networks of a space."""


def fitting_space(
  space: SearchSpace, bounds: CostBounds, network_config: Any, make_task: "Callable[[], Task]"
) -> SearchSpace:
  """Returns a space of which strategies only propose networks within size limits.

  If the costs of the networks are unknown, a limit on parameters leaves the space unchanged; the evaluator enforces it.

  Args:
    space: the search space.
    bounds: size limits of a network.
    network_config: configuration of the networks.
    make_task: function that returns the task, which defines inputs and outputs of networks. It is only called if
      needed.

  Raises:
    UnknownCosts: if multiply-adds are limited but unknown.
    ValueError: if almost no architecture is within the limits.
  """
  if bounds == CostBounds():
    return space
  if is_buildable(space, network_config):
    task = make_task()
    return bounded_space(space, bounds, genotype_describer(network_config, task.input_shape, task.num_outputs))
  if bounds.max_multiply_adds is None:
    return space
  raise UnknownCosts(f"max_multiply_adds: the multiply-adds of the networks of the space {space.name} are not known")
