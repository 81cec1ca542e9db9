"""Flags for where trials are evaluated: what fits together, and a search in processes that is stopped and continued."""

import os
import signal
import subprocess
import sys
import time

import pytest

from nao_tf.runs.finalists import RERANK_DIRECTORY
from nao_tf.runs.journal import read_trials
from nao_tf.tools import evaluator_flags, executor_flags, search
from tests.support import toy_tables
from tests.support.command_line import parse, run


def flags(*argv):
  return parse(search, "--workdir=none", *argv)


@pytest.mark.parametrize(
  ("argv", "name", "num_workers"),
  [
    ([], "inline", 1),
    (["--trial_timeout=60"], "processes", 1),
    (["--trial_timeout=60", "--num_workers=3"], "processes", 3),
    (["--num_workers=4"], "processes", 4),
    (["--num_workers=auto"], "processes", None),
    (["--num_workers=2", "--worker_memory=1.5"], "processes", 2),
    (["--executor=inline", "--num_workers=1"], "inline", 1),
    (["--executor=processes", "--num_workers=auto"], "processes", None),
    (["--executor=ray", "--gpus_per_trial=0.5", "--ray_address=auto"], "ray", 1),
    (["--evaluator=shared_weights", "--rerank=2", "--executor=processes"], "processes", 1),
    (["--evaluator=shared_weights", "--num_workers=2"], "processes", 2),
  ],
)
def test_the_flags_say_which_executor_and_how_many_workers(argv, name, num_workers):
  values = flags(*argv)
  executor_flags.check(values)
  assert (executor_flags.executor_name(values), executor_flags.settings(values).num_workers) == (name, num_workers)


@pytest.mark.parametrize(
  ("argv", "message"),
  [
    (["--executor=inline", "--num_workers=2"], "got --num_workers=2; omit --executor to use 2 processes"),
    (["--executor=processes", "--gpus_per_trial=1"], "--gpus_per_trial needs --executor=ray"),
    (["--worker_memory=2"], "--worker_memory limits worker processes; it needs --executor=processes"),
    (["--executor=processes", "--worker_memory=0"], "worker_memory must be above 0"),
  ],
)
def test_flags_that_do_not_fit_together_are_refused(argv, message):
  with pytest.raises(ValueError, match=message):
    executor_flags.check(flags(*argv))


def test_a_time_limit_for_one_is_refused_where_all_are_trained_at_once():
  with pytest.raises(ValueError, match="--evaluator=shared_weights trains one supernet for all"):
    evaluator_flags.check(flags("--trial_timeout=60", "--evaluator=shared_weights"))


@pytest.mark.parametrize("text", ["0", "-1", "two", "1.5"])
def test_a_number_of_workers_is_whole_and_positive(text):
  with pytest.raises(Exception, match="expected a whole number above 0, or auto"):
    flags(f"--num_workers={text}")


@pytest.mark.slow
def test_a_search_in_processes_is_stopped_and_goes_on_in_this_process(tmp_path):
  table, workdir = str(tmp_path / "table.npz"), str(tmp_path / "run")
  toy_tables.write_table(table, toy_tables.nasbench201_arrays())
  argv = ["--evaluator=tabular", "--space=nasbench201", f"--table={table}", "--strategy=random", f"--workdir={workdir}"]
  command = [sys.executable, "-m", "nao_tf.tools.search", *argv, "--num_trials=15000", "--batch_size=1"]
  workers = ["--executor=processes", "--num_workers=2"]
  with subprocess.Popen([*command, *workers], stderr=subprocess.PIPE, text=True) as process:
    deadline = time.monotonic() + 120
    while process.poll() is None and num_lines(workdir) < 20 and time.monotonic() < deadline:
      time.sleep(0.1)
    process.send_signal(signal.SIGTERM)
    _, errors = process.communicate()
  assert process.returncode == 143
  assert f"stopped by SIGTERM; the same command resumes from {workdir}" in errors
  before = read_trials(workdir)
  count = len(before)
  assert run(search, *argv, f"--num_trials={count}", "--batch_size=1") == 0
  after = read_trials(workdir)
  assert len(after) == count and all(trial.evaluation is not None for trial in after)
  assert all(trial in after for trial in before if trial.evaluation is not None)


def num_lines(workdir):
  path = os.path.join(workdir, "trials.jsonl")
  if not os.path.exists(path):
    return 0
  with open(path, "rb") as file:
    return file.read().count(b"\n")


@pytest.mark.slow
def test_workers_score_with_shared_weights_and_train_the_best_as_one_process_does(tmp_path, monkeypatch):
  monkeypatch.setenv("TF_NUM_INTRAOP_THREADS", "1")  # As in this process, so that sums are of the same order.
  sizes = ["pool_size=4", "reference_size=2", "epochs=2", "epochs_per_round=1", "validation_examples=100"]
  child = ["num_cells=1", "filters=4", "batch_size=64", "epochs=1"]
  argv = ["--strategy=random", "--space=tests.support.tiny_cells:pairs", "--train_examples=256", "--batch_size=2"]
  argv += ["--num_trials=4", "--rerank=2", "--evaluator=shared_weights", "--nochild_auxiliary"]
  argv += [*(f"--shared_{size}" for size in sizes), *(f"--child_{size}" for size in child)]
  for name, workers in {"inline": [], "workers": ["--num_workers=2"]}.items():
    command = [sys.executable, "-m", "nao_tf.tools.search", *argv, *workers, f"--workdir={tmp_path / name}"]
    subprocess.run(command, check=True, timeout=800)
  for directory, num_trials in (("", 4), (RERANK_DIRECTORY, 2)):
    here, there = (comparable_trials(tmp_path / name / directory) for name in ("inline", "workers"))
    assert list(here) == list(there) and len(here) == num_trials
    for architecture, metrics in here.items():
      assert metrics == pytest.approx(there[architecture], rel=1e-4)
  logs = tmp_path / "workers" / RERANK_DIRECTORY / "trials"
  assert sorted(os.listdir(logs)) == ["0", "1"]  # Its children are trained by workers, too.


def comparable_trials(directory):
  """Returns rewards and metrics by architecture, in the order of the trials."""
  trials = sorted(read_trials(str(directory)), key=lambda trial: trial.id)
  return {trial.architecture: {**trial.evaluation.metrics, "reward": trial.reward} for trial in trials}
