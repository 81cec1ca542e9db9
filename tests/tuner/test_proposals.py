"""Proposals for one trial after the other, seen through an oracle."""

import json

import keras_tuner
import pytest

from tests.support import tuner_cases as tuning
from tests.support.tuner_cases import QUICK, end, open_oracle, run, score, values_of

SMALL = QUICK["evolution"]["config"]


# No configuration twice.


@pytest.mark.parametrize("name", QUICK)
def test_every_configuration_is_tried_once_and_then_the_search_stops(tmp_path, name):
  oracle = open_oracle(tmp_path, name, tuning.six(), max_trials=None, **QUICK[name])
  ran = run(oracle, 100, lambda values: len(str(values)))
  assert len(ran) == len({json.dumps(values, sort_keys=True) for values in ran}) == 6
  assert oracle.create_trial("tuner0").status == "STOPPED"


def test_a_failed_configuration_is_not_tried_again_either(tmp_path):
  oracle = open_oracle(tmp_path, "random", tuning.six(), max_consecutive_failed_trials=100)
  assert len(run(oracle, 100, lambda values: None)) == 6


def test_configurations_that_are_still_running_are_not_handed_out_again(tmp_path):
  oracle = open_oracle(tmp_path, "random", tuning.six())
  trials = [oracle.create_trial(f"tuner{i}") for i in range(8)]
  assert [trial.status for trial in trials] == ["RUNNING"] * 6 + ["STOPPED"] * 2
  assert len({json.dumps(trial.hyperparameters.values) for trial in trials[:6]}) == 6


@pytest.mark.parametrize("name", QUICK)
def test_given_configurations_are_not_handed_out_again_while_they_are_running(tmp_path, name):
  given = [{"on": True, "color": "red"}, {"on": False, "low": 1, "high": 2}]
  oracle = open_oracle(tmp_path, name, tuning.six(), initial_values=given, **QUICK[name])
  trials = [oracle.create_trial(f"tuner{i}") for i in range(7)]
  assert [trial.hyperparameters.values for trial in trials[:2]] == given
  assert [trial.status for trial in trials] == ["RUNNING"] * 6 + ["STOPPED"]
  assert len({json.dumps(trial.hyperparameters.values, sort_keys=True) for trial in trials[:6]}) == 6


def test_a_grid_that_has_been_tried_is_refined(tmp_path):
  hp = keras_tuner.HyperParameters()
  hp.Float("x", 0, 1)
  oracle = open_oracle(tmp_path, "random", hp, max_trials=60)
  run(oracle, 45, lambda values: values["x"])
  resumed = open_oracle(tmp_path, "random", hp, max_trials=60)
  run(resumed, 100, lambda values: values["x"])
  assert len({values["x"] for values in values_of(resumed)}) == 60
  other = open_oracle(tmp_path / "other", "random", hp, max_trials=60)
  assert run(other, 100, lambda values: values["x"]) == values_of(resumed)


# What is handed out.


@pytest.mark.parametrize("name", QUICK)
def test_all_active_hyperparameters_have_values_of_theirs_and_no_others_do(tmp_path, name):
  oracle = open_oracle(tmp_path, name, **QUICK[name])
  for values in run(oracle, 30):
    hp = tuning.shapes()
    hp.values = dict(values)
    assert {entry.name for entry in hp.space if hp.is_active(entry)} == set(values)
    assert values["pen"] == "thin"
    assert values.get("side", 10) in range(10, 101, 10) and type(values.get("shade", 0)) is int


def test_values_come_parents_first(tmp_path):
  for values in run(open_oracle(tmp_path, "random"), 20):
    names = list(values)
    assert names.index("shape") < min((names.index(n) for n in ("filled", "radius", "side") if n in names), default=9)


def test_given_values_come_first_and_are_completed_with_defaults(tmp_path):
  given = [{"shape": "square", "filled": True, "shade": 77}, {"shape": "line"}]
  oracle = open_oracle(tmp_path, initial_values=given)
  ran = run(oracle, 5)
  assert ran[0] == {"shape": "square", "filled": True, "shade": 77, "side": 10, "pen": "thin"}
  assert ran[1] == {"shape": "line", "pen": "thin"}
  resumed = open_oracle(tmp_path, initial_values=given)
  run(resumed, 5)
  whole = open_oracle(tmp_path / "whole", initial_values=given)
  assert run(whole, 10) == values_of(resumed)


# Hyperparameters that appear late.


def meet(oracle, trial):
  """Ends a trial in which further hyperparameters came up."""
  late = trial.hyperparameters.Int("late", 1, 4, default=2)
  with trial.hyperparameters.conditional_scope("late", [3, 4]):
    trial.hyperparameters.Boolean("later")
  end(oracle, trial, score(trial.hyperparameters.values) + abs(late - 3))


def run_meeting(oracle, num_trials, first=3):
  for _ in range(num_trials):
    trial = oracle.create_trial("tuner0")
    values = trial.hyperparameters.values
    meet(oracle, trial) if len(oracle.trials) >= first else end(oracle, trial, score(values))


def test_hyperparameters_that_appear_late_are_searched_from_then_on(tmp_path):
  oracle = open_oracle(tmp_path, config=SMALL)
  run_meeting(oracle, 24)
  values = values_of(oracle)
  assert not any("late" in v for v in values[:2]) and all("late" in v for v in values[2:])
  assert len({v["late"] for v in values[2:]}) > 1
  assert all(("later" in v) == (v["late"] >= 3) for v in values[2:])
  strategy = oracle._proposals.strategy
  assert len(strategy.trials) == 23 and [trial.id for trial in strategy.trials] == list(range(23))


@pytest.mark.parametrize("stop", [1, 3, 4, 10])
def test_a_search_with_late_hyperparameters_goes_on_as_it_was(tmp_path, stop):
  whole = open_oracle(tmp_path / "whole", config=SMALL)
  run_meeting(whole, 20)
  run_meeting(open_oracle(tmp_path / "cut", config=SMALL), stop)
  resumed = open_oracle(tmp_path / "cut", config=SMALL)
  run_meeting(resumed, 20 - stop, first=3)
  assert values_of(resumed) == values_of(whole)


def test_late_hyperparameters_keep_their_defaults_if_they_are_not_tuned(tmp_path):
  oracle = open_oracle(tmp_path, tune_new_entries=False)
  run_meeting(oracle, 6, first=1)
  assert {values["late"] for values in values_of(oracle)} == {2}


def test_everything_may_appear_late(tmp_path):
  oracle = open_oracle(tmp_path, "random", keras_tuner.HyperParameters())
  for _ in range(10):
    trial = oracle.create_trial("tuner0")
    if trial.status == "STOPPED":
      break
    trial.hyperparameters.Boolean("a")
    trial.hyperparameters.Boolean("b")
    end(oracle, trial, 1.0)
  assert len({json.dumps(values, sort_keys=True) for values in values_of(oracle)}) == len(oracle.trials) == 4
