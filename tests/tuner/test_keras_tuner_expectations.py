"""What KerasTuner's own tests ask of its oracles, asked of ours."""

import math

import keras_tuner
import pytest

from nao_tf.controller.config import ControllerConfig
from nao_tf.strategies.nao import NaoConfig
from tests.support.tuner_cases import QUICK, open_oracle, run, values_of

UPWARDS = keras_tuner.Objective("score", "max")


@pytest.fixture(params=QUICK)
def name(request, no_graphs):
  return request.param


def declare(**kinds):
  """Returns hyperparameters: a kind, its arguments and its options for each name."""
  hp = keras_tuner.HyperParameters()
  for name, (kind, args, options) in kinds.items():
    getattr(hp, kind)(name, *args, **options)
  return hp


def assorted():
  return declare(
    a=("Choice", [[1, 2]], {}),
    b=("Int", [3, 10], {}),
    c=("Float", [0, 1, 0.1], {}),
    d=("Fixed", [7], {}),
    e=("Choice", [[9, 0]], {"default": 9}),
  )


def completed(space, values, score):
  """Returns a trial that somebody else has run."""
  trial = keras_tuner.engine.trial.Trial(space.copy(), status="COMPLETED")
  trial.hyperparameters.values.update(values)
  trial.score = float(score)
  return trial


def finish(oracle, trial, score):
  oracle.update_trial(trial.trial_id, {"score": score})
  trial.status = "COMPLETED"
  oracle.end_trial(trial)


@pytest.mark.parametrize("score", [lambda number: number, lambda number: 0.0], ids=["rising", "zero"])
def test_trials_of_an_assorted_space_run_one_after_the_other(tmp_path, name, score):
  oracle = open_oracle(tmp_path, name, assorted(), objective=UPWARDS, **QUICK[name])
  for number in range(6):
    trial = oracle.create_trial(str(number))
    values = trial.hyperparameters.values
    assert values["a"] in (1, 2) and values["b"] in range(3, 11) and values["d"] == 7 and values["e"] in (9, 0)
    assert 10 * values["c"] == pytest.approx(round(10 * values["c"]))
    finish(oracle, trial, score(number))
  assert len(oracle.end_order) == 6


def test_a_space_that_grows_between_two_proposals_is_proposed_whole(tmp_path, name):
  space = declare(a=("Choice", [[1, 2]], {}))
  oracle = open_oracle(tmp_path, name, space, objective=UPWARDS, **QUICK[name])
  for number in range(5):
    oracle.populate_space(str(number))
  space.Int("b", 3, 10)
  assert set(oracle.populate_space("5")["values"]) == {"a", "b"}
  space.Fixed("d", 7)
  assert set(oracle.populate_space("6")["values"]) == {"a", "b", "d"}


def test_saved_and_reloaded_it_counts_on(tmp_path, name):
  for expected in (3, 6):
    oracle = open_oracle(tmp_path, name, assorted(), max_trials=20, **QUICK[name])
    run(oracle, 3, lambda values: 1.0)
    oracle.save()
    assert len(oracle.trials) == expected


def test_it_can_be_saved_with_a_proposal_and_no_trial(tmp_path, name):
  oracle = open_oracle(tmp_path, name, assorted(), **QUICK[name])
  proposed = oracle.populate_space("0")["values"]
  oracle.save()
  reloaded = open_oracle(tmp_path, name, assorted(), **QUICK[name])
  assert reloaded.create_trial("tuner0").hyperparameters.values == proposed


def test_having_seen_that_more_is_better_it_asks_for_much(tmp_path, no_graphs):
  space = declare(a=("Int", [-100, 100], {}))
  config = NaoConfig(controller=ControllerConfig(num_steps=10), ensemble_size=2, num_unlabeled=64)
  oracle = open_oracle(tmp_path, "nao", space, objective=UPWARDS, num_initial_points=2, config=config)
  for number in range(-9, 10, 2):
    trial = completed(space, {"a": 10 * number}, number)
    oracle.trials[trial.trial_id] = trial
  assert oracle.create_trial("tuner0").hyperparameters["a"] > 0


