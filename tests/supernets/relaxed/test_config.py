import dataclasses

import pytest

from nao_tf.supernets.relaxed.config import PRESETS, RelaxedConfig


def test_the_temperature_falls_by_the_same_amount_in_each_epoch():
  config = RelaxedConfig(temperature=10.0, final_temperature=0.1)
  assert [config.temperature_in(epoch, 4) for epoch in range(4)] == pytest.approx([10.0, 6.7, 3.4, 0.1])
  assert config.temperature_in(0, 1) == 10.0


def test_the_presets_have_the_published_numbers():
  darts, snas, gdas = (PRESETS[name] for name in ("darts", "snas", "gdas"))
  assert (darts.order, darts.parameter_learning_rate, darts.parameter_weight_decay) == (2, 3e-4, 1e-3)
  assert (darts.parameter_beta_1, darts.parameter_beta_2) == (0.5, 0.999)
  assert PRESETS["darts_first"] == dataclasses.replace(darts, order=1)
  assert (snas.mixture, snas.order, snas.temperature, snas.final_temperature) == ("concrete", 0, 1.0, 0.03)
  assert (gdas.mixture, gdas.order, gdas.temperature, gdas.final_temperature) == ("one_hot", 1, 10.0, 0.1)


@pytest.mark.parametrize(
  ("changes", "message"),
  [
    ({"mixture": "mean"}, "mixture must be one of softmax, concrete, one_hot, got 'mean'"),
    ({"cost": "seconds"}, "cost must be one of parameters, multiply_adds, got 'seconds'"),
    ({"final_temperature": 0.0}, "final_temperature must be above 0, got 0.0"),
    ({"cost_weight": -1.0}, "cost_weight must be at least 0, got -1.0"),
    ({"parameter_beta_1": 1.0}, r"parameter_beta_1 must be in \[0, 1\), got 1.0"),
  ],
)
def test_a_wrong_setting_is_named(changes, message):
  with pytest.raises(ValueError, match=message):
    RelaxedConfig(**changes)
