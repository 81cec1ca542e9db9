import json
import math
import os
import shutil
import threading

import keras_tuner
import pytest

from nao_tf.evaluators.base import Evaluator
from nao_tf.runs.journal import Journal, read_trials
from nao_tf.search.loop import run_search
from nao_tf.spaces.hyperparameters import HyperParameterSpace
from nao_tf.strategies import make_strategy
from nao_tf.trial import Evaluation, Trial
from nao_tf.tuner.messages import tidied
from nao_tf.tuner.oracle import SIGN_OF_LIFE, StrategyOracle
from tests.support import tuner_cases as tuning
from tests.support.tuner_cases import QUICK, end, make_oracle, open_oracle, run, score, values_of

SMALL = QUICK["evolution"]["config"]


def is_free(oracle):
  """Whether another thread gets a call through."""
  thread = threading.Thread(target=oracle.get_trial, args=(SIGN_OF_LIFE + "nobody",), daemon=True)
  thread.start()
  thread.join(5)
  return not thread.is_alive()


class Clock:
  """A clock that stands still until it is set."""

  def __init__(self):
    self.now = 0.0

  def __call__(self):
    return self.now


def two_workers(directory, **options):
  """Returns an oracle with two workers that have sent signs of life, and its clock."""
  oracle, clock = open_oracle(directory, worker_timeout=10.0, **options), Clock()
  oracle._roll._clock = clock
  for worker in ("a", "b"):
    oracle.get_trial(SIGN_OF_LIFE + worker)
  return oracle, clock


def pass_time(oracle, clock, seconds, *, alive):
  """Lets time pass in which only some workers send signs of life."""
  clock.now += seconds
  for worker in alive:
    oracle.get_trial(SIGN_OF_LIFE + worker)


# One seed, one list.


@pytest.mark.parametrize("name", QUICK)
@pytest.mark.parametrize("seed", [0, 7])
def test_one_seed_gives_one_list_of_trials(tmp_path, name, seed):
  lists = [run(open_oracle(tmp_path / str(i), name, seed=seed, **QUICK[name]), 16) for i in range(2)]
  assert lists[0] == lists[1]


def test_seed_0_is_a_seed_like_any_other(tmp_path):
  assert make_oracle(seed=0).seed == 0
  lists = [run(open_oracle(tmp_path / str(seed), seed=seed), 5) for seed in (0, 1)]
  assert lists[0] != lists[1]


def test_without_a_seed_one_is_drawn_and_kept(tmp_path):
  first = open_oracle(tmp_path, seed=None)
  run(first, 3)
  assert open_oracle(tmp_path, seed=None).seed == first.seed


def test_a_negative_seed_is_refused():
  with pytest.raises(ValueError, match="seed"):
    make_oracle(seed=-1)


def test_the_trials_are_those_of_the_stand_alone_loop(tmp_path):
  space = HyperParameterSpace(tuning.shapes())

  class Scores(Evaluator):
    def evaluate(self, architectures):
      return [Evaluation(-score(space.decode(architecture))) for architecture in architectures]

  strategy = make_strategy("evolution", space, seed=3, config=SMALL)
  with Journal(str(tmp_path / "alone"), {}) as journal:
    run_search(strategy, Scores(), journal, num_trials=20, batch_size=1)
  alone = [space.decode(trial.architecture) for trial in read_trials(str(tmp_path / "alone"))]
  assert run(open_oracle(tmp_path, seed=3, config=SMALL), 20) == alone


@pytest.mark.parametrize("name", ["nao", "evolution"])
def test_minimizing_and_maximizing_mirror_each_other(tmp_path, name):
  down = run(open_oracle(tmp_path / "down", name, **QUICK[name]), 16)
  objective = keras_tuner.Objective("score", "max")
  oracle = open_oracle(tmp_path / "up", name, objective=objective, **QUICK[name])
  assert run(oracle, 16, lambda values: -score(values)) == down
  other = open_oracle(tmp_path / "other", name, objective=objective, **QUICK[name])
  assert run(other, 16) != down


# Going on.


@pytest.mark.parametrize("stop", [0, 1, 5, 12, 19])
def test_taken_up_again_after_any_trial_the_list_is_the_same(tmp_path, stop):
  whole = run(open_oracle(tmp_path / "whole", config=SMALL), 20)
  run(open_oracle(tmp_path / "cut", config=SMALL), stop)
  resumed = open_oracle(tmp_path / "cut", config=SMALL)
  run(resumed, 20 - stop)
  assert values_of(resumed) == whole


