"""Laws of the strategies that search for several objectives, and the refusals of the others."""

import numpy as np
import pytest

from nao_tf.objectives.hypervolume import hypervolumes
from nao_tf.searches.choices import check_takes
from nao_tf.searches.reading import load
from nao_tf.spaces import make_space
from nao_tf.strategies import STRATEGIES, make_strategy, strategy_class
from nao_tf.strategies.bayesian.config import BayesianConfig
from nao_tf.strategies.evolution import EvolutionConfig
from nao_tf.strategies.nao import NaoConfig
from nao_tf.strategies.optuna_search import OptunaConfig
from tests.support import two_objectives
from tests.support.controller_cases import QUICK

TAKING = ("nao", "random", "evolution", "optuna", "bayesian")
SPACE = make_space("nasbench201")
OPTIONS = {
  "nao": {"config": NaoConfig(QUICK, ensemble_size=1, num_initial=6, round_size=2, num_seeds=4, num_unlabeled=16)},
  "bayesian": {"config": BayesianConfig(kernel="decisions", num_initial=6, num_candidates=20)},
  "evolution": {"config": EvolutionConfig(population_size=6, tournament_size=2)},
  "optuna": {"config": OptunaConfig(num_initial=6)},
}


def strategy_of(name, seed=0):
  if name == "optuna":
    pytest.importorskip("optuna")
  return make_strategy(name, SPACE, seed=seed, **OPTIONS.get(name, {}))


def test_those_that_take_objectives_are_these():
  assert {name for name in STRATEGIES if strategy_class(name).takes_objectives} == set(TAKING)


@pytest.mark.parametrize("name", sorted(set(STRATEGIES) - set(TAKING)))
def test_the_others_refuse_before_anything_is_done(name, tmp_path):
  with pytest.raises(ValueError, match=f"{name} optimizes one reward.*one of nao, random"):
    check_takes(name, ["accuracy", "parameters"])
  with pytest.raises(ValueError, match="optimizes one reward"):
    two_objectives.search(strategy_of(name), str(tmp_path), 4)
  assert (tmp_path / "trials.jsonl").read_text() == ""


@pytest.mark.parametrize(
  "name", [pytest.param(name, marks=pytest.mark.slow) if name == "nao" else name for name in TAKING]
)
@pytest.mark.parametrize("objectives", [two_objectives.OBJECTIVES, two_objectives.WITH_KNOWN_COST], ids=["", "known"])
def test_a_search_goes_on_to_the_same_trials_and_keeps_its_pareto_set(name, objectives, tmp_path):
  whole = two_objectives.search(strategy_of(name), str(tmp_path / "whole"), 12, objectives=objectives)
  two_objectives.search(strategy_of(name), str(tmp_path / "parts"), 9, objectives=objectives)
  parts = two_objectives.search(strategy_of(name), str(tmp_path / "parts"), 12, objectives=objectives)
  assert [t.architecture for t in parts] == [t.architecture for t in whole]
  assert len({SPACE.canonical(t.architecture) for t in whole}) == 12
  found = load(tmp_path / "parts")
  assert found.pareto_set == objectives.pareto_set(parts) and found.best in found.pareto_set
  assert all(t.evaluation.objectives.keys() == {"accuracy", "parameters"} for t in parts if t.reward is not None)
  points = objectives.points([t for t in parts if t.reward is not None])
  assert (np.diff(hypervolumes(points, points.min(axis=0) - 1)) >= 0).all()


def test_nao_proposes_candidates_of_both_and_goes_on_to_the_same_trials(tmp_path):
  whole = two_objectives.search(strategy_of("nao"), str(tmp_path), 9, objectives=two_objectives.WITH_KNOWN_COST)
  assert {t.origin.kind for t in whole[6:]} <= {"neighbor", "mutation", "ascent", "decoded"}
  again = two_objectives.search(strategy_of("nao"), str(tmp_path), 9, objectives=two_objectives.WITH_KNOWN_COST)
  assert [t.architecture for t in again] == [t.architecture for t in whole]


@pytest.mark.parametrize("name", ["evolution", pytest.param("bayesian", marks=pytest.mark.slow)])
def test_it_finds_a_better_front_than_chance(name, tmp_path):
  objectives, reference = two_objectives.WITH_KNOWN_COST, np.array([0.0, -20.0])

  def volume(trials):
    return hypervolumes(objectives.points([t for t in trials if t.reward is not None]), reference)[-1]

  found = [
    two_objectives.search(strategy_of(name, s), str(tmp_path / f"{s}"), 40, objectives=objectives) for s in range(3)
  ]
  chance = [
    two_objectives.search(strategy_of("random", s), str(tmp_path / f"r{s}"), 40, objectives=objectives)
    for s in range(3)
  ]
  assert np.mean([*map(volume, found)]) > np.mean([*map(volume, chance)])
