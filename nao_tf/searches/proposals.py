"""What a strategy may propose: a space without the networks that cost more than a search allows."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from nao_tf.networks.cost_bounds import CostBounds, bounded_space, genotype_describer, has_known_costs
from nao_tf.spaces.base import SearchSpace

if TYPE_CHECKING:
  from nao_tf.tasks.base import Task


class UnknownCosts(ValueError):
  """Raised when a bound is on costs that are not known."""


def fitting_space(
  space: SearchSpace, bounds: CostBounds, network_config: Any, make_task: "Callable[[], Task]"
) -> SearchSpace:
  """Returns a space whose strategies propose only networks within bounds.

  If the costs of the networks are not known, a bound on parameters leaves the space as it is: an evaluator counts
  these.

  Args:
    space: the search space.
    bounds: what a network may cost at most.
    network_config: how networks are built.
    make_task: returns the task, which says what their inputs and outputs are. It is called only if that matters.

  Raises:
    UnknownCosts: if the multiply-adds are bounded and not known.
    ValueError: if hardly any architecture is within the bounds.
  """
  if bounds == CostBounds():
    return space
  if has_known_costs(space.decode(space.sample(np.random.default_rng(0))), network_config):
    task = make_task()
    return bounded_space(space, bounds, genotype_describer(network_config, task.input_shape, task.num_outputs))
  if bounds.max_multiply_adds is None:
    return space
  raise UnknownCosts(f"max_multiply_adds: the multiply-adds of the networks of the space {space.name} are not known")
