"""Searches for cells with KerasTuner: in one process, or with a chief and any number of workers.

Example:
  nao-tune --task=digits --space=nasnet5 --strategy=nao --num_trials=40 --workdir=runs/tuned

To search with many processes, run the same command in each of them and set three environment variables of KerasTuner.
KERASTUNER_ORACLE_IP and KERASTUNER_ORACLE_PORT are the address of the chief. KERASTUNER_TUNER_ID is "chief" for the
chief and a different name for each worker. All processes share the work directory. Workers may join late, leave or
crash. The chief does not authenticate its callers: the network must be one in which every machine is trusted. With
KERASTUNER_ORACLE_IP=127.0.0.1 only this machine can reach it.

With --trial_timeout, a process whose trial exceeds the limit exits with code 75, and the search continues without it.
Restart it, for example with a cluster manager or a shell loop.

`nao-tune --workdir=...` resumes an interrupted search with the recorded flags; --num_trials may be added. The work
directory contains config.json (the settings), command.json (the flags), best.json, and the directory tuner with the
KerasTuner project: a file per trial, and the weights of its network.
"""

import sys
from collections.abc import Sequence

from absl import flags

from nao_tf.tools import experiment, quiet, recorded_flags, running, search_flags, workdirs

COMMAND = "tune"


def define_flags(flag_values: flags.FlagValues, argv: Sequence[str] = ()) -> None:
  """Defines the flags of a search through KerasTuner.

  Args:
    flag_values: where to define the flags.
    argv: the command line, which may name a strategy that has flags of its own.
  """
  search_flags.define(flag_values, argv)
  help_ = "number of trainings per architecture, whose rewards are averaged"
  flags.DEFINE_integer("executions_per_trial", 1, help_, 1, flag_values=flag_values)
  flags.DEFINE_integer(
    "max_retries_per_trial", 1, "number of times to rerun an interrupted trial", 0, flag_values=flag_values
  )
  help_ = "number of consecutive failed trials after which the search is aborted"
  flags.DEFINE_integer("max_consecutive_failed_trials", 5, help_, 1, flag_values=flag_values)
  help_ = (
    "time in seconds without a heartbeat after which a worker is considered dead and its trial goes to another one"
  )
  flags.DEFINE_float("worker_timeout", 120.0, help_, flag_values=flag_values)
  help_ = (
    "time limit of a trial in seconds, after which it counts as interrupted, and the process that was running it ends"
    " with exit code 75. Default: no limit"
  )
  flags.DEFINE_float("trial_timeout", None, help_, flag_values=flag_values)


def main(flag_values: flags.FlagValues) -> int:
  """Searches, or does its part of a search; returns the exit code."""
  experiment.check_optimizer(search_flags.children(flag_values), prefix="child_")
  with workdirs.opened(flag_values.workdir):
    return search_in_workdir(flag_values)


def search_in_workdir(flag_values: flags.FlagValues) -> int:
  """Searches in the work directory; returns the exit code."""
  quiet.load_tensorflow()
  from nao_tf.tools import tuning
  from nao_tf.tuner.errors import SearchFailed

  distribution = experiment.prepare_process(flag_values)
  tuning.forget_unbegun(flag_values.workdir)
  tuner = tuning.make_tuner(flag_values, distribution)
  try:
    return tuning.search(flag_values, tuner, COMMAND)
  except SearchFailed as error:
    print(f"error: {error}", file=sys.stderr)
    return 1


def cli() -> None:
  """Runs the command."""
  running.run(
    lambda flag_values: define_flags(flag_values, sys.argv),
    main,
    taken_up=lambda argv: recorded_flags.taken_up(COMMAND, argv),
  )


if __name__ == "__main__":
  cli()
