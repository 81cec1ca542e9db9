"""Benchmarks of searches with rungs on tables with several training budgets: results for a total number of epochs.

Each search runs in memory, as with one worker, and then writes one file. To resume an interrupted benchmark, the
searches without a file are run. A search without rungs, which trains every candidate in full, has the promotion rule
"none".
"""

import csv
import dataclasses
import functools
import json
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from nao_tf import fields
from nao_tf.evaluators.tabular_evaluator import TabularEvaluator
from nao_tf.runs.json_files import read_json, write_json
from nao_tf.runs.settings import changed_settings
from nao_tf.searches.comparable_rewards import ComparableRewards
from nao_tf.searches.driver import Driver
from nao_tf.searches.executors import ExecutorSettings, make_executor
from nao_tf.searches.executors.machine import memory_gib
from nao_tf.searches.executors.side_by_side import evaluate_side_by_side
from nao_tf.searches.rungs import PROMOTIONS, RungConfig, make_scheduler
from nao_tf.strategies import SpaceExhausted, Strategy, make_strategy
from nao_tf.tables import read_table
from nao_tf.tables.measured_space import measured_space
from nao_tf.trial import Architecture, Evaluation, Trial

if TYPE_CHECKING:
  from matplotlib.figure import Figure

WHOLE = "none"
"""The promotion of a search that trains each child as a whole."""
CHOICES = (WHOLE, *PROMOTIONS)
RUNS_DIRECTORY = "runs"
_MARKS = (0.25, 0.5, 1.0)
"""Shares of the budget at which a table of results looks."""


class Point(NamedTuple):
  """The best trial so far, each time it changes.

  Attributes:
    epochs: total number of epochs of all candidates until then.
    reward: reward of the best trial at the top rung.
    test: value to report for it.
  """

  epochs: int
  reward: float
  test: float


@dataclasses.dataclass(frozen=True)
class RungRun:
  """One search of a benchmark.

  Attributes:
    strategy: name of the strategy.
    promotion: promotion rule, or `WHOLE`.
    seed: random seed of the strategy.
    options: further keyword arguments of the strategy.
    table: path of the table file.
    objective: column of the top rung, such as val200.
    epochs: epochs of the rungs, ascending.
    reduction: reduction factor; one of this many candidates is promoted from each rung.
    max_epochs: maximum total number of epochs of all candidates.
    directory: directory of the benchmark.
  """

  strategy: str
  promotion: str
  seed: int
  options: Mapping[str, Any]
  table: str
  objective: str
  epochs: tuple[int, ...]
  reduction: int
  max_epochs: int
  directory: str

  @property
  def name(self) -> str:
    """What is compared, in words."""
    return self.strategy if self.promotion == WHOLE else f"{self.strategy}, {self.promotion}"

  @property
  def path(self) -> str:
    """Path of the file that a finished search writes."""
    return os.path.join(self.directory, RUNS_DIRECTORY, f"{self.strategy}-{self.promotion}-{self.seed}.json")

  @property
  def settings(self) -> dict[str, Any]:
    """All that the search depends on, as JSON values. The place of the table is not among it."""
    values = dataclasses.asdict(self)
    own = {name: value for name, value in values.items() if name not in ("table", "directory")}
    return dict(json.loads(json.dumps(own)))


def search_whole(strategy: Strategy, evaluator: TabularEvaluator, *, epochs: int, max_epochs: int) -> Iterator[Trial]:
  """Yields the trials of a search that trains each child as a whole."""
  driver = Driver(strategy)
  while (driver.num_trials + 1) * epochs <= max_epochs:
    try:
      (trial,) = driver.ask(1)
    except SpaceExhausted:
      return
    closed = trial.close(evaluator.evaluate_until(trial.architecture, epochs))
    driver.tell([closed])
    yield closed


