import pytest

from tests.support.tuner_cases import end, make_oracle, open_oracle, over_messages


class Clock:
  """A clock that stands still until it is set."""

  def __init__(self):
    self.now = 0.0

  def __call__(self):
    return self.now


def two_workers(directory, **options):
  """Returns an oracle with two workers that have sent heartbeats, and its clock."""
  oracle, clock = open_oracle(directory, worker_timeout=10.0, **options), Clock()
  oracle._workers._clock = clock
  for worker in ("a", "b"):
    oracle.record_heartbeat(worker)
  return oracle, clock


def pass_time(oracle, clock, seconds, *, alive):
  """Lets time pass in which only some workers send heartbeats."""
  clock.now += seconds
  for worker in alive:
    oracle.record_heartbeat(worker)


def test_the_trial_of_a_dead_worker_goes_to_another_one(tmp_path):
  oracle, clock = two_workers(tmp_path)
  lost, _ = oracle.create_trial("a"), oracle.create_trial("b")
  pass_time(oracle, clock, 8, alive="b")
  oracle.release_dead_workers()
  assert set(oracle.ongoing_trials) == {"a", "b"}
  pass_time(oracle, clock, 8, alive="b")
  oracle.release_dead_workers()
  assert set(oracle.ongoing_trials) == {"b"} and oracle.tuner_ids == {"b"}
  end(oracle, oracle.ongoing_trials["b"], 1.0)
  assert oracle.create_trial("b").trial_id == lost.trial_id


def test_a_worker_waits_as_long_as_another_ones_trial_may_come_back(tmp_path):
  oracle, clock = two_workers(tmp_path, max_trials=2)
  lost, mine = oracle.create_trial("a"), oracle.create_trial("b")
  end(oracle, mine, 1.0)
  assert oracle.create_trial("b").status == "IDLE"
  pass_time(oracle, clock, 11, alive="b")
  trial = oracle.create_trial("b")
  assert (trial.trial_id, trial.status) == (lost.trial_id, "RUNNING")
  end(oracle, trial, 2.0)
  assert oracle.create_trial("b").status == "STOPPED"
  assert not oracle.tuner_ids and not oracle.ongoing_trials and oracle.is_over


def test_workers_that_send_no_heartbeats_are_neither_judged_nor_waited_for(tmp_path):
  oracle = open_oracle(tmp_path, max_trials=1)
  oracle.create_trial("a")
  assert oracle.create_trial("b").status == "STOPPED"
  oracle.release_dead_workers()
  assert set(oracle.ongoing_trials) == {"a"}


def test_what_a_worker_reports_that_counted_as_dead_is_taken_if_it_is_the_first(tmp_path):
  oracle, clock = two_workers(tmp_path)
  late = over_messages(oracle.create_trial("a"))
  pass_time(oracle, clock, 11, alive="b")
  oracle.release_dead_workers()
  oracle.update_trial(late.trial_id, {"score": 0.5})
  late.status = "COMPLETED"
  oracle.end_trial(late)
  assert oracle.trials[late.trial_id].score == 0.5
  assert oracle.create_trial("b").trial_id != late.trial_id


def test_what_a_worker_reports_that_counted_as_dead_is_ignored_if_another_one_was_quicker(tmp_path):
  oracle, clock = two_workers(tmp_path)
  late = over_messages(oracle.create_trial("a"))
  pass_time(oracle, clock, 11, alive="b")
  end(oracle, oracle.create_trial("b"), 0.5)
  oracle.update_trial(late.trial_id, {"score": 9.0})
  late.status = "COMPLETED"
  oracle.end_trial(late)
  assert oracle.trials[late.trial_id].score == 0.5 and oracle.end_order == [late.trial_id]


def test_a_trial_over_which_three_workers_died_has_failed(tmp_path):
  oracle, clock = two_workers(tmp_path)
  for worker in ("a", "c", "d"):
    oracle.record_heartbeat(worker)
    assert oracle.create_trial(worker).trial_id == "00"
    pass_time(oracle, clock, 11, alive="b")
    oracle.release_dead_workers()
  assert oracle.trials["00"].status == "FAILED" and "workers died" in oracle.trials["00"].message
  assert oracle.create_trial("b").trial_id == "01"


def test_time_in_which_the_oracle_was_busy_does_not_count_as_silence(tmp_path):
  oracle, clock = two_workers(tmp_path)
  oracle.create_trial("a")
  clock.now += 100
  oracle._workers.extend(100)
  oracle.release_dead_workers()
  assert set(oracle.ongoing_trials) == {"a"}


def test_time_in_which_a_strategy_proposes_does_not_count_as_silence(tmp_path):
  oracle, clock = two_workers(tmp_path)
  oracle.create_trial("a")
  propose = oracle.populate_space

  def propose_slowly(trial_id):
    clock.now += 100
    return propose(trial_id)

  oracle.populate_space = propose_slowly
  oracle.create_trial("b")
  oracle.release_dead_workers()
  assert set(oracle.ongoing_trials) == {"a", "b"}
  clock.now += 11
  oracle.release_dead_workers()
  assert not oracle.ongoing_trials


def test_when_too_many_trials_failed_all_workers_are_told_to_stop(tmp_path):
  oracle, _ = two_workers(tmp_path, max_consecutive_failed_trials=1)
  with pytest.raises(RuntimeError, match="consecutive"):
    end(oracle, oracle.create_trial("a"), None)
  assert oracle.create_trial("b").status == "STOPPED" and oracle.failure


def test_a_timeout_that_is_not_positive_is_refused():
  with pytest.raises(ValueError, match="timeout"):
    make_oracle(worker_timeout=0)