@pytest.mark.parametrize("stop", [0, 1, 9])
def test_a_trial_that_was_running_is_run_again_with_a_clean_slate(tmp_path, stop):
  whole = run(open_oracle(tmp_path / "whole", config=SMALL), 12)
  cut = open_oracle(tmp_path / "cut", config=SMALL)
  run(cut, stop)
  running = cut.create_trial("tuner0")
  cut.update_trial(running.trial_id, {"score": -1e9})
  resumed = open_oracle(tmp_path / "cut", config=SMALL)
  run(resumed, 12 - stop)
  assert values_of(resumed) == whole
  assert resumed.trials[running.trial_id].score == pytest.approx(score(whole[stop]))


def write_back(oracle, state):
  with open(oracle._get_oracle_fname(), "w") as file:
    file.write(state)


def test_killed_between_the_two_files_of_an_ending_trial_it_has_ended(tmp_path):
  oracle = open_oracle(tmp_path)
  trial = oracle.create_trial("tuner0")
  with open(oracle._get_oracle_fname()) as file:
    before = file.read()
  end(oracle, trial, 0.5)
  write_back(oracle, before)
  resumed = open_oracle(tmp_path)
  assert resumed.end_order == [trial.trial_id]
  assert resumed.create_trial("tuner0").trial_id != trial.trial_id


def test_an_ended_trial_is_not_run_again(tmp_path):
  oracle = open_oracle(tmp_path)  # KerasTuner saves it as ended and as running at the same time.
  end(oracle, oracle.create_trial("tuner0"), 0.5)
  assert json.load(open(oracle._get_oracle_fname()))["ongoing_trials"]
  resumed = open_oracle(tmp_path)
  run(resumed, 2)
  assert resumed.end_order == ["00", "01", "02"]


def test_killed_between_the_two_files_of_a_starting_trial_it_starts_again(tmp_path):
  oracle = open_oracle(tmp_path)
  run(oracle, 3)
  oracle.save()
  with open(oracle._get_oracle_fname()) as file:
    before = file.read()
  started = oracle.create_trial("tuner0")
  write_back(oracle, before)
  resumed = open_oracle(tmp_path)
  assert len(resumed.trials) == 3
  again = resumed.create_trial("tuner0")
  assert (again.trial_id, again.hyperparameters.values) == (started.trial_id, started.hyperparameters.values)


def test_more_trials_can_be_added_to_a_finished_search(tmp_path):
  run(open_oracle(tmp_path, max_trials=5), 10)
  oracle = open_oracle(tmp_path, max_trials=8)
  run(oracle, 10)
  assert len(oracle.trials) == 8


@pytest.mark.parametrize(
  "changed, message",
  [({"seed": 1}, "seed was 0, is 1"), ({"config": SMALL}, "config was"), ({"name": "random"}, "strategy was")],
)
def test_a_project_with_other_settings_is_refused_with_what_differs(tmp_path, changed, message):
  run(open_oracle(tmp_path, seed=0), 1)
  with pytest.raises(ValueError, match=message):
    open_oracle(tmp_path, **{"seed": 0, **changed})


def test_state_files_are_whole_at_any_moment(tmp_path):
  oracle = open_oracle(tmp_path)
  run(oracle, 2)
  with open(oracle._get_oracle_fname()) as file:
    before = file.read()
  oracle._deaths = {"00": object()}
  with pytest.raises(TypeError):
    oracle.save()
  with open(oracle._get_oracle_fname()) as file:
    assert file.read() == before


# No configuration twice.


@pytest.mark.parametrize("name", QUICK)
def test_every_configuration_is_tried_once_and_then_the_search_stops(tmp_path, name):
  oracle = open_oracle(tmp_path, name, tuning.six(), max_trials=None, **QUICK[name])
  ran = run(oracle, 100, lambda values: len(str(values)))
  assert len(ran) == len({json.dumps(values, sort_keys=True) for values in ran}) == 6
  assert oracle.create_trial("tuner0").status == "STOPPED"


def test_a_failed_configuration_is_not_tried_again_either(tmp_path):
  oracle = open_oracle(tmp_path, "random", tuning.six(), max_consecutive_failed_trials=100)
  assert len(run(oracle, 100, lambda values: None)) == 6


