"""The executor that evaluates in worker processes on this machine.

Worker processes are reused from trial to trial. A process is replaced when a trial crashes it, when it hangs, and when
it exceeds its memory limit.
"""

import collections
import multiprocessing.connection
import time
from collections.abc import Mapping, Sequence
from typing import Any

from absl import logging

from nao_tf.evaluators.base import EvaluatorError
from nao_tf.evaluators.worker_process import BEGUN, READY, STARTED, WorkerProcess
from nao_tf.searches.executors import machine
from nao_tf.searches.executors.base import Executor, ExecutorSettings, MakeEvaluator, Run, WorkerStatus
from nao_tf.searches.executors.trial_logs import closed_with_log, new_log, read_log
from nao_tf.training.base import Epoch
from nao_tf.trial import Evaluation, Trial

_PATIENCE = 1.0
"""Seconds between two looks at workers that do not say anything."""

_LARGEST_SHARE = 0.9
"""Of the memory of the machine, for all workers together."""

_KEPT_SHARE = 0.5
"""Of the memory of a worker: one that holds more between two trials is replaced."""

_FALSE_STARTS = 3
"""So many times a process may end before it is ready, one after another."""

_FROM_OUTSIDE = ("by SIGTERM", "by SIGHUP", "by SIGINT")
"""Ends of a process that a machine causes, and not a child."""


