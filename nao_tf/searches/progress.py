"""Shows the progress of a search on a progress bar."""

from collections.abc import Callable
from typing import Any

import tqdm

from nao_tf.training.base import Epoch
from nao_tf.trial import Trial, best_trial, reward_text


class SearchProgress:
  """Follows the trials of a search and shows them on a progress bar: the best, the failures, the last, the present one."""

  def __init__(self, bar: "tqdm.tqdm[Any]", *, num_known: int = 0, with_epochs: Callable[[], bool] = lambda: True):
    """Initializes with the bar.

    Args:
      bar: bar of trials; it begins at `num_known`.
      num_known: how many trials come first that were closed before, which only count.
      with_epochs: returns whether the bar changes with each epoch of a trial, and not only with each trial.
    """
    self._bar, self._num_known, self._with_epochs = bar, num_known, with_epochs
    self._best: Trial | None = None
    self._num_closed = self._num_failed = 0

  def on_trial(self, trial: Trial) -> None:
    """Counts a trial that has closed."""
    self._num_closed += not trial.earlier  # A trial of a search in rungs counts at its first one.
    self._num_failed += trial.reward is None
    self._best = best_trial([trial, *([self._best] if self._best else [])])
    self._bar.set_postfix_str(self._words(f"trial {trial.id}: {outcome(trial)}"), refresh=False)
    if self._num_closed > self._num_known and not trial.earlier:
      self._bar.update()

  def on_epoch(self, trial: int, epoch: Epoch) -> None:
    """Shows how far a trial is."""
    if self._with_epochs():
      self._bar.set_postfix_str(self._words(f"trial {trial}: epoch {epoch.number} of {epoch.total}"))

  def _words(self, present: str) -> str:
    failed = f"{self._num_failed} failed" if self._num_failed else ""
    best = f"best {outcome(self._best)} (trial {self._best.id})" if self._best else ""
    return ", ".join(part for part in (best, failed, present) if part)


def outcome(trial: Trial) -> str:
  """Returns in words how a trial went."""
  if trial.reward is not None:
    return reward_text(trial.reward)
  return f"failed ({trial.evaluation.metrics.get('reason')})" if trial.evaluation else "open"
