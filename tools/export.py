"""Exports the network of a training, at its last checkpoint, as a SavedModel.

Example:
  nao-export --workdir=runs/naonet_ws --saved_model=served/naonet_ws

The training may still be running. The network and the task are those that its directory records, so its data is not
needed. Directories of version 0.1 do not record the task; for these, say where the data is.
"""

from typing import Any

from absl import flags
from tensorflow import keras

from nao_tf.networks.building import build_network, complete_network_config
from nao_tf.runs.settings import RunDirectoryError, read_settings
from nao_tf.serving import check_export, export_network, read_exporter
from nao_tf.spaces.genotypes import Genotype, genotype_from_json
from nao_tf.tasks import task_class
from nao_tf.tasks.base import Task
from nao_tf.tools import experiment, flagging
from nao_tf.training.training_directory import restore_network


def define_flags(flag_values: flags.FlagValues) -> None:
  """Defines the flags of an export."""
  flags.DEFINE_string("workdir", None, "directory of the training", flag_values=flag_values)
  flags.DEFINE_string("saved_model", None, "directory to write", flag_values=flag_values)
  experiment.define_data_flags(flag_values)  # Needed only if the directory does not record the task.
  flags.mark_flags_as_required(["workdir", "saved_model"], flag_values)


def main(flag_values: flags.FlagValues) -> int:
  """Exports; returns the exit code."""
  settings = training_settings(flag_values.workdir)
  genotype, task = genotype_from_json(settings["genotype"]), task_of(settings, flag_values)
  check_export(flag_values.saved_model, task)
  network = fresh_network(task, genotype, settings)
  epochs = restore_network(flag_values.workdir, network)
  if epochs is None:
    raise RunDirectoryError(f"{flag_values.workdir}: has no checkpoint yet")
  export_network(network, flag_values.saved_model, genotype=genotype, task=task)
  print(f"exported: {flag_values.saved_model}, as it was after {epochs} epochs")
  return 0


def training_settings(workdir: str) -> dict[str, Any]:
  """Returns the settings of a training.

  Raises:
    RunDirectoryError: if the directory is not that of a training.
  """
  settings = read_settings(workdir)
  missing = [name for name in ("genotype", "task", "seed") if name not in settings]
  if missing:
    raise RunDirectoryError(f"{workdir}: is not the directory of a training; its settings have no {missing[0]}")
  return settings


def task_of(settings: dict[str, Any], flag_values: flags.FlagValues) -> Task:
  """Returns the task of a training: as its directory records it, without data, or else with the data that flags name.

  Raises:
    ValueError: if the record cannot be read, or there is none and the data is missing.
    RunDirectoryError: if there is no record, and the text is not that of the training.
  """
  exporter = read_exporter(flag_values.workdir)
  return experiment.recorded_task(settings, flag_values) if exporter is None else exporter.task


def fresh_network(task: Task, genotype: Genotype, settings: dict[str, Any]) -> keras.Model:
  """Returns the network of a training, before any step.

  Args:
    task: as recorded.
    genotype: as recorded.
    settings: of the training.
  """
  defaults = task_class(settings["task"]).final.network_config
  config = flagging.from_settings(defaults, settings, "network")
  return build_network(
    genotype,
    complete_network_config(config, num_steps=1, num_replicas=1),  # Both matter only in training.
    input_shape=task.input_shape,
    num_outputs=task.num_outputs,
    seed=settings["seed"],
  )


def cli() -> None:
  """Runs the binary."""
  flagging.run(define_flags, main)


if __name__ == "__main__":
  cli()
