import pytest

from nao_tf.tuner.workers import WorkerRoll


def roll_at(times, timeout=10.0):
  """Returns a roll whose clock gives these times one after the other."""
  ticks = iter(times)
  return WorkerRoll(timeout, clock=lambda: next(ticks))


def test_a_worker_is_dead_when_its_last_heartbeat_is_too_long_ago():
  roll = roll_at([0.0, 5.0, 10.0, 11.0, 16.0])
  roll.record_heartbeat("a")
  roll.record_heartbeat("b")
  assert roll.dead == []
  assert roll.dead == ["a"]
  assert roll.dead == ["a", "b"]


def test_a_heartbeat_ends_the_silence():
  roll = roll_at([0.0, 9.0, 18.0])
  roll.record_heartbeat("a")
  roll.record_heartbeat("a")
  assert roll.dead == []


def test_more_time_can_be_given():
  roll = roll_at([0.0, 100.0])
  roll.record_heartbeat("a")
  roll.extend(95.0)
  assert roll.dead == []


def test_a_pause_does_not_count_as_silence():
  roll = roll_at([0.0, 5.0, 95.0, 99.0, 101.0])
  roll.record_heartbeat("a")
  with roll.paused():
    pass
  assert roll.dead == []
  assert roll.dead == ["a"]


def test_who_is_removed_is_not_on_the_roll():
  roll = roll_at([0.0, 100.0])
  assert not roll.was_used
  roll.record_heartbeat("a")
  roll.remove("a")
  roll.remove("b")
  assert "a" not in roll and len(roll) == 0 and roll.dead == [] and roll.was_used


@pytest.mark.parametrize("timeout", [0, -1, float("nan")])
def test_a_timeout_that_is_not_positive_is_refused(timeout):
  with pytest.raises(ValueError, match="timeout"):
    WorkerRoll(timeout)
