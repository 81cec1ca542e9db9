"""Whatever an evaluator does, the search goes on, and each trial ends with an evaluation."""

import io
import os
import signal
import subprocess
import sys

import numpy as np
import pytest

from nao_tf.evaluators.base import EvaluatorError
from nao_tf.runs.journal import Journal, read_trials
from nao_tf.searches.loop import run_search
from nao_tf.strategies import make_strategy
from nao_tf.trial import Evaluation
from tests.support.toys import ToySpace

POISON = (1, 1, 1, 1)


class Lazy:
  """Yields one evaluation after the other; an accident happens at the poisonous architecture."""

  def __init__(self, accident):
    self.accident = accident

  def evaluate(self, architectures):
    for architecture in architectures:
      yield self.score(architecture)

  def score(self, architecture):
    if architecture == POISON:
      self.accident()
    return Evaluation(np.float32(sum(architecture)))


class Eager(Lazy):
  """Returns all evaluations at once."""

  def evaluate(self, architectures):
    return [self.score(architecture) for architecture in architectures]


def search(directory, evaluator, **options):
  with Journal(str(directory), {}) as journal:
    run_search(make_strategy("random", ToySpace()), evaluator, journal, num_trials=100, batch_size=5, **options)


def raising(error):
  def accident():
    raise error

  return accident


class Unheard(BaseException):
  """Neither an Exception nor an interruption."""


@pytest.mark.parametrize("evaluator", [Lazy, Eager])
@pytest.mark.parametrize(
  "error",
  [ValueError("no"), MemoryError(), RecursionError("deep"), OSError(28, "disk"), KeyError(1), SystemExit(4), Unheard()],
)
def test_an_exception_fails_its_trial_and_no_other(tmp_path, evaluator, error):
  search(tmp_path, evaluator(raising(error)))
  trials = read_trials(str(tmp_path))
  assert len(trials) == 18
  for trial in trials:
    assert trial.reward == (None if trial.architecture == POISON else sum(trial.architecture))
    if trial.architecture == POISON:
      assert trial.evaluation.metrics["reason"].startswith(type(error).__name__)


@pytest.mark.parametrize("evaluator", [Lazy, Eager])
def test_an_interruption_ends_the_search_and_does_not_count_as_an_attempt(tmp_path, evaluator):
  for _ in range(5):
    with pytest.raises(KeyboardInterrupt):
      search(tmp_path, evaluator(raising(KeyboardInterrupt)))
  search(tmp_path, evaluator(lambda: None))
  assert all(trial.reward is not None for trial in read_trials(str(tmp_path)))


def exit_in_order(number, frame):
  sys.exit(128 + number)


class Stop(BaseException):
  """Raised by a handler of a signal."""


def stop(number, frame):
  raise Stop(128 + number)


@pytest.mark.parametrize("handler", [exit_in_order, lambda number, frame: exit_in_order(number, frame), stop])
def test_a_program_whose_handler_of_sigterm_exits_is_stopped(tmp_path, handler):
  before = signal.signal(signal.SIGTERM, handler)
  try:
    for _ in range(5):
      with pytest.raises((SystemExit, Stop), match="143"):
        search(tmp_path, Lazy(lambda: os.kill(os.getpid(), signal.SIGTERM)))
  finally:
    signal.signal(signal.SIGTERM, before)
  search(tmp_path, Lazy(lambda: None))
  assert all(trial.reward is not None for trial in read_trials(str(tmp_path)))


@pytest.mark.parametrize(
  ("end", "status"), [(lambda: sys.exit(7), 7), (lambda: sys.exit("no"), 1), (lambda: None, 0), (raising(OSError()), 1)]
)
def test_a_process_that_an_evaluation_forks_does_not_search_too(tmp_path, end, status):
  def fork():
    if os.fork() == 0:
      end()

  search(tmp_path, Lazy(fork))
  assert os.waitstatus_to_exitcode(os.wait()[1]) == status
  trials = read_trials(str(tmp_path))
  assert len(trials) == 18 and all(trial.reward is not None for trial in trials)


@pytest.mark.parametrize("evaluator", [Lazy, Eager])
def test_an_evaluation_that_closes_the_output_does_not_silence_others(tmp_path, evaluator, monkeypatch):
  monkeypatch.setattr(sys, "stdout", io.StringIO())
  search(tmp_path, evaluator(lambda: sys.stdout.close()))
  assert not sys.stdout.closed
  assert all(trial.reward is not None for trial in read_trials(str(tmp_path)))


PROGRAM = """
import os, sys
from tests.searches import test_evaluation as tests
accident = {"exit": lambda: os._exit(3), "abort": os.abort}[sys.argv[3]]
tests.search(sys.argv[1], getattr(tests, sys.argv[2])(accident), trial_retries=1)
"""


@pytest.mark.parametrize(("evaluator", "accident"), [("Lazy", "abort"), ("Eager", "exit")])
def test_an_evaluation_that_ends_the_process_is_tried_again_and_then_failed(tmp_path, evaluator, accident):
  command = [sys.executable, "-c", PROGRAM, str(tmp_path), evaluator, accident]
  codes = []
  while not codes or codes[-1] != 0:
    codes.append(subprocess.run(command, stderr=subprocess.DEVNULL, check=False).returncode)
    assert len(codes) < 8
  trials = read_trials(str(tmp_path))
  failed = [trial for trial in trials if trial.reward is None]
  assert [trial.architecture for trial in failed] == [POISON]
  assert "its evaluation ended the process" in failed[0].evaluation.metrics["reason"]
  assert all(trial.evaluation is not None for trial in trials)
  assert len(trials) == 18


class Wrong:
  """Returns what it is told to."""

  def __init__(self, results):
    self.results = results

  def evaluate(self, architectures):
    return self.results(architectures)


@pytest.mark.parametrize(
  ("results", "message"),
  [
    (lambda a: [0.5] * len(a), "must give an Evaluation for each architecture, got 0.5"),
    (lambda a: [None] * len(a), "must give an Evaluation for each architecture, got None"),
    (lambda a: [Evaluation(1.0)] * (len(a) - 1), "must give one evaluation for each architecture, got 4 for 5"),
    (lambda a: [], "must give one evaluation for each architecture, got 0 for 5"),
    (lambda a: [Evaluation(1.0)] * (len(a) + 1), "must give one evaluation .*, got more than 5 for 5"),
    (lambda a: None, "must return an iterable of evaluations, got None"),
  ],
)
def test_an_evaluator_that_breaks_the_protocol_ends_the_search_with_its_name(tmp_path, results, message):
  with pytest.raises(EvaluatorError, match=r"Wrong\.evaluate " + message):
    search(tmp_path, Wrong(results))
