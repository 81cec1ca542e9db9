"""The executor that evaluates on a Ray cluster, or with a Ray instance started on this machine.

Each worker is a Ray actor with a worker process of its own, as in `ProcessExecutor`. So the actor survives a crash of a
trial and knows how the process ended. If the actor itself is lost, the machine is to blame, and the trial is retried
elsewhere.
"""

import collections
import contextlib
import importlib
import os
import shutil
import tempfile
import time
from collections.abc import Sequence
from typing import Any, NamedTuple

from absl import logging

from nao_tf.evaluators.base import Evaluator, EvaluatorError
from nao_tf.runs.attempts import Attempts
from nao_tf.searches.executors import machine
from nao_tf.searches.executors.base import Executor, ExecutorSettings, MakeEvaluator, Run, WorkerStatus
from nao_tf.searches.executors.processes import ProcessExecutor
from nao_tf.searches.executors.shipped_code import check_working_dir, runtime_environment
from nao_tf.searches.executors.trial_logs import closed_with_log, new_log, read_log
from nao_tf.training.base import Epoch
from nao_tf.trial import Evaluation, Trial

_PATIENCE = 1.0
"""Seconds between two looks at the cluster."""

_FALSE_STARTS = 3
"""So many actors may end before they have started, one after another."""

_RETRIES_ON_NODE = 2
"""How often an actor begins a trial again whose process was ended from outside."""


_LONGEST_LOG = 2**20
"""Bytes of a child's log, its end, that come from a node."""


