"""Settings of strategies and evaluators in one call are named as their flags."""

import dataclasses

import numpy as np
import pytest

from nao_tf.controller.config import make_config
from nao_tf.evaluators.inherited_config import InheritedConfig
from nao_tf.searches.component_settings import evaluator_settings, settings_on_record, strategy_settings
from nao_tf.spaces import make_space
from nao_tf.strategies import make_strategy, strategy_class
from nao_tf.strategies.bayesian.config import PRESETS as BAYESIAN
from nao_tf.strategies.evolution import Evolution, EvolutionConfig
from nao_tf.strategies.nao_config import NaoConfig

SPACE = make_space("nasnet5")


class HillClimbing(strategy_class("random")):
  """A strategy of one's own with the settings of evolution."""

  config_class = EvolutionConfig


@pytest.mark.parametrize(
  ("strategy", "given", "config"),
  [
    ("evolution", {"evolution_population_size": np.int64(20)}, EvolutionConfig(population_size=20)),
    (Evolution, {"evolution_mutation": "amoebanet"}, EvolutionConfig(mutation="amoebanet")),
    ("nao_tf.strategies.evolution:Evolution", {"evolution_tournament_size": 3}, EvolutionConfig(tournament_size=3)),
    (HillClimbing, {"hill_climbing_tournament_size": 3}, EvolutionConfig(tournament_size=3)),
    ("bayesian", {"bayesian_preset": "nasbot"}, BAYESIAN["nasbot"]),
    (
      "bayesian",
      {"bayesian_preset": "nasbot", "bayesian_num_initial": 6},
      dataclasses.replace(BAYESIAN["nasbot"], num_initial=6),
    ),
    ("nao", {"nao_controller": "torch"}, NaoConfig(controller=make_config("torch"))),
    ("nao", {"nao_controller": make_config("torch")}, NaoConfig(controller=make_config("torch"))),
    ("bayesian", {"bayesian_preset": "default"}, None),
    ("random", {}, None),
  ],
)
def test_settings_of_a_strategy_are_taken_out_of_the_overrides(strategy, given, config):
  assert strategy_settings(strategy, {**given, "filters": 3}) == (config, {"filters": 3})


def test_settings_of_an_evaluator_are_taken_out_of_the_overrides():
  assert evaluator_settings("inherited", {"inherited_patience": 2, "epochs": 3}) == (
    InheritedConfig(patience=2),
    {"epochs": 3},
  )
  assert evaluator_settings("training", {"epochs": 3}) == (None, {"epochs": 3})


@pytest.mark.parametrize(
  ("strategy", "given", "message"),
  [
    (
      "evolution",
      {"evolution_size": 3},
      "unknown setting 'evolution_size'; expected one of evolution_mutation, evolution_population_size, evolution_t",
    ),
    ("evolution", {"evolution_tournament_size": 51}, r"tournament_size must be in \[1, population_size=50\], got 51"),
    ("evolution", {"evolution_preset": "paper"}, "unknown setting 'evolution_preset'"),
    (
      "bayesian",
      {"bayesian_preset": "paper"},
      "expected one of autokeras, default, nasbot for 'bayesian_preset', got 'p",
    ),
    ("nao", {"nao_controller": "large"}, "expected one of .*torch.* for 'nao_controller', got 'large'"),
    ("nao", {"evolution_size": 3}, "evolution_size is a setting of the strategy evolution, but strategy is nao"),
    ("tpe", {}, "unknown strategy 'tpe'; expected one of autokeras, "),
    (
      make_strategy("evolution", SPACE),
      {"evolution_population_size": 3},
      "evolution_population_size: the strategy is already constructed; pass it by name",
    ),
  ],
)
def test_wrong_settings_are_refused(strategy, given, message):
  with pytest.raises(ValueError, match=message):
    strategy_settings(strategy, given)


def test_settings_of_another_evaluator_are_refused():
  with pytest.raises(
    ValueError, match="inherited_patience is a setting of the evaluator inherited, but evaluator is tr"
  ):
    evaluator_settings("training", {"inherited_patience": 2})


def test_a_strategy_that_is_made_already_is_recorded_with_its_settings():
  config = EvolutionConfig(population_size=20)
  assert settings_on_record(make_strategy("evolution", SPACE, config=config), None) == config
  assert settings_on_record(make_strategy("random", SPACE), None) is None
  assert settings_on_record(HillClimbing(SPACE), None) is None
  assert settings_on_record("evolution", config) == config
