"""The search loop, which connects a strategy, an executor and a journal.

The same loop runs every kind of search: NAO over cells, random search, weight sharing, in one process or on many
machines. To resume a search, it replays the calls recorded in the journal against a fresh strategy and then continues.
"""

import collections
import contextlib
import dataclasses
import math
import os
import time
from collections.abc import Callable, Iterator, Sequence

from nao_tf import fields
from nao_tf.evaluators.base import Evaluator
from nao_tf.evaluators.rung_evaluator import RungEvaluator
from nao_tf.objectives import Objectives, objectives_of
from nao_tf.runs.attempts import Attempts
from nao_tf.runs.journal import Journal, JournalError, open_trials
from nao_tf.searches.driver import Driver
from nao_tf.searches.evaluation import failed_by_attempts
from nao_tf.searches.executors.base import Executor, Run, WorkerStatus
from nao_tf.searches.executors.inline import InlineExecutor
from nao_tf.searches.rungs import RungConfig
from nao_tf.searches.stages import Stages, stages_of
from nao_tf.strategies.base import SpaceExhausted, Strategy
from nao_tf.training.base import Epoch
from nao_tf.trial import Trial, best_trial

STRATEGY_DIRECTORY = "strategy"
TRIAL_RETRIES = 2
ASKING = ("as_free", "rounds")
"""When to request the next batch: as soon as a worker is free, or when the whole previous batch is done."""


@dataclasses.dataclass(frozen=True)
class SearchTimes:
  """Where the time of a search went.

  Attributes:
    seconds: wall time of the call, in seconds.
    strategy_seconds: the part of it that the strategy spent on learning and proposing.
    busy_seconds: time that workers spent on trials, summed over workers.
    num_workers: number of workers at the end of the search.
  """

  seconds: float
  strategy_seconds: float
  busy_seconds: float
  num_workers: int

  @property
  def strategy_share(self) -> float:
    """The fraction of the wall time spent in the strategy, in [0, 1]."""
    return min(1.0, self.strategy_seconds / max(self.seconds, 1e-9))

  @property
  def utilization(self) -> float:
    """The fraction of worker time spent on trials, in [0, 1]."""
    return min(1.0, self.busy_seconds / max(self.seconds * self.num_workers, 1e-9))

  def __str__(self) -> str:
    workers = fields.counted(self.num_workers, "worker")
    strategy = f"the strategy took {self.strategy_seconds:.1f} s ({self.strategy_share:.0%})"
    return f"search time {self.seconds:.0f} s: {workers} busy {self.utilization:.0%} of the time, {strategy}"