class ProcessExecutor(Executor):
  """Evaluates in worker processes. A trial that crashes its process, hangs or exceeds the memory limit fails."""

  def __init__(
    self,
    make_evaluator: MakeEvaluator,
    *,
    num_workers: int,
    trial_timeout: float | None = None,
    worker_memory: float | None = None,
  ):
    """Initializes the executor. Worker processes are started with the first trials.

    Args:
      make_evaluator: function that returns an evaluator. It is called in the worker processes, so it must be picklable.
      num_workers: number of worker processes.
      trial_timeout: time limit of an evaluation, in seconds, after which it fails; None for no limit. The construction
        of the evaluator does not count.
      worker_memory: memory limit of a process, in GiB; None for an equal share of the memory of the machine.
    """
    self._make, self._timeout = make_evaluator, trial_timeout
    self._memory = worker_memory or machine.memory_gib() * _LARGEST_SHARE / num_workers
    self._workers = [_Worker(number, share) for number, share in enumerate(machine.shares(num_workers))]
    self._waiting: collections.deque[Trial] = collections.deque()
    self._done: collections.deque[Trial] = collections.deque()
    self._losses: collections.Counter[int] = collections.Counter()
    self._false_starts = 0
    self._run: Run | None = None

  @classmethod
  def make(cls, make_evaluator: MakeEvaluator, settings: ExecutorSettings) -> "ProcessExecutor":
    """Returns an executor; see `nao_tf.searches.executors.make_executor`."""
    return cls(
      make_evaluator,
      num_workers=settings.num_workers or machine.default_num_workers(),
      trial_timeout=settings.trial_timeout,
      worker_memory=settings.worker_memory,
    )

  @property
  def num_workers(self) -> int:
    """The number of worker processes."""
    return len(self._workers)

  @property
  def num_free(self) -> int:
    """The number of workers without a trial."""
    return len(self._workers) - len(self._waiting) - sum(worker.trial is not None for worker in self._workers)

  @property
  def is_idle(self) -> bool:
    """Whether no trial is running and all results have been returned."""
    return self.num_free == len(self._workers) and not self._done

  def start(self, run: Run) -> None:
    """Starts to work for a search."""
    self._run, self.busy_seconds = run, 0.0
    self._losses.clear()

  def submit(self, trials: Sequence[Trial]) -> None:
    """Submits trials to workers, starting their processes if necessary."""
    self._waiting.extend(trials)
    self._assign()

  def next_done(self) -> Trial | None:
    """Waits for the next evaluated trial; see `Executor.next_done`."""
    if not self._done:
      self._wait()
      self._assign()
    return self._done.popleft() if self._done else None

  def status(self) -> list[WorkerStatus]:
    """Returns the status of each worker."""
    return [worker.status() for worker in self._workers]

  def cancel(self) -> None:
    """Terminates all processes with running trials, which do not count as attempts."""
    for worker in self._workers:
      if worker.trial is not None:
        self._give_back(worker)
        worker.end()
    self._waiting.clear()
    self._done.clear()

  def close(self) -> None:
    """Terminates all processes."""
    for worker in self._workers:
      worker.end()

  def _working_for(self) -> Run:
    if self._run is None:
      raise RuntimeError("an executor was used before start")
    return self._run

  def _assign(self) -> None:
    """Gives the trials that wait to workers that have none; those with a process come first."""
    run = self._working_for()
    free = sorted((w for w in self._workers if w.trial is None), key=lambda worker: not worker.is_ready)
    for worker in free[: len(self._waiting)]:
      trial = self._waiting.popleft()
      worker.begin(trial, new_log(run.directory, trial.id), self._make)

  def _wait(self) -> None:
    """Waits until a worker says something, and looks after those that do not."""
    living: dict[Any, _Worker] = {w.process.connection: w for w in self._workers if w.process is not None}
    for connection in multiprocessing.connection.wait(list(living), self._seconds_to_next_timeout()):
      self._receive(living[connection])
    for worker in self._workers:
      self._look_after(worker)

  def _seconds_to_next_timeout(self) -> float:
    if self._timeout is None:
      return _PATIENCE
    ages = [worker.age for worker in self._workers if worker.is_evaluating]
    return max(0.0, min([_PATIENCE, *(self._timeout - age for age in ages)]))

  def _receive(self, worker: "_Worker") -> None:
    """Takes a message of a worker."""
    try:
      message = worker.receive()
    except EOFError:
      self._after_end(worker)
      return
    if message == READY:
      self._false_starts = 0
    elif message == BEGUN and worker.trial is not None:
      self._working_for().attempts.begin(worker.trial.id)
    elif isinstance(message, Epoch) and worker.trial is not None:
      self._working_for().on_epoch(worker.trial.id, message)
    elif isinstance(message, Evaluation):
      self._finish(worker, message)
      if machine.held_gib(worker.pid) > self._memory * _KEPT_SHARE:
        worker.end()

  def _after_end(self, worker: "_Worker") -> None:
    """Decides what becomes of the trial of a worker whose process has ended.

    Raises:
      EvaluatorError: if a process cannot start, or processes end again and again before they are ready.
    """
    was_ready, was_evaluating, has_started = worker.is_ready, worker.is_evaluating, worker.has_started
    end = worker.end_of_process()
    if not has_started and end.startswith("with"):
      raise EvaluatorError(
        f"a worker process ended {end} at startup, when it imports your script and constructs the evaluator; see its output"
        ' for the reason. A script with workers must start its search below `if __name__ == "__main__":`'
      )
    self._false_starts += not was_ready
    if self._false_starts >= _FALSE_STARTS:
      raise EvaluatorError(
        f"the process of the evaluator ended {end} before it was ready, {_FALSE_STARTS} times; see its output for the reason"
      )
    if worker.trial is None:
      return
    if was_evaluating and end not in _FROM_OUTSIDE:
      self._finish(worker, Evaluation.failed(f"its evaluation ended its process {end}{_hint(end)}", worker.age))
    elif was_ready:
      self._lose(worker, end)
    else:
      self._waiting.appendleft(self._give_back(worker))

  def _lose(self, worker: "_Worker", end: str) -> None:
    """Tries a trial again whose worker was ended from outside, or fails it if that happened too often."""
    if worker.trial is None:
      return
    self._losses[worker.trial.id] += 1
    count = self._losses[worker.trial.id]
    if count > self._working_for().retries:
      self._finish(
        worker, Evaluation.failed(f"lost its worker {count} times; the last one was ended {end}", worker.age)
      )
      return
    logging.warning("trial %d: its worker was ended %s; the trial is restarted", worker.trial.id, end)
    self._waiting.appendleft(self._give_back(worker))

  def _look_after(self, worker: "_Worker") -> None:
    """Ends a worker that has taken too long, or holds too much memory; notices one that has ended."""
    if worker.process is not None and worker.process.has_ended:
      self._after_end(worker)
    if not worker.is_evaluating:
      return
    if (held := machine.held_gib(worker.pid)) > self._memory:
      worker.end()
      reason = f"its process held {held:.2f} GiB of memory, more than worker_memory, {self._memory:.2f} GiB"
      self._finish(worker, Evaluation.failed(reason, worker.age))
    elif self._timeout is not None and worker.age >= self._timeout:
      worker.end()
      self._finish(worker, Evaluation.failed(f"took longer than {self._timeout:g} seconds", worker.age))

  def _finish(self, worker: "_Worker", evaluation: Evaluation) -> None:
    """Takes the trial of a worker as done."""
    if worker.trial is None:
      return
    self.busy_seconds += worker.age
    log = b"" if evaluation.ok else read_log(worker.log)
    self._done.append(closed_with_log(worker.trial, evaluation, log))
    worker.rest()

  def _give_back(self, worker: "_Worker") -> Trial:
    """Takes the trial of a worker back, as if it had not begun."""
    if worker.trial is None:
      raise RuntimeError("a worker has no trial to give back")
    trial = worker.trial
    if worker.is_evaluating:
      self._working_for().attempts.interrupt(trial.id)
    worker.rest()
    return trial


