"""Executors by name, and what the settings of all of them allow."""

import pytest

from nao_tf.runs.attempts import Attempts
from nao_tf.searches.executors import EXECUTORS, Executor, ExecutorSettings, Run, executor_class, make_executor
from nao_tf.trial import Trial
from tests.support.toys import CountingEvaluator


@pytest.mark.parametrize("name", EXECUTORS)
def test_every_name_is_a_class_of_executors(name):
  assert issubclass(executor_class(name), Executor)


def test_a_name_that_stands_for_nothing_is_refused():
  with pytest.raises(
    ValueError, match="unknown executor 'threads'; expected one of inline, processes, ray, or package"
  ):
    make_executor("threads", CountingEvaluator)
  with pytest.raises(ValueError, match="expected a class with a class method make"):
    make_executor("tests.support.toys:CountingEvaluator", CountingEvaluator)


@pytest.mark.parametrize(
  ("wrong", "message"),
  [
    ({"num_workers": 0}, "num_workers must be at least 1"),
    ({"trial_timeout": 0.0}, "trial_timeout must be above 0"),
    ({"trial_timeout": float("nan")}, "trial_timeout must be above 0"),
    ({"worker_memory": -1.0}, "worker_memory must be above 0"),
    ({"gpus_per_trial": -0.5}, "gpus_per_trial must be at least 0"),
    ({"cpus_per_trial": 0.0}, "cpus_per_trial above 0"),
  ],
)
def test_numbers_out_of_range_are_refused(wrong, message):
  with pytest.raises(ValueError, match=message):
    ExecutorSettings(**wrong)


@pytest.mark.parametrize("wrong", [{"num_workers": 2}, {"trial_timeout": 60.0}])
def test_what_takes_other_processes_is_refused_in_this_one(wrong):
  with pytest.raises(ValueError, match="use processes"):
    make_executor("inline", CountingEvaluator, ExecutorSettings(**wrong))


def test_the_inline_executor_takes_a_batch_at_a_time(tmp_path):
  executor = make_executor("inline", CountingEvaluator)
  attempts = Attempts(str(tmp_path), ())
  executor.start(Run(str(tmp_path), attempts, 0))
  executor.submit([Trial(0, (1, 1)), Trial(1, (1, 0))])
  assert executor.num_free == 0 and [executor.next_done().id for _ in range(2)] == [0, 1]
  assert executor.next_done() is None and executor.is_idle and executor.num_free > 100
  attempts.close()
