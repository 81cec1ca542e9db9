import json
import math

import keras_tuner
import pytest

from nao_tf.evaluators.base import Evaluator
from nao_tf.runs.journal import Journal, read_trials
from nao_tf.runs.settings import RENAMED
from nao_tf.searches.loop import run_search
from nao_tf.spaces.hyperparameters import HyperParameterSpace
from nao_tf.strategies import make_strategy
from nao_tf.trial import Evaluation, Trial
from nao_tf.tuner.oracle import StrategyOracle
from tests.support import tuner_cases as tuning
from tests.support.tuner_cases import QUICK, end, open_oracle, run, score, values_of

pytestmark = pytest.mark.usefixtures("no_graphs")

SMALL = QUICK["evolution"]["config"]


# One seed, one list.


@pytest.mark.parametrize("name", QUICK)
@pytest.mark.parametrize("seed", [0, 7])
def test_one_seed_gives_one_list_of_trials(tmp_path, name, seed):
  lists = [run(open_oracle(tmp_path / str(i), name, seed=seed, **QUICK[name]), 10) for i in range(2)]
  assert lists[0] == lists[1]


def test_without_a_seed_one_is_drawn_and_kept(tmp_path):
  first = open_oracle(tmp_path, seed=None)
  run(first, 3)
  assert open_oracle(tmp_path, seed=None).seed == first.seed


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
  down = run(open_oracle(tmp_path / "down", name, **QUICK[name]), 10)
  objective = keras_tuner.Objective("score", "max")
  oracle = open_oracle(tmp_path / "up", name, objective=objective, **QUICK[name])
  assert run(oracle, 10, lambda values: -score(values)) == down
  other = open_oracle(tmp_path / "other", name, objective=objective, **QUICK[name])
  assert run(other, 10) != down


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


def test_a_project_whose_settings_have_old_names_goes_on(tmp_path):
  whole = run(open_oracle(tmp_path / "whole", "nao", **QUICK["nao"]), 4)
  cut = open_oracle(tmp_path / "cut", "nao", **QUICK["nao"])
  run(cut, 2)
  old = {new: old for old, new in RENAMED.items()}

  def with_old_names(settings):
    return {old.get(k, k): with_old_names(v) if isinstance(v, dict) else v for k, v in settings.items()}

  with open(cut._get_oracle_fname()) as file:
    state = json.load(file)
  state["settings"] = with_old_names(state["settings"])
  assert "num_members" in state["settings"]["config"]
  with open(cut._get_oracle_fname(), "w") as file:
    json.dump(state, file)
  resumed = open_oracle(tmp_path / "cut", "nao", **QUICK["nao"])
  run(resumed, 2)
  assert values_of(resumed) == whole


# What the strategy is told.


def test_the_strategy_is_told_of_failures_and_of_their_scores_never(tmp_path):
  oracle = open_oracle(tmp_path)
  for value in (0.5, math.inf, None, 0.25, math.nan):
    end(oracle, oracle.create_trial("tuner0"), value)
  oracle.create_trial("tuner0")
  assert [trial.reward for trial in oracle._proposals.strategy.trials] == [-0.5, None, None, -0.25, None]


def test_closed_trials_have_the_numbers_of_the_stand_alone_loop(tmp_path):
  oracle = open_oracle(tmp_path, "random")
  run(oracle, 3)
  oracle.create_trial("tuner0")
  first = oracle._proposals.strategy.trials[0]
  assert isinstance(first, Trial) and [t.id for t in oracle._proposals.strategy.trials] == [0, 1, 2]


def test_an_unknown_strategy_is_refused():
  with pytest.raises(ValueError, match="unknown strategy"):
    StrategyOracle("magic")


# What the strategy is told about a trial that was changed.


def told(oracle):
  """Returns the values and rewards that the strategy has been told."""
  strategy = oracle._proposals.strategy
  return [(strategy.space.decode(trial.architecture), trial.reward) for trial in strategy.trials]


@pytest.mark.parametrize("name", QUICK)
def test_the_strategy_is_told_what_a_trial_ran_with(tmp_path, name):
  options = {"space": tuning.six(), **QUICK[name]}
  oracle = open_oracle(tmp_path, name, **options)
  first, second = oracle.create_trial("a"), oracle.create_trial("b")
  oracle.create_trial("c")  # Now the first two are known to have been started as they were proposed.
  first.hyperparameters.values = {"on": True, "color": "blue"}
  end(oracle, first, 0.5)
  end(oracle, second, 0.25)
  oracle.create_trial("d")
  assert ({"on": True, "color": "blue"}, -0.5) in told(oracle)
  assert (second.hyperparameters.values, -0.25) in told(oracle) and len(told(oracle)) == 2
  resumed = open_oracle(tmp_path, name, **options)
  resumed.populate_space("9")
  assert sorted(map(str, told(resumed))) == sorted(map(str, told(oracle)))


