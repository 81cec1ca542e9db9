"""Trials on a cluster of Ray; skipped where Ray is not installed."""

import dataclasses
import importlib.util
import os

import pytest

from nao_tf.evaluators.base import EvaluatorError
from nao_tf.runs.attempts import Attempts
from nao_tf.searches.executors import ExecutorSettings, Run, make_executor
from nao_tf.training.base import Epoch
from nao_tf.trial import Trial
from tests.searches.executors import children
from tests.searches.executors.test_processes import evaluated, log_of

needs_ray = pytest.mark.skipif(importlib.util.find_spec("ray") is None, reason="Ray is not installed")


@pytest.fixture
def run(tmp_path):
  attempts = Attempts(str(tmp_path), ())
  yield Run(str(tmp_path), attempts, 1)
  attempts.close()


@pytest.fixture(scope="module")
def cluster():
  import ray

  ray.init(address="local", num_cpus=2, include_dashboard=False, log_to_driver=False)
  yield ray
  ray.shutdown()


@pytest.fixture
def executor(cluster):
  settings = ExecutorSettings(num_workers=None, trial_timeout=3)
  with make_executor("ray", children.make, settings) as executor:
    yield executor


@pytest.mark.skipif(importlib.util.find_spec("ray") is not None, reason="Ray is installed")
def test_without_ray_the_error_says_how_to_install_it():
  with pytest.raises(ValueError, match=r"pip install 'nao-tf\[ray\]'"):
    make_executor("ray", children.make)


@needs_ray
def test_there_are_as_many_workers_as_the_cluster_has_room_for(executor):
  assert executor.num_workers == executor.num_free == 2


@needs_ray
def test_a_trial_that_no_node_has_room_for_waits_and_says_so(cluster, run, caplog):
  settings = ExecutorSettings(num_workers=None, gpus_per_trial=1)
  with make_executor("ray", children.make, settings) as executor:
    executor.start(run)
    executor.submit([Trial(0, (0, 1))])
    assert (
      executor.next_done() is None
      and "too few resources for a trial, which needs {'CPU': 1.0, 'GPU': 1}" in caplog.text
    )
    assert executor.status()[0].state == "waiting" and run.attempts.count(0) == 0


@needs_ray
def test_bad_children_fail_and_touch_no_other(executor, run):
  epochs = {}
  run = dataclasses.replace(run, on_epoch=lambda trial, epoch: epochs.update({trial: epoch}))
  reasons = {1: "KeyError: 'missing'", 4: "with status 3", 5: "by SIGKILL", 6: "by SIGSEGV", 8: "longer than 3 seconds"}
  done = evaluated(executor, run, [(0, 5), *((kind, 1) for kind in reasons), (0, 6)])
  assert [done[number].reward for number in sorted(done)] == [5, None, None, None, None, None, 6]
  for number, (kind, reason) in enumerate(reasons.items(), start=1):
    assert reason in done[number].evaluation.metrics["reason"] and f"child {kind} speaks" in log_of(run, number)
  assert "missing" in done[1].evaluation.metrics["log"]
  assert epochs[0] == Epoch(1, 2, {"kind": 0}) and 6 in epochs  # Whatever became of others.


@needs_ray
def test_a_trial_whose_actor_is_lost_is_begun_again_elsewhere(cluster, executor, run):
  executor.start(run)
  executor.submit([Trial(0, (8, 0))])
  assert run.attempts.count(0) == 0
  while executor.status()[0].state != "evaluating":
    assert executor.next_done() is None
  assert run.attempts.count(0) == 1
  (work,) = executor._working.values()
  cluster.kill(work.actor)
  while (closed := executor.next_done()) is None:
    pass
  assert "took longer than 3 seconds" in closed.evaluation.metrics["reason"]  # As it would on any machine.
  assert run.attempts.count(0) == 1  # That the first one was lost is no fault of the child.


@needs_ray
def test_a_trial_that_loses_actor_after_actor_fails(cluster, executor, run):
  executor.start(run)
  executor.submit([Trial(0, (8, 0))])
  for _ in range(2):
    while executor.status()[0].state != "evaluating":
      assert executor.next_done() is None
    (work,) = executor._working.values()
    cluster.kill(work.actor)
    while work in executor._working.values():
      closed = executor.next_done()
  assert closed is not None and "lost its worker 2 times" in closed.evaluation.metrics["reason"]


@needs_ray
def test_an_actor_that_is_lost_as_it_rests_costs_no_trial_anything(cluster, executor, run):
  assert [trial.reward for trial in evaluated(executor, run, [(0, 5), (0, 6)]).values()] == [5, 6]
  for actor in executor._resting:
    cluster.kill(actor)
  patient = dataclasses.replace(run, retries=0)
  assert sorted(trial.reward for trial in evaluated(executor, patient, [(0, 7), (0, 8)]).values()) == [7, 8]


@needs_ray
def test_a_trial_does_not_wait_for_an_actor_without_room_while_others_rest(cluster, run):
  with make_executor("ray", children.make, ExecutorSettings(num_workers=3)) as executor:
    done = evaluated(executor, run, [(0, number) for number in range(4)])
  assert sorted(trial.reward for trial in done.values()) == [0, 1, 2, 3]


@needs_ray
def test_cancelled_trials_do_not_count_as_begun(executor, run):
  executor.start(run)
  executor.submit([Trial(0, (8, 0))])
  executor.cancel()
  assert executor.is_idle and run.attempts.count(0) == 0


@needs_ray
def test_an_evaluator_that_cannot_be_made_ends_the_search(cluster, run):
  with make_executor("ray", children.fail_to_make) as executor, pytest.raises(EvaluatorError, match="no such table"):
    evaluated(executor, run, [(0, 0)])


@needs_ray
def test_a_function_of_the_main_program_is_sent_to_the_workers(cluster, run):
  path = os.path.join(run.directory, "seen")

  class Local:
    def evaluate(self, architectures):
      with open(path, "w") as file:
        file.write("here")
      yield from children.Misbehaving().evaluate(architectures)

  with make_executor("ray", lambda: Local()) as executor:
    assert evaluated(executor, run, [(0, 3)])[0].reward == 3
  assert os.path.exists(path)