class RayExecutor(Executor):
  """Evaluates with Ray actors. Nodes may join, leave and be preempted."""

  def __init__(
    self,
    make_evaluator: MakeEvaluator,
    *,
    num_workers: int | None = None,
    trial_timeout: float | None = None,
    worker_memory: float | None = None,
    gpus_per_trial: float = 0.0,
    cpus_per_trial: float = 1.0,
    ray_address: str | None = None,
    ray_working_dir: str | None = None,
  ):
    """Connects to a cluster, or starts Ray on this machine.

    Args:
      make_evaluator: function that returns an evaluator. It is called on the nodes, which must have the data.
      num_workers: number of actors; None for as many as fit the cluster, which may change.
      trial_timeout: time limit of an evaluation, in seconds, after which it fails; None for no limit.
      worker_memory: memory limit of the process of an actor, in GiB; None for the memory of the node.
      gpus_per_trial: number of GPUs per actor.
      cpus_per_trial: number of CPU cores per actor.
      ray_address: address of a running cluster, or "auto"; None to start Ray on this machine, and stop it in `close`.
      ray_working_dir: directory to copy to each node of a running cluster; None for none.

    Raises:
      ValueError: if Ray is not installed, there is no such directory, or the cluster cannot be reached.
    """
    check_working_dir(ray_working_dir)
    self._ray = _import_ray()
    self._starts_ray = not self._ray.is_initialized()
    if self._starts_ray:
      _connect(self._ray, ray_address, ray_working_dir)
    self._num_workers = num_workers
    self._needs = {"CPU": cpus_per_trial, **({"GPU": gpus_per_trial} if gpus_per_trial else {})}
    settings = ExecutorSettings(trial_timeout=trial_timeout, worker_memory=worker_memory)
    made = self._ray.put(_Shipped(self._ray.cloudpickle.dumps(make_evaluator)))  # Its data travel once to each node.
    actor = self._ray.remote(num_cpus=cpus_per_trial, num_gpus=gpus_per_trial, max_restarts=0)(_Actor)
    self._new_actor = lambda: actor.remote(made, settings, int(cpus_per_trial))
    self._starting: dict[Any, Any] = {}
    self._resting: list[Any] = []
    self._waiting: collections.deque[Trial] = collections.deque()
    self._working: dict[Any, _Work] = {}
    self._done: collections.deque[Trial] = collections.deque()
    self._losses: collections.Counter[int] = collections.Counter()
    self._waiting_since = time.monotonic()
    self._false_starts = 0
    self._run: Run | None = None
    self._has_warned = False

  @classmethod
  def check(cls, settings: ExecutorSettings) -> None:
    """Raises a ValueError if Ray is not installed, or `ray_working_dir` does not exist."""
    check_working_dir(settings.ray_working_dir)
    _import_ray()

  @classmethod
  def make(cls, make_evaluator: MakeEvaluator, settings: ExecutorSettings) -> "RayExecutor":
    """Returns an executor; see `nao_tf.searches.executors.make_executor`."""
    return cls(
      make_evaluator,
      num_workers=settings.num_workers,
      trial_timeout=settings.trial_timeout,
      worker_memory=settings.worker_memory,
      gpus_per_trial=settings.gpus_per_trial,
      cpus_per_trial=settings.cpus_per_trial,
      ray_address=settings.ray_address,
      ray_working_dir=settings.ray_working_dir,
    )

  @property
  def num_workers(self) -> int:
    """The number of actors: as given, or as many as currently fit the cluster, at least one."""
    if self._num_workers is not None:
      return self._num_workers
    has = self._ray.cluster_resources()
    return max(1, min(int(has.get(name, 0) / amount + 1e-6) for name, amount in self._needs.items()))

  @property
  def num_free(self) -> int:
    """The number of further trials that it accepts now."""
    return max(0, self.num_workers - len(self._working) - len(self._waiting))

  @property
  def is_idle(self) -> bool:
    """Whether no trial is waiting or running, and all results have been returned."""
    return not self._waiting and not self._working and not self._done

  def start(self, run: Run) -> None:
    """Starts to work for a search."""
    self._run, self.busy_seconds = run, 0.0
    self._losses.clear()

  def submit(self, trials: Sequence[Trial]) -> None:
    """Submits trials to idle actors, starting more actors if there are too few."""
    self._working_for()
    self._warn_without_room()
    self._waiting.extend(trials)
    self._waiting_since = time.monotonic()
    self._assign()

  def next_done(self) -> Trial | None:
    """Waits for the next evaluated trial; see `Executor.next_done`."""
    if not self._done and not self.is_idle:
      references = [*self._working, *self._starting]
      ready, _ = self._ray.wait(references, num_returns=1, timeout=_PATIENCE)
      for reference in ready:
        self._receive(reference)
      self._assign()
    return self._done.popleft() if self._done else None

  def status(self) -> list[WorkerStatus]:
    """Returns the status of each actor with a trial, and which trials wait for an actor or for room on a node."""
    now = time.monotonic()
    working = [
      WorkerStatus(number, work.trial.id, "evaluating" if work.has_begun else "starting", now - work.since)
      for number, work in enumerate(self._working.values())
    ]
    waiting = [
      WorkerStatus(number, trial.id, "waiting", now - self._waiting_since)
      for number, trial in enumerate(self._waiting, len(working))
    ]
    return [*working, *waiting]

  def cancel(self) -> None:
    """Terminates all actors with running trials, which do not count as attempts."""
    for work in self._working.values():
      self._give_back(work)
      self._end(work.actor)
    self._working.clear()
    self._waiting.clear()
    self._done.clear()

  def close(self) -> None:
    """Terminates all actors, and Ray if this executor started it."""
    working = [work.actor for work in self._working.values()]
    for actor in [*self._starting.values(), *self._resting, *working]:
      self._end(actor)
    for actors in (self._starting, self._resting, self._working, self._waiting):
      actors.clear()
    if self._starts_ray:
      self._ray.shutdown()

  def _working_for(self) -> Run:
    if self._run is None:
      raise RuntimeError("an executor was used before start")
    return self._run

  def _warn_without_room(self) -> None:
    """Says once if no node has room for a trial, which then waits until one joins."""
    has = self._ray.cluster_resources()
    if not self._has_warned and any(has.get(name, 0) < amount for name, amount in self._needs.items()):
      self._has_warned = True
      logging.warning(
        "the cluster has too few resources for a trial, which needs %s; trials wait until nodes join", self._needs
      )

  def _assign(self) -> None:
    """Gives trials that wait to actors that rest, and starts an actor for each of the others.

    A trial waits for no certain actor: one that has no room may start much later, when a node joins, or never.
    """
    while self._waiting and self._resting:
      trial, actor = self._waiting.popleft(), self._resting.pop()
      begun, done = actor.begin.remote(trial), actor.finish.remote()  # An actor does one after the other.
      self._working[begun] = _Work(trial, actor, time.monotonic(), done)
    for _ in range(len(self._waiting) - len(self._starting)):
      actor = self._new_actor()
      self._starting[actor.is_ready.remote()] = actor

  def _receive(self, reference: Any) -> None:
    """Takes what an actor has returned: that it has started, that a child has begun, or an evaluation."""
    if reference in self._starting:
      self._receive_start(reference, self._starting.pop(reference))
      return
    work = self._working.pop(reference)
    received = self._received(reference, work)
    if received is None:
      return
    if work.has_begun:
      self._finish(work, *received)
    else:  # Only from now on an end of this process may be the fault of the child.
      self._working_for().attempts.begin(work.trial.id)
      self._working[work.done] = work._replace(since=time.monotonic(), has_begun=True)

  def _receive_start(self, reference: Any, actor: Any) -> None:
    """Takes that an actor has started, or could not.

    Raises:
      EvaluatorError: if actors cannot start again and again.
    """
    try:
      self._ray.get(reference)
    except self._ray.exceptions.RayError as error:
      self._false_starts += 1
      logging.warning("an actor of Ray could not start: %s", error)
      if self._false_starts >= _FALSE_STARTS:
        raise EvaluatorError(
          f"an actor of Ray could not start, {_FALSE_STARTS} times; the last one: {error}"
        ) from error
      return
    self._false_starts = 0
    self._resting.append(actor)

  def _finish(self, work: "_Work", evaluation: Evaluation, log: bytes, epochs: Sequence[Epoch]) -> None:
    """Takes the trial of an actor as done."""
    run = self._working_for()
    self._resting.append(work.actor)
    self.busy_seconds += time.monotonic() - work.since
    with open(new_log(run.directory, work.trial.id), "ab") as file:
      file.write(log)
    for epoch in epochs:
      run.on_epoch(work.trial.id, epoch)
    self._done.append(closed_with_log(work.trial, evaluation, b""))

  def _received(self, reference: Any, work: "_Work") -> Any:
    """Returns what an actor has returned; None if it was lost, whose trial then goes to another one.

    Raises:
      EvaluatorError: if the evaluator cannot be created or breaks its protocol.
    """
    try:
      return self._ray.get(reference)
    except self._ray.exceptions.RayTaskError as error:
      self._end(work.actor)
      if isinstance(error.cause, EvaluatorError):
        raise EvaluatorError(str(error.cause)) from error
      self._lose(work, f"an error of the executor, {error.cause!r}")
    except self._ray.exceptions.RayError as error:
      self._end(work.actor)  # It may only be out of reach.
      self._lose(work, str(error).strip().partition("\n")[0])
    return None

  def _lose(self, work: "_Work", reason: str) -> None:
    """Lets a trial wait again whose actor was lost, or fails it if it had begun and that happened too often."""
    self._losses[work.trial.id] += work.has_begun  # An actor may have been lost as it rested.
    count = self._losses[work.trial.id]
    if count > self._working_for().retries:
      failed = Evaluation.failed(f"lost its worker {count} times: {reason}", time.monotonic() - work.since)
      self._done.append(work.trial.close(failed))
      return
    logging.warning("trial %d lost its worker (%s); the trial is restarted", work.trial.id, reason)
    self._give_back(work)
    self._waiting.appendleft(work.trial)

  def _give_back(self, work: "_Work") -> None:
    """Takes back that a trial has begun. The trial is not at fault."""
    if work.has_begun:
      self._working_for().attempts.interrupt(work.trial.id)

  def _end(self, actor: Any) -> None:
    with contextlib.suppress(Exception):  # It may be gone already.
      self._ray.kill(actor)


