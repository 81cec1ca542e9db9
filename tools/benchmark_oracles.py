"""Compares KerasTuner oracles on a table of small networks, in which every configuration has been trained once.

If the work directory has no table, it is computed first, which takes a few minutes on one core. Then each oracle
searches the table with each seed, with several searches in parallel processes. Finished parts of the table and finished
searches are kept, so running the same command again resumes an interrupted benchmark. Oracles and seeds may be added.

The work directory contains table/, runs/, curves.csv (the best value after each trial), summary.json, curves.png and,
with --overhead_at, overhead.json (the time that oracles take per trial, in seconds).

Example:
  nao-benchmark-oracles --num_seeds=10 --num_trials=60 --workdir=runs/tuners
"""

import os
from typing import TYPE_CHECKING, Any

from absl import flags

from nao_tf.benchmarks import curves
from nao_tf.benchmarks.overhead_file import read_overhead
from nao_tf.benchmarks.strategy_benchmark import Record, Run, run_benchmark
from nao_tf.runs.json_files import write_json
from nao_tf.runs.progress_bars import progress_bar
from nao_tf.tools import flag_types, quiet, running, strategy_flags

if TYPE_CHECKING:
  from nao_tf.benchmarks import oracle_benchmark

ORACLES = ("nao", "evolution", "bayesian", "random")
"""The names in `nao_tf.benchmarks.oracle_benchmark.ORACLES`."""
_OF_STRATEGIES = ("nao", "evolution")
"""The oracles of this package, which take the flags of the strategies of the same name. The others are KerasTuner's."""
CHECKPOINTS = (10, 20, 30, 40, 50)
OVERHEAD_FILE = "overhead.json"


def define_flags(flag_values: flags.FlagValues) -> None:
  """Defines the flags of this command."""
  help_ = f"oracles to compare, separated by commas: {', '.join(ORACLES)}"
  flags.DEFINE_list("oracles", ["nao", "bayesian", "random"], help_, flag_values=flag_values)
  flags.DEFINE_integer("num_seeds", 10, "number of searches per oracle", 1, flag_values=flag_values)
  flags.DEFINE_integer("first_seed", 0, "seed of the first search", 0, flag_values=flag_values)
  flags.DEFINE_integer("num_trials", 60, "number of trials per search", 1, flag_values=flag_values)
  help_ = "number of initial random trials of nao and bayesian; default: their own"
  flags.DEFINE_integer("num_initial_points", None, help_, 1, flag_values=flag_values)
  help_ = "directory of the results; created if it does not exist"
  flags.DEFINE_string("workdir", None, help_, flag_values=flag_values)
  flags.DEFINE_alias("output", "workdir", flag_values=flag_values)  # Its name up to version 0.2.
  help_ = "directory of the table; default: the subdirectory table of the work directory"
  flags.DEFINE_string("table", None, help_, flag_values=flag_values)
  flags.DEFINE_integer("num_processes", 1, "number of searches to run in parallel", 1, flag_values=flag_values)
  help_ = "numbers of trials at which to measure the overhead per trial"
  flag_types.define_integers("overhead_at", (), help_, 0, flag_values=flag_values)
  flags.DEFINE_integer("num_timed", 20, "number of trials to average the overhead over", 1, flag_values=flag_values)
  strategy_flags.define(flag_values)
  flags.mark_flag_as_required("workdir", flag_values)


def main(flag_values: flags.FlagValues) -> None:
  """Runs the benchmark that the flags describe."""
  quiet.load_tensorflow()
  from nao_tf.benchmarks import oracle_benchmark as benchmark

  directory = flag_values.table or os.path.join(flag_values.workdir, "table")
  table = _table(directory)
  oracles = {name: _options(name, flag_values) for name in flag_values.oracles}
  runs = benchmark.make_runs(
    oracles,
    range(flag_values.first_seed, flag_values.first_seed + flag_values.num_seeds),
    table,
    num_trials=flag_values.num_trials,
    table_directory=directory,
    directory=flag_values.workdir,
  )
  _report(flag_values.workdir, _run(runs, flag_values.num_processes), float(table.valid.max()))
  for name in flag_values.oracles:
    for num_trials in flag_values.overhead_at:
      _measure(flag_values, name, oracles[name], table, num_trials)


def _table(directory: str) -> "oracle_benchmark.TunerTable":
  from nao_tf.benchmarks import oracle_benchmark as benchmark

  with progress_bar(len(benchmark.every_configuration()), "configuration", seconds=60.0) as bar:
    return benchmark.make_table(directory, on_shape=bar.update)


def _options(name: str, flag_values: flags.FlagValues) -> dict[str, Any]:
  """Returns what an oracle is made with beside its seed."""
  options = strategy_flags.options(name, flag_values) if name in _OF_STRATEGIES else {}
  if name in ("nao", "bayesian") and flag_values.num_initial_points is not None:
    options["num_initial_points"] = flag_values.num_initial_points
  return options


def _run(runs: list[Run], num_processes: int) -> list[Record]:
  from nao_tf.benchmarks import oracle_benchmark as benchmark

  with progress_bar(sum(run.config.num_trials for run in runs), "trial", seconds=60.0) as bar:
    return run_benchmark(runs, search=benchmark.search, num_processes=num_processes, on_queries=bar.update)


def _report(directory: str, records: list[Record], best: float) -> None:
  summary = curves.summarize(records, best, checkpoints=CHECKPOINTS)
  curves.write_curves(os.path.join(directory, "curves.csv"), records)
  write_json(os.path.join(directory, "summary.json"), {"best_objective": best, "oracles": summary})
  curves.plot(records).savefig(os.path.join(directory, "curves.png"), dpi=120)
  print(curves.as_text(summary), flush=True)


def _measure(
  flag_values: flags.FlagValues,
  name: str,
  options: dict[str, Any],
  table: "oracle_benchmark.TunerTable",
  num_trials: int,
) -> None:
  """Measures the overhead of an oracle and adds it to the file, unless it is there already."""
  from nao_tf.benchmarks import oracle_benchmark as benchmark

  path = os.path.join(flag_values.workdir, OVERHEAD_FILE)
  measured = read_overhead(path) if os.path.exists(path) else {}
  key = f"{name}, {num_trials} trials"
  if key not in measured:
    measured[key] = benchmark.overhead(name, options, table, num_trials, num_timed=flag_values.num_timed)
    write_json(path, measured)
  print(f"{key}: {measured[key]['mean']:.3f} s per trial on average, {measured[key]['max']:.3f} s at most", flush=True)


def cli() -> None:
  """Runs the command."""
  os.environ.update(dict.fromkeys(("TF_NUM_INTRAOP_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1"))
  running.run(define_flags, main)


if __name__ == "__main__":
  cli()
