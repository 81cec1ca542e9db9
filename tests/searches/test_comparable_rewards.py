import pytest

from nao_tf.searches.comparable_rewards import ComparableRewards
from nao_tf.searches.rungs import RungConfig
from nao_tf.trial import Evaluation, Trial

CONFIG = RungConfig((1, 3, 9))


def at_rungs(number, *rewards):
  trial = Trial(number, (number,)).close(Evaluation(rewards[0], 2.0))
  for reward in rewards[1:]:
    trial = trial.promote().close(Evaluation(reward, 3.0))
  return trial


def test_without_promotions_rewards_are_as_they_are():
  rewards = ComparableRewards(CONFIG)
  (told,) = rewards.update(at_rungs(0, 0.5))
  assert told.reward == 0.5 and told.evaluation.cost_seconds == 2.0
  (failed,) = rewards.update(Trial(1, (1,)).close(Evaluation.failed("broken")))
  assert failed.reward is None and failed.evaluation.metrics["reason"] == "broken"


def test_a_gain_is_carried_over_to_those_that_were_stopped():
  rewards = ComparableRewards(CONFIG)
  for number in range(3):
    rewards.update(at_rungs(number, 0.1 * number))
  promoted, *others = rewards.update(at_rungs(2, 0.2, 0.7))
  assert promoted.reward == 0.7 and promoted.rung == 0
  assert [evaluation.reward for evaluation in promoted.earlier] == [0.2]
  assert {trial.id: pytest.approx(trial.reward) for trial in others} == {0: 0.5, 1: 0.6}
  top, *others = rewards.update(at_rungs(2, 0.2, 0.7, 0.8))
  assert top.reward == 0.8
  assert {trial.id: pytest.approx(trial.reward) for trial in others} == {0: 0.6, 1: 0.7}


def test_rewards_that_hardly_change_are_not_told_again():
  rewards = ComparableRewards(CONFIG)
  for number in range(10):
    rewards.update(at_rungs(number, 0.1 * number))
  assert len(rewards.update(at_rungs(9, 0.9, 1.2))) == 10
  assert len(rewards.update(at_rungs(8, 0.8, 1.1001))) == 1


def test_rungs_that_say_nothing_about_one_another_do_not_turn_the_order():
  rewards = ComparableRewards(CONFIG)
  for number in range(30):
    rewards.update(at_rungs(number, number / 30))
  for number in range(30):
    rewards.update(at_rungs(number, number / 30, 1.0 - number / 30))
  low, high = (rewards.reward(Evaluation(value)) for value in (0.1, 0.9))
  assert low <= high
