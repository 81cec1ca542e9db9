"""The loop that joins a strategy, an evaluator and a journal.

One loop serves every search: NAO over cells, random search, weight sharing. It is resumable because it repeats, against
a fresh strategy, what the journal holds, and then goes on.
"""

import contextlib
import math
import os
import time
from collections.abc import Callable, Sequence

from nao_tf.evaluators.base import Evaluator
from nao_tf.runs.attempts import Attempts
from nao_tf.runs.journal import Journal, JournalError
from nao_tf.searches.driver import Driver
from nao_tf.searches.evaluation import TrialEvaluator
from nao_tf.strategies.base import SpaceExhausted, Strategy
from nao_tf.trial import Trial, best_trial

STRATEGY_DIRECTORY = "strategy"
TRIAL_RETRIES = 2


def run_search(
  strategy: Strategy,
  evaluator: Evaluator,
  journal: Journal,
  *,
  num_trials: int,
  batch_size: int,
  first_batch_size: int | None = None,
  max_seconds: float | None = None,
  trial_retries: int = TRIAL_RETRIES,
  on_trial: Callable[[Trial], None] = lambda trial: None,
) -> Trial | None:
  """Searches until `num_trials` architectures have been evaluated or the space is exhausted.

  Killed at any moment and started again with a fresh strategy and the same journal, it goes on to the same trials.

  Args:
    strategy: proposes; fresh, nothing asked or told.
    evaluator: evaluates.
    journal: records, and may hold the beginning of this search.
    num_trials: budget; failed trials count.
    batch_size: how many architectures to ask for at a time.
    first_batch_size: how many to ask for the first time; None: `batch_size`.
    max_seconds: no batch is asked for when this call has taken so long; None for no limit. A batch that was begun, now
      or by an earlier process, is finished.
    trial_retries: how often the evaluation of a trial is begun again after it has ended the process, by a segmentation
      fault for example. After that it counts as failed. An exception fails a trial at once.
    on_trial: called with each trial that closes, those found in the journal included.

  Returns:
    The best trial; None if none succeeded.

  Raises:
    JournalError: if the journal holds an architecture that is not one of the space.
    EvaluatorError: if the evaluator returns something else than one evaluation for each architecture.
    ValueError: if a number is too small.
  """
  first_batch_size = batch_size if first_batch_size is None else first_batch_size
  if min(num_trials, batch_size, first_batch_size) < 1:
    numbers = f"{num_trials}, {batch_size} and {first_batch_size}"
    raise ValueError(f"num_trials, batch_size and first_batch_size must be at least 1, got {numbers}")
  if trial_retries < 0:
    raise ValueError(f"trial_retries must not be negative, got {trial_retries}")
  if max_seconds is not None and not max_seconds > 0:
    raise ValueError(f"max_seconds must be above 0, or None, got {max_seconds}")
  deadline = time.monotonic() + (math.inf if max_seconds is None else max_seconds)
  driver = Driver(strategy, cache=os.path.join(journal.directory, STRATEGY_DIRECTORY))
  if journal.entries:  # Otherwise a cache is that of another search.
    driver.restore()
  still_open = _replay(driver, journal, on_trial)
  with contextlib.closing(Attempts(journal.directory, {trial.id for trial in still_open})) as attempts:
    evaluator_of_trials = TrialEvaluator(evaluator, attempts, retries=trial_retries)
    _evaluate(still_open, driver, evaluator_of_trials, journal, on_trial)
    while (missing := num_trials - driver.num_trials) > 0 and time.monotonic() < deadline:
      try:
        batch = driver.ask(min(batch_size if driver.num_trials else first_batch_size, missing))
      except SpaceExhausted:
        break
      journal.append_asked(batch)
      driver.save()
      _evaluate(batch, driver, evaluator_of_trials, journal, on_trial)
  return best_trial(journal.trials)


def _replay(driver: Driver, journal: Journal, on_trial: Callable[[Trial], None]) -> list[Trial]:
  """Repeats what the journal holds; returns the trials that are still open."""
  try:
    still_open = driver.replay(journal.entries)
  except ValueError as error:
    raise JournalError(f"{journal.directory}: {error}") from error
  for entry in journal.entries:
    if isinstance(entry, Trial):
      on_trial(entry)
  return still_open


def _evaluate(
  batch: Sequence[Trial],
  driver: Driver,
  evaluator: TrialEvaluator,
  journal: Journal,
  on_trial: Callable[[Trial], None],
) -> None:
  """Evaluates open trials, writing each down as it closes."""
  for closed in evaluator.close_all(batch):
    journal.append_closed(closed)
    driver.tell([closed])
    on_trial(closed)
