"""The executor that evaluates sequentially in this process."""

import sys
import time
from collections.abc import Iterator, Sequence

from nao_tf.evaluators.base import Evaluator
from nao_tf.searches.evaluation import TrialEvaluator
from nao_tf.searches.executors.base import Executor, ExecutorSettings, MakeEvaluator, Run
from nao_tf.trial import Trial


class InlineExecutor(Executor):
  """Passes a whole batch of trials to the evaluator at once, as evaluators with shared weights require."""

  takes_batches = True

  def __init__(self, evaluator: Evaluator):
    """Initializes the executor with an evaluator."""
    self._evaluator = evaluator
    self._trials: TrialEvaluator | None = None
    self._closing: Iterator[Trial] | None = None

  @classmethod
  def check(cls, settings: ExecutorSettings) -> None:
    """Raises a ValueError if the settings require more than one worker or a time limit, which need separate processes."""
    if settings.num_workers not in (None, 1):
      raise ValueError(f"the executor inline has one worker, got num_workers {settings.num_workers}; use processes")
    if settings.trial_timeout is not None:
      raise ValueError("the executor inline cannot end an evaluation after trial_timeout seconds; use processes")

  @classmethod
  def make(cls, make_evaluator: MakeEvaluator, settings: ExecutorSettings) -> "InlineExecutor":
    """Returns an executor; see `nao_tf.searches.executors.make_executor`.

    Raises:
      ValueError: see `check`.
    """
    cls.check(settings)
    return cls(make_evaluator())

  @property
  def num_workers(self) -> int:
    """One: this process."""
    return 1

  @property
  def num_free(self) -> int:
    """The number of further trials that it accepts now: unlimited, or 0 while a batch is being evaluated."""
    return sys.maxsize if self.is_idle else 0

  @property
  def is_idle(self) -> bool:
    """Whether the last batch is finished."""
    return self._closing is None

  def start(self, run: Run) -> None:
    """Starts to work for a search."""
    self._trials = TrialEvaluator(self._evaluator, run.attempts, retries=run.retries, on_epoch=run.on_epoch)
    self._closing, self.busy_seconds = None, 0.0

  def submit(self, trials: Sequence[Trial]) -> None:
    """Submits a batch."""
    if self._trials is None:
      raise RuntimeError("submit was called before start")
    self._closing = self._trials.close_all(trials)

  def next_done(self) -> Trial | None:
    """Evaluates the next trial of the batch; returns None at its end. See `Executor.next_done`."""
    if self._closing is None:
      return None
    start = time.perf_counter()
    closed = next(self._closing, None)
    self.busy_seconds += time.perf_counter() - start
    if closed is None:
      self._closing = None
    return closed

  def cancel(self) -> None:
    """Drops the batch."""
    self._closing = None
