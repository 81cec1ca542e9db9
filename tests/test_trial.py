import json
import math

import hypothesis
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import strategies as st

from nao_tf.runs.json_files import parse_json
from nao_tf.trial import RANDOM, UNKNOWN, Evaluation, Origin, Trial, best_trial, reward_text, top_trials


def test_an_evaluation_survives_json():
  evaluation = Evaluation(0.5, 3.0, {"parameters": 12})
  assert Evaluation.from_json(evaluation.to_json()) == evaluation


@pytest.mark.parametrize("reward", [math.nan, math.inf, -math.inf])
def test_a_reward_must_be_finite(reward):
  with pytest.raises(ValueError, match="finite"):
    Evaluation(reward)


@pytest.mark.parametrize("number", [np.float32(0.5), np.float16(0.5), np.array(0.5), tf.constant(0.5), 0.5])
def test_numbers_of_libraries_become_numbers_of_python(number):
  evaluation = Evaluation(number, number, {"loss": number, "more": [{"f1": number}]})
  assert json.loads(json.dumps(evaluation.to_json())) == {
    "reward": 0.5,
    "cost_seconds": 0.5,
    "metrics": {"loss": 0.5, "more": [{"f1": 0.5}]},
  }


@pytest.mark.parametrize("reward", ["0.5", True, [0.5], np.array([0.5]), tf.constant([0.5, 1.0]), object(), b"1", 1j])
def test_what_is_no_number_is_refused_as_a_reward(reward):
  with pytest.raises(TypeError, match="reward must be a number"):
    Evaluation(reward)


def test_metrics_that_are_not_finite_are_recorded_as_none():
  assert Evaluation(0.5, metrics={"a": math.nan, "b": np.float32("inf"), "c": 10**400}).metrics == dict.fromkeys("abc")


def test_what_is_no_character_does_not_make_a_record_that_cannot_be_read():
  evaluation = Evaluation.raised(OSError("no caf\udce9.jpg, but café"))
  assert evaluation.metrics == {"reason": "OSError: no caf?.jpg, but café"}
  evaluation = Evaluation(0.5, metrics={"\udcff": ["\udce9", "é"]})
  assert evaluation.metrics == {"?": ["?", "é"]}
  data = json.dumps(evaluation.to_json()).encode()
  assert Evaluation.from_json(parse_json(data, "here")) == evaluation


def test_arrays_in_metrics_become_lists():
  metrics = {"confusion": np.arange(4).reshape(2, 2), "count": np.int64(3), "per_class": tf.constant([1.0, 2.0])}
  assert Evaluation(0.5, metrics=metrics).metrics == {
    "confusion": [[0, 1], [2, 3]],
    "count": 3,
    "per_class": [1.0, 2.0],
  }


def test_other_objects_in_metrics_are_refused_with_their_place():
  with pytest.raises(TypeError, match=r"metrics\['model'\]\[1\] must be a JSON value"):
    Evaluation(0.5, metrics={"model": [1, object()]})
  loop: list[object] = []
  loop.append(loop)
  with pytest.raises(ValueError, match="20 levels"):
    Evaluation(0.5, metrics={"loop": loop})


VALUES = st.recursive(
  st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.floats(width=32).map(np.float32),
  lambda children: st.lists(children, max_size=3) | st.dictionaries(st.text(), children, max_size=3),
  max_leaves=8,
)


@hypothesis.settings(max_examples=200, deadline=None, derandomize=True)
@hypothesis.given(st.dictionaries(st.text(), VALUES, max_size=4), st.floats(allow_nan=False, allow_infinity=False))
def test_whatever_an_evaluation_holds_is_the_same_after_json(metrics, reward):
  evaluation = Evaluation(reward, 1.0, metrics)
  text = json.dumps(evaluation.to_json(), allow_nan=False)
  assert Evaluation.from_json(json.loads(text)) == evaluation


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


GOOD_EVALUATION = {"reward": 0.5, "cost_seconds": 1.5, "metrics": {"loss": 0.25}}
GOOD_ORIGIN = {"kind": "ascent", "parents": [3], "step": 0.5, "indirect": True, "reward": 0.7}
WRONG = [True, 0.5, "x", [1], {}, None, -1, math.nan, math.inf, 10**400, [0.5], [True], {"x": 1}]


def wrong_values(name, allowed):
  return [(name, value) for value in WRONG if not allowed(value)]


def is_finite(value):
  is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
  return is_number and abs(value) < 10**300


@pytest.mark.parametrize(
  ("name", "value"),
  [
    *wrong_values("reward", lambda v: v is None or is_finite(v)),
    *wrong_values("cost_seconds", lambda v: is_finite(v) and v >= 0),
    *wrong_values("metrics", lambda v: isinstance(v, dict)),
    ("extra", 1),
  ],
)
def test_an_evaluation_of_wrong_types_is_refused_with_the_field(name, value):
  assert Evaluation.from_json(GOOD_EVALUATION).reward == 0.5
  with pytest.raises(ValueError, match=name):
    Evaluation.from_json({**GOOD_EVALUATION, name: value})


@pytest.mark.parametrize(
  ("name", "value"),
  [
    *wrong_values("kind", lambda v: isinstance(v, str)),
    *(("parents", value) for value in (True, 3, "x", {}, None, [0.5], [True], ["1"], [[1]])),
    *wrong_values("step", lambda v: v is None or is_finite(v)),
    *wrong_values("indirect", lambda v: isinstance(v, bool)),
    *wrong_values("reward", lambda v: v is None or is_finite(v)),
    ("extra", 1),
  ],
)
def test_an_origin_of_wrong_types_is_refused_with_the_field(name, value):
  assert Origin.from_json(GOOD_ORIGIN).step == 0.5
  with pytest.raises(ValueError, match=name):
    Origin.from_json({**GOOD_ORIGIN, name: value})


@pytest.mark.parametrize("data", [None, 3, "reward", [], {}, {"reward": 1.0}])
def test_what_is_no_object_with_these_fields_is_refused(data):
  for read in (Evaluation.from_json, Origin.from_json):
    with pytest.raises(ValueError, match="an evaluation|an origin"):
      read(data)


def test_a_trial_of_a_higher_rung_is_better_whatever_its_reward():
  low = Trial(0, (0,)).close(Evaluation(0.9))
  high = Trial(1, (1,)).close(Evaluation(0.2)).promote().close(Evaluation(0.5))
  under_way = Trial(2, (2,)).close(Evaluation(0.6)).promote()
  failed = Trial(3, (3,)).close(Evaluation(0.7)).promote().close(Evaluation.failed("diverged"))
  assert top_trials([low, high, under_way, failed], 9) == [high, low, under_way]
  assert best_trial([low, high]) is high
  assert (under_way.is_open, under_way.reward, failed.reward) == (True, 0.6, None)


def test_an_evaluation_at_a_rung_is_the_same_after_json():
  evaluation = Evaluation(0.5, 1.0, {"a": 1}, rung=2)
  assert Evaluation.from_json(evaluation.to_json()) == evaluation
  assert "rung" not in Evaluation(0.5).to_json()


def test_a_very_large_reward_is_shown_without_its_digits():
  assert [reward_text(reward) for reward in (0.5, -22500.0, 1.4e301)] == ["0.5000", "-22500.0000", "1.4e+301"]
