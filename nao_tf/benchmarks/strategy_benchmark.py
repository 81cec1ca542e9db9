"""Benchmarks of strategies on tables: many searches, each with a seed of its own, each evaluation a look-up.

A search of a benchmark needs no journal. Each is run to its end in one go and is kept as a file; a benchmark that was
interrupted is resumed by running the searches that have no file yet.
"""

import dataclasses
import hashlib
import json
import math
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from nao_tf.benchmarks.processes import Send, run_in_processes
from nao_tf.evaluators.base import Evaluator
from nao_tf.evaluators.tabular_evaluator import TabularEvaluator
from nao_tf.runs.settings import write_json
from nao_tf.strategies import SpaceExhausted, Strategy, make_strategy
from nao_tf.tables import Table, read_table
from nao_tf.trial import Trial

RUNS_DIRECTORY = "runs"


@dataclasses.dataclass(frozen=True)
class BenchmarkConfig:
  """What all searches of a benchmark have in common.

  Attributes:
    table: path of a table file.
    objective: figure of the table to search by, such as val200; None for the table's default.
    report: figure of the table to report of the best architecture by the objective; None for the table's default.
    num_trials: architectures evaluated in each search.
    batch_size: architectures that a strategy is asked for at a time.
    stop_at_best: whether a search ends when it has evaluated the best architecture of the table.
  """

  table: str
  objective: str | None = None
  report: str | None = None
  num_trials: int = 150
  batch_size: int = 10
  stop_at_best: bool = False

  def __post_init__(self):
    if self.num_trials < 1 or self.batch_size < 1:
      raise ValueError(f"num_trials and batch_size must be at least 1, got {self.num_trials} and {self.batch_size}")


