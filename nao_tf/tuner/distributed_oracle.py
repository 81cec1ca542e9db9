"""An oracle that survives its workers.

KerasTuner's chief waits forever for a worker that has died. Here the trial of a worker whose heartbeats stop goes to
another worker, and a chief knows when no worker is left.
"""

import time
from collections.abc import Mapping
from typing import Any

from keras_tuner.engine.trial import Trial, TrialStatus

from nao_tf.tuner.locking import locked
from nao_tf.tuner.safe_oracle import SafeOracle
from nao_tf.tuner.workers import WorkerRoll

MAX_DEATHS = 3
"""How many workers may die over a trial before it counts as failed."""

_IDLE_SECONDS = 0.05


class DistributedOracle(SafeOracle):
  """An oracle that takes trials from dead workers and gives them to others.

  Only workers that send heartbeats can count as dead. Others, such as KerasTuner's own tuners, are served without it.

  Attributes:
    failure: why a search with several workers ended early; None if it did not.
  """

  def __init__(
    self,
    objective: Any = None,
    max_trials: int | None = None,
    seed: int | None = None,
    *,
    worker_timeout: float = 120.0,
    **options: Any,
  ):
    """Sets up the oracle.

    Args:
      objective: what is optimized, in any form that KerasTuner knows.
      max_trials: how many trials are started at most; None for no limit.
      seed: at least 0; None to draw one.
      worker_timeout: seconds without a heartbeat after which a worker counts as dead.
      **options: further arguments of `keras_tuner.Oracle`.

    Raises:
      ValueError: if the seed is negative, or the timeout is not above 0.
    """
    super().__init__(objective, max_trials, seed, **options)
    self.failure: str | None = None
    self._workers = WorkerRoll(worker_timeout)
    self._deaths: dict[str, int] = {}  # How many workers died over a trial, by its id.
    self._has_stopped_a_worker = False

  @property
  def worker_timeout(self) -> float:
    """Seconds without a heartbeat after which a worker counts as dead."""
    return self._workers.timeout

  @property
  @locked
  def is_over(self) -> bool:
    """Whether a chief may end: no worker is left, and no trial for another one."""
    if self.tuner_ids or self.ongoing_trials:
      return False
    if self._has_stopped_a_worker:
      return True
    is_full = bool(self.max_trials) and len(self.end_order) >= self.max_trials
    return self._workers.was_used and not self._retry_queue and (is_full or self.failure is not None)

  @locked
  def record_heartbeat(self, tuner_id: str) -> None:
    """Notes that a worker is alive."""
    self._workers.record_heartbeat(tuner_id)

  @locked
  def release_dead_workers(self) -> None:
    """Takes the trials of dead workers from them."""
    for tuner_id in self._workers.dead:
      self._workers.remove(tuner_id)
      self.tuner_ids.discard(tuner_id)
      trial = self.ongoing_trials.pop(tuner_id, None)
      if trial is not None:
        self._retry_or_fail(trial, tuner_id)

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
      return super().update_trial(trial_id, metrics, step)

  @locked
  def end_trial(self, trial: Trial | str, status: str = TrialStatus.COMPLETED) -> None:
    """Ends a trial or queues it for another run; see `SafeOracle.end_trial`."""
    with self._workers.paused():
      super().end_trial(trial, status)

  def get_state(self) -> dict[str, Any]:
    """Returns the state, with the numbers of deaths."""
    return {**super().get_state(), "deaths": self._deaths}

  def set_state(self, state: Mapping[str, Any]) -> None:
    """Goes on from a state."""
    super().set_state(state)
    self._deaths = dict(state["deaths"])

  @locked
  def _create_trial(self, tuner_id: str) -> Trial:
    with self._workers.paused():
      self.release_dead_workers()
      trial = self._next_trial(tuner_id)
    if trial.status == TrialStatus.STOPPED:
      self._has_stopped_a_worker = True
      self._workers.remove(tuner_id)
    return trial

  def _next_trial(self, tuner_id: str) -> Trial:
    if self.failure is not None:
      self.tuner_ids.discard(tuner_id)
      return Trial(self.get_space(), str(len(self.trials)), TrialStatus.STOPPED)
    trial = super().create_trial(tuner_id)
    if trial.status == TrialStatus.STOPPED and any(other in self._workers for other in self.ongoing_trials):
      trial.status = TrialStatus.IDLE  # A trial of another worker may come back, or make the space grow.
      self.tuner_ids.add(tuner_id)
    return trial

  def _retry_or_fail(self, trial: Trial, tuner_id: str) -> None:
    self._deaths[trial.trial_id] = self._deaths.get(trial.trial_id, 0) + 1
    if self._deaths[trial.trial_id] < MAX_DEATHS:
      self._retry_queue.append(trial.trial_id)
      self.save()
      return
    trial.status = TrialStatus.FAILED
    trial.message = f"{MAX_DEATHS} workers died over this trial, the last one was {tuner_id}"
    self._record_end(trial)

  def _give_up(self, reason: str) -> None:
    if len(self._workers):
      self.failure = reason  # The other workers are stopped, too.
    super()._give_up(reason)