def test_configurations_that_are_still_running_are_not_handed_out_again(tmp_path):
  oracle = open_oracle(tmp_path, "random", tuning.six())
  trials = [oracle.create_trial(f"tuner{i}") for i in range(8)]
  assert [trial.status for trial in trials] == ["RUNNING"] * 6 + ["STOPPED"] * 2
  assert len({json.dumps(trial.hyperparameters.values) for trial in trials[:6]}) == 6


@pytest.mark.parametrize("name", QUICK)
def test_given_configurations_are_not_handed_out_again_while_they_are_running(tmp_path, name):
  given = [{"on": True, "color": "red"}, {"on": False, "low": 1, "high": 2}]
  oracle = open_oracle(tmp_path, name, tuning.six(), initial_values=given, **QUICK[name])
  trials = [oracle.create_trial(f"tuner{i}") for i in range(7)]
  assert [trial.hyperparameters.values for trial in trials[:2]] == given
  assert [trial.status for trial in trials] == ["RUNNING"] * 6 + ["STOPPED"]
  assert len({json.dumps(trial.hyperparameters.values, sort_keys=True) for trial in trials[:6]}) == 6


def test_a_grid_that_has_been_tried_is_refined(tmp_path):
  hp = keras_tuner.HyperParameters()
  hp.Float("x", 0, 1)
  oracle = open_oracle(tmp_path, "random", hp, max_trials=60)
  run(oracle, 45, lambda values: values["x"])
  resumed = open_oracle(tmp_path, "random", hp, max_trials=60)
  run(resumed, 100, lambda values: values["x"])
  assert len({values["x"] for values in values_of(resumed)}) == 60
  other = open_oracle(tmp_path / "other", "random", hp, max_trials=60)
  assert run(other, 100, lambda values: values["x"]) == values_of(resumed)


# What is handed out.


@pytest.mark.parametrize("name", QUICK)
def test_all_active_hyperparameters_have_values_of_theirs_and_no_others_do(tmp_path, name):
  oracle = open_oracle(tmp_path, name, **QUICK[name])
  for values in run(oracle, 30):
    hp = tuning.shapes()
    hp.values = dict(values)
    assert {entry.name for entry in hp.space if hp.is_active(entry)} == set(values)
    assert values["pen"] == "thin"
    assert values.get("side", 10) in range(10, 101, 10) and type(values.get("shade", 0)) is int


def test_values_come_parents_first(tmp_path):
  for values in run(open_oracle(tmp_path, "random"), 20):
    names = list(values)
    assert names.index("shape") < min((names.index(n) for n in ("filled", "radius", "side") if n in names), default=9)


def test_hyperparameters_that_come_over_messages_are_put_in_order(tmp_path):
  oracle = open_oracle(tmp_path, space=keras_tuner.HyperParameters())
  oracle.update_space(keras_tuner.HyperParameters.from_proto(tuning.shapes().to_proto()))
  names = [entry.name for entry in oracle.get_space().space]
  assert names.index("shape") < names.index("filled") < names.index("shade")
  ran = run(oracle, 30)
  assert all(("radius" in values) == (values["shape"] == "round") for values in ran)
  assert any("shade" in values for values in ran)


def over_messages(trial):
  return keras_tuner.engine.trial.Trial.from_proto(trial.to_proto())


def test_a_trial_survives_the_messages_to_a_worker_and_back(tmp_path):
  oracle = open_oracle(tmp_path, "random", max_trials=20)
  for _ in range(20):
    trial = oracle.create_trial("worker")
    emitted = dict(trial.hyperparameters.values)
    trial = over_messages(trial)
    assert tidied(trial.hyperparameters).values == emitted
    oracle.update_trial(trial.trial_id, {"score": score(emitted)})
    trial.status = "COMPLETED"
    oracle.end_trial(over_messages(trial))
    assert oracle.trials[trial.trial_id].hyperparameters.values == emitted
  assert len(oracle.hyperparameters.space) == len(tuning.shapes().space)


# Failures.


