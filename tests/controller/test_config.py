"""Configurations: what is refused, and how long a fit is."""

import dataclasses

import pytest

from nao_tf.controller.config import PRESETS, ControllerConfig, make_config
from tests.support import controller_cases as cases


def test_an_unknown_preset_is_refused():
  with pytest.raises(ValueError, match="unknown controller 'big'; expected one of default, nao_cnn"):
    make_config("big")


@pytest.mark.parametrize(
  "changes, message",
  [
    ({"attention": "cosine"}, "attention must be one of bahdanau, bilinear, dot, got 'cosine'"),
    ({"encoder_size": 0}, "encoder_size must be at least 1, got 0"),
    ({"mlp_dropout": 1.0}, r"mlp_dropout must be in \[0, 1\), got 1.0"),
    ({"memory_noise": -0.5}, "memory_noise must be at least 0"),
    ({"score_weight": 1.5}, r"score_weight must be in \[0, 1\], got 1.5"),
    ({"learning_rate": 0.0}, "learning_rate must be positive, got 0.0"),
  ],
)
def test_a_wrong_configuration_is_refused(changes, message):
  with pytest.raises(ValueError, match=message):
    ControllerConfig(**changes)


def test_steps_come_from_epochs_or_are_given():
  assert dataclasses.replace(cases.SMALL, epochs=10, batch_size=8).steps_for(17) == 30
  assert ControllerConfig().steps_for(17) == 400
  assert ControllerConfig(min_passes=32, batch_size=50).steps_for(1000) == 640
  assert ControllerConfig().steps_for(17, first=False) == 60


def test_every_preset_has_a_name():
  assert {name: make_config(name) for name in PRESETS} == PRESETS
