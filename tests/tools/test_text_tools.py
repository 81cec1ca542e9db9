"""The binaries on text, as a user runs them: on a toy text, with language models that take seconds."""

import json
import os
import shlex

import pytest

from nao_tf.runs.journal import read_trials
from nao_tf.runs.settings import RunDirectoryError
from nao_tf.spaces.genotypes import LstmGenotype, RecurrentGenotype, genotype_from_json
from nao_tf.tools import evaluate, export, search, train
from tests.support.toy_text import write_files
from tests.tools.test_tools import failure, run

SMALL = ("units=8", "epochs=1", "batch_size=4", "segment_length=10")
FLAGS = [f"--{flag}" for flag in SMALL]
CHILD = [f"--child_{flag}" for flag in SMALL]
SEARCH = ["--task=text", "--space=rnn12", "--strategy=random", "--num_trials=2", "--batch_size=2", *CHILD]


@pytest.fixture(scope="module")
def data(tmp_path_factory):
  """The flags that say where the text is."""
  directory = tmp_path_factory.mktemp("text")
  return [f"--text_dir={write_files(directory)}", f"--data_dir={directory}/prepared"]


@pytest.fixture(scope="module")
def found(tmp_path_factory, data):
  """A finished search whose winner was trained and exported."""
  workdir = str(tmp_path_factory.mktemp("runs") / "search")
  assert run(search, f"--workdir={workdir}", *data, *SEARCH, "--train_best", "--best_units=9") == 0
  return workdir


def test_a_search_finds_the_cell_of_the_lowest_perplexity(found):
  trials = read_trials(found)
  with open(os.path.join(found, "best.json")) as file:
    best = json.load(file)
  lowest = min(trials, key=lambda trial: trial.evaluation.metrics["perplexity"])
  assert len(trials) == 2 and lowest.id == best["trial"]
  assert isinstance(genotype_from_json(best["genotype"]), RecurrentGenotype)
  assert os.path.exists(os.path.join(found, "report.html"))


def test_the_winner_is_exported_and_can_be_measured(found, data, capsys):
  capsys.readouterr()
  assert run(evaluate, f"--saved_model={found}/best/saved_model", "--task=text", *data) == 0
  metrics = json.loads(capsys.readouterr().out.splitlines()[-1])
  assert metrics["split"] == "test" and metrics["tokens"] == 60 and 1 < metrics["perplexity"] < 20


def test_the_last_line_of_a_training_is_a_command_that_evaluates_it(tmp_path, capsys):
  directory = tmp_path / "my text"
  directory.mkdir()
  text = [f"--text_dir={write_files(directory)}", f"--data_dir={directory}/prepared", "--max_vocabulary=7"]
  assert run(train, f"--workdir={tmp_path}/my run", "--task=text", "--architecture=lstm", *text, *FLAGS) == 0
  start, command = capsys.readouterr().out.splitlines()[-1].split(": ", 1)
  name, *argv = shlex.split(command)
  assert (start, name) == ("to evaluate the exported network", "nao-evaluate")
  assert run(evaluate, *argv) == 0
  assert json.loads(capsys.readouterr().out.splitlines()[-1])["tokens"] == 60


@pytest.mark.parametrize("with_text", [False, True])
def test_a_finished_training_can_be_exported_again_with_its_text_or_without(found, data, tmp_path, with_text):
  argv = [f"--workdir={found}/best", f"--saved_model={tmp_path}/served"]
  assert run(export, *argv, *(data if with_text else ())) == 0
  assert os.path.exists(tmp_path / "served" / "saved_model.pb")


def test_an_export_from_another_text_is_refused(found, tmp_path):
  other = write_files(tmp_path, train=b"other words\n" * 60)
  argv = [f"--text_dir={other}", f"--data_dir={tmp_path}/prepared"]
  with pytest.raises(RunDirectoryError, match="is not the text of the run"):
    run(export, f"--workdir={found}/best", f"--saved_model={tmp_path}/served", *argv)
  message = failure(evaluate, f"--saved_model={found}/best/saved_model", "--task=text", *argv)
  assert "another vocabulary, of 10 words where this text has 4; it does not know 'other', 'words'" in message


