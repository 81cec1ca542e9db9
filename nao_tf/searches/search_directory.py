"""Runs a whole search in a directory, resuming it if it was started there before.

It combines the journal, the search loop, the report, the re-ranking of the best, and the description of the winner.
`nao_tf.search` and `nao-search` are two interfaces to this function.
"""

import contextlib
import dataclasses
import functools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from absl import logging

from nao_tf import fields
from nao_tf.evaluators.base import Evaluator
from nao_tf.evaluators.rung_evaluator import remove_trainings
from nao_tf.objectives import Objectives
from nao_tf.reports import ReportWriter
from nao_tf.reports.board import SearchBoard
from nao_tf.runs.embedding_maps import EmbeddingMaps
from nao_tf.runs.hints import HintsFile, in_words
from nao_tf.runs.journal import Journal
from nao_tf.runs.predictions import Predictions
from nao_tf.runs.progress_bars import is_live, progress_bar
from nao_tf.runs.starts import record_start
from nao_tf.searches.executors import Executor
from nao_tf.searches.executors.worker_lines import WorkerLines
from nao_tf.searches.loop import TRIAL_RETRIES, run_search
from nao_tf.searches.progress import SearchProgress, outcome
from nao_tf.searches.rungs import RungConfig
from nao_tf.searches.watchers import Watchers
from nao_tf.searches.winner import Rescore, evaluate_finalists, finalists, write_winner
from nao_tf.spaces.base import SearchSpace
from nao_tf.strategies.base import Strategy
from nao_tf.strategies.earlier_search import EarlierSearch, keep_earlier_search
from nao_tf.trial import Trial, best_trial

OpenEvaluator = Callable[[], contextlib.AbstractContextManager[Evaluator | Executor]]
"""Creates an evaluator, or an executor with evaluators, for as long as a context lasts."""

_UNLIMITED = 2**31


class NothingFound(RuntimeError):
  """Raised when no trial of a search has a reward."""


@dataclasses.dataclass(frozen=True)
class Budget:
  """The length of a search and its batches; see `run_search`.

  Attributes:
    num_trials: number of architectures to evaluate, including failed ones; None for no limit except `max_seconds`.
    batch_size: number of architectures to request at a time.
    first_batch_size: size of the first batch; None for `batch_size`.
    max_seconds: time limit of the call, in seconds, after which no new batch is started; None for no limit.
    trial_retries: number of times that an evaluation is restarted after it crashed the process or lost its machine.
    asking: when to request the next batch, "as_free" or "rounds".
    rungs: settings of a search with rungs; None to train every candidate in full.
  """

  num_trials: int | None
  batch_size: int
  first_batch_size: int | None = None
  max_seconds: float | None = None
  trial_retries: int = TRIAL_RETRIES
  asking: str = "as_free"
  rungs: RungConfig | None = None

  def __post_init__(self) -> None:
    if self.num_trials is None and self.max_seconds is None:
      raise ValueError("a search needs a budget: num_trials, or max_seconds")
    for name, least in (("num_trials", 1), ("batch_size", 1), ("first_batch_size", 1), ("trial_retries", 0)):
      if getattr(self, name) is not None:
        fields.integer(getattr(self, name), name, least)
    seconds = fields.number_or_none(self.max_seconds, "max_seconds")
    if seconds is not None and not seconds > 0:
      raise ValueError(f"max_seconds must be above 0, or None, got {self.max_seconds}")


@dataclasses.dataclass(frozen=True)
class Reranking:
  """How the best trials of a search are evaluated again, at a higher cost.

  Attributes:
    count: number of trials to evaluate again.
    open_evaluator: context manager that constructs the more expensive evaluator.
    settings: settings that determine the new evaluations, as JSON values.
    rescore: returns, for the evaluator of the search, a function that rescores architectures before the best are
      chosen; None to choose them by their rewards.
  """

  count: int
  open_evaluator: OpenEvaluator
  settings: Mapping[str, Any]
  rescore: Callable[[Evaluator | Executor], Rescore | None] = lambda evaluator: None