@pytest.mark.parametrize("bad", [math.inf, -math.inf, math.nan])
@pytest.mark.parametrize("direction", ["min", "max"])
def test_a_score_that_is_no_finite_number_is_a_failure(tmp_path, bad, direction):
  oracle = open_oracle(tmp_path, objective=keras_tuner.Objective("score", direction))
  end(oracle, oracle.create_trial("tuner0"), bad)
  trial = oracle.trials["00"]
  assert trial.status == "FAILED" and trial.score is None and "score" in trial.message
  assert oracle.get_best_trials(3) == []
  run(oracle, 2)
  assert "00" not in [best.trial_id for best in oracle.get_best_trials(3)]


def test_a_missing_score_is_a_failure_and_leaves_no_lock_held(tmp_path):
  oracle = open_oracle(tmp_path)
  trial = oracle.create_trial("tuner0")
  with pytest.raises(ValueError, match="score"):
    oracle.update_trial(trial.trial_id, {"loss": 1.0})
  assert is_free(oracle)
  trial.status = "COMPLETED"
  oracle.end_trial(trial)
  assert oracle.trials["00"].status == "FAILED" and is_free(oracle)


def test_the_strategy_is_told_of_failures_and_of_their_scores_never(tmp_path):
  oracle = open_oracle(tmp_path)
  for value in (0.5, math.inf, None, 0.25, math.nan):
    end(oracle, oracle.create_trial("tuner0"), value)
  oracle.create_trial("tuner0")
  assert [trial.reward for trial in oracle._proposals.strategy.trials] == [-0.5, None, None, -0.25, None]


def test_as_many_failures_in_a_row_as_allowed_end_the_search_after_they_are_saved(tmp_path):
  oracle = open_oracle(tmp_path, max_consecutive_failed_trials=2)
  with pytest.raises(RuntimeError, match=r"consecutive failed trials.* 2"):
    run(oracle, 5, lambda values: None)
  assert is_free(oracle)
  resumed = open_oracle(tmp_path, max_consecutive_failed_trials=2)
  assert resumed.end_order == ["00", "01"] and resumed.trials["01"].status == "FAILED"
  assert len(run(resumed, 3)) == 3  # A success ends the row.
  assert len(run(oracle, 3)) == 3  # Also on the same object.


def test_failures_that_are_not_in_a_row_do_not_end_the_search(tmp_path):
  oracle = open_oracle(tmp_path, max_consecutive_failed_trials=2)
  outcomes = iter([None, 1.0] * 5)
  assert len(run(oracle, 10, lambda values: next(outcomes))) == 10


def test_a_trial_is_retried_as_often_as_allowed_and_only_the_last_run_counts(tmp_path):
  oracle = open_oracle(tmp_path, max_retries_per_trial=2)
  for value in (math.nan, None, 0.5):
    trial = oracle.create_trial("tuner0")
    assert trial.trial_id == "00"
    end(oracle, trial, value)
  assert oracle.trials["00"].score == 0.5 and oracle.trials["00"].status == "COMPLETED"
  for _ in range(3):
    end(oracle, oracle.create_trial("tuner0"), None)
  assert oracle.trials["01"].status == "FAILED"
  assert oracle.create_trial("tuner0").trial_id == "02"


def test_the_old_form_of_ending_a_trial_keeps_its_values(tmp_path):
  oracle = open_oracle(tmp_path)
  trial = oracle.create_trial("tuner0")
  values = dict(trial.hyperparameters.values)
  oracle.update_trial(trial.trial_id, {"score": 1.0})
  oracle.end_trial(trial.trial_id, "COMPLETED")
  assert oracle.trials["00"].score == 1.0 and oracle.trials["00"].hyperparameters.values == values


def test_no_exception_leaves_the_lock_held(tmp_path):
  oracle = open_oracle(tmp_path, allow_new_entries=False, initial_values=[{"shape": "cube"}])
  with pytest.raises(ValueError, match="cube"):
    oracle.create_trial("tuner0")
  assert is_free(oracle)
  with pytest.raises(KeyError):
    oracle.update_trial("99", {"score": 1.0})
  assert is_free(oracle)
  oracle = open_oracle(tmp_path / "other", allow_new_entries=False)
  trial = oracle.create_trial("tuner0")
  trial.hyperparameters.Int("late", 1, 3)
  with pytest.raises(RuntimeError, match="allow_new_entries"):
    oracle.end_trial(trial)
  assert is_free(oracle)


def fail(*args, **kwargs):
  raise OSError("the disk is full")


