"""What users bring themselves, named by place, from the command line."""

import importlib.util
import json

import pytest
from absl import flags

import nao_tf
from nao_tf.runs.journal import read_trials
from nao_tf.runs.settings import RunDirectoryError, read_settings
from nao_tf.searches.one_shot import ONE_SHOT_SEARCHES
from nao_tf.spaces import SPACES
from nao_tf.strategies import STRATEGIES
from nao_tf.tools import benchmark_strategies, flagging, search
from tests.support import toy_tables
from tests.support.command_line import parse, run
from tests.tools.test_tools import CHILD

SPACE, STRATEGY, EVALUATOR = (f"tests.support.outside:{name}" for name in ("Bits", "LongestFirst", "Counting"))
TASK = "tests.support.outside_task:FewDigits"
SEARCH = [f"--space={SPACE}", f"--strategy={STRATEGY}", f"--evaluator={EVALUATOR}", "--num_trials=5"]


def test_a_space_a_strategy_and_an_evaluator_are_searched_with(tmp_path, capsys):
  argv = [*SEARCH, "--longest_first_skip=1", "--counting_choice=0", f"--workdir={tmp_path}"]
  assert run(search, *argv) == 0
  assert "best: trial 0, reward 1.0000, ordered: 0 1 1 1 1 1" in capsys.readouterr().out
  trials = read_trials(str(tmp_path))
  assert [sum(trial.architecture) for trial in trials] == [5] * 5
  assert json.loads((tmp_path / "best.json").read_text())["space"] == "bits"
  settings = read_settings(str(tmp_path))
  assert (settings["space"], settings["strategy"], settings["evaluator"]) == (SPACE, STRATEGY, EVALUATOR)
  assert settings["options.skip"] == 1 and settings["evaluator_config.choice"] == 0


def test_their_settings_may_not_change(tmp_path):
  argv = [*SEARCH, f"--workdir={tmp_path}"]
  assert run(search, *argv) == 0
  for flag, changed in (("--longest_first_by=zeros", "options.by was 'ones'"), ("--counting_choice=0", "choice was 1")):
    with pytest.raises(RunDirectoryError, match=changed):
      run(search, *argv, flag)


def test_a_package_that_a_choice_needs_is_asked_for_in_one_line(tmp_path, monkeypatch):
  find = importlib.util.find_spec
  monkeypatch.setattr(importlib.util, "find_spec", lambda name, *of: None if name == "torch" else find(name, *of))
  argv = [f"--space={SPACE}", f"--evaluator={EVALUATOR}", "--strategy=optuna", "--optuna_sampler=GPSampler"]
  with pytest.raises(flagging.REPORTED, match="--optuna_sampler: GPSampler needs the package torch: pip install torch"):
    run(search, *argv, "--num_trials=2", f"--workdir={tmp_path}")
  assert not (tmp_path / "trials.jsonl").exists()


def test_a_flagfile_may_name_them(tmp_path):
  path = tmp_path / "mine.flags"
  path.write_text("\n".join(["# Mine.", *SEARCH, "--longest_first_by=zeros"]))
  assert run(search, f"--flagfile={path}", f"--workdir={tmp_path}/run") == 0
  assert sum(read_trials(f"{tmp_path}/run")[0].architecture) == 0


def test_a_task_is_searched_on(tmp_path):
  argv = [f"--task={TASK}", "--strategy=random", "--num_trials=1", *CHILD, f"--workdir={tmp_path}", "--nodeterministic"]
  assert run(search, *argv) == 0
  assert read_trials(str(tmp_path))[0].reward is not None
  assert read_settings(str(tmp_path))["task"] == TASK


def test_a_strategy_is_compared_with_registered_ones(tmp_path):
  table = toy_tables.write_table(tmp_path / "table.npz", toy_tables.nasbench201_arrays())
  argv = [f"--table={table}", "--space=nao_tf.spaces.nasbench201:Nasbench201Space", f"--output={tmp_path}/out"]
  sizes = ["--num_seeds=1", "--num_trials=6", "--num_processes=2", "--longest_first_skip=3"]
  run(benchmark_strategies, *argv, *sizes, f"--strategies=random,{STRATEGY}")
  summary = json.loads((tmp_path / "out" / "summary.json").read_text())
  assert list(summary["strategies"]) == ["random", STRATEGY]


@pytest.mark.parametrize(
  ("flag", "error", "message"),
  [
    ("--strategy=tests.support.outside:not_a_strategy", ValueError, "expected a subclass of Strategy, got <function"),
    ("--evaluator=tests.support.outside:Bits", ValueError, "expected a class with a class method from_context, got"),
    ("--strategy=no_such_module:Name", ValueError, "cannot import the module 'no_such_module'"),
    ("--evaluator=tests.support.outside:Cuonting", ValueError, "has no 'Cuonting'"),
    (
      "--space=magic",
      flags.IllegalFlagValueError,
      f"unknown space 'magic'; expected one of {', '.join(sorted(SPACES))}",
    ),
    (
      "--strategy=magic",
      flags.IllegalFlagValueError,
      f"unknown strategy 'magic'; expected one of {', '.join(sorted({**STRATEGIES, **ONE_SHOT_SEARCHES}))}",
    ),
    ("--evaluator=magic", flags.IllegalFlagValueError, "unknown evaluator 'magic'; expected one of inherited"),
  ],
)
def test_a_wrong_name_is_explained_before_anything_is_done(flag, error, message, tmp_path):
  with pytest.raises(error, match=message):
    parse(search, flag, f"--workdir={tmp_path}")


@pytest.mark.parametrize("place", ["tests.support.outside:CountConfig", "tests.support.outside:dataclasses"])
def test_what_makes_no_space_is_refused(place, tmp_path):
  with pytest.raises(ValueError, match=r"space 'tests.*': expected a class or function that makes a SearchSpace, got"):
    run(search, f"--space={place}", f"--workdir={tmp_path}")


def test_all_of_them_are_used_from_a_program(tmp_path):
  space = nao_tf.make_space(SPACE)
  strategy = nao_tf.make_strategy(STRATEGY, space, seed=0)
  evaluator = nao_tf.make_evaluator(EVALUATOR, nao_tf.EvaluatorContext(space))
  with nao_tf.Journal(str(tmp_path), {}) as journal:
    best = nao_tf.run_search(strategy, evaluator, journal, num_trials=3, batch_size=2)
  assert best.reward == 6 and nao_tf.load(tmp_path).best == best
  assert nao_tf.make_task(TASK).num_examples("train") == 128