def search_in_directory(
  directory: str,
  settings: Mapping[str, Any],
  space: SearchSpace,
  strategy: Strategy,
  open_evaluator: OpenEvaluator,
  *,
  budget: Budget,
  reranking: Reranking | None = None,
  objectives: Objectives | None = None,
  earlier: EarlierSearch | None = None,
  callbacks: Iterable[Callable[[Trial], None]] = (),
  progress: bool = True,
  tensorboard: bool = True,
) -> Trial:
  """Runs or resumes a search, and writes the report and the description of the winner.

  An interrupted search resumes when this is called again with the same arguments.

  Args:
    directory: directory of the search; created if it does not exist.
    settings: settings that determine the course of the search, as JSON values.
    space: the search space.
    strategy: a fresh strategy.
    open_evaluator: context manager that constructs the evaluator. It is entered once the directory is locked.
    budget: length of the search.
    reranking: how the best trials are evaluated again; None to take the best of the search.
    objectives: the objectives of a multi-objective search; None to maximize the reward. Not supported with `reranking`.
    earlier: the earlier search that the strategy learns from, of which a copy is kept; None for none.
    callbacks: functions that are called with every evaluated trial, including those of an interrupted search.
    progress: whether to show a progress bar.
    tensorboard: whether to log curves, hyperparameters and images for TensorBoard.

  Returns:
    The winning trial, which has the highest reward; in a multi-objective search the highest in the Pareto set.

  Raises:
    NothingFound: if no trial has a reward.
    RunDirectoryError: if the directory is in use, or belongs to a search with other settings.
    ValueError: if an argument is out of range.
  """
  if objectives is not None and reranking is not None:
    raise ValueError("rerank needs a search with one reward, not with several objectives")
  with contextlib.ExitStack() as stack:
    journal = stack.enter_context(Journal(directory, settings))
    reranker = stack.enter_context(reranking.open_evaluator()) if reranking else None
    if not journal.entries:  # What is kept of children is that of another search.
      remove_trainings(directory)
    if earlier is not None:
      keep_earlier_search(directory, earlier)
    record_start(directory)
    predictions = stack.enter_context(contextlib.closing(Predictions(directory)))
    report = ReportWriter(journal, space)
    maps = stack.enter_context(contextlib.closing(EmbeddingMaps(directory)))
    hints = stack.enter_context(contextlib.closing(HintsFile(directory)))
    board = stack.enter_context(_board(journal, space, strategy)) if tensorboard else Watchers()
    watchers = Watchers(
      [board], [_record_on(predictions, maps, strategy), _record_hints(hints, strategy), report, *callbacks]
    )
    with open_evaluator() as evaluator:
      best = _run(strategy, evaluator, journal, budget, watchers, objectives, hints, progress=progress)
      remove_trainings(directory)
      report.write()
      rescore = reranking.rescore(evaluator) if best and reranking else None
      chosen = finalists(journal.trials, reranking.count if reranking else 0, rescore=rescore)
    if best and reranking and reranker:
      watching = functools.partial(_watching, space, len(chosen), progress=progress, tensorboard=tensorboard)
      best = evaluate_finalists(
        chosen,
        journal.trials,
        space,
        reranker,
        directory,
        reranking.settings,
        trial_retries=budget.trial_retries,
        watched=watching,
      )
    winner = _concluded(best, journal, space, objectives)
    report.write()  # With a link to the description of the winner.
    return winner


def _run(
  strategy: Strategy,
  evaluator: Evaluator | Executor,
  journal: Journal,
  budget: Budget,
  watchers: Watchers,
  objectives: Objectives | None,
  hints: HintsFile,
  *,
  progress: bool,
) -> Trial | None:
  """Runs the loop with a progress bar, and a line for each worker."""
  with WorkerLines(shown=progress) as workers, _bar(budget.num_trials, "trial", journal, workers) as bar:
    watching = Watchers([bar, watchers])
    return run_search(
      strategy,
      evaluator,
      journal,
      num_trials=_UNLIMITED if budget.num_trials is None else budget.num_trials,
      batch_size=budget.batch_size,
      first_batch_size=budget.first_batch_size,
      max_seconds=budget.max_seconds,
      trial_retries=budget.trial_retries,
      asking=budget.asking,
      rungs=budget.rungs,
      objectives=objectives or (),
      on_trial=watching.on_trial,
      on_epoch=watching.on_epoch,
      on_workers=workers.show,
      on_end=lambda times: _show_end(workers, times, strategy, hints),
    )