@dataclasses.dataclass(frozen=True)
class Run:
  """One search of a benchmark.

  Attributes:
    strategy: key in the registry.
    seed: of the strategy.
    options: of the strategy beside its seed: JSON values and dataclasses of them.
    config: what all searches have in common, with the figures named.
    table_digest: tells tables apart wherever their files are.
    directory: of the benchmark.
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
    """The file that keeps the search when it is finished."""
    return os.path.join(self.directory, RUNS_DIRECTORY, f"{self.strategy}-{self.seed}.json")

  @property
  def settings(self) -> dict[str, Any]:
    """What determines the search, flat, as JSON values."""
    values = {**dataclasses.asdict(self), "table": self.table_digest}
    for name in ("directory", "table_digest"):
      del values[name]
    values |= {name: value for name, value in values.pop("config").items() if name != "table"}
    return json.loads(json.dumps(dict(_flat(values))))


@dataclasses.dataclass(frozen=True)
class Record:
  """What came out of one search; lists have an element for each query, that is each evaluated architecture.

  Attributes:
    settings: what determined the search.
    seconds: wall time of the search.
    objectives: in percent; None where the evaluation failed.
    tests: the reported figure in percent; None where there is none.
    rows: in the table; None where there is none.
  """

  settings: Mapping[str, Any]
  seconds: float
  objectives: list[float | None]
  tests: list[float | None]
  rows: list[int | None]


def search_table(
  strategy: Strategy,
  evaluator: Evaluator,
  *,
  num_trials: int,
  batch_size: int,
  stop_at: float = math.inf,
  on_batch: Callable[[int], None] = lambda size: None,
) -> list[Trial]:
  """Searches in memory.

  Args:
    strategy: proposes; fresh, nothing asked or told.
    evaluator: evaluates.
    num_trials: budget; failed trials count, and so would repeated ones.
    batch_size: how many architectures to ask for at a time.
    stop_at: the search ends with the trial that has this reward or a higher one.
    on_batch: called with the number of trials of each batch.

  Returns:
    The trials, at most `num_trials`; fewer if the space is exhausted or the search ended early.
  """
  trials: list[Trial] = []
  while len(trials) < num_trials:
    try:
      asked = strategy.ask(min(batch_size, num_trials - len(trials)))
    except SpaceExhausted:
      break
    batch = [
      Trial(len(trials) + i, architecture, strategy.origin(architecture), evaluation)
      for i, (architecture, evaluation) in enumerate(zip(asked, evaluator.evaluate(asked), strict=True))
    ]
    trials += batch
    on_batch(len(batch))
    for trial in batch:
      if trial.reward is not None and trial.reward >= stop_at:
        return trials[: trial.id + 1]
    strategy.tell(batch)
  return trials


def make_runs(
  strategies: Mapping[str, Mapping[str, Any]], seeds: Sequence[int], config: BenchmarkConfig, directory: str
) -> list[Run]:
  """Returns the searches of a benchmark, all strategies with the first seed first.

  Args:
    strategies: names with their options.
    seeds: of each strategy.
    config: what all searches have in common.
    directory: of the benchmark.

  Raises:
    ValueError: if the table has not the figures to search by and to report, or is no table.
    OSError: if the table cannot be read.
  """
  evaluator = TabularEvaluator(read_table(config.table), objective=config.objective, report=config.report)
  config = dataclasses.replace(config, objective=evaluator.objective, report=evaluator.report)
  with open(config.table, "rb") as file:
    digest = hashlib.sha256(file.read()).hexdigest()[:16]
  return [Run(name, seed, options, config, digest, directory) for seed in seeds for name, options in strategies.items()]


def run_benchmark(
  runs: Sequence[Run],
  *,
  search: Callable[[Run, Send], None] | None = None,
  num_processes: int,
  on_queries: Callable[[int], None] = lambda count: None,
) -> list[Record]:
  """Runs the searches that are not finished yet, in parallel processes.

  Args:
    runs: all searches of the benchmark.
    search: runs one and calls `finish`, a function of a module; None: as its strategy and its table say.
    num_processes: searches at a time.
    on_queries: called with numbers of further queries done, those of finished searches first.

  Returns:
    The records of all searches, in the order of `runs`.

  Raises:
    ValueError: if a search was finished with other settings; the message names them.
    ChildProcessError: if a search fails.
  """
  finished = [run for run in runs if read_record(run)]
  on_queries(sum(run.config.num_trials for run in finished))
  for directory in {os.path.dirname(run.path) for run in runs}:
    os.makedirs(directory, exist_ok=True)
  missing = [run for run in runs if run not in finished]
  run_in_processes(search or _search, missing, num_processes=num_processes, on_message=on_queries)
  return [record for run in runs if (record := read_record(run))]


def read_record(run: Run) -> Record | None:
  """Returns what came out of a search; None if it is not finished.

  Raises:
    ValueError: if it was finished with other settings, or its file is not a record.
  """
  if not os.path.exists(run.path):
    return None
  with open(run.path, encoding="utf-8") as file:
    try:
      record = Record(**json.load(file))
    except (ValueError, TypeError) as error:
      raise ValueError(f"{run.path}: not the record of a search ({error})") from error
  _check_settings(run.path, record.settings, run.settings)
  return record


def _check_settings(path: str, recorded: Mapping[str, Any], settings: Mapping[str, Any]) -> None:
  changed = [
    f"{name} was {recorded.get(name)!r}, is {settings.get(name)!r}"
    for name in sorted({*recorded, *settings})
    if recorded.get(name) != settings.get(name)
  ]
  if changed:
    raise ValueError(f"{path}: this search was made with other settings: {'; '.join(changed)}")


def _search(run: Run, send: Send) -> None:
  """Runs one search and writes its record."""
  config = run.config
  table = read_table(config.table)
  evaluator = TabularEvaluator(table, objective=config.objective, report=config.report)
  start = time.monotonic()
  trials = search_table(
    make_strategy(run.strategy, table.space, seed=run.seed, **run.options),
    evaluator,
    num_trials=config.num_trials,
    batch_size=config.batch_size,
    stop_at=best_objective(table, evaluator.objective) if config.stop_at_best else math.inf,
    on_batch=send,
  )
  metrics = [trial.evaluation.metrics if trial.evaluation else {} for trial in trials]
  send(config.num_trials - len(trials))
  finish(
    run,
    time.monotonic() - start,
    objectives=[trial.reward for trial in trials],
    tests=[figures.get("test") for figures in metrics],
    rows=[figures.get("row") for figures in metrics],
  )


def finish(run: Run, seconds: float, **lists: list) -> None:
  """Writes down what came out of a search; `lists` are those of a `Record`."""
  write_json(run.path, dataclasses.asdict(Record(run.settings, round(seconds, 3), **lists)))


def best_objective(table: Table, objective: str) -> float:
  """Returns the highest value of a figure in a table."""
  return float(np.nanmax(table.figure(objective)))


def _flat(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
  for name, value in values.items():
    if isinstance(value, Mapping):
      yield from _flat(value, f"{prefix}{name}.")
    else:
      yield prefix + name, value
