"""What makes an oracle safe to use, shown with a strategy that proposes."""

import json
import math
import os
import shutil

import keras_tuner
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nao_tf.tuner.oracle import StrategyOracle
from tests.support import mutations
from tests.support import tuner_cases as tuning
from tests.support.tuner_cases import end, is_unlocked, make_oracle, open_oracle, over_messages, run, values_of


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


# Hyperparameters of one name.


def namesakes(second=("Int", 300, 500), values=("large",)):
  """Returns units in two conditional scopes, with other values in each."""
  hp = keras_tuner.HyperParameters()
  hp.Choice("kind", ["small", "large", "none"])
  with hp.conditional_scope("kind", ["small"]):
    hp.Int("units", 1, 100, step=9)
  with hp.conditional_scope("kind", list(values)):
    getattr(hp, second[0])("units", *second[1:])
  return hp


def allowed(values):
  """Returns whether values of `namesakes` are in the scope that they belong to."""
  kind, units = values["kind"], values.get("units")
  return {"small": units in range(1, 101, 9), "large": units in range(300, 501), "none": units is None}[kind]


@pytest.mark.parametrize("name", tuning.QUICK)
def test_namesakes_are_recorded_with_the_values_that_were_handed_out(tmp_path, no_graphs, name):
  oracle = open_oracle(tmp_path, name, namesakes(), **tuning.QUICK[name])
  ran = run(oracle, 15, lambda values: float(len(str(values))))
  assert all(map(allowed, ran)) and {values["kind"] for values in ran} == {"small", "large", "none"}
  assert values_of(oracle) == ran
  assert values_of(open_oracle(tmp_path, name, namesakes(), **tuning.QUICK[name])) == ran


@pytest.mark.parametrize("second", [("Int", 300, 500), ("Choice", ["a", "b"]), ("Boolean",), ("Float", 0.0, 1.0)])
def test_namesakes_that_can_both_be_active_are_refused_before_any_trial(second):
  with pytest.raises(ValueError, match="'units' is defined twice"):
    make_oracle("random", namesakes(second, values=("small", "large")))


def test_a_late_namesake_that_contradicts_a_known_one_is_refused_and_one_that_does_not_is_searched(tmp_path):
  def end_meeting(oracle, values):
    trial = oracle.create_trial("tuner0")
    with trial.hyperparameters.conditional_scope("kind", values):
      trial.hyperparameters.Int("units", 700, 900)
    end(oracle, trial, 1.0)

  with pytest.raises(ValueError, match="'units' is defined twice"):
    end_meeting(open_oracle(tmp_path / "one", "random", namesakes()), ["small", "none"])
  oracle = open_oracle(tmp_path / "other", "random", namesakes())
  end_meeting(oracle, ["none"])
  assert any(values["kind"] == "none" and values["units"] >= 700 for values in run(oracle, 12, lambda values: 1.0))


# What is on record is what ran.


def test_values_that_a_worker_has_changed_are_on_record(tmp_path):
  oracle = open_oracle(tmp_path, "random", initial_values=[{"shape": "round", "radius": 0.1}])
  trial = over_messages(oracle.create_trial("worker"))
  trial.hyperparameters.values.update(shape="square", side=20)
  oracle.update_trial(trial.trial_id, {"score": 1.0})
  trial.status = "COMPLETED"
  oracle.end_trial(trial)
  assert oracle.trials["00"].hyperparameters.values == {"shape": "square", "side": 20, "filled": False, "pen": "thin"}


@pytest.mark.parametrize("status", ["RUNNING", "IDLE", "STOPPED", "DONE", None])
def test_a_trial_does_not_end_with_a_status_that_is_not_one_of_an_ended_trial(tmp_path, status):
  oracle = open_oracle(tmp_path)
  trial = oracle.create_trial("tuner0")
  trial.status = status
  with pytest.raises(ValueError, match="trial 00: expected one of"):
    oracle.end_trial(trial)
  assert not oracle.end_order and is_unlocked(oracle)
  end(oracle, trial, 0.5)
  assert oracle.trials["00"].score == 0.5


def test_a_trial_that_is_reported_twice_counts_once(tmp_path):
  oracle = open_oracle(tmp_path, "random")
  trial = oracle.create_trial("tuner0")
  end(oracle, trial, 0.5)
  for status, value in [("COMPLETED", 9.0), ("FAILED", 9.0), ("INVALID", 9.0)]:
    oracle.update_trial("00", {"score": value})
    again = over_messages(oracle.get_trial("00"))
    again.status = status
    oracle.end_trial(again)
  assert (oracle.end_order, oracle.trials["00"].score, oracle.trials["00"].status) == (["00"], 0.5, "COMPLETED")


