"""The search of `nao-tune`: its tuner and its output. Imports TensorFlow and KerasTuner."""

import os

import keras_tuner
import tensorflow as tf
from absl import flags

from nao_tf.fields import counted
from nao_tf.networks.edge_convention import check_networks
from nao_tf.runs.run_lock import LOCK_FILE
from nao_tf.runs.settings import CONFIG_FILE, check_settings
from nao_tf.searches.winner import write_winner
from nao_tf.spaces import make_space
from nao_tf.spaces.base import SearchSpace
from nao_tf.tools import data_checks, recorded_flags, search_flags, strategy_flags
from nao_tf.trial import Evaluation, Trial, reward_text
from nao_tf.tuner.cell_space import CellSpace
from nao_tf.tuner.hypermodels import REWARD, CellHyperModel
from nao_tf.tuner.oracle import StrategyOracle
from nao_tf.tuner.project_lock import project_lock
from nao_tf.tuner.tuner import StrategyTuner


def forget_unbegun(workdir: str) -> None:
  """Removes the settings and the state of a search that has begun no trial, so that they do not bind another one.

  A worker leaves that to its chief.

  Raises:
    nao_tf.runs.run_lock.RunDirectoryInUse: if another process searches there.
  """
  project = os.path.join(workdir, recorded_flags.TUNER_DIRECTORY)
  if _is_worker() or not os.path.isdir(project) or recorded_flags.has_tuner_trials(workdir):
    return
  with project_lock(project):
    states = [os.path.join(project, name) for name in os.listdir(project) if name.endswith(".json")]
    for path in (*states, os.path.join(workdir, CONFIG_FILE)):
      if os.path.exists(path) and os.path.basename(path) != LOCK_FILE:
        os.remove(path)


def _is_worker() -> bool:
  """Returns whether this process is a worker of a distributed search, as KerasTuner's environment variables say."""
  return "KERASTUNER_ORACLE_IP" in os.environ and "chief" not in os.environ.get("KERASTUNER_TUNER_ID", "chief")


def search(flag_values: flags.FlagValues, tuner: "CellTuner", command: str) -> int:
  """Searches and reports, as a worker without a report; returns the exit code.

  Args:
    flag_values: what is searched.
    tuner: searches.
    command: the name of the command, under which its flags are recorded.

  Raises:
    SearchFailed: if too many trials failed.
  """
  if not isinstance(tuner.oracle, StrategyOracle):
    tuner.search(verbose=0)
    return 0
  with project_lock(tuner.project_dir):  # Before anything is written.
    settings = search_flags.settings(flag_values, "executions_per_trial", "max_retries_per_trial")
    check_settings(flag_values.workdir, settings)
    recorded_flags.record(command, flag_values)
    tuner.search(verbose=1)
    return report(tuner, make_space(flag_values.space), flag_values.workdir)


class CellTuner(StrategyTuner):
  """Prints a line about each trial in a worker too; elsewhere the oracle does."""

  def on_trial_end(self, trial: keras_tuner.engine.trial.Trial) -> None:
    """Prints the outcome of a trial that has ended."""
    super().on_trial_end(trial)
    if not self._is_worker():
      return
    ended = self.oracle.get_trial(trial.trial_id)
    outcome = f"reward {reward_text(ended.score)}" if ended.score is not None else f"failed\n{trial.message}"
    print(f"{self.tuner_id}: trial {trial.trial_id}: {outcome}", flush=True)


def make_tuner(flag_values: flags.FlagValues, distribution: tf.distribute.Strategy) -> CellTuner:
  """Returns the tuner that the flags describe."""
  configs, space = search_flags.children(flag_values), make_space(flag_values.space)
  check_networks(space, [("--child_convention", configs.network_config)])
  hypermodel = CellHyperModel(
    data_checks.task_of_trainings(flag_values, space, {"child_": configs}, distribution.num_replicas_in_sync),
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
    project_name=recorded_flags.TUNER_DIRECTORY,
  )


def report(tuner: CellTuner, space: SearchSpace, workdir: str) -> int:
  """Writes the best trial down and prints it; returns the exit code."""
  best = tuner.oracle.get_best_trials(1)
  if not best:
    print(f"none of {counted(len(tuner.oracle.trials), 'trial')} has a reward; see {workdir}")
    return 1
  metrics = {name: float(best[0].metrics.get_best_value(name)) for name in best[0].metrics.metrics}
  architecture = CellSpace(space).encode(best[0].hyperparameters.values)
  reward = float(best[0].score)
  trial = Trial(int(best[0].trial_id), architecture, evaluation=Evaluation(reward, metrics=metrics))
  write_winner(workdir, trial, space)
  print(f"best: trial {trial.id}, reward {reward_text(reward)}: {space.format(architecture)}")
  return 0