def test_a_search_is_not_continued_with_another_text(found, tmp_path):
  argv = [f"--text_dir={write_files(tmp_path, test=b'b')}", f"--data_dir={tmp_path}/prepared"]
  assert "files of --text_dir were added, removed or changed since" in failure(
    search, f"--workdir={found}", *argv, *SEARCH
  )


@pytest.mark.parametrize(
  "architecture, kind",
  [
    ("NAO-RNN", RecurrentGenotype),
    ("nao_ws: 0 1 1 1 2 2 1 2 4 1 4 1 4 1 7 1 8 2 1 0 4 1", RecurrentGenotype),
    ("{found}/best.json", RecurrentGenotype),
    ("lstm", LstmGenotype),
  ],
)
def test_cells_are_trained_by_name_by_string_and_from_json(architecture, kind, found, data, tmp_path, capsys):
  text = architecture.format(found=found)
  assert run(train, "--task=text", f"--architecture={text}", f"--workdir={tmp_path}/run", *data, *FLAGS) == 0
  assert "perplexity" in capsys.readouterr().out
  with open(tmp_path / "run" / "saved_model" / "assets" / "genotype.json") as file:
    assert isinstance(genotype_from_json(json.load(file)), kind)


def test_the_text_that_comes_with_python_needs_no_directory(tmp_path):
  argv = ["--task=python_reference", "--max_vocabulary=50", "--train_examples=300", f"--data_dir={tmp_path}/data"]
  assert run(train, "--architecture=lstm", f"--workdir={tmp_path}/run", *argv, *FLAGS) == 0


@pytest.mark.parametrize(
  "flag, expected",
  [
    ("--child_filters=4", "--task=text: its networks and trainings have no child_filters"),
    ("--best_num_cells=4", "--task=text: its networks and trainings have no best_num_cells"),
    ("--validation_fraction=0.5", "task 'text' has no option validation_fraction; it has max_vocabulary, text_dir"),
    ("--space=nasnet5", "text: its networks are built from a RecurrentGenotype or LstmGenotype, got a CellGenotype"),
    ("--text_dir=/nowhere", "--text_dir=/nowhere: there is no such file or directory"),
    ("--train_examples=301", "text: train_examples is 301, but there are only 300 tokens"),
    ("--child_batch_size=301", "a text of 300 tokens cannot be divided into 301 streams"),
    ("--child_units=0", "units must be at least 1, got 0"),
  ],
)
def test_what_does_not_fit_is_explained(flag, expected, data, tmp_path):
  assert expected in failure(search, f"--workdir={tmp_path}", *data, *SEARCH, flag)


@pytest.mark.parametrize(
  "argv, expected",
  [
    (
      ["--task=digits", "--architecture=NAO-RNN"],
      "--architecture=NAO-RNN: digits: its networks are built from a CellGenotype or MotifGenotype or EdgeGenotype or "
      "LayeredGenotype or ConnectedGenotype, got a RecurrentGenotype; use a search space for images",
    ),
    (
      ["--task=digits", "--architecture=NAONet-WS", "--units=4"],
      "--task=digits: its networks and trainings have no units",
    ),
    (["--task=ptb", "--architecture=1 2 3"], "not a string of rnn12: rnn12: expected 22 decisions, got 3"),
    (["--task=ptb", "--architecture=NAO-RNN"], "task 'ptb' needs the directory of its text: --text_dir"),
  ],
)
def test_a_network_of_the_wrong_kind_is_explained(argv, expected, tmp_path):
  assert expected in failure(train, f"--workdir={tmp_path}/run", *argv)


def test_an_export_of_the_other_kind_is_refused(found, data):
  assert "has no signature serving_float" in failure(evaluate, f"--saved_model={found}/best/saved_model")