@pytest.mark.parametrize("direction", ["min", "max"])
def test_of_equal_trials_the_earliest_is_the_best_also_after_a_reload(tmp_path, direction):
  objective = keras_tuner.Objective("score", direction)
  for _ in range(2):
    oracle = open_oracle(tmp_path, "random", objective=objective)
    run(oracle, 6, lambda values: 1.0)
    expected = sorted(oracle.trials)
    assert [trial.trial_id for trial in oracle.get_best_trials(12)] == expected


# NumPy's values.


def test_numpy_values_in_late_hyperparameters_and_metrics_are_recorded_plain(tmp_path):
  oracle = open_oracle(tmp_path, "random")
  trial = oracle.create_trial("tuner0")
  trial.hyperparameters.Int("late", 1, 9, default=np.int64(3))
  trial.hyperparameters.Float("later", 0, 1, step=np.float32(0.1), default=np.float32(0.5))
  oracle.update_trial("00", {"score": np.float32(0.5), "other": np.array(3)}, step=np.int64(2))
  trial.status = "COMPLETED"
  oracle.end_trial(trial)
  values = open_oracle(tmp_path, "random").trials["00"].hyperparameters.values
  assert values["late"] == 3 and values["later"] == 0.5
  assert type(values["late"]) is int and type(values["later"]) is float
  assert len(run(open_oracle(tmp_path, "random"), 3)) == 3


@pytest.mark.parametrize("bad", [math.nan, math.inf, np.float32("nan"), None, [1]])
def test_a_trial_that_ran_with_what_is_no_value_is_not_recorded(tmp_path, bad):
  oracle = open_oracle(tmp_path, "random")
  trial = oracle.create_trial("tuner0")
  oracle.update_trial("00", {"score": 1.0})
  trial.hyperparameters.values["shape"] = bad
  trial.status = "COMPLETED"
  with pytest.raises(ValueError, match="trial 00: hyperparameter 'shape': expected"):
    oracle.end_trial(trial)
  assert is_unlocked(oracle)


def test_hyperparameters_without_finite_values_are_refused_before_any_trial(tmp_path):
  hp = keras_tuner.HyperParameters()
  hp.Choice("x", [1.0, math.nan])
  with pytest.raises(ValueError, match="'x'"):
    make_oracle(space=hp)
  oracle = open_oracle(tmp_path, "random", tuning.six())
  with pytest.raises(ValueError, match="'x'"):
    oracle.update_space(hp)


# Another objective.

OBJECTIVES = [
  keras_tuner.Objective("score", "min"),
  keras_tuner.Objective("score", "max"),
  keras_tuner.Objective("other", "min"),
  [keras_tuner.Objective("score", "min"), keras_tuner.Objective("other", "max")],
  [keras_tuner.Objective("score", "min"), keras_tuner.Objective("other", "min")],
]


def complete_one(oracle):
  trial = oracle.create_trial("tuner0")
  oracle.update_trial(trial.trial_id, {"score": 1.0, "other": 2.0, "multi_objective": 3.0})
  trial.status = "COMPLETED"
  oracle.end_trial(trial)


@pytest.mark.parametrize("second", range(len(OBJECTIVES)))
@pytest.mark.parametrize("first", range(len(OBJECTIVES)))
def test_a_project_goes_on_for_its_objective_only(tmp_path, first, second):
  complete_one(open_oracle(tmp_path, "random", objective=OBJECTIVES[first]))
  if first == second:
    complete_one(open_oracle(tmp_path, "random", objective=OBJECTIVES[second]))
    return
  with pytest.raises(
    ValueError, match=r"was created for the objective .*(score|other) \((min|max)\).* is resumed for .*\("
  ):
    open_oracle(tmp_path, "random", objective=OBJECTIVES[second])


def test_a_project_of_an_earlier_version_is_known_by_its_metrics(tmp_path):
  oracle = open_oracle(tmp_path, "random")
  run(oracle, 2)
  state = json.load(open(oracle._get_oracle_fname()))
  del state["objective"]
  write_back(oracle, json.dumps(state))
  assert len(open_oracle(tmp_path, "random").trials) == 2
  for objective in ("val_loss", keras_tuner.Objective("score", "max")):
    with pytest.raises(ValueError, match=r"objective score \(min\)"):
      open_oracle(tmp_path, "random", objective=objective)


def test_given_hyperparameters_with_other_values_are_refused_and_new_ones_are_added(tmp_path):
  run(open_oracle(tmp_path, "random", tuning.six()), 1, lambda values: 1.0)
  changed = keras_tuner.HyperParameters()
  changed.Float("on", 0.0, 1.0)
  with pytest.raises(ValueError, match="another hyperparameter 'on'"):
    open_oracle(tmp_path, "random", changed)
  more = tuning.six()
  more.Int("more", 1, 9)
  oracle = open_oracle(tmp_path, "random", more)
  assert all("more" in values for values in run(oracle, 3, lambda values: 1.0))


# Names of directories.

