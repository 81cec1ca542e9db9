"""Flags for where trials are evaluated: what fits together, and a search in processes that is stopped and continued."""

import os
import signal
import subprocess
import sys
import time

import pytest

from nao_tf.runs.journal import read_trials
from nao_tf.tools import executor_flags, search
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
  ],
)
def test_the_flags_say_which_executor_and_how_many_workers(argv, name, num_workers):
  values = flags(*argv)
  executor_flags.check(values)
  assert (executor_flags.executor_name(values), executor_flags.settings(values).num_workers) == (name, num_workers)


@pytest.mark.parametrize(
  ("argv", "message"),
  [
    (["--executor=inline", "--num_workers=2"], "got --num_workers=2; leave --executor out for 2 processes"),
    (["--num_workers=2", "--evaluator=shared_weights"], "--num_workers=2: --evaluator=shared_weights trains one"),
    (["--trial_timeout=60", "--evaluator=shared_weights"], "--trial_timeout=60: --evaluator=shared_weights trains"),
    (["--executor=processes", "--gpus_per_trial=1"], "--gpus_per_trial is a flag of --executor=ray"),
    (["--worker_memory=2"], "give --executor=processes, too"),
    (["--executor=processes", "--worker_memory=0"], "worker_memory must be above 0"),
    (["--executor=processes", "--evaluator=shared_weights"], "evaluates in this process"),
  ],
)
def test_flags_that_do_not_fit_together_are_refused(argv, message):
  with pytest.raises(ValueError, match=message):
    executor_flags.check(flags(*argv))


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
  assert f"stopped by SIGTERM; the same command goes on from {workdir}" in errors
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