def run_search(
  strategy: Strategy,
  evaluator: Evaluator | Executor,
  journal: Journal,
  *,
  num_trials: int,
  batch_size: int,
  first_batch_size: int | None = None,
  max_seconds: float | None = None,
  trial_retries: int = TRIAL_RETRIES,
  asking: str = "as_free",
  rungs: RungConfig | None = None,
  objectives: Objectives | Sequence[str] = (),
  on_trial: Callable[[Trial], None] = lambda trial: None,
  on_epoch: Callable[[int, Epoch], None] = lambda trial, epoch: None,
  on_workers: Callable[[Sequence[WorkerStatus]], None] = lambda workers: None,
  on_end: Callable[[SearchTimes], None] = lambda times: None,
) -> Trial | None:
  """Runs a search until `num_trials` architectures have been evaluated or the space is exhausted.

  To resume an interrupted search, call `run_search` with a fresh strategy and the same journal. With one worker the
  resumed search runs the same trials as an uninterrupted one. With several workers trials finish in any order: finished
  trials are kept, and unfinished ones are evaluated again. The executor and the number of workers may change between
  calls.

  Args:
    strategy: proposes architectures. It must be fresh: nothing asked or told yet.
    evaluator: an evaluator, which runs in this process one trial at a time, or an executor, which may evaluate
      elsewhere.
    journal: records the search; it may already hold the beginning of this search.
    num_trials: number of trials to run, including failed ones.
    batch_size: number of architectures to request from the strategy at a time.
    first_batch_size: size of the first batch; None for `batch_size`.
    max_seconds: time limit of this call, in seconds, after which no new batch is requested; None for no limit. Batches
      that have been started, now or by an earlier process, are finished.
    trial_retries: how many times the evaluation of a trial is restarted after it has crashed the process, for example
      with a segmentation fault, or its machine was lost, before the trial fails. An exception fails a trial at once.
    asking: when to request the next batch: "as_free", as soon as a worker is free and no trial is waiting, or "rounds",
      when all trials of the previous batch are done. With one worker the two are the same.
    rungs: early stopping: `num_trials` candidates are started, each trains for a few epochs, and the better ones
      continue. The evaluators of an executor must then be of class `nao_tf.evaluators.rung_evaluator.RungEvaluator`.
      None: each trial is evaluated once.
    objectives: for a multi-objective search, two or more names of objectives (see `nao_tf.objectives.objective_of`), or
      an `Objectives`, which may know some values before training. Trials without a finite value of every objective
      fail; if the evaluator does not measure one at all, the search ends. `Objectives.pareto_set` returns the best
      trials. Cannot be combined with `rungs`. Empty: maximize the reward.
    on_trial: called with each finished trial, including those already in the journal; with rungs, once per rung.
    on_epoch: called with the trial id and each epoch of its training, if the evaluator supports it. On a cluster, all
      epochs of a trial are reported when it ends.
    on_workers: called about once a second with the status of each worker; not for evaluations in this process.
    on_end: called at the end with the times of the search.

  Returns:
    The trial with the highest reward, in a search with rungs the best one of the highest rung; None if all trials
    failed.

  Raises:
    JournalError: if the journal holds an architecture that does not belong to the space, or promotions although `rungs`
      is None.
    EvaluatorError: if the evaluator cannot be constructed, or does not return exactly one evaluation per architecture.
    ValueError: if a number is out of range, the evaluator does not support rungs, an objective is unknown, or the
      strategy does not support several objectives.
    nao_tf.objectives.NotMeasured: a ValueError, if the first successful evaluation lacks an objective. It is recorded as
      a failed trial.
  """
  first_batch_size = batch_size if first_batch_size is None else first_batch_size
  if min(num_trials, batch_size, first_batch_size) < 1:
    numbers = f"{num_trials}, {batch_size} and {first_batch_size}"
    raise ValueError(f"num_trials, batch_size and first_batch_size must be at least 1, got {numbers}")
  if trial_retries < 0:
    raise ValueError(f"trial_retries must not be negative, got {trial_retries}")
  if max_seconds is not None and not max_seconds > 0:
    raise ValueError(f"max_seconds must be above 0, or None, got {max_seconds}")
  if asking not in ASKING:
    raise ValueError(f"asking must be one of {', '.join(ASKING)}, got {asking!r}")
  sought = objectives if isinstance(objectives, Objectives) else objectives_of(objectives)
  if sought is not None and rungs is not None:
    raise ValueError("a search with rungs promotes trials by their rewards: it does not support objectives")
  if sought is not None:
    strategy.pursue(sought)
  stages = stages_of(rungs)
  asker = _Asker(strategy, journal, stages, num_trials, batch_size, first_batch_size, max_seconds, asking)
  still_open = asker.replay(on_trial)
  executor = evaluator if isinstance(evaluator, Executor) else InlineExecutor(_at_rungs(evaluator, rungs))
  with contextlib.closing(Attempts(journal.directory, {trial.id for trial in still_open})) as attempts:
    search = _Search(asker, stages, executor, Run(journal.directory, attempts, trial_retries, on_epoch), on_workers)
    try:
      for evaluated in search.closed_trials(still_open):
        closed = evaluated if sought is None else sought.complete(evaluated)
        asker.tell(closed)
        if rungs is not None:
          attempts.finish(closed.id)
        on_trial(closed)
        if sought is not None:
          _check_measured(sought, evaluated, journal)
    except BaseException:
      executor.cancel()
      raise
  on_end(SearchTimes(asker.elapsed, asker.seconds, executor.busy_seconds, executor.num_workers))
  return best_trial(journal.trials)


def _check_measured(objectives: Objectives, evaluated: Trial, journal: Journal) -> None:
  """Checks that an evaluation has the objectives of a search, unless those of an earlier trial are on record."""
  if evaluated.evaluation is not None and evaluated.reward is not None and best_trial(journal.trials) is None:
    objectives.check_measured(evaluated.evaluation)


def _at_rungs(evaluator: Evaluator, rungs: RungConfig | None) -> Evaluator:
  """Wraps an evaluator for a search with rungs; returns it unchanged if there are none."""
  if rungs is None or isinstance(evaluator, RungEvaluator):
    return evaluator
  return RungEvaluator(evaluator, rungs.epochs)


