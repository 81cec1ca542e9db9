import pytest

from nao_tf.networks.cost_bounds import CostBounds
from nao_tf.searches.proposals import UnknownCosts, fitting_space
from nao_tf.spaces import make_space
from nao_tf.spaces.bounded import BoundedSpace
from nao_tf.tasks import make_task
from tests.support.tiny_cells import TinyCells


def never():
  raise AssertionError("the task is not needed")


def test_only_bounds_on_known_costs_change_a_space():
  task, space = make_task("digits"), TinyCells()
  config = task.child.network_config
  assert fitting_space(space, CostBounds(), config, never) is space
  bounded = fitting_space(space, CostBounds(max_parameters=10**9), config, lambda: task)
  assert isinstance(bounded, BoundedSpace) and bounded.inner is space


def test_multiply_adds_of_unknown_networks_cannot_be_bounded():
  config, space = make_task("digits").child.network_config, make_space("nasbench101")
  assert fitting_space(space, CostBounds(max_parameters=1), config, never) is space
  with pytest.raises(UnknownCosts, match="multiply-adds of the networks of the space nasbench101 are not known"):
    fitting_space(space, CostBounds(max_multiply_adds=1), config, never)
