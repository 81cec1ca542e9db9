import math
import shutil

import keras_tuner
import pytest

from tests.support import tuner_cases as tuning
from tests.support.tuner_cases import QUICK, make_oracle, open_oracle, run, values_of

SMALL = QUICK["evolution"]["config"]


def test_the_trials_of_another_project_are_told_and_not_tried_again(tmp_path):
  old = open_oracle(tmp_path / "old", "random", tuning.six())
  run(old, 4, lambda values: len(str(values)))
  options = {"space": tuning.six(), "past": str(tmp_path / "old" / "project")}
  oracle = open_oracle(tmp_path / "new", "random", **options)
  ran = run(oracle, 10, lambda values: 1.0)
  assert len(ran) == 2 and all(values not in ran for values in values_of(old))
  told = oracle._proposals.strategy.trials
  assert [trial.reward for trial in told[:4]] == [-len(str(values)) for values in values_of(old)]


def test_past_trials_are_kept_when_their_project_has_gone(tmp_path):
  run(open_oracle(tmp_path / "old", "random"), 12)
  past = str(tmp_path / "old" / "project")
  whole = open_oracle(tmp_path / "whole", past=past, config=SMALL)
  run(whole, 10)
  run(open_oracle(tmp_path / "cut", past=past, config=SMALL), 4)
  shutil.rmtree(past)
  resumed = open_oracle(tmp_path / "cut", config=SMALL)
  run(resumed, 6)
  assert values_of(resumed) == values_of(whole)


def test_past_points_make_a_first_generation(tmp_path):
  past = [({"shape": "round", "radius": 10.0 * i, "filled": False}, float(i)) for i in range(1, 7)]
  oracle = open_oracle(tmp_path, past=[*past, ({"shape": "cube"}, 0.0)], config=SMALL)
  run(oracle, 1)
  oracle.populate_space("again")
  assert list(map(str, oracle._proposals.origins)) == ["mutation of #0"]


@pytest.mark.parametrize("bad", [math.inf, -math.inf, math.nan, None])
def test_a_past_score_that_is_no_finite_number_is_a_failure(tmp_path, bad):
  oracle = open_oracle(tmp_path, past=[({"shape": "line"}, bad), ({"shape": "square"}, 0.5)])
  oracle.create_trial("tuner0")
  assert [trial.reward for trial in oracle._proposals.strategy.trials] == [None, -0.5]


def test_trials_put_into_the_oracle_are_past_ones(tmp_path):
  oracle = open_oracle(tmp_path, "random", tuning.six())
  for i, color in enumerate(["red", "blue"]):
    trial = keras_tuner.engine.trial.Trial(tuning.six(), trial_id=f"mine{i}", status="COMPLETED")
    trial.hyperparameters.values = {"on": True, "color": color}
    trial.score = float(i)
    oracle.trials[trial.trial_id] = trial
  assert all(not values["on"] for values in run(oracle, 10, lambda values: 1.0))
  assert len(oracle.trials) == 2 + 4


def test_a_past_project_without_trials_or_with_another_metric_is_refused(tmp_path):
  with pytest.raises(FileNotFoundError, match="trial_"):
    make_oracle(past=str(tmp_path))
  run(open_oracle(tmp_path), 1)
  with pytest.raises(ValueError, match="val_loss"):
    make_oracle(past=str(tmp_path / "project"), objective="val_loss")
