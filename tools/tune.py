"""Searches for cells through KerasTuner: in one process, or as a chief and any number of workers.

Example:
  nao-tune --task=digits --space=nasnet5 --strategy=nao --num_trials=40 --workdir=runs/tuned

To search with many processes, give each the same command and set three environment variables of KerasTuner.
KERASTUNER_ORACLE_IP and KERASTUNER_ORACLE_PORT are where the chief listens. KERASTUNER_TUNER_ID is "chief" for the
chief and another name for each worker. All share the work directory. Workers may come late, leave or die.
The chief does not ask who is calling: the network must be one in which every machine is trusted. With
KERASTUNER_ORACLE_IP=127.0.0.1 only this machine can reach it.

With --trial_timeout, a process whose trial takes longer ends with exit code 75, and the search goes on without it. Start
it again, as a cluster does or a loop of the shell.

If it is killed and started again with the same flags, it resumes where it was. The work directory gets config.json
(the settings), best.json, and the directory tuner, the project: a file for each trial, with the weights of its network.
"""

import sys
from collections.abc import Sequence

import keras_tuner
import tensorflow as tf
from absl import flags

from nao_tf.runs.settings import check_settings
from nao_tf.searches.winner import write_winner
from nao_tf.spaces import make_space
from nao_tf.spaces.base import SearchSpace
from nao_tf.tools import experiment, flagging, search_flags, strategy_flags
from nao_tf.trial import Evaluation, Trial
from nao_tf.tuner.cell_space import CellSpace
from nao_tf.tuner.errors import SearchFailed
from nao_tf.tuner.hypermodels import REWARD, CellHyperModel
from nao_tf.tuner.oracle import StrategyOracle
from nao_tf.tuner.project_lock import project_lock
from nao_tf.tuner.tuner import StrategyTuner

PROJECT = "tuner"


def define_flags(flag_values: flags.FlagValues, argv: Sequence[str] = ()) -> None:
  """Defines the flags of a search through KerasTuner.

  Args:
    flag_values: where to define.
    argv: the command line, which may name a strategy that has flags of its own.
  """
  search_flags.define(flag_values, argv)
  help_ = "trainings of each architecture, whose rewards are averaged"
  flags.DEFINE_integer("executions_per_trial", 1, help_, 1, flag_values=flag_values)
  flags.DEFINE_integer(
    "max_retries_per_trial", 1, "further runs of a trial that was interrupted", 0, flag_values=flag_values
  )
  help_ = "failed trials in a row after which the search gives up"
  flags.DEFINE_integer("max_consecutive_failed_trials", 5, help_, 1, flag_values=flag_values)
  help_ = "seconds of silence after which a worker counts as dead, and its trial goes to another one"
  flags.DEFINE_float("worker_timeout", 120.0, help_, flag_values=flag_values)
  help_ = (
    "seconds that a trial may take. After that it counts as interrupted, and the process that was running it ends with"
    " exit code 75. Default: no limit"
  )
  flags.DEFINE_float("trial_timeout", None, help_, flag_values=flag_values)


def main(flag_values: flags.FlagValues) -> int:
  """Searches, or does its part of a search; returns the exit code."""
  experiment.check_workdir(flag_values.workdir)
  distribution = experiment.prepare_process(flag_values)
  tuner = make_tuner(flag_values, distribution)
  try:
    return search(flag_values, tuner)
  except SearchFailed as error:
    print(f"error: {error}", file=sys.stderr)
    return 1


def search(flag_values: flags.FlagValues, tuner: "CellTuner") -> int:
  """Searches and reports, as a worker without a report; returns the exit code.

  Raises:
    SearchFailed: if too many trials failed.
  """
  if not isinstance(tuner.oracle, StrategyOracle):
    tuner.search(verbose=0)
    return 0
  with project_lock(tuner.project_dir):  # Before anything is written.
    settings = search_flags.settings(flag_values, "executions_per_trial", "max_retries_per_trial")
    check_settings(flag_values.workdir, settings)
    tuner.search(verbose=0)
    return report(tuner, make_space(flag_values.space), flag_values.workdir)


class CellTuner(StrategyTuner):
  """Prints a line about each trial."""

  def on_trial_end(self, trial: keras_tuner.engine.trial.Trial) -> None:
    """Prints the outcome of a trial that has ended."""
    super().on_trial_end(trial)
    ended = self.oracle.get_trial(trial.trial_id)
    outcome = f"reward {ended.score:.4f}" if ended.score is not None else f"failed\n{trial.message}"
    print(f"{self.tuner_id}: trial {trial.trial_id}: {outcome}", flush=True)


def make_tuner(flag_values: flags.FlagValues, distribution: tf.distribute.Strategy) -> CellTuner:
  """Returns the tuner that the flags describe."""
  configs = search_flags.children(flag_values)
  hypermodel = CellHyperModel(
    experiment.task_of(flag_values),
    search_flags.proposal_space(flag_values),
    configs.network_config,
    configs.training_config,
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
    trial_timeout=flag_values.trial_timeout,
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


def report(tuner: CellTuner, space: SearchSpace, workdir: str) -> int:
  """Writes the best trial down and prints it; returns the exit code."""
  best = tuner.oracle.get_best_trials(1)
  if not best:
    print(f"none of {len(tuner.oracle.trials)} trials has a reward; see {workdir}")
    return 1
  metrics = {name: float(best[0].metrics.get_best_value(name)) for name in best[0].metrics.metrics}
  architecture = CellSpace(space).encode(best[0].hyperparameters.values)
  reward = float(best[0].score)
  trial = Trial(int(best[0].trial_id), architecture, evaluation=Evaluation(reward, metrics=metrics))
  write_winner(workdir, trial, space)
  print(f"best: trial {trial.id}, reward {reward:.4f}: {space.format(architecture)}")
  return 0


def cli() -> None:
  """Runs the binary."""
  flagging.run(lambda flag_values: define_flags(flag_values, sys.argv), main)


if __name__ == "__main__":
  cli()
