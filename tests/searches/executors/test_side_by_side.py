"""Trials that belong to no search are evaluated by any executor, also one that ends them in another order."""

import pytest

from nao_tf.searches.executors.side_by_side import evaluate_side_by_side, evaluations_in_order
from nao_tf.trial import Trial
from tests.support.scripted_executor import Killed, ScriptedExecutor
from tests.support.toys import CountingEvaluator

ARCHITECTURES = [(1, 0), (0, 1), (1, 1), (0, 0), (1, 0)]


def test_trials_come_as_they_end_and_no_more_are_held_than_there_are_workers():
  executor = ScriptedExecutor(2, [1, 1, 0])
  trials = [Trial(number, architecture) for number, architecture in enumerate(ARCHITECTURES)]
  assert [trial.id for trial in evaluate_side_by_side(executor, trials)] == [1, 2, 0, 3, 4]
  assert executor.most_at_a_time == 2 and executor.is_idle


def test_evaluations_are_in_order_whatever_ends_first():
  executor = ScriptedExecutor(3, [2, 1, 1])
  evaluations = list(evaluations_in_order(executor, ARCHITECTURES))
  assert evaluations == [CountingEvaluator().score(architecture) for architecture in ARCHITECTURES]
  assert list(evaluations_in_order(executor, [])) == []


def test_what_is_under_way_is_ended_if_it_is_not_waited_for():
  class Noting(ScriptedExecutor):
    cancelled = False

    def cancel(self):
      self.cancelled = True

  executor = Noting(2, lives=2)
  with pytest.raises(Killed):
    list(evaluations_in_order(executor, ARCHITECTURES))
  assert executor.cancelled
