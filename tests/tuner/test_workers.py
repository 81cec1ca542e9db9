import threading
import time

import pytest

from nao_tf.tuner.workers import Roll, repeating


def roll_at(times, timeout=10.0):
  """Returns a roll whose clock gives these times one after the other."""
  ticks = iter(times)
  return Roll(timeout, clock=lambda: next(ticks))


def test_a_worker_is_silent_when_its_last_sign_of_life_is_too_long_ago():
  roll = roll_at([0.0, 5.0, 10.0, 11.0, 16.0])
  roll.hear("a")
  roll.hear("b")
  assert roll.silent == []
  assert roll.silent == ["a"]
  assert roll.silent == ["a", "b"]


def test_a_sign_of_life_ends_the_silence():
  roll = roll_at([0.0, 9.0, 18.0])
  roll.hear("a")
  roll.hear("a")
  assert roll.silent == []


def test_excused_time_is_no_silence():
  roll = roll_at([0.0, 100.0])
  roll.hear("a")
  roll.excuse(95.0)
  assert roll.silent == []


def test_who_is_struck_off_is_not_on_the_roll():
  roll = roll_at([0.0, 100.0])
  assert not roll.was_called
  roll.hear("a")
  roll.strike("a")
  roll.strike("b")
  assert "a" not in roll and len(roll) == 0 and roll.silent == [] and roll.was_called


@pytest.mark.parametrize("timeout", [0, -1, float("nan")])
def test_a_timeout_that_is_not_positive_is_refused(timeout):
  with pytest.raises(ValueError, match="timeout"):
    Roll(timeout)


def test_calls_are_repeated_as_long_as_the_context_lasts():
  calls = []
  with repeating(lambda: calls.append(threading.current_thread().name), 0.01):
    assert len(calls) == 1
    while len(calls) < 4:
      time.sleep(0.01)
  count = len(calls)
  time.sleep(0.05)
  assert len(calls) == count


def test_only_ignored_exceptions_do_not_end_the_repetition():
  calls = []

  def fail():
    calls.append(None)
    if len(calls) > 1:
      raise OSError("no connection")

  with repeating(fail, 0.01, ignored=(OSError,)):
    while len(calls) < 4:
      time.sleep(0.01)


def test_an_exception_in_the_first_call_is_raised():
  def fail():
    raise OSError("no connection")

  with pytest.raises(OSError, match="no connection"), repeating(fail, 0.01, ignored=(OSError,)):
    pass
