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


def test_tuners_of_one_process_that_send_no_heartbeats_are_not_waited_for(tmp_path):
  oracle = open_oracle(tmp_path, max_trials=1)
  oracle.create_trial("a")
  assert oracle.create_trial("b").status == "STOPPED"
  oracle.release_dead_workers()
  assert set(oracle.ongoing_trials) == {"a"}


def silent_client(directory, **options):
  """Returns the oracle of a chief of which only calls of KerasTuner's own are made, and its clock."""
  oracle, clock = open_oracle(directory, worker_timeout=10.0, **options), Clock()
  oracle._workers._clock, oracle.is_served = clock, True
  return oracle, clock


def test_the_trial_of_a_client_that_never_speaks_again_goes_to_another_one(tmp_path):
  oracle, clock = silent_client(tmp_path, max_trials=1)
  lost = oracle.create_trial("silent")
  assert oracle.create_trial("b").status == "IDLE"
  pass_time(oracle, clock, 11, alive="b")
  trial = oracle.create_trial("b")
  assert (trial.trial_id, trial.status) == (lost.trial_id, "RUNNING")
  assert set(oracle.ongoing_trials) == {"b"}


def test_a_client_that_sends_no_heartbeats_breaks_its_silence_with_metrics(tmp_path):
  oracle, clock = silent_client(tmp_path)
  trial = oracle.create_trial("plain")
  clock.now += 8
  oracle.update_trial(trial.trial_id, {"score": 1.0})
  clock.now += 8
  oracle.release_dead_workers()
  assert set(oracle.ongoing_trials) == {"plain"}


def test_silent_clients_cannot_keep_a_search_from_ending(tmp_path):
  oracle, clock = silent_client(tmp_path, max_trials=1)
  for name in ("a", "b", "c"):
    assert oracle.create_trial(name).status == "RUNNING"
    clock.now += 11
    oracle.release_dead_workers()
  assert oracle.trials["0"].status == "FAILED" and oracle.is_over


def test_a_trial_that_kills_a_worker_which_is_started_again_at_once_fails_in_the_end(tmp_path):
  oracle, _ = silent_client(tmp_path)
  for _ in range(3):
    oracle.record_arrival("a")
    assert oracle.create_trial("a").trial_id == "00"
  oracle.record_arrival("a")
  assert oracle.trials["00"].status == "FAILED"
  assert oracle.create_trial("a").trial_id == "01"


# Trials that take too long.


def hanging(directory, **options):
  """Returns an oracle with a limit of 60 seconds for a trial, and the clock of the trials."""
  oracle, clock = open_oracle(directory, trial_timeout=60.0, **options), Clock()
  oracle._times._clock = clock
  return oracle, clock


def test_a_trial_that_takes_too_long_has_failed_although_its_worker_is_alive(tmp_path):
  oracle, clock = hanging(tmp_path)
  stuck = oracle.create_trial("a")
  clock.now += 59
  end(oracle, oracle.create_trial("b"), 1.0)
  oracle.release_dead_workers()
  assert set(oracle.ongoing_trials) == {"a"}
  clock.now += 2
  oracle.record_heartbeat("a")
  oracle.release_dead_workers()
  failed = oracle.trials[stuck.trial_id]
  assert failed.status == "FAILED" and "trial_timeout=60" in failed.message
  assert not oracle.ongoing_trials and "a" not in oracle.tuner_ids


def test_a_trial_that_takes_too_long_runs_again_as_often_as_is_allowed(tmp_path):
  oracle, clock = hanging(tmp_path, max_retries_per_trial=2)
  for worker in ("a", "b", "c"):
    assert oracle.create_trial(worker).trial_id == "00"
    clock.now += 61
    oracle.release_dead_workers()
  assert oracle.trials["00"].status == "FAILED" and oracle.end_order == ["00"]
  assert oracle.create_trial("d").trial_id == "01"


def test_each_run_of_a_trial_has_its_own_time(tmp_path):
  oracle, clock = hanging(tmp_path, max_retries_per_trial=1)
  trial = oracle.create_trial("a")
  clock.now += 50
  end(oracle, trial, None)
  oracle.create_trial("a")
  clock.now += 50
  oracle.release_dead_workers()
  assert set(oracle.ongoing_trials) == {"a"}


def test_a_search_in_which_every_trial_hangs_is_given_up(tmp_path):
  oracle, clock = hanging(tmp_path, max_consecutive_failed_trials=2)
  for worker in ("a", "b"):
    oracle.record_heartbeat(worker)
    oracle.create_trial(worker)
  clock.now += 61
  oracle.release_dead_workers()
  assert "trial_timeout" in oracle.failure and oracle.create_trial("c").status == "STOPPED" and oracle.is_over


def test_an_overdue_trial_is_ended_once(tmp_path):
  oracle, _ = hanging(tmp_path)
  trial = oracle.create_trial("a")
  oracle.release_overdue_trial(trial.trial_id)
  oracle.release_overdue_trial(trial.trial_id)
  assert oracle.end_order == [trial.trial_id]


@pytest.mark.parametrize("timeout", [0, -1.0, float("nan")])
def test_a_limit_of_trials_that_is_not_positive_is_refused(timeout):
  with pytest.raises(ValueError, match="trial_timeout"):
    make_oracle(trial_timeout=timeout)


# Reasons.


def test_the_reason_of_a_failure_that_is_sent_beside_the_message_is_recorded(tmp_path):
  oracle, _ = two_workers(tmp_path)
  trial = over_messages(oracle.create_trial("a"))
  trial.status = "FAILED"
  oracle.note_reason(trial.trial_id, "no such data")
  oracle.end_trial(trial)
  assert oracle.trials[trial.trial_id].message == "no such data"


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


def test_a_trial_completes_although_another_worker_began_it_between_its_metrics_and_its_end(tmp_path):
  oracle, clock = two_workers(tmp_path)
  late = over_messages(oracle.create_trial("a"))
  oracle.update_trial(late.trial_id, {"score": 0.5})
  pass_time(oracle, clock, 11, alive="b")
  assert oracle.create_trial("b").trial_id == late.trial_id
  late.status = "COMPLETED"
  oracle.end_trial(late)
  assert oracle.trials[late.trial_id].score == 0.5


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
