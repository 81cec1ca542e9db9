"""A KerasTuner tuner that searches with a strategy, in one or in many processes.

It supports everything that KerasTuner's own tuners do: a model-building function, a `HyperModel` with its own `fit`, or
a subclass that overrides `run_trial`.
"""

import contextlib
import os
import time
from collections.abc import Iterator
from typing import Any

import keras_tuner
import tensorflow as tf
from keras_tuner.engine.trial import Trial, TrialStatus

from nao_tf import fields
from nao_tf.tuner.connection import PersistentStub, chief_address
from nao_tf.tuner.discovery import discover_hyperparameters
from nao_tf.tuner.errors import SearchFailed
from nao_tf.tuner.heartbeats import BEATS_PER_TIMEOUT, sending_heartbeats
from nao_tf.tuner.messages import repaired
from nao_tf.tuner.oracle import StrategyOracle
from nao_tf.tuner.project_files import absolute_path, write_project_file
from nao_tf.tuner.project_lock import check_up_to_date, project_lock
from nao_tf.tuner.search_arguments import check_arguments
from nao_tf.tuner.trial_watch import TrialWatch

IDLE_SECONDS = 0.5
_ENDED = (TrialStatus.COMPLETED, TrialStatus.FAILED)


class StrategyTuner(keras_tuner.Tuner):
  """A KerasTuner tuner that uses a `StrategyOracle`.

  With KerasTuner's environment variables `KERASTUNER_ORACLE_IP`, `KERASTUNER_ORACLE_PORT` and `KERASTUNER_TUNER_ID` it
  is the chief or a worker of a distributed search. A worker sends heartbeats while it searches; when they stop, the
  chief reassigns its trial. There is no authentication, so use a trusted network only; see `nao_tf.tuner.chief`.

  A process that searches alone or as a chief locks the directory of the project. With `trial_timeout`, a process whose
  trial exceeds the limit exits with code 75 (`nao_tf.tuner.trial_watch.EXIT_CODE`). The trial has then failed, or is
  rerun if `max_retries_per_trial` allows it, and a restarted process continues the search.
  """

  def __init__(
    self, oracle: StrategyOracle, hypermodel: Any = None, *, trial_timeout: float | None = None, **kwargs: Any
  ):
    """Initializes the tuner, and resumes the project in its directory if there is one.

    Args:
      oracle: the oracle that chooses hyperparameters.
      hypermodel: the hypermodel to tune; may be None if `run_trial` is overridden.
      trial_timeout: time limit of a trial, in seconds; None for that of the oracle, which has no limit by default.
      **kwargs: arguments of `keras_tuner.Tuner`, such as `directory`, `executions_per_trial` and `distribution_strategy`.

    Raises:
      ValueError: if the oracle is another one, a timeout is not above 0, or the directory holds a project with other
        settings.
      nao_tf.runs.run_lock.RunDirectoryInUse: if the project is to be overwritten while another process works on it.
    """
    if not isinstance(oracle, StrategyOracle):
      raise ValueError(f"expected a StrategyOracle, got {oracle!r}")
    if trial_timeout is not None:
      oracle.trial_timeout = trial_timeout
    self._heartbeat_seconds = oracle.worker_timeout / BEATS_PER_TIMEOUT
    self._watch = None if oracle.trial_timeout is None else TrialWatch(oracle.trial_timeout, self._release_overdue)
    self._had_no_trial = False
    kwargs["directory"] = absolute_path(kwargs.get("directory") or ".")
    self._prepare_to_overwrite(kwargs)
    super().__init__(oracle, hypermodel, **kwargs)
    if self._is_worker():
      self.oracle.stub = PersistentStub(self.oracle.stub)

  def search(self, *fit_args: Any, **fit_kwargs: Any) -> None:
    """Runs the search until the oracle ends it. A chief serves its workers until then.

    Args:
      *fit_args: arguments of `run_trial`, for example the training data.
      **fit_kwargs: keyword arguments of `run_trial`.

    Raises:
      nao_tf.tuner.errors.SearchFailed: if the maximum number of consecutive failed trials is reached, or all trials
        failed; it is a `RuntimeError`.
      nao_tf.runs.run_lock.RunDirectoryInUse: if another process is using the project.
      TypeError: if a trial does not accept the arguments.
    """
    check_arguments(self, fit_args, fit_kwargs)
    self._had_no_trial = False
    if self._is_worker():
      with sending_heartbeats(chief_address(), self.tuner_id, self._heartbeat_seconds), self._watching():
        super().search(*fit_args, **fit_kwargs)
      return
    with project_lock(self.project_dir), self._watching():
      check_up_to_date(self.project_dir, self.oracle.start_order)
      self.save()  # From here on the project exists, and another process can go on with it.
      if "KERASTUNER_ORACLE_IP" in os.environ:
        self._serve(fit_kwargs.get("verbose", self.oracle.verbose))
      else:
        super().search(*fit_args, **fit_kwargs)
    self._check_outcome()

  def pre_create_trial(self) -> None:
    """Waits briefly if there was no trial to run the last time."""
    if self._had_no_trial:
      time.sleep(IDLE_SECONDS)
    self._had_no_trial = True

  def on_trial_begin(self, trial: Trial) -> None:
    """Repairs the hyperparameters of a trial received in a message, and starts watching the trial."""
    self._had_no_trial = False
    if self._is_worker():
      trial.hyperparameters = repaired(trial.hyperparameters)
    if self._watch is not None:
      self._watch.start(trial.trial_id)
    super().on_trial_begin(trial)

  def on_trial_end(self, trial: Trial) -> None:
    """Reports the end of a trial, with the reason if it failed."""
    if self._watch is not None:
      self._watch.stop()
    if self._is_worker():
      self.oracle.stub.reason = trial.message
    super().on_trial_end(trial)

  def results_summary(self, num_trials: int = 10) -> None:
    """Prints a table of the best trials, one per line.

    Args:
      num_trials: number of trials to print.
    """
    ended = [trial for trial in self.oracle.trials.values() if trial.status in _ENDED]
    failed = sum(trial.status == TrialStatus.FAILED for trial in ended)
    print(f"{self.project_dir}: {fields.counted(len(ended), 'trial')} ended, {failed} of them failed")
    print("\n".join(self.oracle.table.rows(num_trials)))

  def save(self) -> None:
    """Writes the state of the project atomically, file by file."""
    if not self._is_worker():
      self.oracle.save()
    write_project_file(self._get_tuner_fname(), self.get_state())

  def reload(self) -> None:
    """Reads the state of the project. The state of KerasTuner's own tuners is empty and is not read."""
    self.oracle.reload()

  def _get_checkpoint_fname(self, trial_id: str) -> str:
    """Returns where the weights of a trial are.

    Keras 2 saves them in TensorFlow's format, which takes a path with characters such as `[` for a pattern when it is
    read. In such a directory they are saved as HDF5, as Keras 3 does everywhere.
    """
    path: str = super()._get_checkpoint_fname(trial_id)
    is_pattern = any(character in path for character in "*?[\\")
    return f"{path}.weights.h5" if is_pattern and not path.endswith(".h5") else path

  def _prepare_to_overwrite(self, kwargs: dict[str, Any]) -> None:
    """Keeps a worker from overwriting the project of its chief, and any process that of another one.

    KerasTuner removes the directory of the project when a tuner is made, also that of a worker that comes late.
    """
    if not kwargs.get("overwrite"):
      return
    if self._is_worker():
      kwargs["overwrite"] = False
      return
    directory = os.path.join(kwargs["directory"], kwargs.get("project_name") or "untitled_project")
    with project_lock(directory):
      pass

  @contextlib.contextmanager
  def _watching(self) -> Iterator[None]:
    """Stops watching a trial that an exception ends, on the way out of a search."""
    try:
      yield
    finally:
      if self._watch is not None:
        self._watch.stop()

  def _release_overdue(self, trial_id: str) -> None:
    """Records that a trial takes too long. A worker leaves that to its chief."""
    if not self._is_worker():
      self.oracle.release_overdue_trial(trial_id)

  def _serve(self, verbose: int | str) -> None:
    """Lets workers search; what they do is printed here."""
    from nao_tf.tuner.chief import serve  # Imports the code that gRPC generated, which only a chief needs.

    self.oracle.verbose = verbose
    serve(self.oracle, chief_address())
    if self.oracle.failure is not None:
      raise SearchFailed(self.oracle.failure)

  def _check_outcome(self) -> None:
    """Raises if no trial has been completed, so that the search does not seem to have gone well."""
    ended = [self.oracle.trials[trial_id] for trial_id in self.oracle.end_order]
    if ended and all(trial.status == TrialStatus.FAILED for trial in ended):
      reason = ended[-1].message or "it gave no reason"
      failed = "the only trial" if len(ended) == 1 else f"all {len(ended)} trials"
      raise SearchFailed(f"{failed} failed, see {self.project_dir}. The last one: {reason}")

  def _populate_initial_space(self) -> None:
    """Finds the hyperparameters before the first trial; KerasTuner calls it for projects that it does not know.

    KerasTuner knows a project by the id of the tuner that made it. One that another tuner has made is gone on with too.
    """
    if not self._is_worker() and tf.io.gfile.exists(self.oracle._get_oracle_fname()):
      self.oracle.reload()
    elif self.hypermodel is not None:
      discover_hyperparameters(self.hypermodel, self.oracle)
