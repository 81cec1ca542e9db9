import pytest

from nao_tf.searches.overrides import overridden
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
    ({"qqq": 3}, "unknown setting 'qqq'; expected one of auxiliary, "),
    ({"epochs": 0}, "epochs must be at least 1, got 0"),
    ({"epochs": "ten"}, "a value is not of the type of its field .epochs='ten'"),
    ({"filters": 0}, "filters must be at least 1"),
  ],
)
def test_other_settings_are_an_error(overrides, message):
  with pytest.raises(ValueError, match=message):
    overridden(CONFIGS, overrides)
