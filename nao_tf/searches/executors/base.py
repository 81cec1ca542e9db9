"""What an executor is: it knows where trials are evaluated, and how many at a time."""

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
  """How many workers there are, and what each of them gets. None of it determines the course of a search.

  Attributes:
    num_workers: evaluations at a time; None for as many as the machine or the cluster has room for.
    trial_timeout: seconds after which an evaluation has failed; None for no limit.
    worker_memory: GiB that a worker process may hold; None for its share of the memory of the machine.
    gpus_per_trial: of `ray`: GPUs for one evaluation; 0.5 if two share one.
    cpus_per_trial: of `ray`: cores for one evaluation.
    ray_address: of `ray`: address of a running cluster, or "auto"; None starts Ray on this machine for the
      search.
    ray_working_dir: of `ray`: a directory of yours that each node of a running cluster gets, such as
      that of modules that define spaces or evaluators. This package travels there in any case.
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
      raise ValueError(
        f"num_workers must be at least 1, or None for as many as there is room for, got {self.num_workers}"
      )
    for name in ("trial_timeout", "worker_memory"):
      value = getattr(self, name)
      if value is not None and not 0 < value < math.inf:
        raise ValueError(f"{name} must be above 0 and finite, or None, got {value}")
    if not 0 <= self.gpus_per_trial < math.inf or not 0 < self.cpus_per_trial < math.inf:
      numbers = f"{self.gpus_per_trial} and {self.cpus_per_trial}"
      raise ValueError(f"gpus_per_trial must be at least 0 and cpus_per_trial above 0, got {numbers}")


@dataclasses.dataclass(frozen=True)
class Run:
  """What an executor knows about the search that it works for.

  Attributes:
    directory: directory of the search.
    attempts: at its open trials.
    retries: how often a trial is begun again that has lost its worker, or has ended the process of the search.
    on_epoch: to be called with the id of a trial and each epoch of its training, if the executor hears of them.
  """

  directory: str
  attempts: Attempts
  retries: int
  on_epoch: Callable[[int, Epoch], None] = lambda trial, epoch: None


class WorkerStatus(NamedTuple):
  """What a worker does.

  Attributes:
    worker: its number.
    trial: id of its trial; None if it has none.
    state: in a word: "waiting" for room in a cluster, "starting", "evaluating", "idle".
    seconds: since when.
    epoch: the last one that the training of its trial has completed; None if there is none.
  """

  worker: int
  trial: int | None
  state: str
  seconds: float
  epoch: Epoch | None = None


class Executor(abc.ABC):
  """Evaluates trials of one search after the other.

  The protocol, for whoever drives an executor:

  1. `start(run)` comes first, once for each search.
  2. `submit(trials)` gives it trials, never more than `num_free`.
  3. `next_done()` returns them with their evaluations, in order of completion, until the executor `is_idle`.
  4. `cancel()` ends what was begun, if the search ends early. `close()` gives back all resources.

  Attributes:
    takes_batches: whether it takes a batch of any size at once, and counts the attempts before this process itself.
    busy_seconds: time that its workers spent on the trials of the search so far.
  """

  takes_batches: ClassVar[bool] = False
  busy_seconds: float = 0.0

  @classmethod
  def check(cls, settings: ExecutorSettings) -> None:
    """Checks that there can be such an executor with these settings, before any work is done.

    Raises:
      ValueError: if the executor cannot do what the settings say, or a library is not installed.
    """

  @property
  @abc.abstractmethod
  def num_workers(self) -> int:
    """How many trials are evaluated at a time. It may change."""

  @property
  @abc.abstractmethod
  def num_free(self) -> int:
    """How many more trials it takes now."""

  @property
  @abc.abstractmethod
  def is_idle(self) -> bool:
    """Whether nothing was submitted that `next_done` has not returned."""

  @abc.abstractmethod
  def start(self, run: Run) -> None:
    """Begins to work for a search."""

  @abc.abstractmethod
  def submit(self, trials: Sequence[Trial]) -> None:
    """Takes open trials to evaluate."""

  @abc.abstractmethod
  def next_done(self) -> Trial | None:
    """Waits for the next trial that is done and returns it with its evaluation.

    Returns:
      The trial; None if there is none yet after a second or so, so that the caller can look at `status`.

    Raises:
      EvaluatorError: if the evaluator cannot be made or breaks its protocol.
    """

  def status(self) -> list[WorkerStatus]:
    """Returns what each worker does; nothing if there is only this process."""
    return []

  def cancel(self) -> None:
    """Ends all evaluations that were begun. They do not count as attempts."""

  def close(self) -> None:
    """Ends all workers."""

  def __enter__(self) -> "Executor":
    return self

  def __exit__(
    self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
  ) -> None:
    self.close()