def test_hyperparameters_added_by_somebody_else_get_values(tmp_path, name):
  space = declare(a=("Int", [-100, 100], {}))
  oracle = open_oracle(tmp_path, name, space, objective=UPWARDS, **QUICK[name])
  for number in range(10):
    trial = completed(space, {"a": 10 * number}, number)
    oracle.trials[trial.trial_id] = trial
  oracle.update_space(declare(b=("Float", [3.2, 6.4], {"step": 0.2}), c=("Boolean", [], {"default": True})))
  values = oracle.create_trial("tuner0").hyperparameters.values
  assert set(values) == {"a", "b", "c"}


def test_steps_are_respected(tmp_path, name):
  space = declare(c=("Float", [0, 10], {"step": 3}))
  oracle = open_oracle(tmp_path, name, space, objective=UPWARDS, **QUICK[name])
  for number in range(10):
    trial = completed(space, {"c": 3.0}, number)
    oracle.trials[trial.trial_id] = trial
  asked = [values["c"] for values in run(oracle, 10, lambda values: values["c"])]
  assert sorted(asked) == [0.0, 6.0, 9.0]


def test_failed_trials_are_skipped(tmp_path, name):
  oracle = open_oracle(tmp_path, name, assorted(), max_consecutive_failed_trials=100, **QUICK[name])
  outcomes = iter([None, math.nan, 3.0, None, 1.0, 2.0] * 2)
  run(oracle, 12, lambda values: next(outcomes))
  scores = [trial.score for trial in oracle.get_best_trials(12)]
  assert scores == [1.0, 1.0, 2.0, 2.0, 3.0, 3.0] and len(oracle.end_order) == 12


def test_two_tuners_take_turns(tmp_path, name):
  oracle = open_oracle(tmp_path, name, objective=UPWARDS, **QUICK[name])
  ongoing = {tuner: oracle.create_trial(tuner) for tuner in ("a", "b")}
  for number in range(8):
    tuner = "ab"[number % 2]
    finish(oracle, ongoing[tuner], float(number))
    ongoing[tuner] = oracle.create_trial(tuner)
  values = [tuple(sorted(v.items())) for v in values_of(oracle)]
  assert len(set(values)) == len(values) == 10 and len(oracle.end_order) == 8


def floats():
  return declare(**{name: ("Float", [-1, 1], {}) for name in "abcd"})


def mixed():
  return declare(
    a=("Int", [0, 10], {}), b=("Float", [-1, 1], {"step": 0.1}), c=("Float", [1e-5, 1e-2], {"sampling": "log"})
  )


def is_close(value, target):
  return math.isclose(value, target, abs_tol=0.1 + 0.1 * abs(target))


def share_of_seeds(found):
  return sum(found(seed) for seed in range(3)) / 3


@pytest.mark.slow
def test_the_maximum_of_a_function_of_four_floats_is_found_in_fifty_trials_with_most_seeds(tmp_path):
  def found(seed):
    oracle = open_oracle(tmp_path / str(seed), "nao", floats(), objective=UPWARDS, max_trials=50, seed=seed)
    run(oracle, 50, lambda v: -(v["a"] ** 3) + v["b"] ** 3 + v["c"] - abs(v["d"]))
    best = oracle.get_best_trials()[0]
    targets = {"a": -1, "b": 1, "c": 1, "d": 0}
    return is_close(best.score, 3) and all(is_close(best.hyperparameters[name], x) for name, x in targets.items())

  assert share_of_seeds(found) >= 0.5


@pytest.mark.slow
def test_four_tuners_find_a_minimum_in_ten_trials_each_with_most_seeds(tmp_path):
  def found(seed):
    oracle = open_oracle(tmp_path / str(seed), "nao", mixed(), max_trials=60, seed=seed)
    for _ in range(10):
      trials = [oracle.create_trial(f"tuner{i}") for i in range(4)]
      for trial in trials:
        v = trial.hyperparameters.values
        finish(oracle, trial, abs(v["a"] - 4) - v["b"] + 0.1 * abs(3 + math.log10(v["c"])))
    best = oracle.get_best_trials()[0]
    near = is_close(best.hyperparameters["a"], 4) and is_close(best.hyperparameters["b"], 1)
    return best.score < -0.8 and near and 1e-4 < best.hyperparameters["c"] < 1e-2

  assert share_of_seeds(found) >= 0.5