@pytest.mark.parametrize(
  "method", ["populate_space", "score_trial", "update_space", "get_state", "save", "make_strategy"]
)
def test_an_exception_in_a_method_of_a_subclass_leaves_the_lock_free(tmp_path, method):
  failing = type("Failing", (StrategyOracle,), {method: fail})
  options = {"objective": keras_tuner.Objective("score", "min"), "seed": 0, "hyperparameters": tuning.shapes()}
  oracle = failing("random", **options)
  oracle._set_project_dir(str(tmp_path), "project")
  oracle.verbose = 0
  with pytest.raises(OSError, match="the disk is full"):
    run(oracle, 1)
  assert is_free(oracle)


# Hyperparameters that appear late.


def meet(oracle, trial):
  """Ends a trial in which further hyperparameters came up."""
  late = trial.hyperparameters.Int("late", 1, 4, default=2)
  with trial.hyperparameters.conditional_scope("late", [3, 4]):
    trial.hyperparameters.Boolean("later")
  end(oracle, trial, score(trial.hyperparameters.values) + abs(late - 3))


def run_meeting(oracle, num_trials, first=3):
  for _ in range(num_trials):
    trial = oracle.create_trial("tuner0")
    values = trial.hyperparameters.values
    meet(oracle, trial) if len(oracle.trials) >= first else end(oracle, trial, score(values))


def test_hyperparameters_that_appear_late_are_searched_from_then_on(tmp_path):
  oracle = open_oracle(tmp_path, config=SMALL)
  run_meeting(oracle, 24)
  values = values_of(oracle)
  assert not any("late" in v for v in values[:2]) and all("late" in v for v in values[2:])
  assert len({v["late"] for v in values[2:]}) > 1
  assert all(("later" in v) == (v["late"] >= 3) for v in values[2:])
  strategy = oracle._proposals.strategy
  assert len(strategy.trials) == 23 and [trial.id for trial in strategy.trials] == list(range(23))


@pytest.mark.parametrize("stop", [1, 3, 4, 10])
def test_a_search_with_late_hyperparameters_goes_on_as_it_was(tmp_path, stop):
  whole = open_oracle(tmp_path / "whole", config=SMALL)
  run_meeting(whole, 20)
  run_meeting(open_oracle(tmp_path / "cut", config=SMALL), stop)
  resumed = open_oracle(tmp_path / "cut", config=SMALL)
  run_meeting(resumed, 20 - stop, first=3)
  assert values_of(resumed) == values_of(whole)


def test_late_hyperparameters_of_a_worker_arrive_parents_first(tmp_path):
  oracle = open_oracle(tmp_path, "random")
  trial = oracle.create_trial("worker")
  emitted = dict(trial.hyperparameters.values)
  trial = over_messages(trial)
  trial.hyperparameters.Choice("model", ["a", "b"])
  with trial.hyperparameters.conditional_scope("model", ["a"]):
    trial.hyperparameters.Int("depth", 1, 3)
  oracle.update_trial(trial.trial_id, {"score": 1.0})
  trial.status = "COMPLETED"
  oracle.end_trial(over_messages(trial))
  assert oracle.trials["00"].hyperparameters.values == {**emitted, "model": "a", "depth": 1}
  names = [entry.name for entry in oracle.get_space().space]
  assert names.index("model") < names.index("depth")
  assert all(("depth" in values) == (values["model"] == "a") for values in run(oracle, 10))


def test_late_hyperparameters_keep_their_defaults_if_they_are_not_tuned(tmp_path):
  oracle = open_oracle(tmp_path, tune_new_entries=False)
  run_meeting(oracle, 6, first=1)
  assert {values["late"] for values in values_of(oracle)} == {2}


def test_everything_may_appear_late(tmp_path):
  oracle = open_oracle(tmp_path, "random", keras_tuner.HyperParameters())
  for _ in range(10):
    trial = oracle.create_trial("tuner0")
    if trial.status == "STOPPED":
      break
    trial.hyperparameters.Boolean("a")
    trial.hyperparameters.Boolean("b")
    end(oracle, trial, 1.0)
  assert len({json.dumps(values, sort_keys=True) for values in values_of(oracle)}) == len(oracle.trials) == 4


# What was known before.


