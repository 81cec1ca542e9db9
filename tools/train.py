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

from nao_tf import export
from nao_tf.genotype import CellGenotype
from nao_tf.networks.image_network import ImageNetworkConfig
from nao_tf.published import CELLS
from nao_tf.recipe import TrainingConfig
from nao_tf.settings import check_settings
from nao_tf.spaces import SPACES, make_space
from nao_tf.tasks.base import Task
from nao_tf.tools import experiment, flagging
from nao_tf.training import Trainer
from nao_tf.training_directory import TrainingDirectory

SAVED_MODEL = "saved_model"

# The paper's training of its CIFAR-10 networks (Luo et al., NeurIPS 2018, section 4.1 and its release).
FINAL_RECIPE = TrainingConfig(epochs=600, cutout_size=16)
FINAL_NETWORK = ImageNetworkConfig()


def define_flags(flag_values: flags.FlagValues) -> None:
  """Defines the flags of a training."""
  experiment.define_process_flags(flag_values)
  experiment.define_task_flags(flag_values)
  define = {"flag_values": flag_values}
  flags.DEFINE_string(
    "architecture", None, f"{', '.join(CELLS)}; or a published string of --space; or the path of a JSON file", **define
  )
  flags.DEFINE_enum("space", "nasnet5", sorted(SPACES), "what space a string is of", **define)
  flags.mark_flag_as_required("architecture", flag_values)
  experiment.define_network_flags(flag_values, FINAL_NETWORK)
  flagging.define(FINAL_RECIPE, flag_values)


def main(flag_values: flags.FlagValues) -> int:
  """Trains and exports; returns the exit code."""
  genotype = read_genotype(flag_values.architecture, flag_values.space)
  experiment.check_workdir(flag_values.workdir)
  strategy = experiment.prepare_process(flag_values)
  task = experiment.task_of(flag_values)
  train_and_export(
    task,
    genotype,
    flagging.build(FINAL_NETWORK, flag_values),
    flagging.build(FINAL_RECIPE, flag_values),
    strategy=strategy,
    seed=flag_values.seed,
    workdir=flag_values.workdir,
    settings=experiment.task_settings(flag_values),
  )
  return 0


def read_genotype(text: str, space: str) -> CellGenotype:
  """Returns the genotype that a command line names.

  Args:
    text: name of a published network, a published string, or the path of a JSON file: a genotype, or the best.json of
      a search.
    space: the space that a published string is of.

  Raises:
    ValueError: if it is none of these.
  """
  if text in CELLS:
    return CELLS[text].genotype
  if text.endswith(".json"):
    return _read_json(text)
  try:
    return make_space(space).decode(make_space(space).parse(text))
  except ValueError as error:
    raise ValueError(
      f"--architecture is no published name ({', '.join(CELLS)}), no path of a .json file and no string of {space}: {error}"
    ) from error


def train_and_export(
  task: Task,
  genotype: Any,
  network_config: Any,
  config: TrainingConfig,
  *,
  strategy: tf.distribute.Strategy,
  seed: int,
  workdir: str,
  settings: dict[str, Any],
) -> dict[str, float]:
  """Trains a network to the end of its recipe, exports it, and measures what was exported on the test set.

  Args:
    task: what to learn.
    genotype: of the network.
    network_config: how large it is.
    config: the recipe.
    strategy: the process's distribution strategy.
    seed: of the training.
    workdir: where it is recorded, and from where it is continued.
    settings: what else determines the training, such as the task's flags.

  Returns:
    The test metrics; empty if the task has no test set.
  """
  os.makedirs(workdir, exist_ok=True)
  described = flagging.settings(network=network_config, training=config, seed=seed, genotype=genotype.to_json())
  check_settings(workdir, {**settings, **described})
  trainer = Trainer(task, genotype, network_config, config, strategy=strategy, seed=seed)
  TrainingDirectory(workdir, trainer).fit(progress=True)
  return export_and_test(trainer, genotype, os.path.join(workdir, SAVED_MODEL))


def export_and_test(trainer: Trainer, genotype: Any, directory: str) -> dict[str, float]:
  """Exports a trained network and prints what the export is worth on the test set."""
  export.export_network(trainer.network, directory, genotype=genotype, task=trainer.task)
  print(f"exported: {directory}")
  if not trainer.task.num_examples("test"):
    return {}
  metrics = export.evaluate_exported(directory, trainer.task, split="test")
  print("test: " + ", ".join(f"{name} {value:.4f}" for name, value in metrics.items()))
  return metrics


def _read_json(path: str) -> CellGenotype:
  with open(path, encoding="utf-8") as file:
    data = json.load(file)
  return CellGenotype.from_json(data.get("genotype", data) if isinstance(data, dict) else data)


def cli() -> None:
  """Runs the binary."""
  flagging.run(define_flags, main)


if __name__ == "__main__":
  cli()
