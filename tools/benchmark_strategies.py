"""Compares strategies on a table of architectures that were all trained before.

Each strategy searches with each seed, every search in a process of its own with one thread. Every architecture that a
strategy asks for counts as a query. Finished searches are kept in the output directory: started again with the same
flags, a benchmark goes on where it was; strategies and seeds may be added. The directory gets runs/, curves.csv (the
best so far after each query), summary.json and curves.png.

Example:
  python tools/benchmark_strategies.py --space=nasbench201 --table=nasbench201.npz --num_trials=150 --output=runs/nasbench201
"""

import os
from typing import Any

import tqdm
from absl import flags

from nao_tf.benchmarks import curves
from nao_tf.benchmarks import strategy_benchmark as benchmark
from nao_tf.runs.settings import write_json
from nao_tf.strategies import STRATEGIES
from nao_tf.tables import read_table
from nao_tf.tools import flagging, strategy_flags

_THREADS = ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS")


def define_flags(flag_values: flags.FlagValues) -> None:
  """Defines the flags of this binary."""
  define = {"flag_values": flag_values}
  flags.DEFINE_string("space", None, "space of the table", **define)
  flags.DEFINE_string("table", None, "path of a table file", **define)
  flags.DEFINE_list("strategies", ["nao", "evolution", "random"], "strategies to compare", **define)
  flags.DEFINE_integer("num_seeds", 20, "searches of each strategy", lower_bound=1, **define)
  flags.DEFINE_integer("first_seed", 0, "seed of the first search", lower_bound=0, **define)
  flags.DEFINE_string("output", None, "directory of the results; made if it does not exist", **define)
  flags.DEFINE_integer("num_processes", os.cpu_count(), "searches at a time", lower_bound=1, **define)
  flagging.define(benchmark.BenchmarkConfig(table=""), flag_values, skip=("table",))
  strategy_flags.define(flag_values)
  flags.mark_flags_as_required(["space", "table", "output"], flag_values)


def main(flag_values: flags.FlagValues) -> None:
  """Runs the benchmark that the flags describe."""
  table = read_table(flag_values.table)
  if table.space.name != flag_values.space:
    raise ValueError(f"{table.path}: this is a table of {table.space.name}, but --space is {flag_values.space}")
  runs = benchmark.make_runs(
    _strategies(flag_values),
    range(flag_values.first_seed, flag_values.first_seed + flag_values.num_seeds),
    flagging.build(benchmark.BenchmarkConfig(flag_values.table), flag_values),
    flag_values.output,
  )
  records = _run(runs, flag_values.num_processes)
  _report(flag_values.output, records, benchmark.best_objective(table, runs[0].config.objective))


def _strategies(flag_values: flags.FlagValues) -> dict[str, dict[str, Any]]:
  unknown = [name for name in flag_values.strategies if name not in STRATEGIES]
  if unknown or not flag_values.strategies:
    raise ValueError(f"--strategies: expected some of {', '.join(STRATEGIES)}, got {', '.join(unknown) or 'none'}")
  return {name: strategy_flags.options(name, flag_values) for name in flag_values.strategies}


def _run(runs: list[benchmark.Run], num_processes: int) -> list[benchmark.Record]:
  with tqdm.tqdm(total=sum(run.config.num_trials for run in runs), unit="query", dynamic_ncols=True) as bar:
    return benchmark.run_benchmark(runs, num_processes=num_processes, on_queries=bar.update)


def _report(directory: str, records: list[benchmark.Record], best_objective: float) -> None:
  summary = curves.summarize(records, best_objective)
  curves.write_curves(os.path.join(directory, "curves.csv"), records)
  write_json(os.path.join(directory, "summary.json"), {"best_objective": best_objective, "strategies": summary})
  curves.plot(records).savefig(os.path.join(directory, "curves.png"), dpi=120)
  print(curves.as_text(summary))


def cli() -> None:
  """Runs the binary."""
  os.environ.update(dict.fromkeys(_THREADS, "1"))  # For the processes to come: there are as many as cores.
  flagging.run(define_flags, main)


if __name__ == "__main__":
  cli()
