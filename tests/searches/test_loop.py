import os
import pathlib
import random
import signal
import subprocess
import sys
import time

import pytest

from nao_tf.runs.journal import Journal, JournalError, read_trials
from nao_tf.searches.loop import STRATEGY_DIRECTORY, run_search
from nao_tf.spaces import make_space
from nao_tf.strategies import make_strategy
from nao_tf.trial import Trial, best_trial
from tests.conformance.test_resuming import OPTIONS
from tests.support import toys


def lines(directory):
  with open(os.path.join(directory, "trials.jsonl"), "rb") as file:
    return file.read()


def kill_at_random(directory, strategy, num_trials, *, kills, seconds, longest, rng):
  """Runs a search in processes that are killed after random times; the last one is left to finish."""
  root = str(pathlib.Path(toys.__file__).parents[2])
  command = [sys.executable, "-m", "tests.support.toys", directory, strategy, str(num_trials), str(seconds)]
  done = 0
  while done < kills:
    process = subprocess.Popen(command, cwd=root)
    time.sleep(rng.uniform(0, longest))
    done += process.poll() is None
    process.send_signal(signal.SIGKILL)
    process.wait()
  subprocess.run(command, cwd=root, check=True, timeout=300)


def test_the_best_trial_is_returned(tmp_path):
  best = toys.search_toy(str(tmp_path), "random", 20)
  assert best == best_trial(read_trials(str(tmp_path))) and best.reward is not None


def test_exactly_the_budget_is_spent_failures_included(tmp_path):
  toys.search_toy(str(tmp_path), "evolution", 30, batch_size=7)
  trials = read_trials(str(tmp_path))
  assert [trial.id for trial in trials] == list(range(30))
  assert any(trial.reward is None for trial in trials)


def test_an_exhausted_space_ends_the_search(tmp_path):
  toys.search_toy(str(tmp_path), "random", 100, space_name="toy")
  assert len(read_trials(str(tmp_path))) == 18


def test_cut_after_any_line_the_search_goes_on_to_the_same_journal(tmp_path):
  whole, cut = str(tmp_path / "whole"), str(tmp_path / "cut")
  toys.search_toy(whole, "evolution", 60)
  expected = lines(whole).splitlines(keepends=True)
  for count in range(0, len(expected), 5):
    toys.search_toy(cut, "evolution", 1)
    with open(os.path.join(cut, "trials.jsonl"), "wb") as file:
      file.write(b"".join(expected[:count]) + expected[count][:10])
    toys.search_toy(cut, "evolution", 60)
    assert lines(cut) == b"".join(expected)


def test_a_search_that_begins_anew_learns_nothing_from_the_one_before(tmp_path):
  changed, fresh = str(tmp_path / "changed"), str(tmp_path / "fresh")
  with Journal(changed, {"seed": 5}) as journal:
    journal.append_asked([Trial(0, (0, 0, 1, 1))])
  strategy = make_strategy("nao", toys.ToySpace(), seed=5, **OPTIONS["nao"])
  strategy.save(os.path.join(changed, STRATEGY_DIRECTORY))
  for directory in (changed, fresh):
    with Journal(directory, {"seed": 6}) as journal:
      strategy = make_strategy("nao", toys.ToySpace(), seed=6, **OPTIONS["nao"])
      run_search(strategy, toys.CountingEvaluator(), journal, num_trials=12, batch_size=4)
  assert lines(changed) == lines(fresh)


def test_a_finished_search_can_be_given_more_trials(tmp_path):
  toys.search_toy(str(tmp_path), "random", 8)
  toys.search_toy(str(tmp_path), "random", 16)
  assert len(read_trials(str(tmp_path))) == 16


def test_killed_at_random_moments_the_trials_are_the_same(tmp_path):
  whole, killed = str(tmp_path / "whole"), str(tmp_path / "killed")
  toys.search_toy(whole, "evolution", 80)
  kill_at_random(killed, "evolution", 80, kills=5, seconds=0.02, longest=1.0, rng=random.Random(0))
  assert lines(killed) == lines(whole)


