import threading

import keras_tuner
import pytest

from nao_tf.tuner.locking import locked


class Counter(keras_tuner.Oracle):
  count = 0

  @locked
  def add(self, number, *, fail=False):
    """Adds."""
    if fail:
      raise OSError("the disk is full")
    self.count += number
    return self.count

  @locked
  def add_twice(self, number):
    return self.add(number) + self.add(number)


def in_another_thread(call):
  """Whether a call gets through."""
  thread = threading.Thread(target=call, daemon=True)
  thread.start()
  thread.join(5)
  return not thread.is_alive()


def test_a_locked_method_is_the_method():
  counter = Counter()
  assert counter.add(2) == 2 and Counter.add.__name__ == "add" and Counter.add.__doc__ == "Adds."


def test_a_locked_method_may_call_another():
  assert Counter().add_twice(2) == 2 + 4


def test_after_an_exception_the_lock_is_free():
  counter = Counter()
  with pytest.raises(OSError, match="the disk is full"):
    counter.add(1, fail=True)
  assert in_another_thread(lambda: counter.add(1)) and counter.count == 1


def test_one_thread_waits_for_the_other():
  counter, entered, leave = Counter(), threading.Event(), threading.Event()

  @locked
  def hold(oracle):
    entered.set()
    leave.wait(10)

  holder = threading.Thread(target=hold, args=(counter,), daemon=True)
  holder.start()
  entered.wait(10)
  other = threading.Thread(target=counter.add, args=(1,), daemon=True)
  other.start()
  other.join(0.2)
  assert other.is_alive() and counter.count == 0
  leave.set()
  other.join(10)
  assert counter.count == 1
