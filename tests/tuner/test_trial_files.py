import json
import os

import pytest

from nao_tf.tuner.trial_files import read_trial, trial_paths
from tests.support.tuner_cases import open_oracle, run


def test_the_paths_of_trials_are_by_id_and_only_where_there_is_a_file(tmp_path):
  directory = tmp_path / "a[1]*?"
  run(open_oracle(directory), 2)
  os.mkdir(directory / "project" / "trial_02")
  (directory / "project" / "trial_03").write_text("")
  expected = {i: str(directory / "project" / f"trial_{i}" / "trial.json") for i in ("00", "01")}
  assert trial_paths(str(directory / "project")) == expected
  assert trial_paths(str(tmp_path / "nowhere")) == {}


def test_a_trial_is_read_as_it_was_written(tmp_path):
  oracle = open_oracle(tmp_path)
  run(oracle, 1)
  trial = read_trial(trial_paths(str(tmp_path / "project"))["00"])
  assert trial.get_state() == oracle.trials["00"].get_state()


@pytest.mark.parametrize(
  "change",
  [
    {"trial_id": 3},
    {"status": "DONE"},
    {"score": "high"},
    {"message": 3},
    {"metrics": {"metrics": {"score": {"direction": "min", "observations": [{"value": ["a"], "step": 0}]}}}},
    {"metrics": {"metrics": {"score": {"direction": "up", "observations": []}}}},
    {"hyperparameters": {"space": [], "values": {"x": None}}},
    {"hyperparameters": {"space": [{"class_name": "Float", "config": {}}], "values": {}}},
    {"hyperparameters": None},
  ],
)
def test_what_kerastuner_would_not_write_is_refused_with_the_name_of_the_file(tmp_path, change):
  run(open_oracle(tmp_path), 1)
  path = tmp_path / "project" / "trial_00" / "trial.json"
  path.write_text(json.dumps({**json.loads(path.read_text()), **change}))
  with pytest.raises(ValueError, match="trial_00/trial.json: not a trial of KerasTuner"):
    read_trial(str(path))
