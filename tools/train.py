"""Trains a network from scratch and exports it.

Example:
  nao-train --task=cifar10 --architecture=NAONet-WS --num_cells=5 --filters=36 --epochs=600 --workdir=runs/naonet_ws

Running the same command again resumes an interrupted training from its last checkpoint. On Ctrl-C or SIGTERM it saves a
checkpoint after the current step and exits with status 130 or 143. The work directory contains config.json, task.json,
history.jsonl, checkpoints, tensorboard (a TensorBoard log directory) and saved_model. Only one process at a time can
train in it.
"""

import dataclasses
import os
from typing import TYPE_CHECKING, Any

from absl import flags

from nao_tf.networks.image_network_config import ImageNetworkConfig
from nao_tf.networks.named_genotypes import NAMED, read_genotype
from nao_tf.runs.run_lock import RunLock
from nao_tf.serving import check_export, evaluate_exported, export_network, has_exporter
from nao_tf.serving.precisions import FLOAT32
from nao_tf.spaces import SPACES
from nao_tf.spaces.genotypes import Genotype
from nao_tf.spaces.published import CELLS
from nao_tf.tasks.base import Configs, Task
from nao_tf.tools import (
  benchmark_input,
  data_checks,
  dry_run,
  experiment,
  flag_types,
  flagging,
  recorded_flags,
  running,
  training_checks,
  training_errors,
  workdirs,
)
from nao_tf.tools.shell_lines import shell_line
from nao_tf.training.base import Metrics, NetworkTrainer
from nao_tf.training.cluster import KINDS, cluster_of
from nao_tf.training.history import TEST_FILE, write_test_figures
from nao_tf.training.run_options import RunOptions

if TYPE_CHECKING:
  import tensorflow as tf
  from tensorflow import keras

COMMAND = "train"
SAVED_MODEL = "saved_model"
_EVALUATE = "nao-evaluate"


def define_flags(flag_values: flags.FlagValues) -> None:
  """Defines the flags of a training."""
  experiment.define_process_flags(flag_values)
  experiment.define_tensorboard_flag(flag_values)
  experiment.define_precision_flag(flag_values)
  experiment.define_task_flags(flag_values)
  help_ = f"architecture: {', '.join(NAMED)}; an architecture string of --space; or the path of a JSON file"
  flags.DEFINE_string("architecture", None, help_, flag_values=flag_values)
  help_ = "search space of an architecture string; default: that of the task"
  flag_types.define_name("space", None, SPACES, "space", help_, flag_values=flag_values)
  flags.mark_flag_as_required("architecture", flag_values)
  experiment.define_config_flags(flag_values, "final")
  flagging.define(RunOptions(), flag_values)
  help_ = "train on one device (none), all devices of this machine (mirrored), or several processes (multi_worker) as"
  help_ += " described by TF_CONFIG or SLURM; default: mirrored with several GPUs or --num_replicas"
  flags.DEFINE_enum("distribution", None, KINDS, help_, flag_values=flag_values)
  dry_run.define_flags(flag_values)
  benchmark_input.define_flags(flag_values)


def main(flag_values: flags.FlagValues) -> int:
  """Trains and exports; returns the exit code."""
  genotype = genotype_of(flag_values)
  configs = final_configs(flag_values)
  training_checks.check(flag_values, genotype, configs)
  experiment.check_optimizer(configs)
  experiment.warn_of_unused(genotype, configs, experiment.traits_of(flag_values).final)
  if flag_values.dry_run:
    return dry_run.run(flag_values, genotype, configs)
  if flag_values.benchmark_input:
    return benchmark_input.run(flag_values, genotype, configs)
  if flag_values.distribution == "multi_worker" and not cluster_of().is_chief:
    return train_for_chief(flag_values, genotype, configs)
  with workdirs.opened(flag_values.workdir):
    return train_in_workdir(flag_values, genotype, configs)


def train_for_chief(flag_values: flags.FlagValues, genotype: Genotype, configs: Configs) -> int:
  """Trains as one of several processes, without writing anything; returns the exit code."""
  from nao_tf.searches.final_training import train_in_directory

  distribution = experiment.prepare_process(flag_values)
  task = data_checks.task_of_training(flag_values, genotype, configs, distribution)
  with training_errors.explained(task, genotype, configs, distribution):
    train_in_directory(
      flag_values.workdir,
      task,
      genotype,
      configs,
      distribution=distribution,
      seed=flag_values.seed,
      lock=None,
      settings={},
      run_options=flagging.build(RunOptions(), flag_values),
      writes=False,
    )
  return 0


def train_in_workdir(flag_values: flags.FlagValues, genotype: Genotype, configs: Configs) -> int:
  """Trains and exports in the work directory; returns the exit code."""
  from nao_tf.searches.final_training import check_begun

  with RunLock(flag_values.workdir):  # Another process there is reported before any data is read.
    distribution = experiment.prepare_process(flag_values)
    with recorded_flags.hinted(COMMAND, flag_values.workdir):
      check_begun(flag_values.workdir, experiment.training_settings(flag_values, genotype, configs))
    task = data_checks.task_of_training(flag_values, genotype, configs, distribution)
    recorded_flags.record(COMMAND, flag_values)
  workdirs.announce(flag_values.workdir, tensorboard=experiment.wants_tensorboard(flag_values))
  train_and_export(
    task,
    genotype,
    configs,
    distribution=distribution,
    seed=flag_values.seed,
    workdir=flag_values.workdir,
    settings=experiment.task_settings(flag_values),
    tensorboard=experiment.wants_tensorboard(flag_values),
    run_options=flagging.build(RunOptions(), flag_values),
    precision=flag_values.export_precision,
  )
  print_next(flag_values.workdir, flag_values)
  return 0


