import pytest

from nao_tf.tuner.trial_times import TrialTimes


def times_at(ticks, limit=10.0):
  """Returns times whose clock gives these ticks one after the other."""
  ticks = iter(ticks)
  return TrialTimes(limit, clock=lambda: next(ticks))


def test_a_trial_is_overdue_when_it_has_run_for_longer_than_the_limit():
  times = times_at([0.0, 5.0, 10.0, 11.0, 16.0])
  times.start("0")
  times.start("1")
  assert times.overdue == []
  assert times.overdue == ["0"]
  assert times.overdue == ["0", "1"]


def test_a_trial_that_is_running_does_not_begin_again():
  times = times_at([0.0, 9.0, 11.0])
  times.start("0")
  times.start("0")
  assert times.overdue == ["0"]


def test_a_trial_that_has_ended_is_not_overdue():
  times = times_at([0.0, 11.0])
  times.start("0")
  times.end("0")
  times.end("unknown")
  assert times.overdue == []


def test_without_a_limit_no_trial_is_overdue():
  times = times_at([0.0, 1e9], limit=None)
  times.start("0")
  assert times.overdue == []


@pytest.mark.parametrize("limit", [0, -1.0, float("nan")])
def test_a_limit_that_is_not_positive_is_refused(limit):
  with pytest.raises(ValueError, match="trial_timeout"):
    TrialTimes(limit)
