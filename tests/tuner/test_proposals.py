"""Proposals for one trial after the other, seen through an oracle."""

import json

import keras_tuner
import numpy as np
import pytest

from tests.support import tuner_cases as tuning
from tests.support.tuner_cases import QUICK, end, open_oracle, run, score, values_of

pytestmark = pytest.mark.usefixtures("no_graphs")

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
  for values in run(oracle, 12 if name == "nao" else 30):
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


# Values that are given.


def stepped(**options):
  hp = keras_tuner.HyperParameters()
  hp.Float("x", 0, 0.5, step=0.1, **options)
  return hp


@pytest.mark.parametrize("name", QUICK)
def test_every_value_of_a_step_is_tried_the_end_included(tmp_path, name):
  oracle = open_oracle(tmp_path, name, stepped(), max_trials=None, **QUICK[name])
  ran = [values["x"] for values in run(oracle, 30, lambda values: values["x"])]
  assert sorted(ran) == pytest.approx([0, 0.1, 0.2, 0.3, 0.4, 0.5])
  assert oracle.create_trial("tuner0").status == "STOPPED"


@pytest.mark.parametrize("value", [0.3, 0.30000000000000004, np.float64(0.3), np.float32(0.3), np.array(0.3), 0.5])
def test_a_value_of_a_step_may_be_a_default_a_given_value_or_a_past_one_in_any_form(tmp_path, value):
  expected = pytest.approx(float(value))
  defaults = open_oracle(tmp_path / "default", "random", stepped(default=value), initial_values=[{}])
  assert run(defaults, 1, lambda values: 1.0) == [{"x": expected}]
  given = open_oracle(tmp_path / "given", "random", stepped(), initial_values=[{"x": value}])
  ran = run(given, 9, lambda values: 1.0)
  assert ran[0] == {"x": expected} and type(ran[0]["x"]) is float and len(ran) == 6
  past = open_oracle(tmp_path / "past", "random", stepped(), past=[({"x": value}, np.float32(1.0))])
  ran = run(past, 9, lambda values: 1.0)
  assert len(ran) == 5 and {"x": expected} not in ran


@pytest.mark.parametrize("value", [0.25, 0.6, True, "0.3"])
def test_a_given_value_that_is_not_on_the_grid_is_refused_before_any_trial(tmp_path, value):
  oracle = open_oracle(tmp_path, "random", stepped(), initial_values=[{"x": 0.1}, {"x": value}])
  with pytest.raises(ValueError, match=r"initial_values\[1\]: hyperparameter 'x': expected .* got"):
    oracle.create_trial("tuner0")
  assert not oracle.trials


@pytest.mark.parametrize("value", [float("nan"), float("inf"), None, [0.3], np.array([0.3])])
def test_a_given_value_that_is_no_value_is_refused_at_construction(value):
  with pytest.raises(ValueError, match=r"initial_values\[0\]: hyperparameter 'x': expected"):
    tuning.make_oracle(initial_values=[{"x": value}])


def test_past_values_that_are_not_in_the_space_are_counted_in_a_warning(tmp_path, caplog):
  past = [({"x": 0.25}, 1.0), ({"x": 0.2}, 2.0), ({"x": "a"}, None)]
  oracle = open_oracle(tmp_path, "random", stepped(), past=past)
  with caplog.at_level("WARNING"):
    ran = run(oracle, 9, lambda values: 1.0)
  assert len(ran) == 5
  assert "2 of 3 past trials are outside of the space and are ignored" in caplog.text and "0.25" in caplog.text


def test_given_names_that_nothing_has_are_named_in_a_warning(tmp_path, caplog):
  oracle = open_oracle(tmp_path, initial_values=[{"shape": "line", "radius": 1.0, "shpae": 3}])
  with caplog.at_level("WARNING"):
    assert run(oracle, 1) == [{"shape": "line", "pen": "thin"}]
  assert "initial_values[0]: ignored ['radius', 'shpae']" in caplog.text


def test_a_search_that_has_tried_every_value_of_a_range_stops(tmp_path):
  hp = keras_tuner.HyperParameters()
  hp.Float("x", 0, 3, step=0.1)
  oracle = open_oracle(tmp_path, "random", hp, max_trials=None)
  assert sorted(v["x"] for v in run(oracle, 99, lambda values: 1.0)) == pytest.approx([i / 10 for i in range(31)])
  assert len(oracle._proposals.get_state()["stages"]) == 1
