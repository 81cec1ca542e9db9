"""Simulates a search on a cluster, with many workers, long trials and node failures, on a simulated clock.

Trials are looked up in a table, and their durations are sampled. The work of the search process itself, such as
training a controller, is real, and its real time is added to the simulated clock. So a simulation shows how busy a
strategy keeps many workers, and how much parallelism costs a search.
"""

import dataclasses
import heapq
import math
import time
from collections.abc import Callable, Sequence

import numpy as np

from nao_tf.evaluators.base import Evaluator
from nao_tf.runs.journal import Journal
from nao_tf.searches.executors import Executor, Run
from nao_tf.searches.loop import run_search
from nao_tf.strategies import Strategy
from nao_tf.trial import Evaluation, Trial


@dataclasses.dataclass(frozen=True)
class Cluster:
  """The simulated cluster.

  Attributes:
    num_workers: number of parallel trials.
    median_seconds: median duration of a trial, in seconds. Durations are log-normal.
    spread: standard deviation of the logarithm of a duration; 0 for equal durations.
    failing_share: fraction of the trials that fail at their end.
    hours_between_losses: mean time between failures of a node, in hours; None for no failures. The trial is restarted
      on a new node.
    seconds_to_replace: time to replace a lost node, in seconds.
    seed: random seed. Trials with the same number have the same duration in all clusters with the same seed.
  """

  num_workers: int
  median_seconds: float = 1200.0
  spread: float = 0.5
  failing_share: float = 0.0
  hours_between_losses: float | None = None
  seconds_to_replace: float = 60.0
  seed: int = 0

  def __post_init__(self) -> None:
    """Checks the numbers.

    Raises:
      ValueError: if one is out of range.
    """
    if self.num_workers < 1 or self.seed < 0:
      raise ValueError(f"num_workers must be at least 1 and seed at least 0, got {self.num_workers} and {self.seed}")
    if not 0 < self.median_seconds < math.inf:
      raise ValueError(f"median_seconds must be above 0 and finite, got {self.median_seconds}")
    for name in ("spread", "seconds_to_replace"):
      if not 0 <= getattr(self, name) < math.inf:
        raise ValueError(f"{name} must be at least 0 and finite, got {getattr(self, name)}")
    if not 0 <= self.failing_share <= 1:
      raise ValueError(f"failing_share must be from 0 to 1, got {self.failing_share}")
    if self.hours_between_losses is not None and not self.hours_between_losses > 0:
      raise ValueError(f"hours_between_losses must be above 0, or None, got {self.hours_between_losses}")


@dataclasses.dataclass(frozen=True)
class SimulatedTimes:
  """Where the time of a simulated search went.

  Attributes:
    hours: simulated time until the end of the last trial, in hours.
    utilization: fraction of worker time spent on trials until the start of the last trial, without lost attempts and
      waiting for new nodes.
    idle_share: fraction of that time in which workers waited for the search process.
    driver_seconds: real time that the search process spent on requesting, reporting and recording, in seconds.
    num_lost: number of attempts lost with their nodes.
  """

  hours: float
  utilization: float
  idle_share: float
  driver_seconds: float
  num_lost: int