def test_a_changed_trial_changes_nothing_in_how_the_search_is_repeated(tmp_path):
  def search(directory, stops):
    oracle = open_oracle(directory, config=SMALL)
    for number in range(18):
      if number in stops:
        oracle = open_oracle(directory, config=SMALL)
      trial = oracle.create_trial("tuner0")
      if number == 3:
        trial.hyperparameters.values["shape"] = "line"
      end(oracle, trial, score(trial.hyperparameters.values))
    return values_of(oracle)

  whole = search(tmp_path / "whole", ())
  assert whole[3] == {"shape": "line", "pen": "thin"}
  assert search(tmp_path / "cut", (4, 9, 17)) == whole


def test_a_trial_that_ran_with_what_is_not_in_the_space_is_not_learned_from_and_a_warning_says_so(tmp_path, caplog):
  oracle = open_oracle(tmp_path, "random")
  trial = oracle.create_trial("tuner0")
  trial.hyperparameters.values["shape"] = "cube"
  with caplog.at_level("WARNING"):
    end(oracle, trial, 0.5)
    oracle.create_trial("tuner0")
  assert told(oracle) == [] and "Trial 0 ran with values outside of the space and is ignored" in caplog.text
  assert oracle.trials["00"].hyperparameters.values == {"shape": "cube", "pen": "thin"}


def test_only_the_last_run_of_a_retried_trial_is_told(tmp_path):
  oracle = open_oracle(tmp_path, "random", max_retries_per_trial=2)
  for value in (None, math.nan, 0.5):
    end(oracle, oracle.create_trial("tuner0"), value)
  oracle.create_trial("tuner0")
  assert [reward for _, reward in told(oracle)] == [-0.5]


def test_the_mean_of_several_executions_is_told(tmp_path):
  oracle = open_oracle(tmp_path, "random")
  trial = oracle.create_trial("tuner0")
  for value in (1.0, 2.0):
    oracle.update_trial("00", {"score": value})
  trial.status = "COMPLETED"
  oracle.end_trial(trial)
  oracle.create_trial("tuner0")
  assert [reward for _, reward in told(oracle)] == [-1.5]


def test_only_what_was_changed_is_kept_of_what_was_handed_out(tmp_path):
  oracle = open_oracle(tmp_path, "random")
  run(oracle, 5)
  assert set(open_oracle(tmp_path, "random")._handed_out) <= {"04"}
  trial = oracle.create_trial("tuner0")
  trial.hyperparameters.values["shape"] = "cube"
  end(oracle, trial, 1.0)
  run(oracle, 3)
  assert set(oracle.get_state()["handed_out"]) == {trial.trial_id}


def test_a_hypermodel_runs_with_what_is_proposed_and_recorded(tmp_path):
  saw = []

  class Recording(tuning.StrategyTuner):
    def run_trial(self, trial, *args, **kwargs):
      hp = trial.hyperparameters
      kind, seen = hp.Choice("kind", ["small", "large"]), {}
      rate = hp.Float("rate", 0, 0.5, step=0.1)
      with hp.conditional_scope("kind", ["small"]):
        seen["small"] = hp.Int("units", 1, 100)
      with hp.conditional_scope("kind", ["large"]):
        seen["large"] = hp.Int("units", 300, 500)
      saw.append({"kind": kind, "rate": rate, "units": seen[kind]})
      return {"score": float(seen[kind])}

  for _ in range(2):  # The second goes on.
    oracle = StrategyOracle("random", keras_tuner.Objective("score", "min"), 10 * (1 + bool(saw)), seed=2)
    tuner = Recording(oracle, directory=str(tmp_path), project_name="project")
    tuner.search(verbose=0)
  assert len(saw) == 20 and saw == values_of(tuner.oracle)
  assert all(values["units"] <= 100 if values["kind"] == "small" else values["units"] >= 300 for values in saw)
  assert {values["kind"] for values in saw} == {"small", "large"} and len({values["rate"] for values in saw}) > 3
  assert [trial["hyperparameters"]["values"] for trial in tuning.read_trials(tmp_path)] == saw