class _Worker:
  """A place for a process, with its share of the machine.

  Attributes:
    process: the process; None if there is none now.
    trial: its trial; None if it has none.
    log: path of the log of the trial.
    has_started: whether the process has imported what it needs.
    is_ready: whether the process has made its evaluator.
    is_evaluating: whether the process has begun with the trial.
    epoch: the last one of the training of the trial; None if there is none.
  """

  def __init__(self, number: int, share: Mapping[str, str]):
    self._number, self._share = number, share
    self.process: WorkerProcess | None = None
    self.trial: Trial | None = None
    self.log = ""
    self.epoch: Epoch | None = None
    self.has_started = self.is_ready = self.is_evaluating = False
    self._since = time.monotonic()

  @property
  def age(self) -> float:
    """Seconds since it began to do what it does."""
    return time.monotonic() - self._since

  @property
  def pid(self) -> int | None:
    """The id of the process."""
    return self.process.pid if self.process else None

  def status(self) -> WorkerStatus:
    """Returns what it does."""
    state = "idle" if self.trial is None else "evaluating" if self.is_evaluating else "starting"
    return WorkerStatus(self._number, self.trial.id if self.trial else None, state, self.age, self.epoch)

  def begin(self, trial: Trial, log: str, make: MakeEvaluator) -> None:
    """Gives a trial to the process, which is started if there is none."""
    self.trial, self.log, self._since = trial, log, time.monotonic()
    if self.process is None:
      self.process = WorkerProcess(make, environment=self._share)
    self.process.send([trial.architecture], log)

  def receive(self) -> object:
    """Returns the next message of the process.

    Raises:
      EOFError: if the process has ended.
      EvaluatorError: if the process cannot go on.
    """
    if self.process is None:
      raise EOFError
    message = self.process.receive(0)
    if message == STARTED:
      self.has_started = True
    elif message == READY:
      self.is_ready = True
    elif message == BEGUN:
      self.is_evaluating, self._since = True, time.monotonic()
    elif isinstance(message, Epoch):
      self.epoch = message
    return message

  def rest(self) -> None:
    """Has no trial from now on."""
    self.trial, self.epoch, self.is_evaluating, self._since = None, None, False, time.monotonic()

  def end(self) -> None:
    """Ends the process."""
    if self.process is not None:
      self.process.kill()
    self.process, self.has_started, self.is_ready = None, False, False

  def end_of_process(self) -> str:
    """Waits until the process has ended that is ending, and returns in words how it ended."""
    end = self.process.wait() if self.process is not None else ""
    self.process, self.has_started, self.is_ready = None, False, False
    return end


def _hint(end: str) -> str:
  return ", as the system does when there is no memory left" if end == "by SIGKILL" else ""
