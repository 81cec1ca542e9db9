"""Laws of searches with several workers, whatever the order in which trials finish and whenever the search is killed."""

import contextlib
import tempfile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nao_tf.runs.journal import Journal
from nao_tf.searches.loop import run_search
from nao_tf.strategies import STRATEGIES, make_strategy
from nao_tf.trial import Trial
from tests.conformance.test_resuming import OPTIONS
from tests.support.scripted_executor import Killed, ScriptedExecutor
from tests.support.toys import CountingEvaluator, ToySpace

ORDERS = st.lists(st.integers(0, 7), max_size=20)
QUICK = ["random", "evolution"]


def search(directory, evaluator, *, strategy="random", num_trials=100, batch_size=3, **options):
  """Runs a search, which may be killed; returns its trials and the entries of its journal."""
  proposer = make_strategy(strategy, ToySpace(), seed=1, **OPTIONS.get(strategy, {}))
  with Journal(str(directory), {}) as journal:
    with contextlib.suppress(Killed):
      run_search(proposer, evaluator, journal, num_trials=num_trials, batch_size=batch_size, **options)
    return journal.trials, journal.entries


def repeated(strategy, entries):
  """Returns what a fresh strategy asks for when it is asked and told what is on record."""
  proposer, asked = make_strategy(strategy, ToySpace(), seed=1, **OPTIONS.get(strategy, {})), []
  for entry in entries:
    if isinstance(entry, list):
      asked.append(proposer.ask(len(entry)))
    else:
      proposer.tell([entry])
  return asked


def check_resuming(strategy, num_workers, order, kills, asking, batch_size, num_trials=18):
  """Checks that no finished trial is lost or repeated, and that each architecture is evaluated once."""
  with tempfile.TemporaryDirectory() as directory:
    finished: dict[int, Trial] = {}
    for lives in [*kills, -1]:
      executor = ScriptedExecutor(num_workers, order, lives=lives)
      options = {"asking": asking, "batch_size": batch_size, "num_trials": num_trials, "trial_retries": len(kills)}
      trials, entries = search(directory, executor, strategy=strategy, **options)
      assert not finished.keys() & set(executor.evaluated)
      now = {trial.id: trial for trial in trials if trial.evaluation is not None}
      assert now.keys() == finished.keys() | set(executor.evaluated)
      assert all(now[number] == trial for number, trial in finished.items())
      finished = now
    assert repeated(strategy, entries) == [[trial.architecture for trial in e] for e in entries if isinstance(e, list)]
    space = ToySpace()
    assert len(finished) == len({space.canonical(trial.architecture) for trial in finished.values()}) == num_trials
    assert all(trial.evaluation == CountingEvaluator().score(trial.architecture) for trial in finished.values())


@pytest.mark.parametrize("strategy", QUICK)
@settings(max_examples=8, deadline=None, derandomize=True)
@given(
  num_workers=st.integers(1, 5),
  order=ORDERS,
  kills=st.lists(st.integers(0, 9), max_size=3),
  asking=st.sampled_from(["as_free", "rounds"]),
  batch_size=st.integers(1, 7),
)
def test_no_finished_trial_is_lost_or_repeated(strategy, num_workers, order, kills, asking, batch_size):
  check_resuming(strategy, num_workers, order, kills, asking, batch_size)


@pytest.mark.parametrize("strategy", [name for name in STRATEGIES if name not in QUICK])
def test_every_strategy_goes_on_from_a_search_that_was_killed(strategy):
  check_resuming(strategy, 3, [2, 1, 0, 2, 2, 1, 0, 1], [5], "as_free", 2, num_trials=8)


@pytest.mark.parametrize("asking", ["as_free", "rounds"])
@pytest.mark.parametrize("strategy", QUICK)
def test_one_worker_gives_the_trials_of_an_evaluation_in_this_process(tmp_path, strategy, asking):
  _, inline = search(tmp_path / "inline", CountingEvaluator(), strategy=strategy)
  _, one = search(tmp_path / "one", ScriptedExecutor(1), strategy=strategy, asking=asking)
  assert one == inline


def asked_beside_open(entries):
  """Returns for each batch of a journal how many trials were open when it was asked for."""
  counts, still_open = [], 0
  for entry in entries:
    if isinstance(entry, list):
      counts.append(still_open)
    still_open += len(entry) if isinstance(entry, list) else -1
  return counts


def test_rounds_end_before_the_next_is_asked_for(tmp_path):
  executor = ScriptedExecutor(3, [2, 1, 0] * 6)
  _, entries = search(tmp_path, executor, asking="rounds", batch_size=4)
  assert set(asked_beside_open(entries)) == {0} and executor.most_at_a_time == 3


def test_a_free_worker_gets_a_trial_while_the_others_are_at_work(tmp_path):
  executor = ScriptedExecutor(3, [2] * 18)
  _, entries = search(tmp_path, executor, batch_size=1)
  assert asked_beside_open(entries)[:5] == [0, 1, 2, 2, 2] and executor.most_at_a_time == 3


def test_another_number_of_workers_and_this_process_go_on_with_a_search(tmp_path):
  search(tmp_path, ScriptedExecutor(4, [3, 2], lives=5))
  search(tmp_path, ScriptedExecutor(2, lives=4))
  trials, _ = search(tmp_path, CountingEvaluator())
  assert len(trials) == 18 and all(trial.evaluation is not None for trial in trials)


def test_a_trial_that_was_under_way_at_every_end_of_the_process_is_tried_alone_and_then_fails(tmp_path):
  for _ in range(2):
    search(tmp_path, ScriptedExecutor(3, lives=0))
  alone = ScriptedExecutor(3, lives=1)
  search(tmp_path, alone)
  assert alone.most_at_a_time == 1  # Most of those that were under way are innocent.
  trials, _ = search(tmp_path, ScriptedExecutor(3))
  failed = [trial for trial in trials if "ended the process 3 times" in str(trial.evaluation.metrics)]
  assert len(failed) == 1 and failed[0].id == 1


def test_the_times_of_a_search_add_up(tmp_path):
  times = []
  search(tmp_path, CountingEvaluator(seconds=0.01), on_end=times.append)
  assert times[0].num_workers == 1 and 0.1 < times[0].busy_seconds <= times[0].seconds
  assert 0 < times[0].utilization <= 1 and "1 worker busy" in str(times[0])


def test_an_unknown_way_of_asking_is_refused(tmp_path):
  with pytest.raises(ValueError, match="asking must be one of as_free, rounds, got 'now'"):
    search(tmp_path, CountingEvaluator(), asking="now")