@pytest.mark.slow
@pytest.mark.parametrize("strategy", ["evolution", "random"])
@pytest.mark.parametrize("number", range(5))
def test_killed_ten_times_in_each_of_ten_searches_the_trials_are_the_same(tmp_path, strategy, number):
  whole, killed = str(tmp_path / "whole"), str(tmp_path / "killed")
  toys.search_toy(whole, strategy, 300)
  kill_at_random(killed, strategy, 300, kills=10, seconds=0.05, longest=2.0, rng=random.Random(number))
  assert lines(killed) == lines(whole)


@pytest.mark.slow
def test_killed_while_it_learns_nao_goes_on_to_the_same_trials(tmp_path):
  """Both are searched in processes of their own: other tests change how TensorFlow computes in this one."""
  whole, killed = str(tmp_path / "whole"), str(tmp_path / "killed")
  kill_at_random(whole, "nao", 60, kills=0, seconds=0.05, longest=60.0, rng=random.Random(0))
  kill_at_random(killed, "nao", 60, kills=5, seconds=0.05, longest=60.0, rng=random.Random(0))
  assert lines(killed) == lines(whole)


def test_a_journal_that_this_version_would_not_have_written_is_taken_as_it_is(tmp_path, caplog):
  toys.search_toy(str(tmp_path), "random", 8, seed=1)
  before = read_trials(str(tmp_path))
  with Journal(str(tmp_path), {"strategy": "random", "seed": 1}) as journal:
    other = make_strategy("random", make_space("nasnet5"), seed=2)
    run_search(other, toys.CountingEvaluator(), journal, num_trials=12, batch_size=4)
  trials = read_trials(str(tmp_path))
  assert trials[:8] == before and len({trial.architecture for trial in trials}) == len(trials) == 12
  (warning,) = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
  assert warning.startswith(f"Trial 0 in the journal is {before[0].architecture} (random), but this version proposes")


def test_a_journal_of_another_space_is_refused(tmp_path):
  toys.search_toy(str(tmp_path), "random", 8, seed=1)
  with Journal(str(tmp_path), {"strategy": "random", "seed": 1}) as journal:
    other = make_strategy("random", make_space("nasbench201"), seed=1)
    with pytest.raises(JournalError, match="nasbench201: expected 6 decisions, got 40"):
      run_search(other, toys.CountingEvaluator(), journal, num_trials=8, batch_size=4)


@pytest.mark.parametrize("num_trials, batch_size", [(0, 1), (1, 0)])
def test_numbers_below_one_are_refused(tmp_path, num_trials, batch_size):
  with Journal(str(tmp_path), {}) as journal, pytest.raises(ValueError, match="at least 1"):
    strategy = make_strategy("random", make_space("nasnet5"))
    run_search(strategy, toys.CountingEvaluator(), journal, num_trials=num_trials, batch_size=batch_size)


def test_every_trial_is_reported_as_it_closes_and_again_on_resume(tmp_path):
  for _ in range(2):
    seen = []
    with Journal(str(tmp_path), {}) as journal:
      strategy = make_strategy("random", make_space("nasnet5"))
      run_search(strategy, toys.CountingEvaluator(), journal, num_trials=6, batch_size=4, on_trial=seen.append)
    assert [trial.id for trial in seen] == list(range(6))


def test_no_batch_begins_after_the_last_second(tmp_path):
  strategy = make_strategy("random", make_space("nasnet5"), seed=0)
  with Journal(str(tmp_path), {}) as journal:
    evaluator = toys.CountingEvaluator(seconds=0.4)
    run_search(strategy, evaluator, journal, num_trials=100, batch_size=5, max_seconds=1.5)
    assert len(journal.trials) == 5 and all(trial.evaluation for trial in journal.trials)
