import math
import os
import shutil

import keras_tuner
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nao_tf.tuner.past_trials import past_from_json, past_trials
from tests.support import mutations
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


# Files and values from anywhere.

DOWN = keras_tuner.Objective("score", "min")


@pytest.fixture(scope="module")
def project(tmp_path_factory):
  """Returns the directory of a project with three ended trials."""
  directory = tmp_path_factory.mktemp("past")
  run(open_oracle(directory, "random", tuning.six()), 3, lambda values: 1.0)
  return os.path.join(directory, "project")


@settings(max_examples=250, deadline=None, derandomize=True)
@given(rng=st.randoms(use_true_random=False))
def test_a_damaged_trial_is_left_out_with_its_file_named_and_the_others_are_told(project, rng):
  path = os.path.join(project, "trial_01", "trial.json")
  with open(path, "rb") as file:
    whole = file.read()
  try:
    with open(path, "wb") as file:
      file.write(mutations.JsonFile(whole).damaged(rng))
    assert len(past_trials(project, DOWN)) in (2, 3)
  except ValueError as error:  # The metric of the objective has gone.
    assert path in str(error)
  finally:
    with open(path, "wb") as file:
      file.write(whole)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"[" * 100_000, b'{"score": 1e999}', b"\xff"])
def test_garbage_among_past_trials_is_named_and_the_others_are_told(tmp_path, project, caplog, content):
  shutil.copytree(project, tmp_path / "copy")
  path = tmp_path / "copy" / "trial_01" / "trial.json"
  path.write_bytes(content)
  os.mkdir(tmp_path / "copy" / "trial_77")
  with caplog.at_level("WARNING"):
    assert len(past_trials(tmp_path / "copy", DOWN)) == 2
  assert str(path) in caplog.text
  for name in ("trial_00", "trial_02"):
    (tmp_path / "copy" / name / "trial.json").write_bytes(content)
  with pytest.raises(ValueError, match="none of the 3 trials"):
    past_trials(tmp_path / "copy", DOWN)


@pytest.mark.parametrize("source", [3, None, [1], ["ab"], [({"x": 1},)], [({"x": 1}, 1.0, 2.0)]])
def test_what_is_neither_a_directory_nor_trials_is_refused(source):
  with pytest.raises(ValueError, match="past.*expected .*pair"):
    past_trials(source, DOWN)


@pytest.mark.parametrize("values", [None, 3, {1: 2}, {"x": None}, {"x": [1]}, {"x": math.nan}])
def test_past_values_that_are_none_are_refused_with_their_place(values):
  with pytest.raises(ValueError, match="past trial 1: "):
    past_trials([({"x": 1}, 1.0), (values, 1.0)], DOWN)


@pytest.mark.parametrize("score", ["high", [1.0], {}, object()])
def test_a_past_score_that_is_no_number_is_refused(score):
  with pytest.raises(ValueError, match="past trial 0: expected a number as the score"):
    past_trials([({"x": 1}, score)], DOWN)


def test_numpy_values_and_scores_become_plain():
  ((values, reward),) = past_trials([({"x": np.int64(3), "y": np.array(True)}, np.float32(0.5))], DOWN)
  assert values == {"x": 3, "y": True} and type(values["x"]) is int and type(values["y"]) is bool
  assert reward == -0.5 and type(reward) is float


def with_metrics(**metrics):
  """Returns a completed trial with metrics by step, whose score is that of another objective."""
  trial = keras_tuner.engine.trial.Trial(tuning.six(), status="COMPLETED")
  for name, values in metrics.items():
    for step, value in enumerate(values):
      trial.metrics.update(name, value, step=step)
  trial.score = 1e6
  return trial


def test_the_reward_is_taken_anew_from_the_metrics_for_the_objective_of_now():
  trial = with_metrics(accuracy=[0.5, 0.75, math.nan], loss=[2.0, 1.0, 4.0])
  joined = keras_tuner.engine.oracle.Oracle(
    [keras_tuner.Objective("loss", "min"), keras_tuner.Objective("accuracy", "max")]
  )
  for objective, reward in [
    (keras_tuner.Objective("accuracy", "max"), 0.75),
    (keras_tuner.Objective("accuracy", "min"), -0.5),
    (keras_tuner.Objective("loss", "min"), -1.0),
    (keras_tuner.Objective("loss", "max"), 4.0),
    (joined.objective, -(1.0 - 0.75)),
  ]:
    assert past_trials([trial], objective)[0].reward == pytest.approx(reward)


@pytest.mark.parametrize("data", [[[{"x": 1}, math.inf]], [[{"x": [1]}, 1.0]], [[{"x": 1}, True]]])
def test_past_trials_in_a_state_are_checked(data):
  with pytest.raises(ValueError):
    past_from_json(data)
