"""The benchmark of KerasTuner oracles: what each oracle is made with."""

import keras_tuner
import pytest

from nao_tf.benchmarks.oracle_benchmark import make_oracle
from nao_tf.strategies.nao_config import PRESETS
from nao_tf.tools import benchmark_oracles
from tests.support.command_line import parse


@pytest.mark.parametrize("flags", [[], ["--num_initial_points=4"]])
@pytest.mark.parametrize("name", benchmark_oracles.ORACLES)
def test_every_oracle_can_be_made_with_its_flags(name, flags):
  values = parse(benchmark_oracles, "--workdir=w", *flags)
  oracle = make_oracle(name, benchmark_oracles._options(name, values), seed=0, max_trials=5)
  assert isinstance(oracle, keras_tuner.Oracle) and oracle.max_trials == 5


def test_settings_of_nao_are_those_of_its_flags():
  values = parse(benchmark_oracles, "--workdir=w", "--nao_preset=hyperparameters", "--nao_round_size=7")
  config = benchmark_oracles._options("nao", values)["config"]
  assert config.round_size == 7 and config.num_neighbors == PRESETS["hyperparameters"].num_neighbors == 1
  assert benchmark_oracles._options("nao", parse(benchmark_oracles, "--workdir=w"))["config"] == PRESETS["default"]


@pytest.mark.parametrize("name", ["bayesian", "random"])
def test_oracles_of_keras_tuner_take_no_settings_of_a_strategy_of_the_same_name(name):
  assert benchmark_oracles._options(name, parse(benchmark_oracles, "--workdir=w")) == {}
