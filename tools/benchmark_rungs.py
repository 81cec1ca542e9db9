"""Compares searches with rungs to searches that train every candidate in full, on a table with several training budgets.

Each strategy searches with each promotion rule and each seed. The cost of a search is the total number of epochs of its
candidates. Finished searches are kept in the work directory, so running the same command again resumes an interrupted
benchmark. Strategies, promotion rules and seeds may be added. The work directory contains runs/, curves.csv,
summary.json and curves.png.

Example:
  nao-benchmark-rungs --table=nasbench201.npz --rungs=12,200 --max_epochs=20000 --workdir=runs/rungs201
"""

import os
import sys
from collections.abc import Sequence

from absl import flags

from nao_tf import fields
from nao_tf.benchmarks import rung_benchmark as benchmark
from nao_tf.benchmarks.strategy_benchmark import best_objective
from nao_tf.evaluators.tabular_evaluator import TabularEvaluator
from nao_tf.runs.json_files import write_json
from nao_tf.runs.progress_bars import progress_bar
from nao_tf.searches.rungs import RungConfig
from nao_tf.strategies import STRATEGIES
from nao_tf.tables import read_table
from nao_tf.tools import flag_types, running, strategy_flags

_THREADS = ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS")


def define_flags(flag_values: flags.FlagValues, argv: Sequence[str] = ()) -> None:
  """Defines the flags of this command.

  Args:
    flag_values: where to define the flags.
    argv: the command line, which may name strategies that have flags of their own.
  """
  flags.DEFINE_string("table", None, "path of a table file with several training budgets", flag_values=flag_values)
  default = ["nao", "evolution", "random"]
  help_ = "strategies to compare"
  flag_types.define_names("strategies", default, STRATEGIES, "strategy", help_, flag_values=flag_values)
  help_ = f"promotion rules to compare: {', '.join(benchmark.CHOICES)}; none: every candidate is trained in full"
  flags.DEFINE_list("promotions", list(benchmark.CHOICES), help_, flag_values=flag_values)
  help_ = "numbers of epochs of the rungs; the table must have results for each"
  flag_types.define_integers("rungs", (), help_, 1, flag_values=flag_values)
  flags.DEFINE_integer(
    "reduction",
    3,
    "reduction factor: one of this many candidates is promoted to the next rung",
    2,
    flag_values=flag_values,
  )
  flags.DEFINE_integer("max_epochs", None, "maximum total number of epochs per search", 1, flag_values=flag_values)
  help_ = "column of full trainings to search by; default: the validation result at the epochs of the last rung"
  flags.DEFINE_string("objective", None, help_, flag_values=flag_values)
  flags.DEFINE_integer(
    "num_seeds", 20, "number of searches per strategy and promotion rule", 1, flag_values=flag_values
  )
  flags.DEFINE_integer("first_seed", 0, "seed of the first search", 0, flag_values=flag_values)
  help_ = "directory of the results; created if it does not exist"
  flags.DEFINE_string("workdir", None, help_, flag_values=flag_values)
  flags.DEFINE_integer(
    "num_processes", os.cpu_count() or 1, "number of searches to run in parallel", 1, flag_values=flag_values
  )
  strategy_flags.define(flag_values, argv)
  flags.mark_flags_as_required(["table", "max_epochs", "workdir"], flag_values)


def main(flag_values: flags.FlagValues) -> None:
  """Runs the benchmark that the flags describe."""
  runs = runs_of(flag_values)
  with progress_bar(len(runs), "search", seconds=60.0) as bar:
    curves = benchmark.run_rung_benchmark(runs, num_processes=flag_values.num_processes, on_run=bar.update)
  best = best_objective(read_table(flag_values.table), runs[0].objective)
  summary = benchmark.summarize(runs, curves, best)
  benchmark.write_curves(os.path.join(flag_values.workdir, "curves.csv"), runs, curves)
  write_json(os.path.join(flag_values.workdir, "summary.json"), {"best_objective": best, "rows": summary})
  benchmark.plot(runs, curves, best).savefig(os.path.join(flag_values.workdir, "curves.png"), dpi=120)
  print(benchmark.as_text(summary))


def runs_of(flag_values: flags.FlagValues) -> list[benchmark.RungRun]:
  """Returns the searches: all kinds with the first seed, then with the second one, and so on.

  Raises:
    ValueError: if the rungs are not those of the table, or the flags do not fit together.
  """
  promotions = [fields.one_of(name, "--promotions", benchmark.CHOICES) for name in flag_values.promotions]
  try:
    config = RungConfig(flag_values.rungs, flag_values.reduction, max_epochs=flag_values.max_epochs)
  except ValueError as error:
    raise ValueError(f"--{error}") from error
  objective = flag_values.objective or f"val{config.epochs[-1]}"
  TabularEvaluator(read_table(flag_values.table), objective=objective).check_epochs(config.epochs)
  return [
    benchmark.RungRun(
      strategy,
      promotion,
      seed,
      strategy_flags.options(strategy, flag_values),
      flag_values.table,
      objective,
      config.epochs,
      config.reduction,
      flag_values.max_epochs,
      flag_values.workdir,
    )
    for seed in range(flag_values.first_seed, flag_values.first_seed + flag_values.num_seeds)
    for strategy in flag_values.strategies
    for promotion in promotions
  ]


def cli() -> None:
  """Runs the command."""
  os.environ.update(dict.fromkeys(_THREADS, "1"))  # For the processes that are started later: as many as cores.
  running.run(lambda flag_values: define_flags(flag_values, sys.argv), main)


if __name__ == "__main__":
  cli()
