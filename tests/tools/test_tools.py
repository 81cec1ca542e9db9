"""The binaries, as a user runs them: on digits, with networks that take seconds."""

import json
import os
import shutil
import subprocess
import sys

import pytest
from absl import flags

from nao_tf.runs.finalists import RERANK_DIRECTORY
from nao_tf.runs.journal import read_trials
from nao_tf.searches.winner import BEST_FILE
from nao_tf.spaces.published import CELLS, STRINGS
from nao_tf.tools import evaluate, export, flagging, search, train
from tests.support import toy_tables
from tests.support.without_graphs import without_graphs

SMALL = (
  "num_cells=1",
  "filters=4",
  "auxiliary=false",
  "drop_path_keep=1",
  "dropout_keep=1",
  "epochs=1",
  "batch_size=64",
)
CHILD = [f"--child_{flag}" for flag in SMALL]
PAIRS = "--space=tests.support.tiny_cells:pairs"
TWO_TRIALS = ["--strategy=random", "--num_trials=2", "--batch_size=2", "--train_examples=256", *CHILD]
SEARCH = [PAIRS, *TWO_TRIALS]


def run(tool, *argv):
  """Runs a binary in this process."""
  values = flags.FlagValues()
  tool.define_flags(values)
  values(["program", "--nodeterministic", *argv] if "deterministic" in values else ["program", *argv])
  return tool.main(values)


@pytest.fixture(scope="module")
def found(tmp_path_factory):
  """A finished search whose winner was trained and exported."""
  workdir = str(tmp_path_factory.mktemp("runs") / "search")
  with without_graphs():
    assert run(search, f"--workdir={workdir}", *SEARCH, "--train_best") == 0
  return workdir


def test_a_search_leaves_its_journal_settings_winner_and_report(found):
  trials = read_trials(found)
  assert len(trials) == 2 and all(trial.reward is not None for trial in trials)
  with open(os.path.join(found, "best.json")) as file:
    best = json.load(file)
  assert best["reward"] == max(trial.reward for trial in trials)
  assert set(best) >= {"architecture", "genotype", "reward", "parameters"}
  with open(os.path.join(found, "config.json")) as file:
    assert json.load(file)["space"] == "tests.support.tiny_cells:pairs"
  assert os.path.getsize(os.path.join(found, "report.html")) > 10_000


def test_the_winner_is_exported_and_can_be_measured(found, capsys):
  assert run(evaluate, f"--saved_model={found}/best/saved_model", "--task=digits") == 0
  metrics = json.loads(capsys.readouterr().out)
  assert metrics["split"] == "test" and 0 <= metrics["accuracy"] <= 1


def test_a_finished_search_is_not_repeated(found, capsys):
  before = read_trials(found)
  assert run(search, f"--workdir={found}", *SEARCH) == 0
  assert read_trials(found) == before
  assert "best: trial" in capsys.readouterr().out


def test_a_place_that_the_winner_cannot_be_exported_to_is_reported_before_the_search(tmp_path):
  (tmp_path / "best" / "saved_model").mkdir(parents=True)
  (tmp_path / "best" / "saved_model" / "notes.txt").write_text("precious")
  with pytest.raises(ValueError, match="best/saved_model: will not be replaced, .*notes.txt; choose another directory"):
    run(search, f"--workdir={tmp_path}", *SEARCH, "--train_best")
  assert os.listdir(tmp_path) == ["best"] and os.listdir(tmp_path / "best") == ["saved_model"]


def test_a_finished_training_can_be_exported_again(found, tmp_path):
  target = str(tmp_path / "served")
  assert run(export, f"--workdir={found}/best", f"--saved_model={target}") == 0
  assert os.path.exists(os.path.join(target, "saved_model.pb"))


def test_the_winner_can_be_trained_from_its_json(found, tmp_path, no_graphs):
  small = [f"--{flag}" for flag in SMALL]
  argv = [f"--architecture={found}/best.json", "--train_examples=128", f"--workdir={tmp_path}/run", *small]
  assert run(train, *argv) == 0
  assert os.path.exists(tmp_path / "run" / "saved_model" / "saved_model.pb")
  assert os.listdir(tmp_path / "run" / "tensorboard")


@pytest.mark.parametrize("name", STRINGS)
def test_published_names_and_strings_name_the_same_network(name):
  cell = STRINGS[name]
  assert train.read_genotype(name, "nasnet5") == train.read_genotype(cell.text, cell.space) == cell.genotype


def message(name, *argv, cwd=None):
  """Returns the exit code and the last line that a user sees."""
  program = f"from nao_tf.tools import {name}; {name}.cli()"
  command = [sys.executable, "-c", program, *argv]
  environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
  done = subprocess.run(command, capture_output=True, text=True, cwd=cwd, env=environment, check=False)
  return done.returncode, done.stderr.strip().splitlines()[-1]


def failure(tool, *argv):
  """Returns the message of the error that a binary reports for these flags."""
  with pytest.raises(flagging.REPORTED) as error:
    run(tool, *argv)
  return str(error.value)


def test_an_error_is_one_line_and_an_exit_code(tmp_path):
  code, line = message("train", "--architecture=NAONet-Z", f"--workdir={tmp_path}/run")
  assert code == 1 and line.startswith("error: --architecture is not a published name")