NAMES = ["a[1]", "a*", "?", "[!x]", "a b", "ü", "100%", "%d", "{0}", "a/", "a'b"]


@pytest.mark.parametrize("name", NAMES)
def test_a_project_is_found_again_whatever_its_directory_is_called(tmp_path, name):
  (tmp_path / "a1").mkdir()
  directory = os.path.join(tmp_path, name)
  run(open_oracle(directory), 3)
  resumed = open_oracle(directory)
  run(resumed, 3)
  assert values_of(resumed) == run(open_oracle(tmp_path / "whole"), 6)
  past = open_oracle(tmp_path / "other", past=os.path.join(directory, "project", ""))
  assert len(past.get_state()["past"]) == 6


def test_a_relative_directory_stays_where_it_was_when_the_process_goes_elsewhere(tmp_path, monkeypatch):
  monkeypatch.chdir(tmp_path)
  oracle = open_oracle("runs")
  (tmp_path / "elsewhere").mkdir()
  monkeypatch.chdir(tmp_path / "elsewhere")
  run(oracle, 2)
  assert os.listdir(tmp_path / "elsewhere") == [] and os.path.exists(tmp_path / "runs" / "project" / "oracle.json")


# Damaged projects.


@pytest.fixture(scope="module")
def project(tmp_path_factory):
  """Returns a directory with a project of three ended trials and a running one, and its files."""
  directory = tmp_path_factory.mktemp("damaged")
  oracle = open_oracle(directory, "random", tuning.six(), past=[({"on": True, "color": "red"}, 1.0)])
  run(oracle, 3, lambda values: 1.0)
  oracle.create_trial("other")
  paths = [oracle._get_oracle_fname(), *(os.path.join(oracle._get_trial_dir(i), "trial.json") for i in ("00", "03"))]
  return directory, {path: open(path, "rb").read() for path in paths}


@settings(max_examples=250, deadline=None, derandomize=True)
@given(number=st.integers(0, 2), rng=st.randoms(use_true_random=False))
def test_a_damaged_project_is_refused_with_the_file_or_goes_on(project, number, rng):
  directory, files = project
  path = list(files)[number]
  with open(path, "wb") as file:
    file.write(mutations.JsonFile(files[path]).damaged(rng))
  copy = f"{directory}-copy"
  shutil.copytree(directory, copy)
  try:
    oracle = open_oracle(copy, "random", tuning.six())
    run(oracle, 3, lambda values: 1.0)
    oracle.get_best_trials(9)
  except ValueError as error:
    assert "oracle.json" in str(error)
  finally:
    shutil.rmtree(copy)
    with open(path, "wb") as file:
      file.write(files[path])


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"null", b"\xff\xfe", b"[" * 100_000, b'{"start_order": 1e999}'])
@pytest.mark.parametrize("name", ["oracle.json", "trial_00/trial.json"])
def test_garbage_is_refused_with_the_name_of_the_file(tmp_path, name, content):
  run(open_oracle(tmp_path), 2)
  path = os.path.join(tmp_path, "project", name)
  with open(path, "wb") as file:
    file.write(content)
  with pytest.raises(ValueError, match=name):
    open_oracle(tmp_path)
  with open(path, "rb") as file:
    assert file.read() == content


def test_a_started_trial_whose_file_is_missing_is_named_and_what_was_never_started_is_not_missed(tmp_path):
  run(open_oracle(tmp_path), 2)
  os.mkdir(tmp_path / "project" / "trial_02")  # KerasTuner makes the directory first.
  os.mkdir(tmp_path / "project" / "trial_03")
  (tmp_path / "project" / "trial_03" / "trial.json").write_text("")
  assert len(open_oracle(tmp_path).trials) == 2
  os.remove(tmp_path / "project" / "trial_01" / "trial.json")
  with pytest.raises(ValueError, match=r"oracle.json: .*trial '01' was started, but it has no trial.json"):
    open_oracle(tmp_path)


def test_a_project_of_another_oracle_is_refused(tmp_path):
  theirs = keras_tuner.oracles.RandomSearchOracle("val_loss", 3, hyperparameters=tuning.six(), seed=1)
  theirs._set_project_dir(str(tmp_path), "project")
  theirs.save()
  with pytest.raises(ValueError, match="oracle.json.* expected the settings of a StrategyOracle"):
    open_oracle(tmp_path, objective="val_loss")


# Time.


def test_what_an_oracle_writes_about_a_trial_does_not_grow_but_for_a_few_numbers(tmp_path):
  oracle = open_oracle(tmp_path, "random", max_trials=None)
  sizes = []
  for _ in range(3):
    run(oracle, 40)
    sizes.append(os.path.getsize(oracle._get_oracle_fname()))
  assert sizes[2] - sizes[1] == pytest.approx(sizes[1] - sizes[0], rel=0.1) and sizes[2] - sizes[1] < 40 * 50