def search_in_rungs(strategy: Strategy, evaluator: TabularEvaluator, config: RungConfig) -> Iterator[Trial]:
  """Yields the trials of a search with rungs in the order in which they close, at each of their rungs.

  Args:
    strategy: a new strategy.
    evaluator: looks children up; its table has a figure for each rung.
    config: the rungs; `max_epochs` ends the search.
  """
  scheduler, rewards, driver = make_scheduler(config), ComparableRewards(config), Driver(strategy)
  while True:
    promoted = scheduler.next_promotion()
    if promoted is not None:
      batch = [promoted]
    elif count := scheduler.num_new(1):
      try:
        batch = [dataclasses.replace(trial, rung=scheduler.first_rung) for trial in driver.ask(count)]
      except SpaceExhausted:
        return
    else:
      return
    scheduler.begin(batch)
    for trial in batch:
      closed = trial.close(evaluator.evaluate_until(trial.architecture, config.epochs[trial.rung]))
      scheduler.note(closed)
      driver.tell(rewards.update(closed))
      yield closed


def run_rung_benchmark(
  runs: Sequence[RungRun], *, num_processes: int, on_run: Callable[[], None] = lambda: None
) -> list[list[Point]]:
  """Runs the searches that are not finished yet, side by side.

  Args:
    runs: all searches of the benchmark.
    num_processes: number of searches that run at a time.
    on_run: called for each search that is finished, those of earlier processes included.

  Returns:
    The curve of each search, in the order of `runs`.

  Raises:
    ValueError: if a finished search had other settings, or the table does not have the figures.
    ChildProcessError: if a search fails.
  """
  os.makedirs(os.path.join(runs[0].directory, RUNS_DIRECTORY), exist_ok=True)
  missing = [run for run in runs if read_curve(run) is None]
  for _ in range(len(runs) - len(missing)):
    on_run()
  if missing:
    settings = ExecutorSettings(num_workers=min(num_processes, len(missing)), worker_memory=memory_gib())
    trials = [Trial(number, (number,)) for number in range(len(missing))]
    with make_executor("processes", functools.partial(_Searches, missing), settings) as workers:
      for trial in evaluate_side_by_side(workers, trials, retries=0):
        if trial.evaluation is None or trial.reward is None:
          raise ChildProcessError(f"{missing[trial.id].path}: {trial.evaluation and trial.evaluation.metrics}")
        on_run()
  return [curve for run in runs if (curve := read_curve(run)) is not None]


def read_curve(run: RungRun) -> list[Point] | None:
  """Returns the curve of a search; None if it is not finished.

  Raises:
    ValueError: if it had other settings, or its file is damaged.
  """
  if not os.path.exists(run.path):
    return None
  data = fields.members(read_json(run.path), run.path, ("settings", "seconds", "num_trials", "curve"))
  changed = changed_settings(fields.mapping(data["settings"], "settings"), run.settings)
  if changed:
    raise ValueError(f"{run.path}: this search was made with other settings: {changed}")
  rows = [fields.numbers_of(row, "curve") for row in fields.elements(data["curve"], "curve")]
  return [Point(int(epochs), reward, test) for epochs, reward, test in rows]


def at_budget(curve: Sequence[Point], epochs: float) -> Point | None:
  """Returns the best of a search when its children have trained so many epochs together; None if there is none."""
  reached = [point for point in curve if point.epochs <= epochs]
  return reached[-1] if reached else None


def summarize(runs: Sequence[RungRun], curves: Sequence[Sequence[Point]], best: float) -> list[dict[str, Any]]:
  """Returns a row for each thing that is compared and each mark of the budget.

  A row has the number of searches, how many of them have a child at the top rung by then, the mean regret of the reward
  with its standard error, and the mean of the figure to report.

  Args:
    runs: the searches.
    curves: their curves.
    best: highest reward in the table.
  """
  rows = []
  for name in dict.fromkeys(run.name for run in runs):
    of_name = [curve for run, curve in zip(runs, curves) if run.name == name]
    for share in _MARKS:
      epochs = int(share * runs[0].max_epochs)
      points = [point for curve in of_name if (point := at_budget(curve, epochs))]
      rows.append({"search": name, "epochs": epochs, "searches": len(of_name), **_means(points, best)})
  return rows


def as_text(rows: Sequence[Mapping[str, Any]]) -> str:
  """Returns rows of a summary as lines of a table in Markdown."""
  lines = ["| search | epochs | searches | with a full training | regret | test |", "| --- " * 6 + "|"]
  for row in rows:
    regret = "" if row["regret"] is None else f"{row['regret']:.3f} ± {row['error']:.3f}"
    test = "" if row["test"] is None else f"{row['test']:.3f}"
    lines.append(
      f"| {row['search']} | {row['epochs']:,} | {row['searches']} | {row['with_whole']} | {regret} | {test} |"
    )
  return "\n".join(lines)


