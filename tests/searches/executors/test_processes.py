"""A child is a guest: whatever it does, its trial ends with an evaluation, and no other trial is touched."""

import dataclasses
import os
import signal
import subprocess
import sys
import time

import pytest

from nao_tf.evaluators.base import EvaluatorError
from nao_tf.runs.attempts import Attempts
from nao_tf.searches.executors import ExecutorSettings, Run, make_executor
from nao_tf.searches.executors.machine import num_cores
from nao_tf.training.base import Epoch
from nao_tf.trial import Trial
from tests.searches.executors import children

REASONS = {
  1: "KeyError: 'missing'",
  2: "Unheard: of",
  3: "SystemExit: 4",
  4: "ended its process with status 3",
  5: "ended its process by SIGKILL, as the system does when there is no memory left",
  6: "ended its process by SIGSEGV",
  7: "GiB of memory, more than worker_memory, 0.45 GiB",
  8: "took longer than 3 seconds",
  9: "lost its worker 2 times; the last one was ended by SIGTERM",
}


@pytest.fixture
def run(tmp_path):
  attempts = Attempts(str(tmp_path), ())
  yield Run(str(tmp_path), attempts, 1)
  attempts.close()


def evaluated(executor, run, architectures):
  """Returns the trials of architectures by id, in order of completion."""
  executor.start(run)
  waiting, done = [Trial(number, architecture) for number, architecture in enumerate(architectures)], {}
  while waiting or not executor.is_idle:
    room = executor.num_free
    executor.submit(waiting[:room])
    waiting = waiting[room:]
    closed = executor.next_done()
    if closed is not None:
      done[closed.id] = closed
  return done


def log_of(run, trial):
  with open(os.path.join(run.directory, "trials", str(trial), "log.txt")) as file:
    return file.read()


@pytest.fixture(scope="module")
def two_workers():
  settings = ExecutorSettings(num_workers=2, trial_timeout=3, worker_memory=0.45)
  with make_executor("processes", children.make, settings) as executor:
    yield executor


def test_bad_children_fail_and_touch_no_other(two_workers, run):
  epochs = {}
  run = dataclasses.replace(run, on_epoch=lambda trial, epoch: epochs.update({trial: epoch}))
  architectures = [(0, 5), *((kind, 1) for kind in REASONS), (0, 6)]
  done = evaluated(two_workers, run, architectures)
  assert len(done) == len(architectures)
  for kind, reason in REASONS.items():
    assert done[kind].reward is None and reason in done[kind].evaluation.metrics["reason"]
    assert f"child {kind} speaks" in log_of(run, kind)
  assert "Segmentation fault" in log_of(run, 6)
  assert "missing" in done[1].evaluation.metrics["log"] and "Unheard: of" in done[2].evaluation.metrics["log"]
  assert (done[0].reward, done[10].reward) == (5, 6) and "log" not in done[0].evaluation.metrics
  assert run.attempts.count(9) == 1  # What is no fault of the child does not count.
  assert log_of(run, 0) == "child 0 speaks\n"
  assert epochs[0] == Epoch(1, 2, {"kind": 0}) and 10 in epochs  # Whatever became of others.


def test_children_of_stranger_kinds_touch_no_other(two_workers, run):
  reasons = {
    0: "ended its process with status 1",
    1: "ended its process with status 3",
    2: "ended its process with status 3",
    3: "ValueError: a reward must be finite, got nan",
  }
  done = evaluated(two_workers, run, [(10, 1), (12, 1), (14, 1), (0, -1), (0, 5)])
  for number, reason in reasons.items():
    assert done[number].reward is None and reason in done[number].evaluation.metrics["reason"]
  assert "KeyboardInterrupt" in done[0].evaluation.metrics["log"] and done[4].reward == 5
  assert not is_alive(int(log_of(run, 1).split("started ")[1]))


def is_alive(pid):
  try:
    with open(f"/proc/{pid}/stat") as file:
      return file.read().rpartition(")")[2].split()[0] != "Z"
  except FileNotFoundError:
    return False


def test_a_child_that_closes_its_output_does_not_silence_the_next(run):
  with make_executor("processes", children.make) as executor:
    done = evaluated(executor, run, [(11, 1), (0, 2), (13, 3)])
  assert [done[number].reward for number in range(3)] == [1, 2, 3]
  assert len({trial.evaluation.metrics["process"] for trial in done.values()}) == 1
  assert log_of(run, 1) == "child 0 speaks\n"
  assert "hello" in log_of(run, 2)  # A child may start processes.


