"""The evaluation of a batch of trials. Whatever happens in it, each trial ends with an evaluation.

An evaluator that raises an exception fails the trial that it was working on, and goes on with the next one. One that
ends the process is tried again at the next start, so many times, and then counts as failed, too.
"""

import contextlib
import inspect
import time
from collections.abc import Iterator, Sequence
from typing import Any

from absl import logging

from nao_tf.evaluators.base import Evaluator, EvaluatorError
from nao_tf.runs.attempts import Attempts
from nao_tf.runs.settings import RunDirectoryError
from nao_tf.trial import Evaluation, Trial

_ENDING = (EvaluatorError, RunDirectoryError)
"""Exceptions that say nothing about an architecture. They end the search."""

_NOTHING = object()


class TrialEvaluator:
  """Closes open trials with an evaluator."""

  def __init__(self, evaluator: Evaluator, attempts: Attempts, *, retries: int):
    """Takes an evaluator.

    Args:
      evaluator: evaluates.
      attempts: of the search.
      retries: how often the evaluation of a trial is begun again after it has ended the process.
    """
    self._evaluator, self._attempts, self._retries = evaluator, attempts, retries
    self._is_lazy = inspect.isgeneratorfunction(evaluator.evaluate)

  def close_all(self, trials: Sequence[Trial]) -> Iterator[Trial]:
    """Yields each trial with its evaluation, in order, as soon as it has one.

    Raises:
      EvaluatorError: if the evaluator returns something else than one evaluation for each architecture.
    """
    done = 0
    while done < len(trials):
      for closed in self._close_some(trials[done:]):
        done += 1
        yield closed

  def _close_some(self, waiting: Sequence[Trial]) -> Iterator[Trial]:
    """Yields the first trial, or the first few, with their evaluations."""
    count = self._attempts.count(waiting[0].id)
    if count > self._retries:
      yield waiting[0].close(Evaluation.failed(f"its evaluation ended the process {count} times"))
      return
    if count:
      number = f"{count + 1} of {self._retries + 1}"
      logging.warning("trial %d: the process ended during its evaluation; attempt %s", waiting[0].id, number)
    # An evaluator that returns all evaluations at once does not say which one ended the process.
    is_suspect = count > 0 and not self._is_lazy
    yield from self._close_together(waiting[:1] if is_suspect else waiting)

  def _close_together(self, trials: Sequence[Trial]) -> Iterator[Trial]:
    """Gives trials to the evaluator at once. Yields them until all are closed or one has failed with an exception."""
    results: Iterator[Any] | None = None
    for number, trial in enumerate(trials):
      start = time.perf_counter()
      try:
        with self._attempt(trial):
          results = self._begin(trials) if results is None else results
          evaluation = self._next(results, number, len(trials))
      except _ENDING:
        raise
      except Exception as error:
        is_known = results is not None or len(trials) == 1
        yield from (
          [_failed(trial, error, time.perf_counter() - start)] if is_known else self._close_together(trials[:1])
        )
        return
      yield trial.close(evaluation)
    self._check_end(results, len(trials))

  @contextlib.contextmanager
  def _attempt(self, trial: Trial) -> Iterator[None]:
    """Counts an attempt at a trial. An exception is one that does not count: the process lives."""
    self._attempts.begin(trial.id)
    try:
      yield
    except BaseException:
      self._attempts.interrupt(trial.id)
      raise

  def _begin(self, trials: Sequence[Trial]) -> Iterator[Any]:
    results = self._evaluator.evaluate([trial.architecture for trial in trials])
    try:
      return iter(results)
    except TypeError:
      raise self._error(f"must return an iterable of evaluations, got {results!r}") from None

  def _next(self, results: Iterator[Any], number: int, total: int) -> Evaluation:
    """Returns the next evaluation."""
    evaluation = next(results, _NOTHING)
    if evaluation is _NOTHING:
      raise self._error(f"must give one evaluation for each architecture, got {number} for {total}")
    if not isinstance(evaluation, Evaluation):
      raise self._error(f"must give an Evaluation for each architecture, got {evaluation!r}")
    return evaluation

  def _check_end(self, results: Iterator[Any] | None, total: int) -> None:
    if results is not None and next(results, _NOTHING) is not _NOTHING:
      raise self._error(f"must give one evaluation for each architecture, got more than {total} for {total}")

  def _error(self, problem: str) -> EvaluatorError:
    return EvaluatorError(f"{type(self._evaluator).__qualname__}.evaluate {problem}")


def _failed(trial: Trial, error: Exception, cost_seconds: float) -> Trial:
  """Returns a trial that failed with an exception, which is logged."""
  logging.warning("trial %d failed", trial.id, exc_info=error)
  return trial.close(Evaluation.raised(error, cost_seconds))
