"""A worker process may hang, die or raise: each architecture gets its evaluation, and the others are not touched."""

import functools
import os
import signal
import subprocess
import sys
import time

import pytest

from nao_tf.evaluators.base import EvaluatorError
from nao_tf.evaluators.worker_evaluator import WorkerEvaluator
from nao_tf.trial import Evaluation


class Misbehaving:
  """The first choice says what happens; the second is the reward."""

  def evaluate(self, architectures):
    for kind, reward in architectures:
      ACCIDENTS[kind]()
      yield Evaluation(float(reward), 0.0, {"process": os.getpid()})


def raise_error():
  raise KeyError("missing")


ACCIDENTS = {
  0: lambda: None,
  1: lambda: time.sleep(600),
  2: lambda: os.kill(os.getpid(), signal.SIGSEGV),
  3: lambda: os._exit(3),
  4: raise_error,
  5: os.abort,
  6: lambda: sys.exit(4),
}


def make():
  return Misbehaving()


def fail_to_make(error):
  raise error


def return_floats():
  class Floats:
    def evaluate(self, architectures):
      return [0.5 for _ in architectures]

  return Floats()


@pytest.mark.parametrize(
  ("kind", "reason"),
  [
    (1, "took longer than 3 seconds"),
    (2, "ended its process by SIGSEGV, 1 times"),
    (3, "ended its process with status 3, 1 times"),
    (4, "KeyError: 'missing'"),
    (6, "ended its process with status 4, 1 times"),
  ],
)
def test_an_accident_fails_its_architecture_and_no_other(kind, reason):
  with WorkerEvaluator(make, timeout=3, retries=0) as evaluator:
    evaluations = list(evaluator.evaluate([(0, 1), (kind, 2), (0, 3)]))
  assert [evaluation.reward for evaluation in evaluations] == [1, None, 3]
  assert reason in evaluations[1].metrics["reason"]


def test_a_dead_worker_is_replaced_and_its_architecture_tried_again():
  with WorkerEvaluator(make, retries=1) as evaluator:
    (evaluation,) = evaluator.evaluate([(5, 0)])
  assert evaluation.metrics["reason"] == "its evaluation ended its process by SIGABRT, 2 times"


def test_a_worker_is_kept_from_one_call_to_the_next():
  with WorkerEvaluator(make) as evaluator:
    processes = {e.metrics["process"] for _ in range(2) for e in evaluator.evaluate([(0, 1), (0, 2)])}
  assert len(processes) == 1 and os.getpid() not in processes


@pytest.mark.parametrize("error", [ValueError("no such table"), EOFError("torn")])
def test_what_keeps_an_evaluator_from_being_made_is_said_at_once(error):
  with pytest.raises(EvaluatorError, match=str(error)):
    WorkerEvaluator(functools.partial(fail_to_make, error))


def test_an_evaluator_that_breaks_the_protocol_is_named():
  with (
    WorkerEvaluator(return_floats) as evaluator,
    pytest.raises(EvaluatorError, match=r"Floats.evaluate must give an"),
  ):
    list(evaluator.evaluate([(0, 0)]))


@pytest.mark.parametrize("options", [{"timeout": 0}, {"timeout": float("nan")}, {"retries": -1}])
def test_wrong_options_are_refused(options):
  with pytest.raises(ValueError, match="must"):
    WorkerEvaluator(make, **options)


PARENT = """
from nao_tf.evaluators.worker_evaluator import WorkerEvaluator
from tests.evaluators import test_worker_evaluator as tests
if __name__ == "__main__":
  evaluator = WorkerEvaluator(tests.make)
  print(next(evaluator.evaluate([(0, 0)])).metrics["process"], flush=True)
  list(evaluator.evaluate([(1, 0)]))
"""


def test_a_worker_ends_with_its_parent(tmp_path):
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
