"""Benchmarks of strategies on tables: many searches with different seeds, in which each evaluation is a table lookup.

An executor runs the searches in parallel, as it does with the trials of a search. They have no journal: each search
runs to its end and then writes one file. To resume an interrupted benchmark, the searches without a file are run.
"""

import dataclasses
import functools
import hashlib
import json
import math
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from nao_tf import fields
from nao_tf.evaluators.base import Evaluator
from nao_tf.evaluators.tabular_evaluator import TabularEvaluator
from nao_tf.objectives import Objectives
from nao_tf.runs.json_files import read_json, write_json
from nao_tf.runs.settings import changed_settings
from nao_tf.searches.driver import Driver
from nao_tf.searches.executors import ExecutorSettings, make_executor
from nao_tf.searches.executors.machine import memory_gib
from nao_tf.searches.executors.side_by_side import evaluate_side_by_side
from nao_tf.searches.known_costs import known_of_table
from nao_tf.searches.known_costs import sought as sought_objectives
from nao_tf.searches.loop import TRIAL_RETRIES
from nao_tf.spaces.base import SearchSpace
from nao_tf.strategies import SpaceExhausted, Strategy, make_strategy
from nao_tf.tables import Table, read_table
from nao_tf.trial import Architecture, Evaluation, Trial

RUNS_DIRECTORY = "runs"
SCORE = "score"
"""The objective of searches without a table; see `supernet_benchmark` and `formula_benchmark`."""


@dataclasses.dataclass(frozen=True)
class BenchmarkConfig:
  """The settings shared by all searches of a benchmark.

  Attributes:
    table: path of a table file, directory of a search that trained a supernet, or name of a search space with rewards.
    objective: column of the table to search by, such as val200; None for the default of the table.
    report: column of the table to report for the best architecture by the objective; None for the default of the table.
    num_trials: number of architectures that each search evaluates.
    batch_size: number of architectures to request from a strategy at a time.
    stop_at_best: whether a search ends once it has evaluated the best architecture of the table.
    objectives: names of the objectives of multi-objective searches, whose hypervolumes are compared: accuracy, which is
      the column to search by, and costs of networks. Empty for a single objective.
  """

  table: str
  objective: str | None = None
  report: str | None = None
  num_trials: int = 150
  batch_size: int = 10
  stop_at_best: bool = False
  objectives: tuple[str, ...] = ()

  def __post_init__(self) -> None:
    for name in ("num_trials", "batch_size"):
      if getattr(self, name) < 1:
        raise ValueError(f"{name} must be at least 1, got {getattr(self, name)}")
    if self.objectives and self.stop_at_best:
      raise ValueError("stop_at_best must be false with several objectives: there is no single best architecture")


@dataclasses.dataclass(frozen=True)
class Run:
  """One search of a benchmark.

  Attributes:
    strategy: name of the strategy.
    seed: random seed of the strategy.
    options: further keyword arguments of the strategy: JSON values and dataclasses of them.
    config: settings shared by all searches, with the names of the columns filled in.
    table_digest: hash of the content of the table or of the supernet.
    directory: directory of the benchmark.
  """

  strategy: str
  seed: int
  options: Mapping[str, Any]
  config: BenchmarkConfig
  table_digest: str
  directory: str

  def __str__(self) -> str:
    return f"{self.strategy}, seed {self.seed}"

  @property
  def path(self) -> str:
    """Path of the file that a finished search writes."""
    return os.path.join(self.directory, RUNS_DIRECTORY, f"{self.strategy}-{self.seed}.json")

  @property
  def settings(self) -> dict[str, Any]:
    """All settings that the search depends on, as one flat dict of JSON values. Paths of files are not among them."""
    values = dataclasses.asdict(self)
    own = {name: values[name] for name in ("strategy", "seed", "options")}
    shared = {**values["config"], "table": self.table_digest}
    if not self.config.objectives:  # Earlier versions had none.
      del shared["objectives"]
    return json.loads(json.dumps(dict(_flat({**own, **shared}))))


@dataclasses.dataclass(frozen=True)
class Record:
  """The results of one search. Lists have one element per query, that is, per evaluated architecture.

  Attributes:
    settings: settings of the search; see `Run.settings`.
    seconds: wall time of the search, in seconds.
    objectives: values searched by, in percent, or scores; None where the evaluation failed.
    tests: values to report, in percent; None where there is none.
    rows: rows in the table; None where there is none.
  """

  settings: Mapping[str, Any]
  seconds: float
  objectives: list[float | None]
  tests: list[float | None]
  rows: list[int | None]

  @classmethod
  def from_json(cls, data: Any) -> "Record":
    """Builds a record from its fields as JSON values.

    Raises:
      ValueError: if `data` is something else; the message says what was expected.
    """
    found = fields.members(data, "a record", ("settings", "seconds", "objectives", "tests", "rows"))
    objectives = fields.elements(found["objectives"], "objectives")
    tests, rows = (fields.elements(found[name], name, len(objectives)) for name in ("tests", "rows"))
    return cls(
      fields.mapping(found["settings"], "settings"),
      fields.number(found["seconds"], "seconds", 0),
      [fields.number_or_none(value, f"objectives[{query}]") for query, value in enumerate(objectives)],
      [fields.number_or_none(value, f"tests[{query}]") for query, value in enumerate(tests)],
      [None if row is None else fields.integer(row, f"rows[{query}]", 0) for query, row in enumerate(rows)],
    )


