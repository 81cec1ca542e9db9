import json

import numpy as np
import pytest

from nao_tf.searches.overrides import overridden, prefixed_settings, sharing_settings
from nao_tf.supernets.relaxed.config import RelaxedConfig
from nao_tf.tasks import task_class

CONFIGS = task_class("digits").child


def test_fields_are_changed_wherever_they_are():
  changed = overridden(CONFIGS, {"filters": 5, "epochs": 7})
  assert (changed.network_config.filters, changed.training_config.epochs) == (5, 7)
  assert changed.network_config.num_cells == CONFIGS.network_config.num_cells


def test_no_overrides_change_nothing():
  assert overridden(CONFIGS, {}) == CONFIGS


@pytest.mark.parametrize(
  ("overrides", "message"),
  [
    ({"epoch": 3}, r"unknown setting 'epoch'; did you mean epochs\?"),
    ({"drop_path_steps": 3}, "unknown setting 'drop_path_steps'"),
    ({"qqq": 3}, "unknown setting 'qqq'; expected one of accumulate_steps, auxiliary, "),
    ({"epochs": 0}, "epochs must be at least 1, got 0"),
    ({"epochs": "ten"}, "epochs must be an integer, got 'ten'"),
    ({"epochs": 1.5}, "epochs must be an integer, got 1.5"),
    ({"learning_rate": "high"}, "learning_rate must be a number, got 'high'"),
    ({"auxiliary": 0}, "auxiliary must be True or False, got 0"),
    ({"filters": 0}, "filters must be at least 1"),
  ],
)
def test_other_settings_are_an_error(overrides, message):
  with pytest.raises(ValueError, match=message):
    overridden(CONFIGS, overrides)


def test_numbers_of_numpy_become_plain_ones():
  changed = overridden(CONFIGS, {"epochs": np.int64(3), "learning_rate": np.float32(0.5)}).training_config
  assert (changed.epochs, changed.learning_rate) == (3, 0.5)
  assert json.dumps([changed.epochs, changed.learning_rate]) == "[3, 0.5]"


def test_settings_with_a_prefix_are_taken_out_of_the_overrides():
  config, rest = prefixed_settings(RelaxedConfig(), "relaxed", {"relaxed_cost_weight": np.float32(0.5), "filters": 3})
  assert config == RelaxedConfig(cost_weight=0.5) and rest == {"filters": 3}


@pytest.mark.parametrize(
  ("overrides", "message"),
  [
    (
      {"relaxed_cost_wait": 1},
      "unknown setting 'relaxed_cost_wait'; expected one of relaxed_cost, relaxed_cost_weight, ",
    ),
    ({"relaxed_order": 3}, "RelaxedConfig: order must be one of 0, 1, 2, got 3"),
  ],
)
def test_wrong_settings_with_a_prefix_are_an_error(overrides, message):
  with pytest.raises(ValueError, match=message):
    prefixed_settings(RelaxedConfig(), "relaxed", overrides)


def test_settings_of_shared_weights_have_the_names_of_their_flags():
  config, rest = sharing_settings({"shared_score": "reward", "shared_pool_size": 9, "epochs": 3}, in_rounds=True)
  assert (config.score, config.pool_size, rest) == ("reward", 9, {"epochs": 3})
  assert sharing_settings({"shared_validation_examples": 9}, in_rounds=False)[0].validation_examples == 9


@pytest.mark.parametrize(
  ("overrides", "in_rounds", "message"),
  [
    (
      {"shared_pool_size": 9},
      False,
      "shared_pool_size: a search that samples a path per step has no rounds and no pool",
    ),
    ({"shared_epochs": 9}, True, "unknown setting 'shared_epochs'; expected one of shared_calibration_batches"),
    ({"shared_score": "accuracy"}, True, "score must be one of loss, reward, got 'accuracy'"),
  ],
)
def test_wrong_settings_of_shared_weights_are_refused(overrides, in_rounds, message):
  with pytest.raises(ValueError, match=message):
    sharing_settings(overrides, in_rounds=in_rounds)