def test_given_values_come_first_and_are_completed_with_defaults(tmp_path):
  given = [{"shape": "square", "filled": True, "shade": 77}, {"shape": "line"}]
  oracle = open_oracle(tmp_path, initial_values=given)
  ran = run(oracle, 5)
  assert ran[0] == {"shape": "square", "filled": True, "shade": 77, "side": 10, "pen": "thin"}
  assert ran[1] == {"shape": "line", "pen": "thin"}
  resumed = open_oracle(tmp_path, initial_values=given)
  run(resumed, 5)
  whole = open_oracle(tmp_path / "whole", initial_values=given)
  assert run(whole, 10) == values_of(resumed)


def test_the_trials_of_another_project_are_told_and_not_tried_again(tmp_path):
  old = open_oracle(tmp_path / "old", "random", tuning.six())
  run(old, 4, lambda values: len(str(values)))
  options = {"space": tuning.six(), "past": str(tmp_path / "old" / "project")}
  oracle = open_oracle(tmp_path / "new", "random", **options)
  ran = run(oracle, 10, lambda values: 1.0)
  assert len(ran) == 2 and all(values not in ran for values in values_of(old))
  told = oracle._proposals.strategy.trials
  assert [trial.reward for trial in told[:4]] == [-len(str(values)) for values in values_of(old)]


def test_past_trials_are_kept_when_their_project_has_gone(tmp_path):
  run(open_oracle(tmp_path / "old", "random"), 12)
  past = str(tmp_path / "old" / "project")
  whole = open_oracle(tmp_path / "whole", past=past, config=SMALL)
  run(whole, 10)
  run(open_oracle(tmp_path / "cut", past=past, config=SMALL), 4)
  shutil.rmtree(past)
  resumed = open_oracle(tmp_path / "cut", config=SMALL)
  run(resumed, 6)
  assert values_of(resumed) == values_of(whole)


def test_past_points_make_a_first_generation(tmp_path):
  past = [({"shape": "round", "radius": 10.0 * i, "filled": False}, float(i)) for i in range(1, 7)]
  oracle = open_oracle(tmp_path, past=[*past, ({"shape": "cube"}, 0.0)], config=SMALL)
  run(oracle, 1)
  oracle.populate_space("again")
  assert oracle._proposals.origins == ["mutation of #0"]


@pytest.mark.parametrize("bad", [math.inf, -math.inf, math.nan, None])
def test_a_past_score_that_is_no_finite_number_is_a_failure(tmp_path, bad):
  oracle = open_oracle(tmp_path, past=[({"shape": "line"}, bad), ({"shape": "square"}, 0.5)])
  oracle.create_trial("tuner0")
  assert [trial.reward for trial in oracle._proposals.strategy.trials] == [None, -0.5]


def test_trials_put_into_the_oracle_are_past_ones(tmp_path):
  oracle = open_oracle(tmp_path, "random", tuning.six())
  for i, color in enumerate(["red", "blue"]):
    trial = keras_tuner.engine.trial.Trial(tuning.six(), trial_id=f"mine{i}", status="COMPLETED")
    trial.hyperparameters.values = {"on": True, "color": color}
    trial.score = float(i)
    oracle.trials[trial.trial_id] = trial
  assert all(not values["on"] for values in run(oracle, 10, lambda values: 1.0))
  assert len(oracle.trials) == 2 + 4


def test_a_past_project_without_trials_or_with_another_metric_is_refused(tmp_path):
  with pytest.raises(FileNotFoundError, match="trial_"):
    make_oracle(past=str(tmp_path))
  run(open_oracle(tmp_path), 1)
  with pytest.raises(ValueError, match="val_loss"):
    make_oracle(past=str(tmp_path / "project"), objective="val_loss")


# Workers.


def test_the_trial_of_a_dead_worker_goes_to_another_one(tmp_path):
  oracle, clock = two_workers(tmp_path)
  lost, _ = oracle.create_trial("a"), oracle.create_trial("b")
  pass_time(oracle, clock, 8, alive="b")
  oracle.release_dead_workers()
  assert set(oracle.ongoing_trials) == {"a", "b"}
  pass_time(oracle, clock, 8, alive="b")
  oracle.release_dead_workers()
  assert set(oracle.ongoing_trials) == {"b"} and oracle.tuner_ids == {"b"}
  end(oracle, oracle.ongoing_trials["b"], 1.0)
  assert oracle.create_trial("b").trial_id == lost.trial_id