@pytest.mark.parametrize(
  "architecture, expected",
  [
    ("NAONet-Z", "is not a published name"),
    ("DARTS_V2", "did you mean DARTS-V2, DARTS-V1"),
    ("nasnet-a", "did you mean NASNet-A"),
    ("1 2 3", "expected 40 numbers, got 3"),
    (CELLS["NAONet-WS"].text.replace("0 1", "5 1", 1), "position 0 (input)"),
    ("nowhere.json", "nowhere.json"),
  ],
)
def test_a_malformed_architecture_is_explained(architecture, expected, tmp_path):
  assert expected in failure(train, f"--architecture={architecture}", f"--workdir={tmp_path}/run")
  assert not os.path.exists(tmp_path / "run")


def test_an_unknown_task_is_explained(tmp_path):
  assert "nonsense" in failure(search, f"--workdir={tmp_path}", "--task=nonsense", *SEARCH)


def test_missing_data_is_explained(tmp_path):
  text = failure(search, f"--workdir={tmp_path}", "--task=cifar10", f"--data_dir={tmp_path}/none", *SEARCH)
  assert f"{tmp_path}/none" in text and "--download" in text


def test_what_is_no_saved_model_is_explained(tmp_path):
  assert str(tmp_path) in failure(evaluate, f"--saved_model={tmp_path}")


def test_other_settings_in_an_old_directory_are_refused_and_named(found):
  text = failure(search, f"--workdir={found}", *SEARCH, "--child_filters=6")
  assert "network.filters was 4, is 6" in text


def test_a_directory_that_cannot_be_made_is_explained(tmp_path):
  (tmp_path / "file").write_text("")
  assert str(tmp_path / "file") in failure(search, f"--workdir={tmp_path}/file/run", *SEARCH)


def test_a_table_is_searched(tmp_path):
  table = str(tmp_path / "table.npz")
  toy_tables.write_table(table, toy_tables.nasbench201_arrays())
  argv = ["--evaluator=tabular", "--space=nasbench201", f"--table={table}", "--strategy=evolution", "--num_trials=30"]
  assert run(search, f"--workdir={tmp_path}/run", *argv) == 0
  assert len(read_trials(str(tmp_path / "run"))) == 30
  assert "is a table of nasbench201" in failure(search, f"--workdir={tmp_path}/other", *argv, "--space=nasbench101")


@pytest.mark.slow
def test_shared_weights_are_searched_with_and_the_best_trained_from_scratch(tmp_path, capsys, no_graphs):
  sharing = ["pool_size=4", "reference_size=2", "epochs=2", "epochs_per_round=1", "validation_examples=32"]
  options = [
    *SEARCH,
    "--train_examples=64",
    "--shared_batch_size=64",
    "--evaluator=shared_weights",
    *(f"--shared_{flag}" for flag in sharing),
  ]
  for num_trials, num_reranked in ((3, 1), (4, 2)):
    argv = [f"--workdir={tmp_path}", f"--num_trials={num_trials}", f"--rerank={num_reranked}"]
    assert run(search, *options, *argv) == 0
    trials, reranked = read_trials(str(tmp_path)), read_trials(str(tmp_path / RERANK_DIRECTORY))
    assert [trial.evaluation.metrics["epochs"] for trial in trials] == [1, 1, 2, 2][:num_trials]
    assert num_reranked <= len(reranked) <= 3
    best = json.loads((tmp_path / BEST_FILE).read_text())
    winner = next(trial for trial in reranked if trial.reward == best["reward"])
    assert trials[best["trial"]].architecture == winner.architecture
    assert "Trained from scratch" in (tmp_path / "report.html").read_text()
    assert f"best: trial {best['trial']}, reward {best['reward']:.4f}" in capsys.readouterr().out


def test_one_bound_for_networks_of_two_sizes_is_refused(tmp_path):
  options = [*SEARCH, "--evaluator=shared_weights", "--shared_filters=8", "--max_parameters=10000"]
  with pytest.raises(ValueError, match="alike.* got filters 8 and 4$"):
    run(search, *options, f"--workdir={tmp_path}")


def test_an_unknown_flag_value_is_refused(tmp_path):
  with pytest.raises(flags.IllegalFlagValueError, match="strategy"):
    run(search, f"--workdir={tmp_path}", "--strategy=magic")


def test_a_journal_that_is_cut_within_a_line_is_continued(found, tmp_path):
  copy = str(tmp_path / "copy")
  shutil.copytree(found, copy)
  with open(os.path.join(copy, "trials.jsonl"), "r+b") as file:
    file.truncate(os.path.getsize(os.path.join(copy, "trials.jsonl")) - 20)
  assert run(search, f"--workdir={copy}", *SEARCH) == 0
  assert [t.architecture for t in read_trials(copy)] == [t.architecture for t in read_trials(found)]
  assert [t.reward for t in read_trials(copy)] == pytest.approx([t.reward for t in read_trials(found)], abs=0.02)


@pytest.mark.parametrize("name", ["search", "train", "evaluate", "export"])
def test_the_help_says_what_every_flag_is_for(name):
  tool = {"search": search, "train": train, "evaluate": evaluate, "export": export}[name]
  values = flags.FlagValues()
  tool.define_flags(values)
  for flag in values.flags_by_module_dict().values():
    assert all(len(f.help.split()) >= 2 for f in flag)
