"""The base class of executors, which decide where trials are evaluated and how many run in parallel."""

import abc
import dataclasses
import math
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import ClassVar, NamedTuple

from nao_tf.evaluators.base import Evaluator
from nao_tf.runs.attempts import Attempts
from nao_tf.training.base import Epoch
from nao_tf.trial import Trial

MakeEvaluator = Callable[[], Evaluator]
"""Returns an evaluator. Executors whose workers are other processes call it there, so it must be picklable."""


@dataclasses.dataclass(frozen=True)
class ExecutorSettings:
  """Number of workers and their resources. These settings do not influence the course of a search.

  Attributes:
    num_workers: number of parallel evaluations; None for as many as the machine or the cluster has room for.
    trial_timeout: time limit of an evaluation, in seconds, after which it fails; None for no limit.
    worker_memory: memory limit of a worker process, in GiB; None for an equal share of the memory of the machine.
    gpus_per_trial: for `ray`: number of GPUs per evaluation, such as 0.5 if two evaluations share one.
    cpus_per_trial: for `ray`: number of CPU cores per evaluation.
    ray_address: for `ray`: address of a running cluster, or "auto"; None to start Ray on this machine for the search.
    ray_working_dir: for `ray`: directory to copy to each node of a running cluster, such as that of modules that define
      spaces or evaluators. This package is copied in any case.
  """

  num_workers: int | None = 1
  trial_timeout: float | None = None
  worker_memory: float | None = None
  gpus_per_trial: float = 0.0
  cpus_per_trial: float = 1.0
  ray_address: str | None = None
  ray_working_dir: str | None = None

  def __post_init__(self) -> None:
    """Checks the numbers.

    Raises:
      ValueError: if one is out of range.
    """
    if self.num_workers is not None and self.num_workers < 1:
      raise ValueError(f"num_workers must be at least 1, or None for as many as fit, got {self.num_workers}")
    for name in ("trial_timeout", "worker_memory"):
      value = getattr(self, name)
      if value is not None and not 0 < value < math.inf:
        raise ValueError(f"{name} must be above 0 and finite, or None, got {value}")
    if not 0 <= self.gpus_per_trial < math.inf or not 0 < self.cpus_per_trial < math.inf:
      numbers = f"{self.gpus_per_trial} and {self.cpus_per_trial}"
      raise ValueError(f"gpus_per_trial must be at least 0 and cpus_per_trial above 0, got {numbers}")


@dataclasses.dataclass(frozen=True)
class Run:
  """What an executor needs to know about the search that it works for.

  Attributes:
    directory: directory of the search.
    attempts: record of the attempts to evaluate its open trials.
    retries: number of times that a trial is restarted after it lost its worker or crashed the process of the search.
    on_epoch: to be called with the id of a trial and each epoch of its training, if the executor learns of them.
  """

  directory: str
  attempts: Attempts
  retries: int
  on_epoch: Callable[[int, Epoch], None] = lambda trial, epoch: None


class WorkerStatus(NamedTuple):
  """The status of a worker.

  Attributes:
    worker: number of the worker.
    trial: id of its trial; None if it has none.
    state: "waiting" (for room in a cluster), "starting", "evaluating" or "idle".
    seconds: time in this state, in seconds.
    epoch: the last completed epoch of its training; None if there is none.
  """

  worker: int
  trial: int | None
  state: str
  seconds: float
  epoch: Epoch | None = None


class Executor(abc.ABC):
  """Base class of executors, which evaluate the trials of one search at a time.

  The protocol:

  1. Call `start(run)` once per search.
  2. `submit(trials)` hands over trials, never more than `num_free`.
  3. `next_done()` returns them with their evaluations in order of completion. Call it until the executor `is_idle`.
  4. `cancel()` aborts running evaluations if the search ends early. `close()` releases all resources.

  Attributes:
    takes_batches: whether it accepts batches of any size, and takes care of earlier attempts by itself.
    busy_seconds: time that its workers have spent on trials of the search so far, in seconds.
  """

  takes_batches: ClassVar[bool] = False
  busy_seconds: float = 0.0

  @classmethod
  def check(cls, settings: ExecutorSettings) -> None:
    """Checks that the executor supports the settings, before any work is done.

    Raises:
      ValueError: if it does not, or a library is not installed.
    """

  @property
  @abc.abstractmethod
  def num_workers(self) -> int:
    """The number of trials that can be evaluated in parallel. It may change."""

  @property
  @abc.abstractmethod
  def num_free(self) -> int:
    """The number of further trials that it accepts now."""

  @property
  @abc.abstractmethod
  def is_idle(self) -> bool:
    """Whether all submitted trials have been returned by `next_done`."""

  @abc.abstractmethod
  def start(self, run: Run) -> None:
    """Starts to work for a search."""

  @abc.abstractmethod
  def submit(self, trials: Sequence[Trial]) -> None:
    """Submits open trials for evaluation."""

  @abc.abstractmethod
  def next_done(self) -> Trial | None:
    """Waits for the next evaluated trial.

    Returns:
      The trial with its evaluation; None if none finishes within about a second, so that the caller can check `status`.

    Raises:
      EvaluatorError: if the evaluator cannot be constructed or violates its protocol.
    """

  def status(self) -> list[WorkerStatus]:
    """Returns the status of each worker; empty if there is only this process."""
    return []

  def cancel(self) -> None:
    """Aborts all running evaluations. They do not count as attempts."""

  def close(self) -> None:
    """Stops all workers."""

  def __enter__(self) -> "Executor":
    return self

  def __exit__(
    self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
  ) -> None:
    self.close()
