"""An oracle that survives the death of its workers.

KerasTuner's chief waits forever for a worker that has died or hangs. Here the trial of a worker that is silent or takes
too long is given to another worker, and the chief knows when no worker is left.
"""

import contextlib
import time
from collections.abc import Mapping, Sequence
from typing import Any

from keras_tuner.engine.trial import Trial, TrialStatus

from nao_tf.tuner.errors import SearchFailed
from nao_tf.tuner.locking import locked
from nao_tf.tuner.safe_oracle import SafeOracle
from nao_tf.tuner.trial_times import TrialTimes
from nao_tf.tuner.workers import WorkerRoll

MAX_DEATHS = 3
"""How many workers may die over a trial before it counts as failed."""

_IDLE_SECONDS = 0.05


class DistributedOracle(SafeOracle):
  """An oracle that reassigns the trials of dead workers.

  A worker is considered dead after `worker_timeout` seconds without a sign of life: a heartbeat, a request for a trial,
  or a report of metrics. KerasTuner's own tuners send no heartbeats, so their trials should be shorter than that.
  Otherwise another worker may run the same trial, and the first result counts.

  A trial that takes more than `trial_timeout` seconds is treated as if it had raised an exception: it is rerun if
  `max_retries_per_trial` allows it, and fails otherwise.

  Attributes:
    failure: why a search with several workers ended early; None if it did not.
    is_served: whether a chief lets workers in other processes use the oracle.
  """

  def __init__(
    self,
    objective: Any = None,
    max_trials: int | None = None,
    seed: int | None = None,
    *,
    worker_timeout: float = 120.0,
    trial_timeout: float | None = None,
    **options: Any,
  ):
    """Initializes the oracle.

    Args:
      objective: the objective to optimize, in any form that KerasTuner accepts.
      max_trials: maximum number of trials; None for no limit.
      seed: random seed, at least 0; None for a random one.
      worker_timeout: time without a sign of life after which a worker is considered dead, in seconds.
      trial_timeout: time limit of a trial, in seconds; None for no limit. The tuner ends a process whose trial exceeds
        it; see `StrategyTuner`.
      **options: further arguments of `keras_tuner.Oracle`.

    Raises:
      ValueError: if the seed is negative, or a timeout is not above 0.
    """
    super().__init__(objective, max_trials, seed, **options)
    self.failure: str | None = None
    self.is_served = False
    self._workers = WorkerRoll(worker_timeout)
    self._times = TrialTimes(trial_timeout)
    self._deaths: dict[str, int] = {}  # How many workers died over a trial, by its id.
    self._reasons: dict[str, str] = {}  # Why trials failed, as far as their ends have not been reported yet.
    self._earlier_metrics: dict[str, Any] = {}  # Of trials that run again, from the run before.
    self._has_stopped_a_worker = False

  @property
  def worker_timeout(self) -> float:
    """Time without a heartbeat after which a worker is considered dead, in seconds."""
    return self._workers.timeout

  @property
  def trial_timeout(self) -> float | None:
    """Time limit of a trial, in seconds; None for no limit."""
    return self._times.limit

  @trial_timeout.setter
  def trial_timeout(self, seconds: float | None) -> None:
    self._times = TrialTimes(seconds)

  @property
  @locked
  def is_over(self) -> bool:
    """Whether the chief may shut down: no worker is left, and there are no more trials."""
    if self.tuner_ids or self.ongoing_trials:
      return False
    if self._has_stopped_a_worker:
      return True
    is_full = bool(self.max_trials) and len(self.end_order) >= self.max_trials
    return self._workers.was_used and not self._retry_queue and (is_full or self.failure is not None)

  @locked
  def record_arrival(self, tuner_id: str) -> None:
    """Records that a worker has started. If it still owns a trial, an earlier process with its id died in that trial."""
    self._release_dead(tuner_id)
    self.record_heartbeat(tuner_id)

  @locked
  def record_heartbeat(self, tuner_id: str) -> None:
    """Records that a worker is alive."""
    self.is_served = True  # Only workers of a chief send heartbeats.
    self._workers.record_heartbeat(tuner_id)

  @locked
  def note_reason(self, trial_id: str, reason: str | None) -> None:
    """Records why a trial failed whose end is reported next, since KerasTuner's message lacks the reason."""
    if reason:
      self._reasons[trial_id] = reason

  @locked
  def release_dead_workers(self) -> None:
    """Takes trials away from dead workers and from those that exceed the time limit."""
    for trial_id in self._times.overdue:
      self._release_overdue(trial_id)
    for tuner_id in self._workers.dead:
      self._release_dead(tuner_id)

  @locked
  def release_overdue_trial(self, trial_id: str) -> None:
    """Ends a trial that exceeds the time limit: it is rerun if allowed, and fails otherwise."""
    if any(trial.trial_id == trial_id for trial in self.ongoing_trials.values()):
      self._release_overdue(trial_id)

  def create_trial(self, tuner_id: str) -> Trial:
    """Returns a trial to run, or one whose status says to wait or to stop."""
    trial = self._create_trial(tuner_id)
    if trial.status == TrialStatus.IDLE:
      time.sleep(_IDLE_SECONDS)  # Some tuners ask again at once.
    return trial

  @locked
  def update_trial(self, trial_id: str, metrics: Mapping[str, float], step: int = 0) -> Trial:
    """Records metrics of a trial, unless it has ended."""
    with self._workers.paused():
      for tuner_id in self._tuners_of(trial_id):
        self._workers.record_heartbeat(tuner_id)
      return super().update_trial(trial_id, metrics, step)

  @locked
  def end_trial(self, trial: Trial | str, status: str = TrialStatus.COMPLETED) -> None:
    """Ends a trial or queues it for another run; see `SafeOracle.end_trial`."""
    with self._workers.paused():
      trial_id = trial if isinstance(trial, str) else trial.trial_id
      self._times.end(trial_id)
      reason = self._reasons.pop(trial_id, None)
      if isinstance(trial, Trial):
        trial.message = trial.message or reason
      if (status if isinstance(trial, str) else trial.status) == TrialStatus.COMPLETED:
        self._restore_metrics(trial_id)
      tuner_ids = self._tuners_of(trial_id)
      try:
        super().end_trial(trial, status)
      except SearchFailed:
        self._dismiss(tuner_ids)  # It hears of it now, and will not ask for another trial.
        raise

  def get_state(self) -> dict[str, Any]:
    """Returns the state, including the numbers of deaths."""
    return {**super().get_state(), "deaths": self._deaths}

  def set_state(self, state: Mapping[str, Any]) -> None:
    """Restores a state."""
    super().set_state(state)
    self._deaths = dict(state["deaths"])

  @locked
  def _create_trial(self, tuner_id: str) -> Trial:
    with self._workers.paused():
      self._workers.record_heartbeat(tuner_id)
      self.release_dead_workers()
      trial = self._next_trial(tuner_id)
    if trial.status == TrialStatus.RUNNING:
      self._times.start(trial.trial_id)
    if trial.status == TrialStatus.STOPPED:
      self._has_stopped_a_worker = True
      self._workers.remove(tuner_id)
    return trial

  def _next_trial(self, tuner_id: str) -> Trial:
    if self.failure is not None:
      self.tuner_ids.discard(tuner_id)
      return Trial(self.get_space(), str(len(self.trials)), TrialStatus.STOPPED)
    if self._retry_queue and tuner_id not in self.ongoing_trials:
      waiting = self.trials[self._retry_queue[-1]]  # It comes next.
      self._earlier_metrics[waiting.trial_id] = waiting.metrics
    trial = super().create_trial(tuner_id)
    if trial.status == TrialStatus.STOPPED and self.is_served and self.ongoing_trials:
      trial.status = TrialStatus.IDLE  # A trial of another worker may come back, or make the space grow.
      self.tuner_ids.add(tuner_id)
    return trial

  def _restore_metrics(self, trial_id: str) -> None:
    """Gives a completed trial its metrics back, if another worker had begun it anew before its end was reported.

    A worker reports metrics and the end in two calls. Between them it may count as dead, or the chief be started again.
    """
    earlier = self._earlier_metrics.pop(trial_id, None)
    if earlier is not None and not self.trials[trial_id].metrics.metrics:
      self.trials[trial_id].metrics = earlier

  def _tuners_of(self, trial_id: str) -> list[str]:
    """Returns who is running a trial: one tuner, or none."""
    return [tuner_id for tuner_id, trial in self.ongoing_trials.items() if trial.trial_id == trial_id]

  def _dismiss(self, tuner_ids: Sequence[str]) -> None:
    """Does not wait any longer for tuners, unless they ask again."""
    for tuner_id in tuner_ids:
      self._workers.remove(tuner_id)
      self.tuner_ids.discard(tuner_id)

  def _release_overdue(self, trial_id: str) -> None:
    """Takes a trial from a worker that takes too long over it, and will not be waited for."""
    trial = self.trials[trial_id]
    self._dismiss(self._tuners_of(trial_id))
    reason = f"it took more than trial_timeout={self.trial_timeout:g} seconds"
    self._end_without_report(trial, TrialStatus.INVALID, reason)

  def _release_dead(self, tuner_id: str) -> None:
    """Takes its trial, if it has one, from a worker that has died."""
    self._dismiss([tuner_id])
    trial = self.ongoing_trials.pop(tuner_id, None)
    if trial is not None:
      self._retry_or_fail(trial, tuner_id)

  def _retry_or_fail(self, trial: Trial, tuner_id: str) -> None:
    self._times.end(trial.trial_id)
    self._deaths[trial.trial_id] = self._deaths.get(trial.trial_id, 0) + 1
    if self._deaths[trial.trial_id] < MAX_DEATHS:
      self._retry_queue.append(trial.trial_id)
      self.save()
      return
    reason = f"{MAX_DEATHS} workers died over this trial, the last one was {tuner_id}"
    self._end_without_report(trial, TrialStatus.FAILED, reason)

  def _end_without_report(self, trial: Trial, status: str, reason: str) -> None:
    """Ends a trial that no worker reports about. If it is the last of too many failures, `failure` says so."""
    self._times.end(trial.trial_id)
    trial.status, trial.message = status, reason
    self._record_end(trial)
    if trial.status == TrialStatus.FAILED:
      with contextlib.suppress(SearchFailed):  # There is no caller whom it would tell anything.
        self._check_latest_trials()

  def _give_up(self, reason: str) -> None:
    if self.is_served:
      self.failure = reason  # The other workers are stopped, too.
    raise SearchFailed(reason)
