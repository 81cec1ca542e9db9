"""Evaluates a batch of trials such that every trial ends with an evaluation, whatever happens.

An evaluation that crashes the process is retried after the next start, up to a maximum number of times. Then its trial
fails.
"""

import contextlib
import inspect
from collections.abc import Callable, Iterator, Sequence

from absl import logging

from nao_tf.evaluators.base import Evaluator, watch
from nao_tf.evaluators.outcomes import evaluate_each
from nao_tf.runs.attempts import Attempts
from nao_tf.training.base import Epoch
from nao_tf.trial import Evaluation, Trial


def failed_by_attempts(trial: Trial, attempts: Attempts, retries: int) -> Trial | None:
  """Returns an open trial as failed if its evaluation has crashed the process more than `retries` times, else None."""
  count = attempts.count(trial.id)
  return trial.close(Evaluation.failed(f"its evaluation ended the process {count} times")) if count > retries else None


class TrialEvaluator:
  """Evaluates open trials with an evaluator."""

  def __init__(
    self,
    evaluator: Evaluator,
    attempts: Attempts,
    *,
    retries: int,
    on_epoch: Callable[[int, Epoch], None] = lambda trial, epoch: None,
  ):
    """Initializes with an evaluator.

    Args:
      evaluator: evaluates.
      attempts: attempts of the search.
      retries: how often the evaluation of a trial is begun again after it has ended the process.
      on_epoch: called with the id of a trial and each epoch of its training.
    """
    self._on_epoch, self._current = on_epoch, 0
    watch(evaluator, lambda epoch: self._on_epoch(self._current, epoch))
    self._evaluator, self._attempts, self._retries = evaluator, attempts, retries
    self._is_lazy = inspect.isgeneratorfunction(evaluator.evaluate)

  def close_all(self, trials: Sequence[Trial]) -> Iterator[Trial]:
    """Yields each trial with its evaluation, in order, as soon as it is available.

    Raises:
      EvaluatorError: if the evaluator does not return exactly one evaluation per architecture.
    """
    done = 0
    while done < len(trials):
      for closed in self._close_some(trials[done:]):
        done += 1
        yield closed

  def _close_some(self, waiting: Sequence[Trial]) -> Iterator[Trial]:
    """Yields trials with their evaluations: the first one, or all."""
    failed = failed_by_attempts(waiting[0], self._attempts, self._retries)
    if failed is not None:
      yield failed
      return
    count = self._attempts.count(waiting[0].id)
    if count:
      number = f"{count + 1} of {self._retries + 1}"
      logging.warning("trial %d: the process ended during its evaluation; attempt %s", waiting[0].id, number)
    # An evaluator that returns all evaluations at once does not say which one ended the process.
    is_suspect = count > 0 and not self._is_lazy
    yield from self._close_together(waiting[:1] if is_suspect else waiting)

  def _close_together(self, trials: Sequence[Trial]) -> Iterator[Trial]:
    """Yields trials that are given to the evaluator at once."""
    evaluations = evaluate_each(self._evaluator, [trial.architecture for trial in trials])
    for trial in trials:
      with self._attempt(trial):
        evaluation = next(evaluations)
      yield trial.close(evaluation)
    next(evaluations, None)  # Lets the evaluator come to its end.

  @contextlib.contextmanager
  def _attempt(self, trial: Trial) -> Iterator[None]:
    """Counts an attempt at a trial, which does not count if it was interrupted."""
    self._attempts.begin(trial.id)
    self._current = trial.id
    try:
      yield
    except BaseException:
      self._attempts.interrupt(trial.id)
      raise
