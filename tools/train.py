"""Trains a network from scratch and exports it.

Example:
  nao-train --task=cifar10 --architecture=NAONet-WS --num_cells=5 --filters=36 --epochs=600 --workdir=runs/naonet_ws

Killed and started again with the same flags, it goes on from its last checkpoint. The work directory gets config.json,
history.jsonl, checkpoints, tensorboard (point TensorBoard at it) and saved_model.
"""

import json
import os
from typing import Any

import tensorflow as tf
from absl import flags

from nao_tf.runs.settings import check_settings
from nao_tf.spaces import SPACES, make_space
from nao_tf.spaces.genotypes import Genotype, genotype_from_json
from nao_tf.spaces.published import BASELINES, CELLS, RECURRENT_CELLS
from nao_tf.tasks.base import NetworkTrainer, Setup, Task
from nao_tf.tools import experiment, flagging
from nao_tf.training.training_directory import TrainingDirectory

SAVED_MODEL = "saved_model"
NAMED = {**CELLS, **RECURRENT_CELLS, **BASELINES}


def define_flags(flag_values: flags.FlagValues) -> None:
  """Defines the flags of a training."""
  experiment.define_process_flags(flag_values)
  experiment.define_task_flags(flag_values)
  define = {"flag_values": flag_values}
  flags.DEFINE_string(
    "architecture", None, f"{', '.join(NAMED)}; or a published string of --space; or the path of a JSON file", **define
  )
  flags.DEFINE_enum("space", None, sorted(SPACES), "what space a string is of; default: the task's", **define)
  flags.mark_flag_as_required("architecture", flag_values)
  experiment.define_setup_flags(flag_values, "final")


def main(flag_values: flags.FlagValues) -> int:
  """Trains and exports; returns the exit code."""
  genotype = genotype_of(flag_values)
  setup = final_setup(flag_values)
  experiment.check_workdir(flag_values.workdir)
  distribution = experiment.prepare_process(flag_values)
  task = experiment.task_of(flag_values)
  train_and_export(
    task,
    genotype,
    setup,
    distribution=distribution,
    seed=flag_values.seed,
    workdir=flag_values.workdir,
    settings=experiment.task_settings(flag_values),
  )
  return 0


def genotype_of(flag_values: flags.FlagValues) -> Genotype:
  """Returns the genotype that the flags name; see `read_genotype`."""
  return read_genotype(flag_values.architecture, flag_values.space or experiment.task_class_of(flag_values).space)


def final_setup(flag_values: flags.FlagValues) -> Setup:
  """Returns how the network is built and trained."""
  return experiment.setup_of(flag_values, experiment.task_class_of(flag_values).final)


def read_genotype(text: str, space: str) -> Genotype:
  """Returns the genotype that a command line names.

  Args:
    text: name of a published network, a published string, or the path of a JSON file: a genotype, or the best.json of
      a search.
    space: the space that a published string is of.

  Raises:
    ValueError: if it is none of these.
  """
  if text in NAMED:
    return NAMED[text].genotype
  if text.endswith(".json"):
    return _read_json(text)
  try:
    return make_space(space).decode(make_space(space).parse(text))
  except ValueError as error:
    raise ValueError(
      f"--architecture is no published name ({', '.join(NAMED)}), no path of a .json file and no string of {space}: {error}"
    ) from error


def train_and_export(
  task: Task,
  genotype: Genotype,
  setup: Setup,
  *,
  distribution: tf.distribute.Strategy,
  seed: int,
  workdir: str,
  settings: dict[str, Any],
) -> dict[str, float]:
  """Trains a network to the end of its recipe, exports it, and measures what was exported on the test set.

  Args:
    task: what to learn.
    genotype: of the network.
    setup: how it is built and trained.
    distribution: the process's distribution.
    seed: of the training.
    workdir: where it is recorded, and from where it is continued.
    settings: what else determines the training, such as the task's flags.

  Returns:
    The test metrics; empty if the task has no test set.
  """
  os.makedirs(workdir, exist_ok=True)
  described = flagging.settings(network=setup.network, training=setup.recipe, seed=seed, genotype=genotype.to_json())
  check_settings(workdir, {**settings, **described})
  trainer = task.make_trainer(genotype, setup.network, setup.recipe, distribution=distribution, seed=seed)
  TrainingDirectory(workdir, trainer).fit(progress=True)
  return export_and_test(trainer, genotype, os.path.join(workdir, SAVED_MODEL))


def export_and_test(trainer: NetworkTrainer, genotype: Genotype, directory: str) -> dict[str, float]:
  """Exports a trained network and prints what the export is worth on the test set."""
  trainer.task.export_network(trainer.network, directory, genotype=genotype)
  print(f"exported: {directory}")
  if not trainer.task.num_examples("test"):
    return {}
  metrics = trainer.task.evaluate_exported(directory, "test")
  print("test: " + ", ".join(f"{name} {value:.4f}" for name, value in metrics.items()))
  return metrics


def _read_json(path: str) -> Genotype:
  with open(path, encoding="utf-8") as file:
    data = json.load(file)
  return genotype_from_json(data.get("genotype", data) if isinstance(data, dict) else data)


def cli() -> None:
  """Runs the binary."""
  flagging.run(define_flags, main)


if __name__ == "__main__":
  cli()