class _Asker:
  """Requests architectures from a strategy, reports results to it, and records both in the journal.

  Attributes:
    seconds: time spent in the strategy.
  """

  def __init__(
    self,
    strategy: Strategy,
    journal: Journal,
    stages: Stages,
    num_trials: int,
    batch_size: int,
    first_batch_size: int,
    max_seconds: float | None,
    asking: str,
  ):
    self._driver = Driver(strategy, cache=os.path.join(journal.directory, STRATEGY_DIRECTORY))
    self._journal, self._stages, self._num_trials = journal, stages, num_trials
    self._batch_size, self._first_batch_size = batch_size, first_batch_size
    self._start = time.monotonic()
    self._deadline = self._start + (math.inf if max_seconds is None else max_seconds)
    self._in_rounds = asking == "rounds"
    self._is_exhausted = False
    self.seconds = 0.0

  @property
  def elapsed(self) -> float:
    """Seconds since the search started."""
    return time.monotonic() - self._start

  def replay(self, on_trial: Callable[[Trial], None]) -> list[Trial]:
    """Replays the journal against the strategy; returns the trials that are still open."""
    with self._timed():
      if self._journal.entries:  # Otherwise a cache is that of another search.
        self._driver.restore()
      try:
        self._driver.replay(self._stages.events(self._journal.entries))
      except ValueError as error:
        raise JournalError(f"{self._journal.directory}: {error}") from error
    for entry in self._journal.entries:
      if isinstance(entry, Trial):
        on_trial(entry)
    return open_trials(self._journal.entries)

  def promoted(self) -> Trial | None:
    """Returns a trial to continue at its next rung; None if there is none or the time is up."""
    trial = None if time.monotonic() >= self._deadline else self._stages.promoted()
    if trial is not None:
      self._journal.append_promoted(trial)
    return trial

  def ask(self, *, is_idle: bool) -> list[Trial]:
    """Returns the next batch; empty if the search is ending, or the last round is not done.

    Args:
      is_idle: whether no trial is open.
    """
    missing = self._num_trials - self._driver.num_trials
    if missing <= 0 or self._is_exhausted or (self._in_rounds and not is_idle) or time.monotonic() >= self._deadline:
      return []
    size = self._stages.num_new(self._batch_size if self._driver.num_trials else self._first_batch_size)
    if size < 1:
      return []
    with self._timed():
      try:
        batch = self._stages.begun(self._driver.ask(min(size, missing)))
      except SpaceExhausted:
        self._is_exhausted = True
        return []
      self._journal.append_asked(batch)
      self._driver.save()
    return batch

  def tell(self, closed: Trial) -> None:
    """Records a closed trial and reports it to the strategy."""
    self._journal.append_closed(closed)
    with self._timed():
      self._driver.tell(self._stages.told(closed))

  @contextlib.contextmanager
  def _timed(self) -> Iterator[None]:
    start = time.perf_counter()
    try:
      yield
    finally:
      self.seconds += time.perf_counter() - start


class _Search:
  """Keeps the workers of an executor busy."""

  def __init__(
    self,
    asker: _Asker,
    stages: Stages,
    executor: Executor,
    run: Run,
    on_workers: Callable[[Sequence[WorkerStatus]], None],
  ):
    self._asker, self._stages, self._executor, self._run = asker, stages, executor, run
    self._on_workers = on_workers
    self._waiting: collections.deque[Trial] = collections.deque()

  def closed_trials(self, still_open: Sequence[Trial]) -> Iterator[Trial]:
    """Yields evaluated trials in order of completion, until the search ends.

    Args:
      still_open: trials requested by an earlier process; they are evaluated first.
    """
    self._executor.start(self._run)
    if self._executor.takes_batches:  # It looks at the attempts itself.
      self._waiting.extend(still_open)
    else:
      yield from self._suspects(still_open)
    while True:
      self._fill()
      if self._executor.is_idle:
        return
      yield from self._next_done()

  def _suspects(self, still_open: Sequence[Trial]) -> Iterator[Trial]:
    """Evaluates the trials that may have crashed the process, and fails those that did so too often.

    When the process crashed, several trials were running, and most of them are innocent. So the last attempt of each
    suspect runs alone, and no trial fails because of another one.
    """
    attempts, retries = self._run.attempts, self._run.retries
    for trial in still_open:
      failed = failed_by_attempts(trial, attempts, retries)
      if failed is not None:
        yield failed
      elif attempts.count(trial.id) == retries > 0:
        self._submit([trial])
        while not self._executor.is_idle:
          yield from self._next_done()
      else:
        self._waiting.append(trial)

  def _next_done(self) -> Iterator[Trial]:
    """Yields the next finished trial, or nothing if none has finished yet."""
    closed = self._executor.next_done()
    self._on_workers(self._executor.status())
    if closed is not None:
      yield self._stages.done(closed)

  def _fill(self) -> None:
    """Submits trials as long as the executor has room and there are trials."""
    while (room := self._executor.num_free) > 0:
      self._promote(room)
      if not self._waiting:
        self._waiting.extend(self._asker.ask(is_idle=self._executor.is_idle))
      batch = [self._waiting.popleft() for _ in range(min(room, len(self._waiting)))]
      if not batch:
        return
      self._submit(batch)

  def _promote(self, room: int) -> None:
    """Continues trials at their next rungs before new ones are started.

    With one worker, promotions happen one at a time between batches, so that an interrupted search resumes in the same
    order.
    """
    in_order = self._executor.takes_batches
    if in_order and self._waiting:
      return
    for _ in range(1 if in_order else room):
      promoted = self._asker.promoted()
      if promoted is None:
        break
      self._waiting.append(promoted)
    self._waiting = collections.deque(sorted(self._waiting, key=lambda trial: -trial.rung))

  def _submit(self, trials: Sequence[Trial]) -> None:
    self._executor.submit([self._stages.work(trial) for trial in trials])
