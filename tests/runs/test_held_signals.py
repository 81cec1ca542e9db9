import signal
import threading

import pytest

from nao_tf.runs.held_signals import held_signals

NUMBERS = (signal.SIGINT, signal.SIGTERM)


class Told(Exception):
  pass


@pytest.fixture
def told():
  """Lets both signals raise Told."""

  def tell(number, frame):
    raise Told(number)

  before = [signal.signal(number, tell) for number in NUMBERS]
  yield
  for number, handler in zip(NUMBERS, before):
    signal.signal(number, handler)


@pytest.mark.parametrize("number", NUMBERS)
def test_a_signal_waits_until_it_is_delivered(told, number):
  with pytest.raises(Told) as caught, held_signals() as signals:
    assert signals.waiting is None
    signal.raise_signal(number)
    assert signals.waiting == number
    signals.deliver()
  assert caught.value.args == (number,)


def test_what_waits_at_the_end_is_delivered_then(told):
  done = []
  with pytest.raises(Told), held_signals():
    signal.raise_signal(signal.SIGTERM)
    done.append("the step")
  assert done == ["the step"]


def test_the_second_signal_does_not_wait(told):
  done = []
  with pytest.raises(Told) as caught, held_signals():
    signal.raise_signal(signal.SIGTERM)
    signal.raise_signal(signal.SIGINT)
    done.append("the step")
  assert not done and caught.value.args == (signal.SIGINT,)


def test_an_error_does_not_lose_a_signal(told):
  with pytest.raises(Told), held_signals():
    signal.raise_signal(signal.SIGTERM)
    raise ValueError
  with pytest.raises(ValueError), held_signals():
    raise ValueError


def test_the_handlers_from_before_come_back(told):
  before = [signal.getsignal(number) for number in NUMBERS]
  with held_signals():
    assert [signal.getsignal(number) for number in NUMBERS] != before
  assert [signal.getsignal(number) for number in NUMBERS] == before


@pytest.mark.parametrize("number", NUMBERS)
def test_a_signal_that_is_ignored_stays_so(told, number):
  """As Ctrl-C is in a job that a script has put into the background."""
  signal.signal(number, signal.SIG_IGN)
  with held_signals() as signals:
    signal.raise_signal(number)
    assert signals.waiting is None
  assert signal.getsignal(number) == signal.SIG_IGN


def test_another_thread_than_the_main_one_holds_nothing(told):
  before, seen = signal.getsignal(signal.SIGTERM), []

  def work():
    with held_signals() as signals:
      seen.append((signal.getsignal(signal.SIGTERM), signals.waiting))

  thread = threading.Thread(target=work)
  thread.start()
  thread.join()
  assert seen == [(before, None)]
