"""Exports the network of a training, at its last checkpoint, as a SavedModel.

Example:
  nao-export --workdir=runs/naonet_ws --saved_model=served/naonet_ws

The training may still be running. Its directory says what task and network it is of.
"""

import tensorflow as tf
from absl import flags

from nao_tf import export
from nao_tf.genotype import CellGenotype
from nao_tf.settings import RunDirectoryError, read_settings
from nao_tf.tasks import make_task
from nao_tf.tools import flagging, train
from nao_tf.training import Trainer
from nao_tf.training_directory import restore_latest


def define_flags(flag_values: flags.FlagValues) -> None:
  """Defines the flags of an export."""
  define = {"flag_values": flag_values}
  flags.DEFINE_string("workdir", None, "directory of the training", **define)
  flags.DEFINE_string("saved_model", None, "directory to write", **define)
  flags.DEFINE_string("data_dir", None, "where TensorFlow Datasets are; default: its own choice", **define)
  flags.mark_flags_as_required(["workdir", "saved_model"], flag_values)


def main(flag_values: flags.FlagValues) -> int:
  """Exports; returns the exit code."""
  trainer, genotype = restored(flag_values.workdir, flag_values.data_dir)
  export.export_network(trainer.network, flag_values.saved_model, genotype=genotype, task=trainer.task)
  print(f"exported: {flag_values.saved_model}, as it was after {int(trainer.epoch.numpy())} epochs")
  return 0


def restored(workdir: str, data_dir: str | None) -> tuple[Trainer, CellGenotype]:
  """Returns the trainer of a training directory at its last checkpoint, and the genotype of its network.

  Raises:
    RunDirectoryError: if it is no directory of a training, or has no checkpoint yet.
  """
  settings = read_settings(workdir)
  if "genotype" not in settings:
    raise RunDirectoryError(f"{workdir}: is not the directory of a training")
  genotype = CellGenotype.from_json(settings["genotype"])
  trainer = Trainer(
    make_task(settings["task"], data_dir=data_dir, image_size=settings["image_size"]),
    genotype,
    flagging.from_settings(train.FINAL_NETWORK, settings, "network"),
    flagging.from_settings(train.FINAL_RECIPE, settings, "training"),
    strategy=tf.distribute.get_strategy(),
    seed=settings["seed"],
  )
  restore_latest(workdir, trainer)
  return trainer, genotype


def cli() -> None:
  """Runs the binary."""
  flagging.run(define_flags, main)


if __name__ == "__main__":
  cli()
