import math

import pytest

from nao_tf.trial import Evaluation, Trial, best_trial


def test_an_evaluation_survives_json():
  evaluation = Evaluation(0.5, 3.0, {"parameters": 12})
  assert Evaluation.from_json(evaluation.to_json()) == evaluation


@pytest.mark.parametrize("reward", [math.nan, math.inf, -math.inf])
def test_a_reward_must_be_finite(reward):
  with pytest.raises(ValueError, match="finite"):
    Evaluation(reward)


def test_a_failed_evaluation_has_a_reason_and_no_reward():
  failed = Evaluation.failed("out of memory", 2.0, parameters=7)
  assert not failed.ok and failed.reward is None
  assert failed.metrics == {"reason": "out of memory", "parameters": 7}


def test_the_best_trial_has_the_highest_reward_and_is_the_earliest_of_equals():
  rewards = [0.1, None, 0.9, 0.9]
  trials = [
    Trial(i, (i,), evaluation=Evaluation(r) if r is not None else Evaluation.failed("no"))
    for i, r in enumerate(rewards)
  ]
  assert best_trial([*trials, Trial(9, (9,))]).id == 2


def test_there_is_no_best_trial_without_a_reward():
  assert best_trial([Trial(0, (0,)), Trial(1, (1,), evaluation=Evaluation.failed("no"))]) is None


def test_closing_a_trial_keeps_what_it_was():
  trial = Trial(4, (1, 2), "random")
  closed = trial.close(Evaluation(1.0))
  assert (closed.id, closed.architecture, closed.origin, closed.reward) == (4, (1, 2), "random", 1.0)
  assert trial.reward is None