def test_a_worker_waits_as_long_as_another_ones_trial_may_come_back(tmp_path):
  oracle, clock = two_workers(tmp_path, max_trials=2)
  lost, mine = oracle.create_trial("a"), oracle.create_trial("b")
  end(oracle, mine, 1.0)
  assert oracle.create_trial("b").status == "IDLE"
  pass_time(oracle, clock, 11, alive="b")
  trial = oracle.create_trial("b")
  assert (trial.trial_id, trial.status) == (lost.trial_id, "RUNNING")
  end(oracle, trial, 2.0)
  assert oracle.create_trial("b").status == "STOPPED"
  assert not oracle.tuner_ids and not oracle.ongoing_trials and oracle.is_over


def test_workers_that_send_no_signs_of_life_are_neither_judged_nor_waited_for(tmp_path):
  oracle = open_oracle(tmp_path, max_trials=1)
  oracle.create_trial("a")
  assert oracle.create_trial("b").status == "STOPPED"
  oracle.release_dead_workers()
  assert set(oracle.ongoing_trials) == {"a"}


def test_what_a_worker_reports_that_counted_as_dead_is_taken_if_it_is_the_first(tmp_path):
  oracle, clock = two_workers(tmp_path)
  late = over_messages(oracle.create_trial("a"))
  pass_time(oracle, clock, 11, alive="b")
  oracle.release_dead_workers()
  oracle.update_trial(late.trial_id, {"score": 0.5})
  late.status = "COMPLETED"
  oracle.end_trial(late)
  assert oracle.trials[late.trial_id].score == 0.5
  assert oracle.create_trial("b").trial_id != late.trial_id


def test_what_a_worker_reports_that_counted_as_dead_is_ignored_if_another_one_was_quicker(tmp_path):
  oracle, clock = two_workers(tmp_path)
  late = over_messages(oracle.create_trial("a"))
  pass_time(oracle, clock, 11, alive="b")
  end(oracle, oracle.create_trial("b"), 0.5)
  oracle.update_trial(late.trial_id, {"score": 9.0})
  late.status = "COMPLETED"
  oracle.end_trial(late)
  assert oracle.trials[late.trial_id].score == 0.5 and oracle.end_order == [late.trial_id]


def test_a_trial_over_which_three_workers_died_has_failed(tmp_path):
  oracle, clock = two_workers(tmp_path)
  for worker in ("a", "c", "d"):
    oracle.get_trial(SIGN_OF_LIFE + worker)
    assert oracle.create_trial(worker).trial_id == "00"
    pass_time(oracle, clock, 11, alive="b")
    oracle.release_dead_workers()
  assert oracle.trials["00"].status == "FAILED" and "workers died" in oracle.trials["00"].message
  assert oracle.create_trial("b").trial_id == "01"


def test_time_in_which_the_oracle_was_busy_does_not_count_as_silence(tmp_path):
  oracle, clock = two_workers(tmp_path)
  oracle.create_trial("a")
  clock.now += 100
  oracle._roll.excuse(100)
  oracle.release_dead_workers()
  assert set(oracle.ongoing_trials) == {"a"}


def test_when_too_many_trials_failed_all_workers_are_told_to_stop(tmp_path):
  oracle, _ = two_workers(tmp_path, max_consecutive_failed_trials=1)
  with pytest.raises(RuntimeError, match="consecutive"):
    end(oracle, oracle.create_trial("a"), None)
  assert oracle.create_trial("b").status == "STOPPED" and oracle.failure


def test_an_unknown_strategy_is_refused():
  with pytest.raises(ValueError, match="unknown strategy"):
    StrategyOracle("magic")


def test_a_timeout_that_is_not_positive_is_refused():
  with pytest.raises(ValueError, match="timeout"):
    make_oracle(worker_timeout=0)


def test_the_directory_of_the_project_is_all_there_is(tmp_path):
  run(open_oracle(tmp_path), 3)
  assert sorted(os.listdir(tmp_path)) == ["project"]
  assert not [name for name in os.listdir(tmp_path / "project") if name.endswith(".tmp")]


def test_closed_trials_have_the_numbers_of_the_stand_alone_loop(tmp_path):
  oracle = open_oracle(tmp_path, "random")
  run(oracle, 3)
  oracle.create_trial("tuner0")
  first = oracle._proposals.strategy.trials[0]
  assert isinstance(first, Trial) and [t.id for t in oracle._proposals.strategy.trials] == [0, 1, 2]
