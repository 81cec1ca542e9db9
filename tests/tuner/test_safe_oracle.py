"""What makes an oracle safe to use, shown with a strategy that proposes."""

import json
import math
import os

import keras_tuner
import pytest

from nao_tf.tuner.oracle import StrategyOracle
from tests.support import tuner_cases as tuning
from tests.support.tuner_cases import end, is_unlocked, make_oracle, open_oracle, over_messages, run


def test_a_negative_seed_is_refused():
  with pytest.raises(ValueError, match="seed"):
    make_oracle(seed=-1)


def test_seed_0_is_a_seed_like_any_other(tmp_path):
  assert make_oracle(seed=0).seed == 0
  lists = [run(open_oracle(tmp_path / str(seed), seed=seed), 5) for seed in (0, 1)]
  assert lists[0] != lists[1]


# A killed project.


def write_back(oracle, state):
  with open(oracle._get_oracle_fname(), "w") as file:
    file.write(state)


def test_killed_between_the_two_files_of_an_ending_trial_it_has_ended(tmp_path):
  oracle = open_oracle(tmp_path)
  trial = oracle.create_trial("tuner0")
  with open(oracle._get_oracle_fname()) as file:
    before = file.read()
  end(oracle, trial, 0.5)
  write_back(oracle, before)
  resumed = open_oracle(tmp_path)
  assert resumed.end_order == [trial.trial_id]
  assert resumed.create_trial("tuner0").trial_id != trial.trial_id


def test_an_ended_trial_is_not_run_again(tmp_path):
  oracle = open_oracle(tmp_path)  # KerasTuner saves it as ended and as running at the same time.
  end(oracle, oracle.create_trial("tuner0"), 0.5)
  assert json.load(open(oracle._get_oracle_fname()))["ongoing_trials"]
  resumed = open_oracle(tmp_path)
  run(resumed, 2)
  assert resumed.end_order == ["00", "01", "02"]


def test_killed_between_the_two_files_of_a_starting_trial_it_starts_again(tmp_path):
  oracle = open_oracle(tmp_path)
  run(oracle, 3)
  oracle.save()
  with open(oracle._get_oracle_fname()) as file:
    before = file.read()
  started = oracle.create_trial("tuner0")
  write_back(oracle, before)
  resumed = open_oracle(tmp_path)
  assert len(resumed.trials) == 3
  again = resumed.create_trial("tuner0")
  assert (again.trial_id, again.hyperparameters.values) == (started.trial_id, started.hyperparameters.values)


def test_state_files_are_whole_at_any_moment(tmp_path):
  oracle = open_oracle(tmp_path)
  run(oracle, 2)
  with open(oracle._get_oracle_fname()) as file:
    before = file.read()
  oracle._deaths = {"00": object()}
  with pytest.raises(TypeError):
    oracle.save()
  with open(oracle._get_oracle_fname()) as file:
    assert file.read() == before


def test_the_directory_of_the_project_is_all_there_is(tmp_path):
  run(open_oracle(tmp_path), 3)
  assert sorted(os.listdir(tmp_path)) == ["project"]
  assert not [name for name in os.listdir(tmp_path / "project") if name.endswith(".tmp")]


# Failures.


@pytest.mark.parametrize("bad", [math.inf, -math.inf, math.nan])
@pytest.mark.parametrize("direction", ["min", "max"])
def test_a_score_that_is_no_finite_number_is_a_failure(tmp_path, bad, direction):
  oracle = open_oracle(tmp_path, objective=keras_tuner.Objective("score", direction))
  end(oracle, oracle.create_trial("tuner0"), bad)
  trial = oracle.trials["00"]
  assert trial.status == "FAILED" and trial.score is None and "score" in trial.message
  assert oracle.get_best_trials(3) == []
  run(oracle, 2)
  assert "00" not in [best.trial_id for best in oracle.get_best_trials(3)]


def test_a_missing_score_is_a_failure_and_leaves_no_lock_held(tmp_path):
  oracle = open_oracle(tmp_path)
  trial = oracle.create_trial("tuner0")
  with pytest.raises(ValueError, match="score"):
    oracle.update_trial(trial.trial_id, {"loss": 1.0})
  assert is_unlocked(oracle)
  trial.status = "COMPLETED"
  oracle.end_trial(trial)
  assert oracle.trials["00"].status == "FAILED" and is_unlocked(oracle)


def test_as_many_failures_in_a_row_as_allowed_end_the_search_after_they_are_saved(tmp_path):
  oracle = open_oracle(tmp_path, max_consecutive_failed_trials=2)
  with pytest.raises(RuntimeError, match=r"consecutive failed trials.* 2"):
    run(oracle, 5, lambda values: None)
  assert is_unlocked(oracle)
  resumed = open_oracle(tmp_path, max_consecutive_failed_trials=2)
  assert resumed.end_order == ["00", "01"] and resumed.trials["01"].status == "FAILED"
  assert len(run(resumed, 3)) == 3  # A success ends the row.
  assert len(run(oracle, 3)) == 3  # Also on the same object.


