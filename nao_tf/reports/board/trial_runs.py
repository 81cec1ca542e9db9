"""The runs of trials in TensorBoard: `trials/ID` in the directory of a search.

A trial that is trained has its curves there, epoch by epoch. A trial of another kind has a run of its own as long as there
are few, since TensorBoard is slow with many runs.
"""

import os
import time
from collections.abc import Collection, Mapping

from nao_tf.reports.board import hyperparameters
from nao_tf.runs.event_files import EventFiles
from nao_tf.spaces.base import SearchSpace
from nao_tf.training.base import Epoch, shown_metrics
from nao_tf.trial import Architecture, Trial

TRIALS_DIRECTORY = "trials"
MOST_RUNS = 1000
"""So many trials that are not trained have a run each: those with the lowest ids."""


class TrialRuns:
  """Writes the runs of the trials of a search."""

  def __init__(
    self,
    directory: str,
    space: SearchSpace,
    *,
    known: Collection[int] = (),
    with_hyperparameters: bool = True,
  ):
    """Takes where to write.

    Args:
      directory: directory of the search.
      space: space of the architectures.
      known: ids of the trials that closed before. What is recorded about others was another search, or was not
        finished.
      with_hyperparameters: whether the trials are to be in the tab HParams, too.
    """
    self._directory, self._space, self._known = directory, space, known
    self._with_hyperparameters = with_hyperparameters
    self._open: dict[int, EventFiles] = {}
    self._last_epochs: dict[int, int] = {}

  def on_epoch(self, trial: int, architecture: Architecture, epoch: Epoch) -> None:
    """Shows an epoch of the training of a trial. If the training begins again, so do its curves.

    A training of a search with rungs goes on with a later epoch, and so do its curves.
    """
    if epoch.number <= self._last_epochs.get(trial, 0):
      self._open.pop(trial).close()
    if trial not in self._open:
      self._open[trial] = self._begun(trial, architecture, epoch)
    self._last_epochs[trial] = epoch.number
    self._open[trial].add(epoch.number, shown_metrics(epoch.metrics))
    self._open[trial].flush()

  def on_trial(self, trial: Trial) -> None:
    """Shows how a trial has ended. If that is there already, nothing changes."""
    number = self._last_epochs.pop(trial.id, None)
    files = self._open.pop(trial.id, None)
    if files is None and not self._has_run(trial.id):
      return
    with files or EventFiles(self._path(trial.id), anew=trial.id not in self._known) as run:
      if not trial.earlier and {hyperparameters.REWARD, hyperparameters.END_TAG} & set(run.last_steps):
        return
      step = (run.last_step or 0) if number is None else number
      is_new = number is None and hyperparameters.START_TAG not in run.last_steps
      run.add(step, _outcome(trial), self._session(trial, is_new=is_new))

  def close(self) -> None:
    """Closes all files. The trials that are open stay so."""
    for files in self._open.values():
      files.close()
    self._open.clear()

  def _begun(self, trial: int, architecture: Architecture, epoch: Epoch) -> EventFiles:
    """Opens the run of a trial whose training begins."""
    files = EventFiles(self._path(trial), anew=epoch.number == 1)
    if self._with_hyperparameters and hyperparameters.START_TAG not in files.last_steps:
      start = time.time() - epoch.metrics.get("seconds", 0.0)
      files.add(0, {}, [hyperparameters.session_start(self._space, architecture, str(trial), start)])
    return files

  def _session(self, trial: Trial, *, is_new: bool) -> list[object]:
    """Returns the values that end the session of a trial, those that begin it included if it is new."""
    if not self._with_hyperparameters:
      return []
    end = [hyperparameters.session_end(ok=trial.reward is not None)]
    if not is_new:
      return end
    begin = time.time() - trial.seconds
    return [hyperparameters.session_start(self._space, trial.architecture, str(trial.id), begin), *end]

  def _has_run(self, trial: int) -> bool:
    return trial < MOST_RUNS or os.path.isdir(self._path(trial))

  def _path(self, trial: int) -> str:
    return os.path.join(self._directory, TRIALS_DIRECTORY, str(trial))


def _outcome(trial: Trial) -> Mapping[str, float]:
  return {
    hyperparameters.SECONDS: trial.seconds,
    **({} if trial.reward is None else {hyperparameters.REWARD: trial.reward}),
  }
