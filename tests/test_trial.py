import json
import math

import pytest

from nao_tf.trial import RANDOM, UNKNOWN, Evaluation, Origin, Trial, best_trial, top_trials


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
  trial = Trial(4, (1, 2), RANDOM)
  closed = trial.close(Evaluation(1.0))
  assert (closed.id, closed.architecture, closed.origin, closed.reward) == (4, (1, 2), RANDOM, 1.0)
  assert trial.reward is None


@pytest.mark.parametrize(
  ("origin", "words"),
  [
    (RANDOM, "random"),
    (UNKNOWN, ""),
    (Origin("mutation", (3,)), "mutation of #3"),
    (Origin("crossover", (3, 14)), "crossover of #3, #14"),
    (Origin("ascent", (12,), step=0.5), "ascent from #12, step 0.5"),
    (Origin("ascent", (12,), step=10.0, indirect=True), "ascent from #12, step 10, after others"),
    (Origin("decoded", (7,), indirect=True), "decoded around #7, after others"),
    (Origin("neighbor", (7,)), "neighbor of #7"),
    (Origin("rerank", (5,), reward=0.7), "#5 of the search, reward 0.7000"),
  ],
)
def test_an_origin_says_itself_in_words_and_survives_json(origin, words):
  assert str(origin) == words
  assert Origin.from_json(json.loads(json.dumps(origin.to_json()))) == origin


def test_the_top_trials_are_the_best_and_the_earlier_of_equals_come_first():
  rewards = [0.1, 0.3, None, 0.3, 0.2]
  trials = [Trial(i, (i,), evaluation=r and Evaluation(r)) for i, r in enumerate(rewards)]
  assert [trial.id for trial in top_trials(reversed(trials), 3)] == [1, 3, 4]
  assert [trial.id for trial in top_trials(trials, 9)] == [1, 3, 4, 0] and top_trials([], 3) == []
