"""Exports the network of a training, at its last checkpoint, as a SavedModel.

Example:
  nao-export --workdir=runs/naonet_ws --saved_model=served/naonet_ws

The training may still be running. The task and the network are those that its directory records.
"""

import tensorflow as tf
from absl import flags

from nao_tf.runs.settings import RunDirectoryError, read_settings
from nao_tf.serving import export_network
from nao_tf.spaces.genotypes import Genotype, genotype_from_json
from nao_tf.tasks.base import Task
from nao_tf.tasks.trainers import make_trainer
from nao_tf.tools import experiment, flagging
from nao_tf.training.base import NetworkTrainer
from nao_tf.training.training_directory import restore_latest


def define_flags(flag_values: flags.FlagValues) -> None:
  """Defines the flags of an export."""
  flags.DEFINE_string("workdir", None, "directory of the training", flag_values=flag_values)
  flags.DEFINE_string("saved_model", None, "directory to write", flag_values=flag_values)
  experiment.define_data_flags(flag_values)
  flags.mark_flags_as_required(["workdir", "saved_model"], flag_values)


def main(flag_values: flags.FlagValues) -> int:
  """Exports; returns the exit code."""
  task, trainer, genotype = restored(flag_values)
  export_network(trainer.network, flag_values.saved_model, genotype=genotype, task=task)
  print(f"exported: {flag_values.saved_model}, as it was after {int(trainer.epoch.numpy())} epochs")
  return 0


def restored(flag_values: flags.FlagValues) -> tuple[Task, NetworkTrainer, Genotype]:
  """Returns the task of a training directory, its trainer at the last checkpoint, and the genotype of the network.

  Raises:
    RunDirectoryError: if the directory is not that of a training, or has no checkpoint yet.
  """
  settings = read_settings(flag_values.workdir)
  if "genotype" not in settings:
    raise RunDirectoryError(f"{flag_values.workdir}: is not the directory of a training")
  genotype, task = genotype_from_json(settings["genotype"]), experiment.recorded_task(settings, flag_values)
  trainer = make_trainer(
    task,
    genotype,
    flagging.from_settings(task.final.network_config, settings, "network"),
    flagging.from_settings(task.final.training_config, settings, "training"),
    distribution=tf.distribute.get_strategy(),
    seed=settings["seed"],
  )
  if not restore_latest(flag_values.workdir, trainer):
    raise RunDirectoryError(f"{flag_values.workdir}: has no checkpoint yet")
  trainer.restore_best()
  return task, trainer, genotype


def cli() -> None:
  """Runs the binary."""
  flagging.run(define_flags, main)


if __name__ == "__main__":
  cli()