def _show_end(workers: WorkerLines, times: object, strategy: Strategy, hints: HintsFile) -> None:
  """Shows the times of a search, and what its strategy remarks.

  If this process has proposed nothing, its strategy does not know how far it used hints, but that is recorded.
  """
  is_on_record = hints.last and not strategy.hints()
  for line in (times, *(in_words(hints.last) if is_on_record else strategy.remarks())):
    workers.show_times(line)


@contextlib.contextmanager
def _watching(
  space: SearchSpace, count: int, journal: Journal, *, progress: bool, tensorboard: bool
) -> Iterator[Watchers]:
  """Opens those who watch finalists."""
  with contextlib.ExitStack() as stack:
    workers = stack.enter_context(WorkerLines(shown=progress))
    bar = stack.enter_context(_bar(count, "finalist", journal, workers))
    yield Watchers([bar, stack.enter_context(_board(journal, space))] if tensorboard else [bar])


@contextlib.contextmanager
def _bar(total: int | None, unit: str, journal: Journal, workers: WorkerLines) -> Iterator[SearchProgress]:
  """Opens a progress bar that begins with what the journal holds. It shows epochs unless lines of workers do."""
  num_known = sum(isinstance(entry, Trial) and not entry.earlier for entry in journal.entries)
  with progress_bar(total, unit, initial=num_known, shown=workers.is_shown) as bar:
    shows_epochs = workers.is_shown and is_live()
    yield SearchProgress(bar, num_known=num_known, with_epochs=lambda: shows_epochs and not workers.are_shown)


def _board(
  journal: Journal, space: SearchSpace, strategy: Strategy | None = None
) -> contextlib.AbstractContextManager[SearchBoard]:
  """Opens what writes for TensorBoard; without a strategy for finalists, which are in no tab HParams."""
  if strategy is None:
    return contextlib.closing(SearchBoard(journal, space, with_hyperparameters=False))
  return contextlib.closing(
    SearchBoard(journal, space, prediction=strategy.prediction, strategy_figures=strategy.figures)
  )


def _concluded(best: Trial | None, journal: Journal, space: SearchSpace, objectives: Objectives | None) -> Trial:
  """Writes the description of the winner, and returns it."""
  pareto_set = [] if objectives is None else objectives.pareto_set(journal.trials)
  best = best_trial(pareto_set) or best
  if best is None:
    raise NothingFound(
      f"{journal.directory}: none of {fields.counted(len(journal.trials), 'trial')} has a reward;"
      f" {_last_reason(journal.trials)}"
    )
  write_winner(journal.directory, best, space, pareto_set)
  return best


def _last_reason(trials: Sequence[Trial]) -> str:
  """Returns in words why the last trial failed."""
  return f"the last one {outcome(trials[-1])}" if trials else "there are none"


def _record_hints(hints: HintsFile, strategy: Strategy) -> Callable[[Trial], None]:
  """Returns a function that records, with each trial that closes, how far a strategy uses hints if that has changed."""
  closed: set[int] = set()

  def record(trial: Trial) -> None:
    closed.add(trial.id)
    hints.add(len(closed), strategy.hints())

  return record


def _record_on(predictions: Predictions, maps: EmbeddingMaps, strategy: Strategy) -> Callable[[Trial], None]:
  """Returns a function that records what a strategy has predicted for a trial, and its map if there is a new one."""

  def record(trial: Trial) -> None:
    try:
      prediction, map_ = strategy.prediction(trial.architecture), strategy.embedding_map()
    except Exception as error:  # It is only for the report, and the search is worth more.
      logging.warning("trial %d: its prediction is not recorded (%s: %s)", trial.id, type(error).__name__, error)
      return
    if prediction is not None:
      predictions.add(trial, prediction)
    if map_ is not None:
      maps.add(map_)

  return record