def search_table(
  strategy: Strategy,
  evaluator: Evaluator,
  *,
  num_trials: int,
  batch_size: int,
  stop_at: float = math.inf,
) -> list[Trial]:
  """Runs a search in memory.

  Args:
    strategy: a fresh strategy.
    evaluator: the evaluator.
    num_trials: number of trials, including failed and repeated ones.
    batch_size: number of architectures to request at a time.
    stop_at: the search ends with the first trial with at least this reward.

  Returns:
    The trials: `num_trials` of them, or fewer if the space is exhausted or the search ended early.
  """
  driver = Driver(strategy)
  trials: list[Trial] = []
  while (missing := num_trials - len(trials)) > 0:
    try:
      asked = driver.ask(min(batch_size, missing))
    except SpaceExhausted:
      break
    evaluations = evaluator.evaluate([trial.architecture for trial in asked])
    batch = [trial.close(evaluation) for trial, evaluation in zip(asked, evaluations, strict=True)]
    trials += batch
    for trial in batch:
      if trial.reward is not None and trial.reward >= stop_at:
        return trials[: trial.id + 1]
    driver.tell(batch)
  return trials


def make_runs(
  strategies: Mapping[str, Mapping[str, Any]], seeds: Sequence[int], config: BenchmarkConfig, directory: str
) -> list[Run]:
  """Returns the searches of a benchmark: all strategies with the first seed, then with the second one, and so on.

  Args:
    strategies: further keyword arguments of each strategy, by its name.
    seeds: seeds of each strategy.
    config: settings that all searches share.
    directory: directory of the benchmark.

  Raises:
    ValueError: if the file is not a table, or if it does not have the figures to search by and to report.
    OSError: if the file cannot be read.
  """
  evaluator = TabularEvaluator(read_table(config.table), objective=config.objective, report=config.report)
  config = dataclasses.replace(config, objective=evaluator.objective, report=evaluator.report)
  with open(config.table, "rb") as file:
    digest = hashlib.sha256(file.read()).hexdigest()[:16]
  return runs_of(strategies, seeds, config, digest, directory)


def runs_of(
  strategies: Mapping[str, Mapping[str, Any]],
  seeds: Sequence[int],
  config: BenchmarkConfig,
  digest: str,
  directory: str,
) -> list[Run]:
  """Returns all strategies with the first seed, then with the second one, and so on.

  Args:
    strategies: further keyword arguments of each strategy, by its name.
    seeds: seeds of each strategy.
    config: settings that all searches share, with the names of the figures filled in.
    digest: identifies what the rewards are taken from.
    directory: directory of the benchmark.
  """
  return [Run(name, seed, options, config, digest, directory) for seed in seeds for name, options in strategies.items()]


def run_benchmark(
  runs: Sequence[Run],
  *,
  search: Callable[[Run], None] | None = None,
  num_processes: int,
  executor: str = "processes",
  on_queries: Callable[[int], None] = lambda count: None,
) -> list[Record]:
  """Runs the searches that are not finished yet, in parallel. To the executor, each of them is a trial.

  Args:
    runs: all searches of the benchmark.
    search: top-level function of a module that runs one search and calls `finish`. None to search the table with the
      strategy.
    num_processes: number of searches to run in parallel.
    executor: where they run; see `nao_tf.searches.executors`.
    on_queries: called with the number of queries of the searches that are finished already, then with that of each
      further one.

  Returns:
    The records of all searches, in the order of `runs`.

  Raises:
    ValueError: if a finished search had other settings, which the message names, or an argument is invalid.
    ChildProcessError: if a search fails. The others are aborted.
  """
  if num_processes < 1:
    raise ValueError(f"num_processes must be at least 1, got {num_processes}")
  missing = [run for run in runs if not read_record(run)]
  on_queries(sum(run.config.num_trials for run in runs) - sum(run.config.num_trials for run in missing))
  for directory in {os.path.dirname(run.path) for run in runs}:
    os.makedirs(directory, exist_ok=True)
  for run in _finished(missing, search or _search, num_processes, executor):
    on_queries(run.config.num_trials)
  return [record for run in runs if (record := read_record(run))]


class _Searches:
  """An evaluator to which a search is an architecture of one number, its place in a list."""

  def __init__(self, search: Callable[[Run], None], runs: Sequence[Run]):
    self._search, self._runs = search, runs

  def evaluate(self, architectures: Sequence[Architecture]) -> Iterator[Evaluation]:
    for (number,) in architectures:
      self._search(self._runs[number])
      yield Evaluation(0.0)


