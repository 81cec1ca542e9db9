"""The binary that searches cells through KerasTuner, on digits, with networks that take seconds."""

import json
import os
import pathlib
import socket
import subprocess
import sys

import pytest
import tensorflow as tf
from absl import flags

from nao_tf.runs.run_lock import RunDirectoryInUse
from nao_tf.runs.settings import RunDirectoryError
from nao_tf.spaces import make_space
from nao_tf.spaces.genotypes import CellGenotype
from nao_tf.tools import recorded_flags, search, search_flags, tune, tuning
from tests.support.toy_text import write_files
from tests.tools.test_tools import CHILD

TUNE = ["--strategy=random", "--num_trials=2", "--train_examples=64", *CHILD, "--child_filters=2"]


def run(workdir, *argv):
  """Runs the binary in this process."""
  values = flags.FlagValues()
  tune.define_flags(values)
  values(["program", "--nodeterministic", f"--workdir={workdir}", *TUNE, *argv])
  return tune.main(values)


@pytest.mark.slow
def test_a_search_leaves_its_project_settings_and_winner(tmp_path, capsys):
  assert run(tmp_path) == 0
  assert "best: trial" in capsys.readouterr().out
  with open(tmp_path / "best.json") as file:
    best = json.load(file)
  space = make_space("nasnet5")
  assert space.decode(space.parse(best["architecture"])) == CellGenotype.from_json(best["genotype"])
  assert set(best["metrics"]) >= {"reward", "val_accuracy", "val_loss"}
  assert {"trial_0", "trial_1", "oracle.json"} <= set(os.listdir(tmp_path / "tuner"))
  assert run(tmp_path) == 0  # Nothing is left to do.
  taken_up = recorded_flags.taken_up("tune", ["nao-tune", f"--workdir={tmp_path}"])
  values = flags.FlagValues()
  tune.define_flags(values)
  values(taken_up)
  assert tune.main(values) == 0
  with pytest.raises((RunDirectoryError, ValueError), match="seed"):
    run(tmp_path, "--seed=1")


@pytest.mark.slow
def test_a_chief_and_two_workers_with_two_replicas_each_search_together(tmp_path):
  with socket.socket() as probe:
    probe.bind(("localhost", 0))
    port = str(probe.getsockname()[1])
  environment = {**os.environ, "KERASTUNER_ORACLE_IP": "localhost", "KERASTUNER_ORACLE_PORT": port}
  argv = ["--nodeterministic", "--num_replicas=2", *TUNE]
  command = [sys.executable, "-m", "nao_tf.tools.tune", f"--workdir={tmp_path}", *argv]
  processes = [
    subprocess.Popen(command, env={**environment, "KERASTUNER_TUNER_ID": name}, stdout=subprocess.PIPE, text=True)
    for name in ("chief", "worker0", "worker1")
  ]
  outputs = [process.communicate(timeout=500)[0] for process in processes]
  assert [process.returncode for process in processes] == [0, 0, 0]
  assert "best: trial" in outputs[0]
  assert sum(output.count("reward") for output in outputs[1:]) == 2


@pytest.mark.slow
def test_cells_of_language_models_are_searched_too(tmp_path):
  child = ("units=8", "epochs=1", "batch_size=4", "segment_length=10")
  values = flags.FlagValues()
  tune.define_flags(values)
  argv = [f"--workdir={tmp_path}/run", f"--text_dir={write_files(tmp_path)}", f"--data_dir={tmp_path}/prepared"]
  values(["program", *argv, "--task=text", "--space=rnn12", "--num_trials=2", *(f"--child_{flag}" for flag in child)])
  assert tune.main(values) == 0
  with open(tmp_path / "run" / "best.json") as file:
    assert json.load(file)["metrics"]["val_perplexity"] > 1


def test_a_work_directory_is_required(tmp_path):
  values = flags.FlagValues()
  tune.define_flags(values)
  with pytest.raises(flags.IllegalFlagValueError, match="workdir"):
    values(["program"])


def test_the_flagfile_for_a_first_search_is_for_both_binaries(tmp_path):
  path = pathlib.Path(__file__).parent.parent.parent / "flags" / "tune_quickstart.flags"
  for tool in (tune, search):
    values = flags.FlagValues()
    tool.define_flags(values)
    values(["program", f"--flagfile={path}", f"--workdir={tmp_path}"])
  values = flags.FlagValues()
  tune.define_flags(values)
  values(["program", f"--flagfile={path}", f"--workdir={tmp_path}", "--trial_timeout=600"])
  tuner = tuning.make_tuner(values, tf.distribute.get_strategy())
  assert tuner.oracle.trial_timeout == 600 and tuner.oracle.max_trials == 40


def test_a_search_all_of_whose_trials_failed_is_an_error_with_its_reason(tmp_path, capsys, monkeypatch):
  monkeypatch.setattr(search_flags, "proposal_space", lambda values: make_space(values.space))  # Nothing is bounded.
  assert run(tmp_path, "--max_parameters=1") == 1
  message = capsys.readouterr().err
  assert "error: all 2 trials failed" in message and "Oversized model" in message


def test_a_work_directory_in_which_another_process_searches_is_refused(tmp_path):
  holds = "import sys; from nao_tf.runs.run_lock import RunLock; lock = RunLock(sys.argv[1]); print(); sys.stdin.read()"
  command = [sys.executable, "-c", holds, str(tmp_path / "tuner")]
  with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
    other.stdout.readline()
    with pytest.raises(RunDirectoryInUse, match=f"process {other.pid}"):
      run(tmp_path)
    assert not (tmp_path / "config.json").exists()


def test_the_help_says_what_the_network_must_be_like():
  assert "every machine is trusted" in tune.__doc__


def test_what_began_no_trial_is_forgotten_and_what_began_one_is_not(tmp_path):
  for name in ("begun", "unbegun"):
    project = tmp_path / name / "tuner"
    project.mkdir(parents=True)
    for path in (project / "oracle.json", project / "tuner0.json", project.parent / "config.json"):
      path.write_text("{}")
  (tmp_path / "begun" / "tuner" / "trial_0").mkdir()
  tuning.forget_unbegun(str(tmp_path / "begun"))
  assert {path.name for path in (tmp_path / "begun").rglob("*.json")} == {"oracle.json", "tuner0.json", "config.json"}
  tuning.forget_unbegun(str(tmp_path / "unbegun"))
  assert {path.name for path in (tmp_path / "unbegun").rglob("*.json")} <= {"lock.json"}


@pytest.mark.parametrize(
  ("argv", "message"),
  [
    (["--child_batch_size=65"], "--child_batch_size=65: digits: a batch of 65 is more than the"),
    (["--validation_fraction=0"], "--validation_fraction must be above 0: a search needs a validation set"),
    (["--space=rnn12"], "--space=rnn12: digits: its networks are built from a CellGenotype"),
    (["--space=nasbench201"], "need --child_convention=nasbench201"),
    (["--child_accumulate_steps=5"], "a batch_size of 64 cannot be divided into --child_accumulate_steps=5"),
  ],
)
def test_what_cannot_be_trained_is_refused_before_the_search_begins(tmp_path, argv, message):
  with pytest.raises(ValueError, match=message):
    run(tmp_path / "tried", *argv)
  assert not (tmp_path / "tried").exists()
