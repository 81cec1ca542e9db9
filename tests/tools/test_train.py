"""nao-train, nao-export and nao-evaluate on one directory, as a user runs them."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time

import pytest

from nao_tf.runs.run_lock import RunDirectoryInUse, RunLock
from nao_tf.runs.settings import RunDirectoryError
from nao_tf.tools import evaluate, export, train
from tests.support.command_line import parse
from tests.support.one_convolution import GENOTYPE_FILE
from tests.tools.test_tools import SMALL, failure, run

NETWORK = [f"--architecture={GENOTYPE_FILE}", "--train_examples=128", *(f"--{flag}" for flag in SMALL)]


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
  workdir = tmp_path_factory.mktemp("train") / "run"
  assert run(train, f"--workdir={workdir}", *NETWORK) == 0
  return workdir


def test_a_directory_of_any_name_is_trained_resumed_exported_and_evaluated(tmp_path, trained, capsys):
  name = "a[1] b*? 50%s ü ö/"
  workdir, model = os.path.join(str(tmp_path), name), os.path.join(str(tmp_path), "served " + name)
  shutil.copytree(trained, workdir)
  before = open(os.path.join(workdir, "history.jsonl")).read()
  assert run(train, f"--workdir={workdir}", *NETWORK) == 0
  assert open(os.path.join(workdir, "history.jsonl")).read() == before
  assert run(export, f"--workdir={workdir}", f"--saved_model={model}") == 0
  capsys.readouterr()
  for directory in (model, os.path.join(workdir, "saved_model")):
    assert run(evaluate, f"--saved_model={directory}") == 0
  first, second = (json.loads(line) for line in capsys.readouterr().out.splitlines())
  assert first["accuracy"] == second["accuracy"]


def test_the_best_checkpoint_is_exported_on_demand(tmp_path, trained):
  shutil.copytree(trained, tmp_path / "run")
  assert run(export, f"--workdir={tmp_path}/run", f"--saved_model={tmp_path}/best", "--checkpoint=best") == 0
  (tmp_path / "run" / "checkpoints" / "best.json").unlink()
  with pytest.raises(RunDirectoryError, match="no checkpoint of a best epoch"):
    run(export, f"--workdir={tmp_path}/run", f"--saved_model={tmp_path}/other", "--checkpoint=best")


def test_an_export_needs_no_data(tmp_path, trained):
  shutil.copytree(trained, tmp_path / "run")
  settings = json.loads((tmp_path / "run" / "config.json").read_text())
  (tmp_path / "run" / "config.json").write_text(json.dumps({**settings, "task": "cifar10"}))
  argv = [f"--workdir={tmp_path}/run", f"--saved_model={tmp_path}/served", f"--data_dir={tmp_path}/nowhere"]
  assert run(export, *argv) == 0
  (tmp_path / "run" / "task.json").unlink()
  assert f"{tmp_path}/nowhere" in failure(export, *argv)


@pytest.mark.parametrize("typo", ["--optimizer=Sdg", "--batch_size=5000", "--num_cells=0"])
def test_a_typo_does_not_bind_the_directory(tmp_path, typo):
  with pytest.raises(ValueError):
    run(train, f"--workdir={tmp_path}", *NETWORK, typo)
  assert not (tmp_path / "config.json").exists()


def test_settings_bind_once_there_is_an_epoch(tmp_path):
  (tmp_path / "config.json").write_text(json.dumps({"genotype": {}, "seed": 7}))
  assert run(train, f"--workdir={tmp_path}", *NETWORK) == 0
  with pytest.raises(RunDirectoryError, match="seed was 0, is 1"):
    run(train, f"--workdir={tmp_path}", *NETWORK, "--seed=1")


def test_the_directory_of_a_search_is_refused(tmp_path):
  (tmp_path / "config.json").write_text(json.dumps({"space": "nasnet5"}))
  with pytest.raises(RunDirectoryError, match="was made with other settings"):
    run(train, f"--workdir={tmp_path}", *NETWORK)


def test_the_second_process_is_refused_before_any_work(tmp_path):
  with RunLock(str(tmp_path)), pytest.raises(RunDirectoryInUse, match=f"process {os.getpid()} on"):
    run(train, f"--workdir={tmp_path}", *NETWORK, "--task=no_such_task_is_looked_for_first")


def test_a_place_that_cannot_be_exported_to_is_reported_before_the_training(tmp_path):
  (tmp_path / "saved_model").mkdir()
  (tmp_path / "saved_model" / "notes.txt").write_text("precious")
  assert "holds notes.txt" in failure(train, f"--workdir={tmp_path}", *NETWORK)
  assert not (tmp_path / "history.jsonl").exists()


@pytest.mark.slow
def test_a_training_that_is_told_to_end_writes_a_checkpoint_and_says_how_to_go_on(tmp_path):
  command = [sys.executable, "-m", "nao_tf.tools.train", f"--workdir={tmp_path}/run", *NETWORK, "--epochs=100000"]
  with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
    history = tmp_path / "run" / "history.jsonl"
    deadline = time.monotonic() + 200
    while not (history.exists() and history.read_text()) and time.monotonic() < deadline:
      time.sleep(0.1)
    process.send_signal(signal.SIGTERM)
    _, errors = process.communicate()
  assert process.returncode == 143
  assert (
    f"stopped by SIGTERM; the same command resumes from {tmp_path}/run: nao-train --workdir={tmp_path}/run" in errors
  )
  newest = max(int(path.stem.split("-")[1]) for path in (tmp_path / "run" / "checkpoints").glob("*.index"))
  assert newest >= 2 * len(history.read_text().splitlines())


def test_the_next_command_is_printed_if_there_is_something_to_evaluate_on(tmp_path, capsys):
  (tmp_path / "saved_model").mkdir()
  flag_values = parse(train, f"--workdir={tmp_path}", *NETWORK, "--image_size=9", "--validation_fraction=0.5")
  train.print_next(str(tmp_path), flag_values)
  assert not capsys.readouterr().out
  (tmp_path / "test.json").write_text("{}")
  train.print_next(str(tmp_path), flag_values)
  command = f"nao-evaluate --saved_model={tmp_path}/saved_model --task=digits --image_size=9"
  assert capsys.readouterr().out == f"to evaluate the exported network: {command}\n"
