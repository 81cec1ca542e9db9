import json

import pytest

from nao_tf.tuner.oracle_state import check_oracle_state, check_order, is_count
from tests.support.tuner_cases import open_oracle, run


@pytest.fixture
def state(tmp_path):
  oracle = open_oracle(tmp_path)
  run(oracle, 2)
  return json.loads(json.dumps(oracle.get_state()))


def test_a_state_that_was_written_is_accepted(state):
  check_oracle_state(state, ["00", "01"])


@pytest.mark.parametrize(
  "change, message",
  [
    ({"start_order": ["00", "02"]}, "trial '02' was started, but it has no trial.json"),
    ({"start_order": ["00", "00"]}, "start_order: expected a list of different ids"),
    ({"end_order": ["00", "01", "05"]}, "end_order: trial '05' was never started"),
    ({"end_order": None}, "end_order: expected a list"),
    ({"ongoing_trials": ["00"]}, "ongoing_trials: expected an object"),
    ({"run_times": {"00": "1"}}, "run_times: expected integers"),
    ({"seed": None}, "seed: expected an integer"),
  ],
)
def test_what_does_not_fit_is_named(state, change, message):
  with pytest.raises(ValueError, match=message):
    check_oracle_state({**state, **change}, ["00", "01"])


def test_no_trial_ends_before_it_starts():
  check_order([0, 0, 1], ["a", "b", "c"], ["b"])
  for told_before in ([0, 1, 1], [0, 0, 2]):
    with pytest.raises(ValueError, match="cannot have ended before"):
      check_order(told_before, ["a", "b", "c"], ["b"])


def test_a_count_is_an_integer_of_at_least_0():
  assert [is_count(value) for value in (0, 3, -1, True, 1.0, "1", None)] == [True, True] + [False] * 5
