"""Children that do what a guest should not do; they run in worker processes, so they are found by name there."""

import contextlib
import multiprocessing
import os
import signal
import sys
import time

from nao_tf.training.base import Epoch
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


def raise_interrupt():
  raise KeyboardInterrupt


def close_output():
  sys.stdout.close()
  os.close(1)


def leave_process():
  """Ends its process, but not one that it has started, which holds all that was open."""
  started = os.fork()
  if started == 0:
    time.sleep(600)
  print(f"started {started}", flush=True)
  os._exit(3)


def echo(connection):
  connection.send("hello")


def start_process():
  ours, theirs = multiprocessing.get_context("fork").Pipe()
  process = multiprocessing.get_context("fork").Process(target=echo, args=(theirs,))
  process.start()
  print(ours.recv())
  process.join()


def end_in_a_message():
  """Ends its process when half of a message is sent."""
  os.write(connection_to_parent(), b"\0\0\x03\xe8" + b"half")
  os._exit(3)


def connection_to_parent():
  """Returns the descriptor of the only pair of sockets that this process has."""
  for name in os.listdir("/proc/self/fd"):
    with contextlib.suppress(OSError):
      if os.readlink(f"/proc/self/fd/{name}").startswith("socket:") and int(name) > 2:
        return int(name)
  raise LookupError("no socket")


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
  10: raise_interrupt,
  11: close_output,
  12: leave_process,
  13: start_process,
  14: end_in_a_message,
}


NOT_A_NUMBER = float("nan")


class Misbehaving:
  """The first choice says what happens; the second is the reward, or NaN if it is negative."""

  on_epoch = None

  def watch(self, on_epoch):
    self.on_epoch = on_epoch

  def evaluate(self, architectures):
    for kind, reward in architectures:
      print(f"child {kind} speaks")
      if self.on_epoch:
        self.on_epoch(Epoch(1, 2, {"kind": kind}))
      ACCIDENTS[kind]()
      environment = {name: os.environ.get(name) for name in ("CUDA_VISIBLE_DEVICES", "OMP_NUM_THREADS")}
      yield Evaluation(NOT_A_NUMBER if reward < 0 else float(reward), 0.0, {"process": os.getpid(), **environment})


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
