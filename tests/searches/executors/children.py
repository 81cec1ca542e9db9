"""Children that do what a guest should not do; they run in worker processes, so they are found by name there."""

import os
import signal
import sys
import time

from nao_tf.trial import Evaluation


class Unheard(BaseException):
  """No Exception."""


def raise_error():
  raise KeyError("missing")


def raise_unheard():
  raise Unheard("of")


def leak():
  held = [b"x" * 100_000_000 for _ in range(5)]
  time.sleep(600)
  return held


def hang():
  time.sleep(600)


ACCIDENTS = {
  0: lambda: None,
  1: raise_error,
  2: raise_unheard,
  3: lambda: sys.exit(4),
  4: lambda: os._exit(3),
  5: lambda: os.kill(os.getpid(), signal.SIGKILL),
  6: lambda: os.kill(os.getpid(), signal.SIGSEGV),
  7: leak,
  8: hang,
  9: lambda: os.kill(os.getpid(), signal.SIGTERM),
}


class Misbehaving:
  """The first choice says what happens; the second is the reward."""

  def evaluate(self, architectures):
    for kind, reward in architectures:
      print(f"child {kind} speaks")
      ACCIDENTS[kind]()
      environment = {name: os.environ.get(name) for name in ("CUDA_VISIBLE_DEVICES", "OMP_NUM_THREADS")}
      yield Evaluation(float(reward), 0.0, {"process": os.getpid(), **environment})


class Keeping(Misbehaving):
  """Keeps memory from one child to the next."""

  def __init__(self):
    self.kept = []

  def evaluate(self, architectures):
    self.kept.append(bytearray(150_000_000))
    yield from super().evaluate(architectures)


def make():
  return Misbehaving()


def make_keeping():
  return Keeping()


def fail_to_make():
  raise ValueError("no such table")


def exit_while_making():
  os._exit(5)


class Waiting:
  """Says which process it is in, and does not come to an end."""

  def evaluate(self, architectures):
    print(os.getpid())
    time.sleep(600)
    return [Evaluation(0.0) for _ in architectures]


def make_waiting():
  return Waiting()