def _finished(runs: Sequence[Run], search: Callable[[Run], None], num_processes: int, executor: str) -> Iterator[Run]:
  """Runs searches, and yields each when it has written its record.

  Raises:
    ChildProcessError: if one fails.
  """
  if not runs:
    return
  settings = ExecutorSettings(num_workers=min(num_processes, len(runs)), worker_memory=memory_gib())
  trials = [Trial(number, (number,)) for number in range(len(runs))]
  with make_executor(executor, functools.partial(_Searches, search, runs), settings) as workers:
    for trial in evaluate_side_by_side(workers, trials, retries=TRIAL_RETRIES):
      if trial.reward is None:
        raise ChildProcessError(f"{runs[trial.id]}: {_reason(trial)}")
      yield runs[trial.id]


def _reason(trial: Trial) -> str:
  """Returns why a trial has failed, with the end of what it has printed."""
  metrics = trial.evaluation.metrics if trial.evaluation else {}
  return "\n".join(str(metrics[name]) for name in ("reason", "log") if name in metrics)


def read_record(run: Run) -> Record | None:
  """Returns the record of a search; None if it is not finished.

  Raises:
    ValueError: if it had other settings, or if its file is not a record.
  """
  if not os.path.exists(run.path):
    return None
  data = read_json(run.path)
  try:
    record = Record.from_json(data)
  except ValueError as error:
    raise ValueError(f"{run.path}: not the record of a search ({error})") from error
  _check_settings(run.path, record.settings, run.settings)
  if len(record.rows) > run.config.num_trials:
    raise ValueError(f"{run.path}: expected at most {run.config.num_trials} queries, got {len(record.rows)}")
  return record


def _check_settings(path: str, recorded: Mapping[str, Any], settings: Mapping[str, Any]) -> None:
  changed = changed_settings(recorded, settings)
  if changed:
    raise ValueError(f"{path}: this search was made with other settings: {changed}")


def _search(run: Run) -> None:
  """Runs a search on a table and writes its record."""
  config, table = run.config, read_table(run.config.table)
  with_accuracy = bool(config.objectives)
  evaluator = TabularEvaluator(table, objective=config.objective, report=config.report, with_accuracy=with_accuracy)
  strategy = make_strategy(run.strategy, table.space, seed=run.seed, **run.options)
  sought = objectives_in(table, config.objectives)
  if sought is not None:
    strategy.pursue(sought)
  start = time.monotonic()
  trials = search_table(
    strategy,
    evaluator,
    num_trials=config.num_trials,
    batch_size=config.batch_size,
    stop_at=best_objective(table, evaluator.objective) if config.stop_at_best else math.inf,
  )
  finish(run, time.monotonic() - start, **_lists(trials))


def _lists(trials: Sequence[Trial]) -> dict[str, list[Any]]:
  """Returns the lists of a `Record`."""
  metrics = [trial.evaluation.metrics if trial.evaluation else {} for trial in trials]
  return {
    "objectives": [trial.reward for trial in trials],
    "tests": [figures.get("test") for figures in metrics],
    "rows": [figures.get("row") for figures in metrics],
  }


def finish(run: Run, seconds: float, **lists: list) -> None:
  """Writes the record of a finished search.

  Args:
    run: the search.
    seconds: its wall time.
    **lists: the lists of a `Record`.
  """
  write_json(run.path, dataclasses.asdict(Record(run.settings, round(seconds, 3), **lists)))


def search_scores(run: Run, space: SearchSpace, evaluator: Evaluator, *, stop_at: float = math.inf) -> None:
  """Runs a search on scores and writes its record, which has no figures to report and no rows of a table.

  Args:
    run: the search.
    space: space of the architectures.
    evaluator: scores them.
    stop_at: the search ends with the first score that is as high.
  """
  strategy = make_strategy(run.strategy, space, seed=run.seed, **run.options)
  num_trials, batch_size = run.config.num_trials, run.config.batch_size
  start = time.monotonic()
  trials = search_table(strategy, evaluator, num_trials=num_trials, batch_size=batch_size, stop_at=stop_at)
  seconds, missing = time.monotonic() - start, [None] * len(trials)
  finish(run, seconds, objectives=[trial.reward for trial in trials], tests=missing, rows=missing)


def objectives_in(table: Table, names: Sequence[str]) -> Objectives | None:
  """Returns the objectives of searches on a table, with what it knows of networks; None for the accuracy alone.

  Raises:
    ValueError: if the table lacks one.
  """
  return sought_objectives(names, known_of_table(table), "tabular", None)


def best_objective(table: Table, objective: str) -> float:
  """Returns the highest value of a figure in a table.

  Raises:
    ValueError: if no architecture has the figure.
  """
  measured = table.figure(objective)
  measured = measured[~np.isnan(measured)]
  if not measured.size:
    raise ValueError(f"{table.path}: no architecture has the figure {objective}")
  return float(measured.max())


def _flat(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
  """Yields the items of nested dicts, with names such as "options.config.population_size"."""
  for name, value in values.items():
    if isinstance(value, Mapping):
      yield from _flat(value, f"{prefix}{name}.")
    else:
      yield prefix + name, value
