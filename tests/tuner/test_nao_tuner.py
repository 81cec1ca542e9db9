import dataclasses
import os
import shutil

import keras_tuner
import pytest

from nao_tf.strategies.nao_config import PRESETS
from nao_tf.trial import RANDOM
from nao_tf.tuner.nao_tuner import NAOOracle, NAOTuner
from nao_tf.tuner.oracle_state import OtherProject
from tests.support import tuner_cases as tuning
from tests.support.tuner_cases import QUICK, run, values_of

NAO = {**QUICK["nao"], "max_trials": 12}
# Whatever the controllers propose comes from a trial. The Gaussian process may choose a random architecture.
CONTROLLERS_ALONE = {**NAO, "config": dataclasses.replace(QUICK["nao"]["config"], gaussian_share=0.0)}


def test_without_a_number_there_are_thrice_as_many_as_hyperparameters(tmp_path):
  oracle = tuning.open_oracle(tmp_path, "nao")
  run(oracle, 1)
  assert oracle._proposals.strategy.config.num_initial == 3 * 5


@pytest.mark.parametrize("options", [NAO, CONTROLLERS_ALONE], ids=["both", "controllers_alone"])
def test_a_search_with_nao_begins_with_random_points_and_goes_on_from_the_saved_controller(tmp_path, options):
  oracle = tuning.open_oracle(tmp_path / "whole", "nao", **options)
  run(oracle, 8)
  shutil.copytree(tmp_path / "whole", tmp_path / "cut")
  run(oracle, 4)
  origins = oracle._proposals.origins
  assert origins[:4] == [RANDOM] * 4
  assert options is NAO or all(origin.parents for origin in origins[4:])
  resumed = tuning.open_oracle(tmp_path / "cut", "nao", **options)
  run(resumed, 4)
  assert values_of(resumed) == values_of(oracle)


class LengthTuner(NAOTuner):
  def run_trial(self, trial, *args, **kwargs):
    return {"score": float(len(str(trial.hyperparameters.values)))}


def test_a_project_in_a_relative_directory_stays_in_one_place(tmp_path, monkeypatch):
  for place in (tmp_path, tmp_path / "elsewhere"):
    place.mkdir(exist_ok=True)
  monkeypatch.chdir(tmp_path)
  options = {"hyperparameters": tuning.six(), "directory": "runs[1]", "num_initial_points": 4, "seed": 0}
  tuner = LengthTuner(None, keras_tuner.Objective("score", "min"), 2, **options)
  monkeypatch.chdir(tmp_path / "elsewhere")
  tuner.search(verbose=0)
  assert os.listdir(tmp_path / "elsewhere") == []
  monkeypatch.chdir(tmp_path)
  again = LengthTuner(None, keras_tuner.Objective("score", "min"), 4, **options)
  again.search(verbose=0)
  assert values_of(again.oracle)[:2] == values_of(tuner.oracle) and len(again.oracle.trials) == 4


@pytest.mark.parametrize("points", [0, -1])
def test_a_number_of_initial_points_below_1_is_refused(points):
  with pytest.raises(ValueError, match="num_initial_points"):
    NAOOracle("val_loss", num_initial_points=points)


def begun_with(directory, config):
  """Returns the values of two trials of a project, which is then stopped."""
  return run(tuning.open_oracle(directory, "nao", max_trials=4, config=config), 2)


@pytest.mark.parametrize("name", ["default", "hyperparameters"])
def test_a_project_goes_on_with_the_defaults_that_it_was_begun_with(tmp_path, name):
  values = begun_with(tmp_path, PRESETS[name])
  oracle = tuning.open_oracle(tmp_path, "nao", max_trials=4)
  assert oracle._config == PRESETS[name]
  assert values_of(oracle)[:2] == values and len(run(oracle, 2)) == 2


def test_a_project_that_was_begun_with_other_settings_is_refused(tmp_path):
  begun_with(tmp_path, dataclasses.replace(PRESETS["default"], gaussian_share=0.5))
  with pytest.raises(OtherProject, match="was made with other settings: config was"):
    tuning.open_oracle(tmp_path, "nao", max_trials=4)


def test_settings_that_are_given_are_not_replaced_by_those_of_a_project(tmp_path):
  begun_with(tmp_path, PRESETS["hyperparameters"])
  with pytest.raises(OtherProject, match="was made with other settings: config was"):
    tuning.open_oracle(tmp_path, "nao", max_trials=4, config=PRESETS["default"])


def test_the_defaults_are_those_of_the_strategy():
  assert NAOOracle("val_loss")._config == PRESETS["default"]
