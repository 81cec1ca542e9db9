"""A KerasTuner tuner that searches with a strategy, in one process or in many.

It tunes whatever KerasTuner's own tuner does: a function that builds a model, a `HyperModel` with its own `fit`, or a
subclass with its own `run_trial`.
"""

import os
import time
from typing import Any

import keras_tuner
from keras_tuner.engine.trial import Trial

from nao_tf.tuner.connection import PersistentStub, chief_address
from nao_tf.tuner.discovery import discover_hyperparameters
from nao_tf.tuner.heartbeats import BEATS_PER_TIMEOUT, sending_heartbeats
from nao_tf.tuner.messages import repaired
from nao_tf.tuner.oracle import StrategyOracle
from nao_tf.tuner.project_files import write_project_file

IDLE_SECONDS = 0.5


class StrategyTuner(keras_tuner.Tuner):
  """Tunes with a `StrategyOracle`.

  With KerasTuner's environment variables `KERASTUNER_ORACLE_IP`, `KERASTUNER_ORACLE_PORT` and `KERASTUNER_TUNER_ID` it
  is the chief or a worker of a distributed search. A worker sends heartbeats while it searches. When they stop, the chief
  gives the worker's trial to another one.
  """

  def __init__(self, oracle: StrategyOracle, hypermodel: Any = None, **kwargs: Any):
    """Sets up the tuner, and goes on with the project in its directory if there is one.

    Args:
      oracle: decides what is tried.
      hypermodel: what is tuned; may be None if `run_trial` is overridden.
      **kwargs: of `keras_tuner.Tuner`, such as `directory`, `executions_per_trial` and `distribution_strategy`.

    Raises:
      ValueError: if the oracle is another one, or the directory holds a project with other settings.
    """
    if not isinstance(oracle, StrategyOracle):
      raise ValueError(f"expected a StrategyOracle, got {oracle!r}")
    self._heartbeat_seconds = oracle.worker_timeout / BEATS_PER_TIMEOUT
    self._had_no_trial = False
    super().__init__(oracle, hypermodel, **kwargs)
    if self._is_worker():
      self.oracle.stub = PersistentStub(self.oracle.stub)

  def search(self, *fit_args: Any, **fit_kwargs: Any) -> None:
    """Searches until the oracle says that it is over. A chief serves its workers until then.

    Args:
      *fit_args: arguments of `run_trial`, for example the training data.
      **fit_kwargs: likewise.

    Raises:
      RuntimeError: if as many trials in a row have failed as are allowed.
    """
    self._had_no_trial = False
    if self._is_worker():
      with sending_heartbeats(chief_address(), self.tuner_id, self._heartbeat_seconds):
        super().search(*fit_args, **fit_kwargs)
      return
    self.save()  # From here on the project exists, and another process can go on with it.
    if "KERASTUNER_ORACLE_IP" in os.environ:
      self._serve(fit_kwargs.get("verbose", self.oracle.verbose))
    else:
      super().search(*fit_args, **fit_kwargs)

  def pre_create_trial(self) -> None:
    """Waits a little if there was no trial to run the last time."""
    if self._had_no_trial:
      time.sleep(IDLE_SECONDS)
    self._had_no_trial = True

  def on_trial_begin(self, trial: Trial) -> None:
    """Repairs what a message has done to the trial's hyperparameters."""
    self._had_no_trial = False
    if self._is_worker():
      trial.hyperparameters = repaired(trial.hyperparameters)
    super().on_trial_begin(trial)

  def save(self) -> None:
    """Writes the state of the project. At any moment each file is either the old one or the new one."""
    if not self._is_worker():
      self.oracle.save()
    write_project_file(self._get_tuner_fname(), self.get_state())

  def _serve(self, verbose: int | str) -> None:
    """Lets workers search; what they do is printed here."""
    from nao_tf.tuner.chief import serve  # Imports the code that gRPC generated, which only a chief needs.

    self.oracle.verbose = verbose
    serve(self.oracle, chief_address())
    if self.oracle.failure is not None:
      raise RuntimeError(self.oracle.failure)

  def _populate_initial_space(self) -> None:
    """Finds the hyperparameters before the first trial; KerasTuner calls it for new projects."""
    if self.hypermodel is not None:
      discover_hyperparameters(self.hypermodel, self.oracle)
