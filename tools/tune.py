"""Searches cells through KerasTuner: in one process, or as a chief and any number of workers.

Example:
  nao-tune --task=digits --space=nasnet5 --strategy=nao --num_trials=40 --workdir=runs/tuned

A search in many processes is started by giving the same command to each, with three variables of KerasTuner's in its
environment: KERASTUNER_ORACLE_IP and KERASTUNER_ORACLE_PORT, where the chief listens, and KERASTUNER_TUNER_ID, "chief"
for the chief and a name of its own for each worker. All share the work directory. A worker may come late, leave or die.

Killed and started again with the same flags, it goes on where it was. The work directory gets config.json (the
settings), best.json, and in tuner the project: a file for each trial, with the weights of its network.
"""

import os
from typing import Any

import keras_tuner
import tensorflow as tf
from absl import flags

from nao_tf.runs.settings import check_settings, write_json
from nao_tf.spaces import make_space
from nao_tf.tools import experiment, flagging, search, search_flags, strategy_flags
from nao_tf.trial import Evaluation, Trial
from nao_tf.tuner.hypermodels import REWARD, CellHyperModel, CellSpace
from nao_tf.tuner.oracle import StrategyOracle
from nao_tf.tuner.tuner import StrategyTuner

PROJECT = "tuner"


def define_flags(flag_values: flags.FlagValues) -> None:
  """Defines the flags of a search through KerasTuner."""
  search_flags.define(flag_values)
  define = {"flag_values": flag_values}
  flags.DEFINE_integer("executions_per_trial", 1, "trainings of each; their rewards are averaged", 1, **define)
  flags.DEFINE_integer("max_retries_per_trial", 1, "further runs of a trial that broke off", lower_bound=0, **define)
  flags.DEFINE_integer("max_consecutive_failed_trials", 5, "in a row after which to give up", 1, **define)
  flags.DEFINE_float("worker_timeout", 120.0, "seconds of silence after which a worker counts as dead", **define)


def main(flag_values: flags.FlagValues) -> int:
  """Searches, or does its part of a search; returns the exit code."""
  experiment.check_workdir(flag_values.workdir)
  distribution = experiment.prepare_process(flag_values)
  tuner = make_tuner(flag_values, distribution)
  if not isinstance(tuner.oracle, StrategyOracle):
    tuner.search(verbose=0)
    return 0
  settings = search_flags.settings(flag_values, "executions_per_trial", "max_retries_per_trial")
  check_settings(flag_values.workdir, settings)
  tuner.search(verbose=0)
  return report(tuner, make_space(flag_values.space), flag_values.workdir)


class CellTuner(StrategyTuner):
  """Says in a line how each trial went."""

  def on_trial_end(self, trial: Any) -> None:
    super().on_trial_end(trial)
    ended = self.oracle.get_trial(trial.trial_id)
    outcome = f"reward {ended.score:.4f}" if ended.score is not None else f"failed\n{trial.message}"
    print(f"{self.tuner_id}: trial {trial.trial_id}: {outcome}", flush=True)


def make_tuner(flag_values: flags.FlagValues, distribution: tf.distribute.Strategy) -> CellTuner:
  """Returns the tuner that the flags describe."""
  setup = search_flags.children(flag_values)
  hypermodel = CellHyperModel(
    experiment.task_of(flag_values),
    make_space(flag_values.space),
    setup.network,
    setup.recipe,
    seed=flag_values.seed,
  )
  oracle = StrategyOracle(
    flag_values.strategy,
    keras_tuner.Objective(REWARD, "max"),
    flag_values.num_trials,
    flag_values.seed,
    config=strategy_flags.config(flag_values.strategy, flag_values),
    make_space=hypermodel.make_space,
    worker_timeout=flag_values.worker_timeout,
    max_retries_per_trial=flag_values.max_retries_per_trial,
    max_consecutive_failed_trials=flag_values.max_consecutive_failed_trials,
  )
  return CellTuner(
    oracle,
    hypermodel,
    max_model_size=flag_values.max_parameters,
    executions_per_trial=flag_values.executions_per_trial,
    distribution_strategy=distribution if distribution.num_replicas_in_sync > 1 else None,
    directory=flag_values.workdir,
    project_name=PROJECT,
  )


def report(tuner: CellTuner, space: Any, workdir: str) -> int:
  """Writes the best trial down and prints it; returns the exit code."""
  best = tuner.oracle.get_best_trials(1)
  if not best:
    print(f"none of {len(tuner.oracle.trials)} trials has a reward; see {workdir}")
    return 1
  metrics = {name: float(best[0].metrics.get_best_value(name)) for name in best[0].metrics.metrics}
  architecture = CellSpace(space).encode(best[0].hyperparameters.values)
  trial = Trial(int(best[0].trial_id), architecture, "", Evaluation(float(best[0].score), metrics=metrics))
  write_json(os.path.join(workdir, search.BEST_FILE), search.describe(trial, space))
  print(f"best: trial {trial.id}, reward {trial.reward:.4f}: {space.format(architecture)}")
  return 0


def cli() -> None:
  """Runs the binary."""
  flagging.run(define_flags, main)


if __name__ == "__main__":
  cli()