def test_failures_that_are_not_in_a_row_do_not_end_the_search(tmp_path):
  oracle = open_oracle(tmp_path, max_consecutive_failed_trials=2)
  outcomes = iter([None, 1.0] * 5)
  assert len(run(oracle, 10, lambda values: next(outcomes))) == 10


def test_a_trial_is_retried_as_often_as_allowed_and_only_the_last_run_counts(tmp_path):
  oracle = open_oracle(tmp_path, max_retries_per_trial=2)
  for value in (math.nan, None, 0.5):
    trial = oracle.create_trial("tuner0")
    assert trial.trial_id == "00"
    end(oracle, trial, value)
  assert oracle.trials["00"].score == 0.5 and oracle.trials["00"].status == "COMPLETED"
  for _ in range(3):
    end(oracle, oracle.create_trial("tuner0"), None)
  assert oracle.trials["01"].status == "FAILED"
  assert oracle.create_trial("tuner0").trial_id == "02"


def test_the_old_form_of_ending_a_trial_keeps_its_values(tmp_path):
  oracle = open_oracle(tmp_path)
  trial = oracle.create_trial("tuner0")
  values = dict(trial.hyperparameters.values)
  oracle.update_trial(trial.trial_id, {"score": 1.0})
  oracle.end_trial(trial.trial_id, "COMPLETED")
  assert oracle.trials["00"].score == 1.0 and oracle.trials["00"].hyperparameters.values == values


# The lock.


def test_no_exception_leaves_the_lock_held(tmp_path):
  oracle = open_oracle(tmp_path, allow_new_entries=False, initial_values=[{"shape": "cube"}])
  with pytest.raises(ValueError, match="cube"):
    oracle.create_trial("tuner0")
  assert is_unlocked(oracle)
  with pytest.raises(KeyError):
    oracle.update_trial("99", {"score": 1.0})
  assert is_unlocked(oracle)
  oracle = open_oracle(tmp_path / "other", allow_new_entries=False)
  trial = oracle.create_trial("tuner0")
  trial.hyperparameters.Int("late", 1, 3)
  with pytest.raises(RuntimeError, match="allow_new_entries"):
    oracle.end_trial(trial)
  assert is_unlocked(oracle)


def fail(*args, **kwargs):
  raise OSError("the disk is full")


@pytest.mark.parametrize(
  "method", ["populate_space", "score_trial", "update_space", "get_state", "save", "make_strategy"]
)
def test_an_exception_in_a_method_of_a_subclass_leaves_the_lock_free(tmp_path, method):
  failing = type("Failing", (StrategyOracle,), {method: fail})
  options = {"objective": keras_tuner.Objective("score", "min"), "seed": 0, "hyperparameters": tuning.shapes()}
  oracle = failing("random", **options)
  oracle._set_project_dir(str(tmp_path), "project")
  oracle.verbose = 0
  with pytest.raises(OSError, match="the disk is full"):
    run(oracle, 1)
  assert is_unlocked(oracle)


# The space.


def test_hyperparameters_that_come_over_messages_are_put_in_order(tmp_path):
  oracle = open_oracle(tmp_path, space=keras_tuner.HyperParameters())
  oracle.update_space(keras_tuner.HyperParameters.from_proto(tuning.shapes().to_proto()))
  names = [entry.name for entry in oracle.get_space().space]
  assert names.index("shape") < names.index("filled") < names.index("shade")
  ran = run(oracle, 30)
  assert all(("radius" in values) == (values["shape"] == "round") for values in ran)
  assert any("shade" in values for values in ran)


def test_late_hyperparameters_of_a_worker_arrive_parents_first(tmp_path):
  oracle = open_oracle(tmp_path, "random")
  trial = oracle.create_trial("worker")
  emitted = dict(trial.hyperparameters.values)
  trial = over_messages(trial)
  trial.hyperparameters.Choice("model", ["a", "b"])
  with trial.hyperparameters.conditional_scope("model", ["a"]):
    trial.hyperparameters.Int("depth", 1, 3)
  oracle.update_trial(trial.trial_id, {"score": 1.0})
  trial.status = "COMPLETED"
  oracle.end_trial(over_messages(trial))
  assert oracle.trials["00"].hyperparameters.values == {**emitted, "model": "a", "depth": 1}
  names = [entry.name for entry in oracle.get_space().space]
  assert names.index("model") < names.index("depth")
  assert all(("depth" in values) == (values["model"] == "a") for values in run(oracle, 10))
