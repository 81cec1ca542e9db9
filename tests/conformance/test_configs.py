"""Every configuration refuses numbers that are not finite: recorded, they would never equal themselves."""

import dataclasses
import math

import pytest

from nao_tf.controller.config import ControllerConfig
from nao_tf.networks.image_network import ImageNetworkConfig
from nao_tf.networks.language_model import LanguageModelConfig
from nao_tf.strategies.bananas_config import BananasConfig
from nao_tf.strategies.bayesian.config import BayesianConfig
from nao_tf.strategies.evolution import EvolutionConfig
from nao_tf.strategies.nao_config import NaoConfig
from nao_tf.supernets.config import SharingConfig
from nao_tf.training.config import TrainingConfig
from nao_tf.training.language_config import LanguageTrainingConfig

CONFIGS = (
  BananasConfig,
  BayesianConfig,
  ControllerConfig,
  EvolutionConfig,
  ImageNetworkConfig,
  LanguageModelConfig,
  LanguageTrainingConfig,
  NaoConfig,
  SharingConfig,
  TrainingConfig,
)
FLOATS = [
  (config, field.name) for config in CONFIGS for field in dataclasses.fields(config) if isinstance(field.default, float)
]


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize(("config", "name"), FLOATS, ids=lambda part: getattr(part, "__name__", part))
def test_numbers_are_finite(config, name, value):
  with pytest.raises(ValueError, match=f"{config.__name__}: {name} must be finite"):
    config(**{name: value})
