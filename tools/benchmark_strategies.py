"""Compares strategies on a table of pretrained architectures, on the scores of a supernet, or on a synthetic function.

Each strategy searches with each seed, with several searches in parallel single-threaded processes. Every architecture
that a strategy requests counts as a query. Finished searches are kept in the work directory, so running the same
command again resumes an interrupted benchmark. Strategies and seeds may be added. The work directory contains runs/,
curves.csv (the best value after each query), summary.json and curves.png.

With --objectives=accuracy,multiply_adds the searches are multi-objective, and the curves show the hypervolume of the
architectures found, as a fraction of that of the true Pareto front of the table.

With --supernet=DIR, the work directory of a search with --evaluator=shared_weights, its supernet scores architectures
instead of a table, in a search space of any size. Scores are cached in that directory.

A search space with a method `reward`, such as those of nao_tf.benchmarks.synthetic_spaces, needs neither.

Example:
  nao-benchmark-strategies --space=nasbench201 --table=nasbench201.npz --num_trials=150 --workdir=runs/nasbench201
  nao-benchmark-strategies --space=rnn12 --supernet=runs/shared --num_trials=300 --workdir=runs/rnn12
  nao-benchmark-strategies --space=nao_tf.benchmarks.synthetic_spaces:Widths --num_trials=120 --workdir=runs/widths
"""

import os
import sys
from collections.abc import Callable, Sequence

from absl import flags

from nao_tf.benchmarks import curves, formula_benchmark, hypervolume_curves
from nao_tf.benchmarks import strategy_benchmark as benchmark
from nao_tf.runs.json_files import write_json
from nao_tf.runs.progress_bars import progress_bar
from nao_tf.searches.choices import check_takes
from nao_tf.spaces import SPACES, make_space
from nao_tf.strategies import STRATEGIES
from nao_tf.tables import read_table
from nao_tf.tools import flag_types, flagging, objective_flags, running, strategy_flags, supernet_flags

_THREADS = ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS")


def define_flags(flag_values: flags.FlagValues, argv: Sequence[str] = ()) -> None:
  """Defines the flags of this command.

  Args:
    flag_values: where to define the flags.
    argv: the command line, which may name strategies that have flags of their own.
  """
  flag_types.define_name(
    "space",
    None,
    SPACES,
    "space",
    "search space of the table or supernet, or one with a reward method",
    flag_values=flag_values,
  )
  flags.DEFINE_string("table", None, "path of a table file", flag_values=flag_values)
  supernet_flags.define(flag_values)
  default = ["nao", "evolution", "random"]
  help_ = "strategies to compare"
  flag_types.define_names("strategies", default, STRATEGIES, "strategy", help_, flag_values=flag_values)
  flags.DEFINE_integer("num_seeds", 20, "number of searches per strategy", 1, flag_values=flag_values)
  flags.DEFINE_integer("first_seed", 0, "seed of the first search", 0, flag_values=flag_values)
  help_ = "directory of the results; created if it does not exist"
  flags.DEFINE_string("workdir", None, help_, flag_values=flag_values)
  flags.DEFINE_alias("output", "workdir", flag_values=flag_values)  # Its name up to version 0.2.
  flags.DEFINE_integer(
    "num_processes", os.cpu_count() or 1, "number of searches to run in parallel", 1, flag_values=flag_values
  )
  flagging.define(benchmark.BenchmarkConfig(table=""), flag_values, skip=("table", "objectives"))
  objective_flags.define(flag_values)
  strategy_flags.define(flag_values, argv)
  flags.mark_flags_as_required(["space", "workdir"], flag_values)
  flags.mark_flags_as_mutual_exclusive(["table", "supernet"], flag_values=flag_values)


def main(flag_values: flags.FlagValues) -> None:
  """Runs the benchmark that the flags describe."""
  if flag_values.supernet is not None:
    _search_supernet(flag_values)
    return
  if flag_values.table is None:
    _search_formula(flag_values)
    return
  table, space = read_table(flag_values.table), make_space(flag_values.space)
  if table.space.name != space.name:
    raise ValueError(f"{table.path}: this is a table of {table.space.name}, but --space is {flag_values.space}")
  sought = benchmark.objectives_in(table, flag_values.objectives)
  for name in flag_values.strategies:
    check_takes(name, flag_values.objectives)
  runs = benchmark.make_runs(
    *strategy_flags.strategies_and_seeds(flag_values),
    flagging.build(benchmark.BenchmarkConfig(flag_values.table), flag_values),
    flag_values.workdir,
  )
  figure = flag_values.objective or table.default_objective
  if sought is not None:
    records, front = _run(runs, flag_values.num_processes), hypervolume_curves.TableFront.of(table, sought, figure)
    print(hypervolume_curves.report(flag_values.workdir, records, front))
    return
  best = benchmark.best_objective(table, figure)
  _report(flag_values.workdir, _run(runs, flag_values.num_processes), best)


def _search_supernet(flag_values: flags.FlagValues) -> None:
  """Runs the benchmark on the scores of a supernet."""
  supernet_flags.check(flag_values)
  runs = supernet_flags.runs(flag_values)
  records = _run(runs, flag_values.num_processes, supernet_flags.search_of(flag_values))
  _report(flag_values.workdir, records, curves.best_score(records))


def _search_formula(flag_values: flags.FlagValues) -> None:
  """Runs the benchmark on the rewards that the space knows."""
  runs = formula_benchmark.make_runs(
    *strategy_flags.strategies_and_seeds(flag_values),
    flagging.build(benchmark.BenchmarkConfig(flag_values.space), flag_values),
    flag_values.workdir,
  )
  records = _run(runs, flag_values.num_processes, formula_benchmark.search)
  best = formula_benchmark.best_reward(make_space(flag_values.space))
  _report(flag_values.workdir, records, curves.best_score(records) if best is None else best)


def _run(
  runs: list[benchmark.Run], num_processes: int, search: Callable[[benchmark.Run], None] | None = None
) -> list[benchmark.Record]:
  with progress_bar(sum(run.config.num_trials for run in runs), "query", seconds=60.0) as bar:
    return benchmark.run_benchmark(runs, search=search, num_processes=num_processes, on_queries=bar.update)


def _report(directory: str, records: list[benchmark.Record], best_objective: float) -> None:
  summary = curves.summarize(records, best_objective)
  curves.write_curves(os.path.join(directory, "curves.csv"), records)
  write_json(os.path.join(directory, "summary.json"), {"best_objective": best_objective, "strategies": summary})
  curves.plot(records).savefig(os.path.join(directory, "curves.png"), dpi=120)
  has_reports = records[0].settings["report"] != benchmark.SCORE  # A supernet has nothing to report besides the score.
  print(curves.as_text(summary, curves.FIGURES if has_reports else curves.FIGURES[:1]))


def cli() -> None:
  """Runs the command."""
  os.environ.update(dict.fromkeys(_THREADS, "1"))  # For the processes that are started later: as many as cores.
  running.run(lambda flag_values: define_flags(flag_values, sys.argv), main)


if __name__ == "__main__":
  cli()