def print_next(workdir: str, flag_values: flags.FlagValues) -> None:
  """Prints the command that evaluates the export of a training, if there is one, and test data.

  Args:
    workdir: directory of the training.
    flag_values: the flags, which name the data.
  """
  saved_model = os.path.join(workdir, SAVED_MODEL)
  if os.path.isdir(saved_model) and os.path.isfile(os.path.join(workdir, TEST_FILE)):
    data = recorded_flags.given(flag_values, experiment.TEST_DATA)
    arguments = [f"--saved_model={saved_model}", f"--task={flag_values.task}", *data]
    print(f"to evaluate the exported network: {shell_line(_EVALUATE, arguments)}")


def genotype_of(flag_values: flags.FlagValues) -> Genotype:
  """Returns the genotype that the flags name; see `read_genotype`.

  Raises:
    ValueError: if they name none.
    OSError: if the file cannot be read.
  """
  space = flag_values.space or experiment.traits_of(flag_values).space
  return read_genotype(flag_values.architecture, space, place="--architecture")


def final_configs(flag_values: flags.FlagValues) -> Configs:
  """Returns how the network is built and trained.

  A published cell brings the convention that it was published with, unless there is a flag for it, or the training was
  begun with another one.
  """
  configs = experiment.configs_of(flag_values, experiment.traits_of(flag_values).final)
  published = CELLS.get(flag_values.architecture)
  if published is None or not isinstance(configs.network_config, ImageNetworkConfig):
    return configs
  recorded = experiment.recorded_settings(flag_values)
  convention = flag_values.convention or recorded.get("network.convention", published.convention)
  if convention != published.convention:
    print(f"{published.name} was published with --convention={published.convention}; this network uses {convention}")
  return dataclasses.replace(configs, network_config=dataclasses.replace(configs.network_config, convention=convention))


def train_and_export(
  task: Task,
  genotype: Genotype,
  configs: Configs,
  *,
  distribution: "tf.distribute.Strategy",
  seed: int,
  workdir: str,
  settings: dict[str, Any],
  tensorboard: bool = True,
  run_options: RunOptions | None = None,
  precision: str = FLOAT32,
) -> Metrics:
  """Trains a network to the last epoch, exports it, and evaluates the export on the test set.

  Args:
    task: the task.
    genotype: the genotype of the network.
    configs: how the network is built and trained.
    distribution: the `tf.distribute.Strategy` of the process.
    seed: seed of the training.
    workdir: directory of the training, which is resumed from there.
    settings: further settings that determine the training, such as the flags of the task.
    tensorboard: whether to write curves for TensorBoard.
    run_options: how the training is run; None: as usual.
    precision: the type that the export stores weights in.

  Returns:
    The metrics on the test set; empty if the task has none.

  Raises:
    RunDirectoryError: if another process is training in the directory, or it was created with other settings.
    ValueError: if the network cannot be built, trained or exported so, or what is in the directory cannot be read.
    OSError: if the directory cannot be written.
  """
  from nao_tf.searches.final_training import check_begun, finished_network, train_in_directory, training_settings

  described = training_settings(genotype, configs, seed)
  with RunLock(workdir) as lock:
    check_begun(workdir, {**settings, **described})
    experiment.check_export_precision(task, precision)
    if has_exporter(task):
      check_export(os.path.join(workdir, SAVED_MODEL), task, precision)
    if not task.has_test_data():
      print(f"{task.name}: no labeled test data; the trained network will not be tested")
    with training_errors.explained(task, genotype, configs, distribution):
      trainer = train_in_directory(
        workdir,
        task,
        genotype,
        configs,
        distribution=distribution,
        seed=seed,
        lock=lock,
        settings={**settings, **described},
        progress=True,
        tensorboard=tensorboard,
        run_options=run_options,
      )
    network = finished_network(workdir, task, genotype, configs, trainer, seed=seed)
    figures = export_and_test(task, trainer, network, genotype, os.path.join(workdir, SAVED_MODEL), precision)
    write_test_figures(workdir, figures)
    return figures


def export_and_test(
  task: Task,
  trainer: NetworkTrainer,
  network: "keras.Model",
  genotype: Genotype,
  directory: str,
  precision: str = FLOAT32,
) -> Metrics:
  """Exports a trained network, and prints and returns the metrics of the export on the test set.

  If there is no exporter for the task, the metrics are those of the network itself.
  """
  exported = has_exporter(task)
  if exported:
    export_network(network, directory, genotype=genotype, task=task, precision=precision)
  print(f"exported: {directory}" if exported else f"not exported: there is no exporter for the task {task.name}")
  if not task.num_examples("test"):
    return {}
  metrics = evaluate_exported(directory, task, "test") if exported else trainer.evaluate("test")
  print("test: " + ", ".join(f"{name} {value:.4f}" for name, value in metrics.items()))
  return metrics


def cli() -> None:
  """Runs the command."""
  running.run(define_flags, main, taken_up=lambda argv: recorded_flags.taken_up(COMMAND, argv))


if __name__ == "__main__":
  cli()
