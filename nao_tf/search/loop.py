"""The loop that joins a strategy, an evaluator and a journal.

One loop serves every search: NAO over cells, random search, weight sharing. What makes it resumable is that it repeats,
against a fresh strategy, the calls that the journal holds, and then goes on.
"""

import os
from collections.abc import Callable, Iterator, Sequence

from nao_tf.evaluators.base import Evaluator
from nao_tf.runs.journal import Journal, JournalError
from nao_tf.strategies.base import SpaceExhausted, Strategy
from nao_tf.trial import Trial, best_trial

STRATEGY_DIRECTORY = "strategy"


def run_search(
  strategy: Strategy,
  evaluator: Evaluator,
  journal: Journal,
  *,
  num_trials: int,
  batch_size: int,
  first_batch_size: int | None = None,
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
    on_trial: called with each trial that closes, those found in the journal included.

  Returns:
    The best trial; None if none succeeded.

  Raises:
    JournalError: if the journal does not hold what this strategy would have asked.
    ValueError: if a number is below 1.
  """
  first_batch_size = batch_size if first_batch_size is None else first_batch_size
  if min(num_trials, batch_size, first_batch_size) < 1:
    numbers = f"{num_trials}, {batch_size} and {first_batch_size}"
    raise ValueError(f"num_trials, batch_size and first_batch_size must be at least 1, got {numbers}")
  cache = os.path.join(journal.directory, STRATEGY_DIRECTORY)
  strategy.restore(cache)
  waiting = _replay(strategy, journal, on_trial)
  _evaluate(waiting, strategy, evaluator, journal, on_trial)
  while (missing := num_trials - strategy.num_asked) > 0:
    try:
      batch = _ask(strategy, min(batch_size if strategy.num_asked else first_batch_size, missing))
    except SpaceExhausted:
      break
    strategy.save(cache)
    journal.append_asked(batch)
    _evaluate(batch, strategy, evaluator, journal, on_trial)
  return best_trial(journal.trials)


def _ask(strategy: Strategy, count: int) -> list[Trial]:
  first = strategy.num_asked
  return [Trial(first + i, a, strategy.origin(a)) for i, a in enumerate(strategy.ask(count))]


def _evaluate(batch: Sequence[Trial], strategy: Strategy, evaluator: Evaluator, journal: Journal, on_trial) -> None:
  """Evaluates open trials, writing each down as it closes."""
  if not batch:
    return
  evaluations = iter(evaluator.evaluate([trial.architecture for trial in batch]))
  for trial, evaluation in zip(batch, evaluations, strict=True):
    closed = trial.close(evaluation)
    journal.append_closed(closed)
    strategy.tell([closed])
    on_trial(closed)


def _replay(strategy: Strategy, journal: Journal, on_trial) -> list[Trial]:
  """Repeats the journal's calls; returns the trials that are still open."""
  still_open: dict[int, Trial] = {}
  for entry in journal.entries:
    if isinstance(entry, Trial):
      still_open.pop(entry.id, None)
      strategy.tell([entry])
      on_trial(entry)
    else:
      still_open.update((trial.id, trial) for trial in _ask_again(strategy, entry, journal))
  return list(still_open.values())


def _ask_again(strategy: Strategy, recorded: list[Trial], journal: Journal) -> Iterator[Trial]:
  asked = _ask(strategy, len(recorded))
  for again, before in zip(asked, recorded):
    if again != before:
      raise JournalError(
        f"{journal.directory}: trial {before.id} was {before.architecture} ({before.origin}), but this strategy now"
        f" asks for {again.architecture} ({again.origin}); was the journal made by another version?"
      )
  return iter(asked)
