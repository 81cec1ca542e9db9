"""The output of a tuner: a line when a trial starts, a line when it ends, and a table of the best trials.

KerasTuner prints a table of all hyperparameters for each trial. For cells these are dozens of rows of numbers, and they
show neither how many trials have failed nor how long the search will take.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from keras_tuner.engine.oracle import Oracle
from keras_tuner.engine.trial import Trial, TrialStatus
from keras_tuner.src.engine.oracle import Display

_LONGEST_VALUES = 120


class TrialTable(Display):
  """Prints one line per event instead of KerasTuner's display, which keeps its state in the oracle."""

  def __init__(
    self,
    oracle: Oracle,
    describe: Callable[[Mapping[str, Any]], str],
    *,
    clock: Callable[[], float] = time.monotonic,
  ):
    """Takes what to print about.

    Args:
      oracle: has the trials.
      describe: returns values of hyperparameters in words.
      clock: returns seconds.
    """
    super().__init__(oracle)
    self._describe, self._clock = describe, clock
    self._begun: dict[str, float] = {}
    self._started_at: float | None = None
    self._num_ended = 0

  def on_trial_begin(self, trial: Trial) -> None:
    """Prints the hyperparameters of a trial."""
    now = self._clock()
    self._begun[trial.trial_id] = now
    self._started_at = now if self._started_at is None else self._started_at
    if self.verbose:
      number = list(self.oracle.trials).index(trial.trial_id) + 1
      of = f" of {self.oracle.max_trials}" if self.oracle.max_trials else ""
      print(f"trial {trial.trial_id} ({number}{of}): {_cut(self._describe(trial.hyperparameters.values))}", flush=True)

  def on_trial_end(self, trial: Trial) -> None:
    """Prints the result of a trial, the best result so far, and the remaining time."""
    self._num_ended += 1
    taken = self._clock() - self._begun.pop(trial.trial_id, self._clock())
    if self.verbose:
      parts = (f"{self._outcome(trial)} in {duration(taken)}", self._best(), self._failures(), self._left())
      print(f"trial {trial.trial_id}: " + ", ".join(part for part in parts if part), flush=True)

  def rows(self, count: int) -> list[str]:
    """Returns a table of the best trials as lines of text, with a header."""
    trials = self.oracle.get_best_trials(count)
    lines = [("", "trial", self.oracle.objective.name, "values")]
    for place, trial in enumerate(trials, start=1):
      lines.append(
        (str(place), trial.trial_id, f"{trial.score:.5g}", _cut(self._describe(trial.hyperparameters.values)))
      )
    return _aligned(lines)

  def _outcome(self, trial: Trial) -> str:
    if trial.status == TrialStatus.COMPLETED and trial.score is not None:
      return f"{self.oracle.objective.name} {trial.score:.5g}"
    reason = str(trial.message or "").strip().splitlines()
    return f"failed ({reason[-1]})" if reason else "failed"

  def _best(self) -> str:
    best = self.oracle.get_best_trials(1)
    return f"best {best[0].score:.5g} (trial {best[0].trial_id})" if best else ""

  def _failures(self) -> str:
    failed = sum(trial.status == TrialStatus.FAILED for trial in self.oracle.trials.values())
    return f"{failed} failed" if failed else ""

  def _left(self) -> str:
    """Returns the time left in words, from the mean time between two ends so far, however many workers there are."""
    if not self.oracle.max_trials or self._started_at is None:
      return ""
    ended = (TrialStatus.COMPLETED, TrialStatus.FAILED)
    missing = self.oracle.max_trials - sum(trial.status in ended for trial in self.oracle.trials.values())
    mean = (self._clock() - self._started_at) / self._num_ended
    return f"about {duration(mean * missing)} left" if missing > 0 else ""


def values_in_words(values: Mapping[str, Any]) -> str:
  """Formats values of hyperparameters as text."""
  words = (f"{name}={value:.5g}" if isinstance(value, float) else f"{name}={value}" for name, value in values.items())
  return ", ".join(words) or "the default configuration"


def duration(seconds: float) -> str:
  """Formats a duration in seconds as text: "42 s", "3 min 5 s", "2 h 10 min"."""
  if seconds < 60:
    return f"{seconds:.3g} s"
  minutes, rest = divmod(round(seconds), 60)
  return f"{minutes} min {rest} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


def _cut(text: str) -> str:
  return text if len(text) <= _LONGEST_VALUES else f"{text[: _LONGEST_VALUES - 1]}…"


def _aligned(rows: Sequence[Sequence[str]]) -> list[str]:
  """Returns rows as lines with columns of one width, the last one as it is."""
  widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
  return ["  ".join([*(text.rjust(width) for text, width in zip(row[:-1], widths)), row[-1]]) for row in rows]
