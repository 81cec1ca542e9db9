"""A worker process says how far it is, and ends with the process that has started it."""

import functools
import os
import subprocess
import sys
import time

import pytest

from nao_tf.evaluators.base import EvaluatorError
from nao_tf.evaluators.worker_process import BEGUN, READY, STARTED, WorkerProcess
from nao_tf.trial import Evaluation


class Sleeping:
  """Says which process it is in; the choice is how long it sleeps then."""

  def evaluate(self, architectures):
    for (seconds,) in architectures:
      print(os.getpid(), flush=True)
      time.sleep(seconds)
      yield Evaluation(float(seconds))


def fail_to_make(error):
  raise error


def test_its_messages_come_in_order(tmp_path):
  worker = WorkerProcess(Sleeping)
  worker.send([(0,)], str(tmp_path / "log"))
  assert [worker.receive(60) for _ in range(4)] == [STARTED, READY, BEGUN, Evaluation(0.0)]
  assert (tmp_path / "log").read_text() == f"{worker.pid}\n"
  with pytest.raises(TimeoutError):
    worker.receive(0)
  worker.kill()
  assert worker.end == "by SIGKILL"


@pytest.mark.parametrize("error", [ValueError("no such table"), EOFError("torn")])
def test_what_keeps_an_evaluator_from_being_made_is_said_at_once(error):
  worker = WorkerProcess(functools.partial(fail_to_make, error))
  assert worker.receive(60) == STARTED
  with pytest.raises(EvaluatorError, match=str(error)):
    worker.receive(60)
  worker.kill()


PARENT = """
from nao_tf.evaluators.worker_process import WorkerProcess
from tests.evaluators.test_worker_process import Sleeping
if __name__ == "__main__":
  worker = WorkerProcess(Sleeping)
  worker.send([(600,)])
  while True:
    worker.receive(None)
"""


def test_it_ends_with_its_parent(tmp_path):
  program = tmp_path / "parent.py"
  program.write_text(PARENT)
  environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, [os.getcwd(), os.environ.get("PYTHONPATH")]))}
  with subprocess.Popen([sys.executable, str(program)], stdout=subprocess.PIPE, text=True, env=environment) as parent:
    worker = int(parent.stdout.readline())
    parent.kill()
  deadline = time.monotonic() + 20
  while os.path.exists(f"/proc/{worker}") and time.monotonic() < deadline:
    time.sleep(0.05)
  assert not os.path.exists(f"/proc/{worker}")
