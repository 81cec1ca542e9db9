"""Numbers of parameters as prior knowledge: known or not, and used by NAO as far as rewards follow them."""

import dataclasses
import math

import numpy as np
import pytest

from nao_tf.objectives import objectives_of
from nao_tf.spaces import make_space
from nao_tf.strategies import make_strategy
from nao_tf.strategies.nao_config import PRESETS
from nao_tf.strategies.parameter_counts import ParameterCounts, counts_parameters
from nao_tf.trial import Evaluation, Trial
from tests.support.toys import ToySpace

SPACE = make_space("nasbench201")
CONFIG = dataclasses.replace(PRESETS["default"], gaussian_share=1.0, num_initial=8)
USED, UNUSED = "the network's number of parameters is used", "the network's number of parameters is not used"


def told(strategy, reward, num_trials=9):
  for number in range(num_trials):
    (architecture,) = strategy.ask(1)
    strategy.tell([Trial(number, architecture, evaluation=Evaluation(reward(architecture)))])
  return strategy


def size(architecture):
  return float(SPACE.parameter_count(architecture))


def noise(architecture):
  return float(np.random.default_rng([2, *architecture]).normal())


def test_what_a_space_knows_is_told_as_logarithms():
  assert counts_parameters(SPACE) and not counts_parameters(ToySpace())
  rows = [(3,) * 6, (0,) * 6]
  assert ParameterCounts(SPACE)(rows).tolist() == [math.log1p(SPACE.parameter_count(row)) for row in rows]


def test_a_space_that_knows_some_numbers_only_is_refused():
  class Forgetful(ToySpace):
    def parameter_count(self, architecture):
      return None if sum(architecture) > 2 else 7.0

  with pytest.raises(ValueError, match="toy: parameter_count must return a number for all architectures or for none"):
    ParameterCounts(Forgetful())([(0, 0, 0, 1), (2, 2, 1, 1)])


@pytest.mark.parametrize(("reward", "expected"), [(size, USED), (noise, UNUSED)])
def test_nao_uses_them_if_rewards_follow_them_and_says_so(reward, expected):
  strategy = told(make_strategy("nao", SPACE, seed=1, config=CONFIG), reward)
  (remark,) = strategy.remarks()
  assert remark.startswith(expected) and [hint.name for hint in strategy.hints()] == [ParameterCounts.name]


@pytest.mark.parametrize(
  "config", [dataclasses.replace(CONFIG, counts_parameters=False), dataclasses.replace(CONFIG, gaussian_share=0.0)]
)
def test_nao_does_not_use_them_if_it_is_told_not_to_or_has_no_process(config):
  assert make_strategy("nao", SPACE, config=config).remarks() == []


def test_if_they_do_not_help_the_search_is_the_same_as_without():
  without = dataclasses.replace(CONFIG, counts_parameters=False)
  searches = [told(make_strategy("nao", SPACE, seed=1, config=config), noise) for config in (CONFIG, without)]
  assert [search.ask(1) for search in searches[:1]] == [search.ask(1) for search in searches[1:]]


def test_other_prior_knowledge_takes_their_place():
  strategy = make_strategy("nao", SPACE, seed=1, config=CONFIG)
  strategy.inform([ParameterCounts(SPACE)])
  assert len(strategy.remarks()) == 1


def test_with_several_objectives_nothing_is_said_about_them():
  strategy = make_strategy("nao", SPACE, seed=1, config=CONFIG)
  strategy.pursue(objectives_of(("accuracy", "parameters")))
  assert strategy.remarks() == []
