"""A simulated cluster: its clock, what it draws, and what it does to a search."""

import itertools

import pytest

from nao_tf.benchmarks.simulated_cluster import Cluster, SimulatedExecutor, simulate
from nao_tf.runs.journal import Journal
from nao_tf.searches.loop import run_search
from nao_tf.strategies import make_strategy
from nao_tf.strategies.random_search import RandomSearch
from tests.support.toys import CountingEvaluator, ToySpace

SAME = Cluster(3, median_seconds=100.0, spread=0.0)


def run(directory, cluster, *, strategy=None, num_trials=18, **options):
  strategy = strategy or make_strategy("random", ToySpace(), seed=1)
  return simulate(strategy, CountingEvaluator(), cluster, str(directory), num_trials=num_trials, **options)


def test_workers_work_side_by_side(tmp_path):
  trials, times = run(tmp_path, SAME)
  assert len(trials) == 18 and times.hours * 3600 == pytest.approx(600, abs=5)
  assert times.utilization > 0.99 and 0 < times.idle_share < 0.01 and times.num_lost == 0
  assert trials[0].evaluation.cost_seconds == 100


def test_trials_end_in_the_order_of_their_durations_and_are_the_same_on_each_cluster(tmp_path):
  trials, _ = run(tmp_path / "all", Cluster(18, seed=2))
  seconds = [trial.evaluation.cost_seconds for trial in trials if trial.reward is not None]
  assert seconds == sorted(seconds) and len(set(seconds)) == len(seconds)
  one, _ = run(tmp_path / "one", Cluster(1, seed=2))
  assert [trial.id for trial in one] == list(range(18))
  assert sorted(trial.evaluation.cost_seconds for trial in one if trial.reward is not None) == seconds


def test_a_slow_strategy_leaves_workers_idle(tmp_path):
  ticks = itertools.count()  # Each look at the real clock takes a second, so each answer of the strategy does.
  executor = SimulatedExecutor(CountingEvaluator(), Cluster(2, median_seconds=10.0, spread=0.0), lambda: next(ticks))
  with Journal(str(tmp_path), {}) as journal:
    run_search(RandomSearch(ToySpace(), seed=0), executor, journal, num_trials=8, batch_size=1)
  times = executor.times()
  assert times.driver_seconds >= 8 and executor.clock > 40
  assert 0.05 < times.idle_share < 0.5 and times.utilization == pytest.approx(1 - times.idle_share)


def test_trials_fail_and_nodes_are_lost_as_often_as_was_said(tmp_path):
  trials, times = run(tmp_path, Cluster(4, failing_share=1.0, hours_between_losses=0.5), trial_retries=1)
  reasons = [trial.evaluation.metrics["reason"] for trial in trials]
  assert set(reasons) == {"fails in this simulation", "lost its worker"}
  assert times.num_lost >= 2 * reasons.count("lost its worker") > 0
  assert times.utilization < 0.9


@pytest.mark.parametrize(
  ("wrong", "message"),
  [
    ({"num_workers": 0}, "num_workers must be at least 1"),
    ({"median_seconds": 0.0}, "median_seconds must be above 0"),
    ({"spread": float("nan")}, "spread must be at least 0"),
    ({"failing_share": 1.5}, "failing_share must be from 0 to 1"),
    ({"hours_between_losses": 0.0}, "hours_between_losses must be above 0"),
  ],
)
def test_numbers_out_of_range_are_refused(wrong, message):
  with pytest.raises(ValueError, match=message):
    Cluster(**{"num_workers": 2, **wrong})


def test_a_directory_that_holds_a_search_is_refused(tmp_path):
  run(tmp_path, SAME, num_trials=3)
  with pytest.raises(ValueError, match="already contains a search"):
    run(tmp_path, SAME)
