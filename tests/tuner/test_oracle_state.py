import json

import pytest

from nao_tf.tuner.oracle_state import check_oracle_state, check_order
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
    ({"start_order": ["00", "00"]}, "a list of different ids for 'start_order'"),
    ({"end_order": ["00", "01", "05"]}, "end_order: trial '05' was never started"),
    ({"end_order": None}, "expected a list for 'end_order'"),
    ({"ongoing_trials": ["00"]}, "expected a JSON object for 'ongoing_trials'"),
    ({"run_times": {"00": "1"}}, "expected an integer of at least 0 for .run_times"),
    ({"seed": None}, "expected an integer of at least 0 for 'seed'"),
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