def write_curves(path: str, runs: Sequence[RungRun], curves: Sequence[Sequence[Point]]) -> None:
  """Writes all points of all searches as a CSV file."""
  with open(path, "w", newline="", encoding="utf-8") as file:
    writer = csv.writer(file)
    writer.writerow(["strategy", "promotion", "seed", "epochs", "reward", "test"])
    for run, curve in zip(runs, curves):
      writer.writerows([run.strategy, run.promotion, run.seed, *point] for point in curve)


def plot(runs: Sequence[RungRun], curves: Sequence[Sequence[Point]], best: float) -> "Figure":
  """Returns a figure of the mean regret by the epochs of all children, from where each search has a whole child."""
  from matplotlib.figure import Figure

  figure = Figure(figsize=(8, 5), layout="constrained")
  axes = figure.subplots()
  grid = np.linspace(0, runs[0].max_epochs, 201)[1:]
  for name in dict.fromkeys(run.name for run in runs):
    of_name = [curve for run, curve in zip(runs, curves) if run.name == name]
    points = [[at_budget(curve, epochs) for curve in of_name] for epochs in grid]
    means = [np.nan if None in row else best - np.mean([p.reward for p in row if p]) for row in points]
    axes.plot(grid, means, label=f"{name} ({len(of_name)})")
  axes.set_yscale("log")
  axes.set_xlabel("total training epochs")
  axes.set_ylabel("mean regret, percentage points")
  axes.legend(fontsize="small")
  return figure


def _means(points: Sequence[Point], best: float) -> dict[str, Any]:
  if not points:
    return {"with_whole": 0, "regret": None, "error": None, "test": None}
  regrets = best - np.array([point.reward for point in points])
  error = float(regrets.std(ddof=1) / len(points) ** 0.5) if len(points) > 1 else 0.0
  test = float(np.mean([point.test for point in points]))
  return {"with_whole": len(points), "regret": float(regrets.mean()), "error": error, "test": test}


class _Searches:
  """An evaluator to which a search is an architecture of one number, its place in a list."""

  def __init__(self, runs: Sequence[RungRun]):
    self._runs = runs

  def evaluate(self, architectures: Sequence[Architecture]) -> Iterator[Evaluation]:
    for (number,) in architectures:
      _search(self._runs[number])
      yield Evaluation(0.0)


def _search(run: RungRun) -> None:
  """Runs a search on a table and writes its file."""
  table = read_table(run.table)
  evaluator = TabularEvaluator(table, objective=run.objective)
  evaluator.check_epochs(run.epochs)
  strategy = make_strategy(run.strategy, measured_space(table, run.objective), seed=run.seed, **run.options)
  start = time.monotonic()
  if run.promotion == WHOLE:
    trials = list(search_whole(strategy, evaluator, epochs=run.epochs[-1], max_epochs=run.max_epochs))
  else:
    config = RungConfig(run.epochs, run.reduction, run.promotion, run.max_epochs)
    trials = list(search_in_rungs(strategy, evaluator, config))
  seconds = round(time.monotonic() - start, 3)
  num_trials = len({trial.id for trial in trials})
  curve = [list(point) for point in _curve(trials, run)]
  write_json(run.path, {"settings": run.settings, "seconds": seconds, "num_trials": num_trials, "curve": curve})


def _curve(trials: Sequence[Trial], run: RungRun) -> Iterator[Point]:
  """Yields a point for each trial that closes at the top rung and is better than those before."""
  trained: dict[int, int] = {}
  best = -np.inf
  for trial in trials:
    top = len(run.epochs) - 1
    rung = top if run.promotion == WHOLE else trial.rung
    trained[trial.id] = run.epochs[rung]
    if rung == top and trial.evaluation is not None and trial.reward is not None and trial.reward > best:
      best = trial.reward
      yield Point(sum(trained.values()), best, float(trial.evaluation.metrics["test"]))