def test_workers_are_kept_and_have_a_share_of_the_cores(two_workers, run):
  done = evaluated(two_workers, run, [(0, number) for number in range(8)])
  assert 1 <= len({trial.evaluation.metrics["process"] for trial in done.values()}) <= 2
  assert [done[number].reward for number in range(8)] == list(range(8))
  threads = {trial.evaluation.metrics["OMP_NUM_THREADS"] for trial in done.values()}
  assert threads == {os.environ.get("OMP_NUM_THREADS", str(max(1, num_cores() // 2)))}


def test_a_worker_that_was_ended_from_outside_is_replaced_and_its_trial_begun_again(two_workers, run):
  two_workers.start(run)
  two_workers.submit([Trial(0, (8, 0))])
  while two_workers.status()[0].state != "evaluating" and two_workers.status()[1].state != "evaluating":
    two_workers.next_done()
  evaluating = next(worker for worker in two_workers._workers if worker.is_evaluating)
  os.kill(evaluating.pid, signal.SIGTERM)
  while two_workers.next_done() is None:
    pass
  assert two_workers.is_idle and two_workers.num_free == 2


def test_cancelled_trials_do_not_count_as_begun(two_workers, run):
  two_workers.start(run)
  two_workers.submit([Trial(0, (8, 0)), Trial(1, (8, 1))])
  assert [run.attempts.count(number) for number in (0, 1)] == [0, 0]  # A worker that starts is not an attempt.
  while any(worker.state != "evaluating" for worker in two_workers.status()):
    assert two_workers.next_done() is None
  assert [run.attempts.count(number) for number in (0, 1)] == [1, 1]
  two_workers.cancel()
  assert two_workers.is_idle and [run.attempts.count(number) for number in (0, 1)] == [0, 0]


def test_a_worker_that_keeps_too_much_memory_is_replaced_between_trials(run):
  settings = ExecutorSettings(num_workers=1, worker_memory=0.7)
  with make_executor("processes", children.make_keeping, settings) as executor:
    done = evaluated(executor, run, [(0, number) for number in range(4)])
  assert all(trial.reward is not None for trial in done.values())
  assert len({trial.evaluation.metrics["process"] for trial in done.values()}) > 1


@pytest.mark.parametrize(
  ("make", "message"), [(children.fail_to_make, "no such table"), (children.exit_while_making, "before it was ready")]
)
def test_an_evaluator_that_cannot_be_made_ends_the_search(run, make, message):
  with make_executor("processes", make) as executor, pytest.raises(EvaluatorError, match=message):
    evaluated(executor, run, [(0, 0)])


SCRIPT = """
import sys
from nao_tf.runs.journal import Journal
from nao_tf.searches.executors import make_executor
from nao_tf.searches.loop import run_search
from nao_tf.strategies import make_strategy
from tests.searches.executors import children
from tests.support.toys import ToySpace

print("imported", flush=True)
with Journal(sys.argv[1], {}) as journal, make_executor("processes", children.make) as executor:
  run_search(make_strategy("random", ToySpace()), executor, journal, num_trials=2, batch_size=1)
"""


def test_a_script_that_searches_when_it_is_imported_is_told_at_once(tmp_path):
  (tmp_path / "script.py").write_text(SCRIPT)
  paths = os.pathsep.join(filter(None, [os.getcwd(), os.environ.get("PYTHONPATH")]))
  command = [sys.executable, str(tmp_path / "script.py"), str(tmp_path / "run")]
  done = subprocess.run(
    command, capture_output=True, text=True, env={**os.environ, "PYTHONPATH": paths}, timeout=120, check=False
  )
  assert done.returncode == 1 and done.stdout.count("imported") == 2  # One worker was enough.
  assert 'must start its search below `if __name__ == "__main__":`' in done.stderr.strip().rpartition("\n")[2]


def test_closing_ends_the_processes(run):
  with make_executor("processes", children.make) as executor:
    process = evaluated(executor, run, [(0, 0)])[0].evaluation.metrics["process"]
  deadline = time.monotonic() + 10
  while os.path.exists(f"/proc/{process}") and time.monotonic() < deadline:
    time.sleep(0.01)
  assert not os.path.exists(f"/proc/{process}")


def test_each_worker_sees_its_own_gpu_and_no_other(run, monkeypatch):
  monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3,5")
  with make_executor("processes", children.make, ExecutorSettings(num_workers=None)) as executor:
    executor.start(run)
    executor.submit([Trial(0, (0, 0)), Trial(1, (0, 1))])  # One for each worker.
    done = []
    while not executor.is_idle:
      done += [trial for trial in [executor.next_done()] if trial]
  assert sorted(trial.evaluation.metrics["CUDA_VISIBLE_DEVICES"] for trial in done) == ["3", "5"]
  assert os.environ["CUDA_VISIBLE_DEVICES"] == "3,5"