class _Work(NamedTuple):
  """A trial that an actor has.

  Attributes:
    trial: the trial.
    actor: its actor.
    since: when it was given to the actor, or has begun.
    done: reference to what the actor returns when it has the evaluation.
    has_begun: whether the child has begun.
  """

  trial: Trial
  actor: Any
  since: float
  done: Any
  has_begun: bool = False


class _Shipped:
  """A function that was pickled as Ray does it, so that one in the main module of a program can be called elsewhere."""

  def __init__(self, data: bytes):
    self._data = data

  def __call__(self) -> Evaluator:
    make: MakeEvaluator = _import_ray().cloudpickle.loads(self._data)
    return make()


class _Actor:
  """Evaluates one trial after the other on a node, with a worker process of its own."""

  def __init__(self, make_evaluator: MakeEvaluator, settings: ExecutorSettings, num_threads: int):
    os.environ.update(machine.thread_limits(num_threads))
    self._directory = tempfile.mkdtemp(prefix="nao_tf_")
    self._log = ""
    self._closed: Trial | None = None
    self._executor = ProcessExecutor.make(make_evaluator, settings)
    self._executor.start(Run(self._directory, Attempts(self._directory, ()), _RETRIES_ON_NODE, self._note))
    self._epochs: list[Epoch] = []

  def is_ready(self) -> bool:
    """Returns True: the actor has started."""
    return True

  def begin(self, trial: Trial) -> bool:
    """Gives a trial to the process, and returns True when the child has begun, or is done already.

    Raises:
      EvaluatorError: if the evaluator cannot be created.
    """
    self._log, self._closed = new_log(self._directory, trial.id), None
    self._epochs.clear()
    self._executor.submit([trial])
    while self._closed is None and self._executor.status()[0].state != "evaluating":
      self._closed = self._executor.next_done()
    return True

  def finish(self) -> tuple[Evaluation, bytes, list[Epoch]]:
    """Returns the evaluation of the trial that was begun, the end of its log, and the epochs of its training.

    Raises:
      EvaluatorError: if the evaluator breaks its protocol.
    """
    while self._closed is None:
      self._closed = self._executor.next_done()
    closed, self._closed = self._closed, None
    if closed.evaluation is None:
      raise EvaluatorError(f"trial {closed.id} came back without an evaluation")
    log = read_log(self._log, _LONGEST_LOG)
    shutil.rmtree(os.path.dirname(self._log), ignore_errors=True)
    return closed.evaluation, log, list(self._epochs)

  def _note(self, trial: int, epoch: Epoch) -> None:
    """Keeps an epoch. A training that begins again has its first epoch again."""
    del trial
    self._epochs[:] = [*(known for known in self._epochs if known.number < epoch.number), epoch]


def _import_ray() -> Any:
  """Returns the module of Ray.

  Raises:
    ValueError: if it is not installed.
  """
  try:
    ray = importlib.import_module("ray")
    importlib.import_module("ray.cloudpickle")
  except ImportError as error:
    raise ValueError(
      "the executor ray needs Ray, which is not installed; install it with: pip install 'nao-tf[ray]'"
    ) from error
  return ray


def _connect(ray: Any, address: str | None, working_dir: str | None) -> None:
  """Connects to a cluster, or starts Ray on this machine.

  Raises:
    ValueError: if the cluster cannot be reached.
  """
  common = {"log_to_driver": False, "configure_logging": False}
  try:
    if address is None:  # Workers on this machine import what this process does.
      ray.init(address="local", include_dashboard=False, **common)
      return
    with runtime_environment(working_dir) as environment:
      ray.init(address=address, runtime_env=environment, **common)
  except (ConnectionError, RuntimeError, ValueError) as error:
    raise ValueError(
      f"ray_address: expected the address of a running cluster of Ray, got {address!r}: {error}"
    ) from error
