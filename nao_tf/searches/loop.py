"""The loop that joins a strategy, an executor and a journal.

One loop serves every search: NAO over cells, random search, weight sharing, one process or many machines. It is resumable
because it repeats, against a fresh strategy, what the journal holds, and then goes on.
"""

import collections
import contextlib
import dataclasses
import math
import os
import time
from collections.abc import Callable, Iterator, Sequence

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
"""When a strategy is asked for more: as soon as a worker is free, or when all that it was asked for are done."""


@dataclasses.dataclass(frozen=True)
class SearchTimes:
  """Where the time of a search went.

  Attributes:
    seconds: wall time of the call.
    strategy_seconds: of it, time that the strategy took to learn and to propose.
    busy_seconds: time that workers spent on trials, added up.
    num_workers: how many there were at the end.
  """

  seconds: float
  strategy_seconds: float
  busy_seconds: float
  num_workers: int

  @property
  def strategy_share(self) -> float:
    """The share of the wall time that the strategy took, in [0, 1]."""
    return min(1.0, self.strategy_seconds / max(self.seconds, 1e-9))

  @property
  def utilization(self) -> float:
    """The share of their time that workers spent on trials, in [0, 1]."""
    return min(1.0, self.busy_seconds / max(self.seconds * self.num_workers, 1e-9))

  def __str__(self) -> str:
    workers = "1 worker was" if self.num_workers == 1 else f"{self.num_workers} workers were"
    asking = f"asking took {self.strategy_seconds:.1f} s ({self.strategy_share:.0%})"
    return f"{self.seconds:.0f} s: {workers} busy {self.utilization:.0%} of the time, {asking}"


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
  """Searches until `num_trials` architectures have been evaluated or the space is exhausted.

  Killed at any moment and started again with a fresh strategy and the same journal, it goes on. With one worker it goes
  on to the same trials. With several, trials end in any order: those that were finished are kept, and those that were not
  are evaluated again. Each time the executor and the number of workers may be others.

  Args:
    strategy: proposes; fresh, nothing asked or told.
    evaluator: evaluates in this process, one trial after the other; or an executor, which evaluates elsewhere.
    journal: records, and may hold the beginning of this search.
    num_trials: budget; failed trials count.
    batch_size: how many architectures to ask for at a time.
    first_batch_size: how many to ask for the first time; None: `batch_size`.
    max_seconds: no batch is asked for when this call has taken so long; None for no limit. A batch that was begun, now
      or by an earlier process, is finished.
    trial_retries: how often the evaluation of a trial is begun again after it has ended the process, by a segmentation
      fault for example, or after its machine was lost. After that it counts as failed. An exception fails a trial at once.
    asking: when the strategy is asked for the next batch: "as_free" as soon as a worker is free that no trial waits for,
      "rounds" when all trials of the last batch are closed. With one worker this is the same.
    rungs: children are trained a few epochs, and the better ones go on; `num_trials` are begun. The evaluators of an
      executor are then `nao_tf.evaluators.rung_evaluator.RungEvaluator`. None: each trial is evaluated at once.
    objectives: what to search for, if that is more than the reward: two or more names of objectives, see
      `nao_tf.objectives.objective_of`, or `Objectives`, which may also know some before a network is trained. A trial
      without a finite value of each of them has failed. `Objectives.pareto_set` returns the best of the trials. Not with
      `rungs`.
    on_trial: called with each trial that closes, those found in the journal included; in rungs, at each rung that it closes
      at.
    on_epoch: called with the id of a trial and each epoch of its training, if the evaluator lets others watch. On a
      cluster the epochs of a trial come together at its end.
    on_workers: called with what each worker does, about once a second; not for evaluations in this process.
    on_end: called at the end with the times of the search.

  Returns:
    The best trial, in rungs the best of the highest rung; None if none succeeded.

  Raises:
    JournalError: if the journal holds an architecture that is not one of the space, or promotions and there are no rungs.
    EvaluatorError: if the evaluator cannot be made, or returns something else than one evaluation for each architecture.
    ValueError: if a number is too small, the evaluator cannot train in rungs, an objective is unknown, or the strategy
      searches for the reward alone.
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
    raise ValueError("a search in rungs promotes trials by their rewards: it has no objectives")
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
    except BaseException:
      executor.cancel()
      raise
  on_end(SearchTimes(asker.elapsed, asker.seconds, executor.busy_seconds, executor.num_workers))
  return best_trial(journal.trials)


def _at_rungs(evaluator: Evaluator, rungs: RungConfig | None) -> Evaluator:
  """Returns an evaluator that takes an architecture with its rung, if there are rungs."""
  if rungs is None or isinstance(evaluator, RungEvaluator):
    return evaluator
  return RungEvaluator(evaluator, rungs.epochs)


class _Asker:
  """Asks a strategy and tells it, and writes both down.

  Attributes:
    seconds: time that the strategy took.
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
    """Seconds since the search began."""
    return time.monotonic() - self._start

  def replay(self, on_trial: Callable[[Trial], None]) -> list[Trial]:
    """Repeats what the journal holds; returns the trials that are still open."""
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
    """Returns a trial that goes on at its next rung; None if there is none, or the time is up."""
    trial = None if time.monotonic() >= self._deadline else self._stages.promoted()
    if trial is not None:
      self._journal.append_promoted(trial)
    return trial

  def ask(self, *, is_idle: bool) -> list[Trial]:
    """Returns the next batch; none if the search comes to its end, or the last round is not done.

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
    """Writes down a closed trial and tells the strategy."""
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
    """Yields trials with their evaluations, in order of completion, to the end of the search.

    Args:
      still_open: trials that were asked for before; they come first.
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
    """Yields the trials that have ended the process too often; the others have to wait.

    Several trials were under way when the process ended, so most of them are innocent. Their last attempt is made alone,
    so that none fails for another one.
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
    """Yields the next trial that is done, or nothing for now."""
    closed = self._executor.next_done()
    self._on_workers(self._executor.status())
    if closed is not None:
      yield self._stages.done(closed)

  def _fill(self) -> None:
    """Gives trials to the executor as long as it takes some and there are some."""
    while (room := self._executor.num_free) > 0:
      self._promote(room)
      if not self._waiting:
        self._waiting.extend(self._asker.ask(is_idle=self._executor.is_idle))
      batch = [self._waiting.popleft() for _ in range(min(room, len(self._waiting)))]
      if not batch:
        return
      self._submit(batch)

  def _promote(self, room: int) -> None:
    """Lets trials go on at their next rungs, before others begin.

    With one worker they go on one by one, between two batches. So a search that is killed goes on in the same order.
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
