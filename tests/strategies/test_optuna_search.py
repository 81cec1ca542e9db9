"""Samplers of Optuna propose architectures."""

import importlib.util
import sys

import optuna
import pytest

from nao_tf.registries import MissingPackage
from nao_tf.spaces import make_space
from nao_tf.spaces.base import Decision, SearchSpace
from nao_tf.strategies import make_strategy
from nao_tf.strategies.optuna_search import OptunaConfig
from tests.support import asking

SPACE = make_space("nasbench201")


class Mixed(SearchSpace):
  name = "mixed"
  decisions = (Decision("units", 8, ordered=True), Decision("activation", 2))

  def decode(self, architecture):
    return architecture


def search(score, num_trials, batch_size=1, **options):
  return asking.search(make_strategy("optuna", SPACE, **options), score, num_trials, batch_size)


def mean_reward(trials):
  return sum(trial.reward for trial in trials) / len(trials)


@pytest.mark.parametrize("batch_size", [1, 10])
def test_the_sampler_learns_from_rewards(batch_size):
  trials = search(sum, 60, batch_size)
  assert [trial.origin.kind for trial in trials[:10]] == ["random"] * 10 and trials[-1].origin.kind == "sampled"
  assert mean_reward(trials[30:]) > 6 * 2 + 3  # A random architecture has 12 in the mean.


def test_failures_are_avoided():
  trials = search(lambda a: None if a[0] < 4 else 1.0, 60)  # 80 % of random architectures fail.
  assert sum(trial.reward is None for trial in trials[30:]) / 30 < 0.4


@pytest.mark.parametrize("name", ["RandomSampler", "NSGAIISampler", "QMCSampler"])
def test_a_sampler_is_chosen_by_name(name):
  assert len(search(sum, 20, config=OptunaConfig(name, num_initial=5))) == 20


def test_a_ready_sampler_is_used():
  sampler = optuna.samplers.TPESampler(seed=1, multivariate=True, group=True)
  assert len(search(sum, 15, sampler=sampler)) == 15


@pytest.mark.parametrize("name", ["Parzen", "BaseSampler", "BaseGASampler", "PartialFixedSampler"])
def test_a_sampler_that_cannot_be_made_is_refused_by_the_name_of_its_flag(name):
  with pytest.raises(ValueError, match="--optuna_sampler: .*" + name):
    make_strategy("optuna", SPACE, config=OptunaConfig(name))


def test_samplers_that_are_only_a_base_of_others_are_not_offered():
  with pytest.raises(ValueError, match="unknown sampler 'TPE'; expected one of BruteForceSampler, CmaEsSampler"):
    make_strategy("optuna", SPACE, config=OptunaConfig("TPE"))


@pytest.mark.parametrize(("name", "package"), [("GPSampler", "torch"), ("CmaEsSampler", "cmaes")])
def test_a_sampler_whose_package_is_missing_is_refused_before_the_search(monkeypatch, name, package):
  find = importlib.util.find_spec
  monkeypatch.setattr(importlib.util, "find_spec", lambda wanted: None if wanted == package else find(wanted))
  message = f"--optuna_sampler: {name} needs the package {package}: pip install {package}"
  with pytest.raises(MissingPackage, match=message):
    make_strategy("optuna", SPACE, config=OptunaConfig(name))
  with pytest.raises(MissingPackage, match=message):
    make_strategy("optuna", SPACE, sampler=getattr(optuna.samplers, name)(seed=0))


def test_ordered_decisions_are_integers():
  strategy = make_strategy("optuna", Mixed(), config=OptunaConfig(num_initial=0))
  strategy.ask(1)
  distributions = strategy._study.trials[0].distributions
  assert [type(distributions[name]).__name__ for name in sorted(distributions)] == [
    "IntDistribution",
    "CategoricalDistribution",
  ]


def test_without_optuna_the_error_says_how_to_install_it(monkeypatch):
  monkeypatch.setitem(sys.modules, "optuna", None)
  importlib.import_module("nao_tf.strategies.optuna_search")
  with pytest.raises(MissingPackage, match=r"pip install nao-tf\[optuna\]"):
    make_strategy("optuna", SPACE)


def test_nothing_is_printed(capfd):
  search(sum, 3)
  assert capfd.readouterr() == ("", "")
