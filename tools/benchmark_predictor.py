"""Measures how well NAO's controllers predict and decode unseen architectures of a table.

For each seed, controllers are trained on a few random architectures and tested on others, none of which computes the
same function as a training architecture. Prints means with standard errors: Kendall's tau of single controllers and of
their mean prediction, pairwise accuracy, and the number of wrong tokens per decoded architecture.

Example:
  nao-benchmark-predictor --table=nasbench201.npz --num_train=200 --num_seeds=10
"""

import dataclasses

import numpy as np
import tqdm
from absl import flags

from nao_tf.controller.config import PRESETS, ControllerConfig
from nao_tf.runs.json_files import write_json
from nao_tf.tables import read_table
from nao_tf.tools import flagging, quiet, running

_PREFIX = "controller_"


def define_flags(flag_values: flags.FlagValues) -> None:
  """Defines the flags of this command."""
  flags.DEFINE_string("table", None, "path of a table file", flag_values=flag_values)
  flags.DEFINE_string("objective", None, "table column to predict; default: that of the table", flag_values=flag_values)
  flags.DEFINE_integer("num_train", 200, "number of training architectures", 2, flag_values=flag_values)
  flags.DEFINE_integer("num_test", 1000, "number of test architectures", 2, flag_values=flag_values)
  flags.DEFINE_integer("num_unlabeled", 512, "number of unlabeled training architectures", 0, flag_values=flag_values)
  flags.DEFINE_integer("num_seeds", 10, "number of random samples of architectures", 1, flag_values=flag_values)
  flags.DEFINE_integer("first_seed", 0, "seed of the first sample", 0, flag_values=flag_values)
  flags.DEFINE_integer("ensemble_size", 3, "number of controllers in the ensemble", 1, flag_values=flag_values)
  help_ = "preset of the controller; --controller_... flags override it"
  flags.DEFINE_enum("controller", "default", sorted(PRESETS), help_, flag_values=flag_values)
  flagging.define(ControllerConfig(), flag_values, prefix=_PREFIX, unset="as in --controller")
  flags.DEFINE_string("output", None, "JSON file to write the results of each seed to", flag_values=flag_values)
  flags.mark_flags_as_required(["table"], flag_values)


def main(flag_values: flags.FlagValues) -> None:
  """Measures what the flags describe."""
  quiet.load_tensorflow()
  from nao_tf.benchmarks.predictor_benchmark import PredictorBenchmark, PredictorScores

  benchmark = PredictorBenchmark(
    read_table(flag_values.table),
    flagging.build(PRESETS[flag_values.controller], flag_values, prefix=_PREFIX),
    ensemble_size=flag_values.ensemble_size,
    objective=flag_values.objective,
  )
  seeds = range(flag_values.first_seed, flag_values.first_seed + flag_values.num_seeds)
  sizes = {name: getattr(flag_values, name) for name in ("num_train", "num_test", "num_unlabeled")}
  results = [dataclasses.asdict(benchmark.run(seed=seed, **sizes)) for seed in tqdm.tqdm(seeds, unit="seed")]
  if flag_values.output:
    write_json(flag_values.output, {"sizes": sizes, "first_seed": flag_values.first_seed, "results": results})
  for field in dataclasses.fields(PredictorScores):
    print(_line(field.name, np.array([result[field.name] for result in results])))


def _line(name: str, values: np.ndarray) -> str:
  error = f" ± {values.std(ddof=1) / len(values) ** 0.5:.4f}" if len(values) > 1 else ""
  return f"{name:20} {values.mean():.4f}{error}"


def cli() -> None:
  """Runs the command."""
  running.run(define_flags, main)


if __name__ == "__main__":
  cli()
