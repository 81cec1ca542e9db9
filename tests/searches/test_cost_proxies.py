import dataclasses
import math

import numpy as np
import pytest

from nao_tf.networks.building import build_network
from nao_tf.networks.image_network_config import ImageNetworkConfig
from nao_tf.searches import cost_proxies
from nao_tf.spaces import make_space
from nao_tf.strategies import make_strategy
from nao_tf.strategies.nao_config import PRESETS
from nao_tf.tables import read_table
from nao_tf.trial import Evaluation, Trial
from tests.support.toy_tables import nasbench201_arrays, write_table
from tests.support.toys import ToySpace

CONFIG = dataclasses.replace(PRESETS["default"], gaussian_share=1.0, num_initial=8)
NETWORK = ImageNetworkConfig(num_cells=1, filters=4, auxiliary=False)


class Digits:
  input_shape, num_outputs = (8, 8, 1), 10


@pytest.fixture(scope="module")
def table(tmp_path_factory):
  return read_table(write_table(tmp_path_factory.mktemp("table") / "t.npz", nasbench201_arrays()))


def test_names_are_checked():
  assert cost_proxies.check_proxies(["parameters", "parameters"]) == ("parameters",)
  for wrong, shown in ((["depth"], "'depth'"), ([3], "3")):
    with pytest.raises(
      ValueError, match=f"proxies must be among parameters, multiply_adds, synflow, naswot, got {shown}"
    ):
      cost_proxies.check_proxies(wrong)


@pytest.mark.parametrize(
  ("given", "words"),
  [
    ("parameters", r"expected a list of proxies, got 'parameters'; write \['parameters'\]"),
    ("parameters, naswot", r"got 'parameters, naswot'; write \['parameters', 'naswot'\]"),
    (3, "expected a list for 'proxies', got 3"),
  ],
)
def test_proxies_are_a_list(given, words):
  with pytest.raises(ValueError, match=words):
    cost_proxies.check_proxies(given)


def test_a_table_has_costs_and_what_is_not_in_it_counts_as_the_mean(table):
  costs = cost_proxies.table_costs(("parameters",), table)
  assert costs(table.architecture_of(7)) == (1007.0,)
  with pytest.raises(ValueError, match="has no macs, which the proxy multiply_adds needs"):
    cost_proxies.table_costs(("multiply_adds",), table)
  with pytest.raises(ValueError, match="naswot is computed on networks, and a table has none; choose parameters or"):
    cost_proxies.table_costs(("naswot",), table)
  proxy = cost_proxies.CostProxy("parameters", 0, costs)
  assert proxy([table.architecture_of(7)]) == [math.log(1008)] and proxy.name == "the number of parameters"


def test_costs_of_networks_are_those_of_the_networks_that_are_trained():
  space = make_space("nasnet5")
  costs = cost_proxies.network_costs(cost_proxies.COSTS, space, NETWORK, Digits)
  architecture = space.sample(np.random.default_rng(3))
  parameters, multiply_adds = costs(architecture)
  network = build_network(space.decode(architecture), NETWORK, input_shape=(8, 8, 1), num_outputs=10, seed=0)
  assert parameters == sum(int(np.prod(weight.shape)) for weight in network.trainable_variables) and multiply_adds > 0


def test_a_space_with_unknown_costs_and_a_strategy_without_proxies_are_refused(table):
  with pytest.raises(ValueError, match="the costs of the networks of the space toy are not known"):
    cost_proxies.network_costs(("parameters",), ToySpace(), NETWORK, Digits)
  costs = cost_proxies.table_costs(("parameters",), table)
  with pytest.raises(ValueError, match="proxies are for the strategy nao, got RandomSearch"):
    cost_proxies.with_proxies(make_strategy("random", table.space), ("parameters",), costs)
  paper = make_strategy("nao", table.space, config=dataclasses.replace(CONFIG, gaussian_share=0.0))
  with pytest.raises(ValueError, match="proxies need a gaussian_share above 0"):
    cost_proxies.with_proxies(paper, ("parameters",), costs)


@pytest.mark.parametrize("follows", [True, False])
def test_a_proxy_is_used_if_rewards_follow_it(table, follows):
  strategy = make_strategy("nao", table.space, seed=1, config=CONFIG)
  costs = cost_proxies.table_costs(("parameters",), table)
  cost_proxies.with_proxies(strategy, ("parameters",), costs)
  for number in range(9):
    (architecture,) = strategy.ask(1)
    noise = float(np.random.default_rng([2, *architecture]).normal())
    reward = costs(architecture)[0] if follows else noise
    strategy.tell([Trial(number, architecture, evaluation=Evaluation(reward))])
  (remark,) = strategy.remarks()
  assert remark.startswith(f"the number of parameters is {'used' if follows else 'not used'}")
