"""Runs an evaluator safely: one evaluation per architecture, even if the evaluator raises exceptions."""

import contextlib
import os
import signal
import sys
import time
import traceback
from collections.abc import Iterator, Sequence
from typing import Any

from absl import logging

from nao_tf.evaluators.base import Evaluator, EvaluatorError
from nao_tf.runs.settings import RunDirectoryError
from nao_tf.trial import Architecture, Evaluation

_ENDING = (EvaluatorError, RunDirectoryError)
"""Exceptions that say nothing about an architecture. They end the search."""

_NOTHING = object()
_STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""Signals with which a user or a machine stops a program."""


def evaluate_each(evaluator: Evaluator, architectures: Sequence[Architecture]) -> Iterator[Evaluation]:
  """Yields one evaluation per architecture, in order and as soon as it is available.

  An exception of any type is logged and fails the architecture that was being evaluated, and so does `sys.exit` called
  by the evaluator. The evaluator is then called again for the remaining architectures.

  Args:
    evaluator: the evaluator.
    architectures: architectures of its search space.

  Raises:
    BaseException: if a signal handler stops the program; also KeyboardInterrupt.
    EvaluatorError: if the evaluator does not return exactly one evaluation per architecture.
    RunDirectoryError: if a file of the evaluator cannot be used.
  """
  done = 0
  while done < len(architectures):
    for evaluation in _evaluate_together(evaluator, architectures[done:]):
      done += 1
      yield evaluation


def _evaluate_together(evaluator: Evaluator, architectures: Sequence[Architecture]) -> Iterator[Evaluation]:
  """Yields evaluations until all architectures are done, or one has failed with an exception."""
  results: Iterator[Any] | None = None
  for number, architecture in enumerate(architectures):
    start = time.perf_counter()
    try:
      results = _begin(evaluator, architectures) if results is None else results
      evaluation = _next(evaluator, results, number, len(architectures))
    except (*_ENDING, KeyboardInterrupt, GeneratorExit):
      raise
    except BaseException as error:  # An evaluation may raise what it likes.
      if _is_told_to_stop(error):
        raise
      if results is None and len(architectures) > 1:
        # The evaluator returns all evaluations at once, so any of the architectures may be the cause.
        yield from _evaluate_together(evaluator, architectures[:1])
      else:
        logging.warning("the evaluation of %s failed", architecture, exc_info=error)
        yield Evaluation.raised(error, time.perf_counter() - start)
      return
    yield evaluation
  _check_end(evaluator, results, len(architectures))


def _is_told_to_stop(error: BaseException) -> bool:
  """Returns whether an error was raised by a signal handler of the program, in order to stop it."""
  handlers = {getattr(signal.getsignal(number), "__code__", None) for number in _STOPPING}
  return any(frame.f_code in handlers for frame, _ in traceback.walk_tb(error.__traceback__))


def _begin(evaluator: Evaluator, architectures: Sequence[Architecture]) -> Iterator[Any]:
  with _output_for_others(), _only_here():
    results: Any = evaluator.evaluate(architectures)
  if not hasattr(results, "__iter__"):
    raise _error(evaluator, f"must return an iterable of evaluations, got {results!r}")
  return iter(results)


def _next(evaluator: Evaluator, results: Iterator[Any], number: int, total: int) -> Evaluation:
  """Returns the next evaluation."""
  with _output_for_others(), _only_here():
    evaluation = next(results, _NOTHING)
  if evaluation is _NOTHING:
    raise _error(evaluator, f"must give one evaluation for each architecture, got {number} for {total}")
  if not isinstance(evaluation, Evaluation):
    raise _error(evaluator, f"must give an Evaluation for each architecture, got {evaluation!r}")
  return evaluation


@contextlib.contextmanager
def _only_here() -> Iterator[None]:
  """Terminates forked child processes that return from an evaluation, so that only this process continues the search."""
  process, status = os.getpid(), 1
  try:
    yield
    status = 0
  except SystemExit as error:
    status = error.code if isinstance(error.code, int) else int(error.code is not None)
    raise
  except BaseException:
    if os.getpid() != process:
      traceback.print_exc()
    raise
  finally:
    if os.getpid() != process:
      _flush_output()
      os._exit(status)


def _flush_output() -> None:
  for stream in (sys.stdout, sys.stderr):
    with contextlib.suppress(OSError, ValueError):
      stream.flush()


@contextlib.contextmanager
def _output_for_others() -> Iterator[None]:
  """Reopens standard output and standard error if an evaluation closes them, so that others can still print."""
  try:
    yield
  finally:
    for name, number in (("stdout", 1), ("stderr", 2)):
      _open_descriptor(number)
      if getattr(getattr(sys, name), "closed", False):
        setattr(sys, name, open(number, "w", buffering=1, errors="backslashreplace", closefd=False))


def _open_descriptor(number: int) -> None:
  """Opens a closed file descriptor as the null device, so that no newly opened file gets its number."""
  try:
    os.fstat(number)
  except OSError:
    nowhere = os.open(os.devnull, os.O_WRONLY)
    if nowhere != number:
      os.dup2(nowhere, number)
      os.close(nowhere)


def _check_end(evaluator: Evaluator, results: Iterator[Any] | None, total: int) -> None:
  if results is not None and next(results, _NOTHING) is not _NOTHING:
    raise _error(evaluator, f"must give one evaluation for each architecture, got more than {total} for {total}")


def _error(evaluator: Evaluator, problem: str) -> EvaluatorError:
  return EvaluatorError(f"{type(evaluator).__qualname__}.evaluate {problem}")