class SimulatedExecutor(Executor):
  """Evaluates trials at once, and hands them out when their time has come on a clock of its own.

  Attributes:
    clock: seconds since the search began.
    driver_seconds: the part of them that passed outside of this executor.
    num_lost: attempts that were lost with their nodes.
  """

  def __init__(self, evaluator: Evaluator, cluster: Cluster, read_clock: Callable[[], float] = time.perf_counter):
    """Initializes a cluster without trials.

    Args:
      evaluator: evaluates, quickly.
      cluster: what is simulated.
      read_clock: returns real seconds.
    """
    self._evaluator, self._cluster, self._read_clock = evaluator, cluster, read_clock
    self._under_way: list[tuple[float, int, Trial]] = []
    self._spans: list[_Span] = []
    self._retries = 0
    self.clock = self.driver_seconds = 0.0
    self.num_lost = 0
    self._left = read_clock()

  @property
  def num_workers(self) -> int:
    """How many trials are under way at a time."""
    return self._cluster.num_workers

  @property
  def num_free(self) -> int:
    """How many more trials it takes now."""
    return self._cluster.num_workers - len(self._under_way)

  @property
  def is_idle(self) -> bool:
    """Whether no trial is under way."""
    return not self._under_way

  def start(self, run: Run) -> None:
    """Begins to work for a search, with the clock at 0."""
    self._retries = run.retries
    self._under_way, self._spans = [], []
    self.clock = self.driver_seconds = self.busy_seconds = 0.0
    self.num_lost = 0
    self._left = self._read_clock()

  def submit(self, trials: Sequence[Trial]) -> None:
    """Begins trials at the present time of the clock."""
    self._pass_real_time()
    evaluations = self._evaluator.evaluate([trial.architecture for trial in trials])
    for trial, evaluation in zip(trials, evaluations, strict=True):
      span, closed = self._begin(trial, evaluation)
      self._spans.append(span)
      self.busy_seconds += span.useful_seconds
      heapq.heappush(self._under_way, (span.end, trial.id, closed))
    self._left = self._read_clock()

  def next_done(self) -> Trial | None:
    """Returns the trial that ends first, and puts the clock to its end; see `Executor.next_done`."""
    self._pass_real_time()
    if not self._under_way:
      return None
    end, _, closed = heapq.heappop(self._under_way)
    self.clock = max(self.clock, end)
    self._left = self._read_clock()
    return closed

  def times(self) -> SimulatedTimes:
    """Returns where the time of the search went so far."""
    last = max((span.start for span in self._spans), default=0.0)
    available = max(last * self.num_workers, 1e-9)
    taken = sum(min(span.end, last) - span.start for span in self._spans)
    useful = sum(max(0.0, min(span.end, last) - span.end + span.useful_seconds) for span in self._spans)
    return SimulatedTimes(
      self.clock / 3600, useful / available, 1 - taken / available, self.driver_seconds, self.num_lost
    )

  def _pass_real_time(self) -> None:
    """Puts the clock forward by the real time that the caller took."""
    seconds = self._read_clock() - self._left
    self.clock += seconds
    self.driver_seconds += seconds

  def _begin(self, trial: Trial, evaluation: Evaluation) -> tuple["_Span", Trial]:
    """Draws what becomes of a trial that begins now."""
    cluster, rng = self._cluster, np.random.default_rng([self._cluster.seed, trial.id])
    seconds = cluster.median_seconds * math.exp(cluster.spread * rng.standard_normal())
    fails = rng.random() < cluster.failing_share
    passed, losses = 0.0, 0
    while losses <= self._retries and (lost_after := self._until_loss(rng)) < seconds:
      passed, losses = passed + lost_after + cluster.seconds_to_replace, losses + 1
    self.num_lost += losses
    if losses > self._retries:
      return _Span(self.clock, self.clock + passed, 0.0), trial.close(Evaluation.failed("lost its worker", passed))
    span = _Span(self.clock, self.clock + passed + seconds, seconds)
    if fails:
      return span, trial.close(Evaluation.failed("fails in this simulation", seconds))
    return span, trial.close(dataclasses.replace(evaluation, cost_seconds=seconds))

  def _until_loss(self, rng: np.random.Generator) -> float:
    hours = self._cluster.hours_between_losses
    return math.inf if hours is None else rng.exponential(hours * 3600)


@dataclasses.dataclass(frozen=True)
class _Span:
  """When a worker had a trial.

  Attributes:
    start: seconds on the clock.
    end: seconds on the clock.
    useful_seconds: useful seconds of the attempt that was not lost; it is the last one.
  """

  start: float
  end: float
  useful_seconds: float


def simulate(
  strategy: Strategy,
  evaluator: Evaluator,
  cluster: Cluster,
  directory: str,
  *,
  num_trials: int,
  batch_size: int = 1,
  asking: str = "as_free",
  trial_retries: int = 2,
) -> tuple[list[Trial], SimulatedTimes]:
  """Searches on a simulated cluster, with the loop and the journal of a real search.

  Args:
    strategy: a new strategy.
    evaluator: looks architectures up.
    cluster: what is simulated.
    directory: for the journal; new or empty.
    num_trials: budget.
    batch_size: how many architectures to ask for at a time.
    asking: see `nao_tf.searches.loop.run_search`.
    trial_retries: how often a trial is begun again that has lost its node.

  Returns:
    The trials in order of completion, and where the time went.

  Raises:
    ValueError: if a number is out of range, or the directory already contains a search.
  """
  executor = SimulatedExecutor(evaluator, cluster)
  closed: list[Trial] = []
  with Journal(directory, {}) as journal:
    if journal.entries:
      raise ValueError(f"{directory}: already contains a search; a simulation needs a new directory")
    run_search(
      strategy,
      executor,
      journal,
      num_trials=num_trials,
      batch_size=batch_size,
      asking=asking,
      trial_retries=trial_retries,
      on_trial=closed.append,
    )
  return closed, executor.times()
