"""Evaluates an exported network on the data of a task.

Example:
  nao-evaluate --saved_model=runs/naonet_ws/saved_model --task=cifar10 --data_dir=/data/tfds
  nao-evaluate --saved_model=runs/nao_rnn/saved_model --task=ptb --text_dir=/data/penn

A SavedModel is a program, and this command runs it; it may read and write files. Only evaluate exports that you trust.
"""

import json

from absl import flags

from nao_tf.serving import evaluate_exported
from nao_tf.tasks.base import SPLITS
from nao_tf.tools import experiment, quiet, running


def define_flags(flag_values: flags.FlagValues) -> None:
  """Defines the flags of an evaluation."""
  experiment.define_task_flags(flag_values)
  flags.DEFINE_string(
    "saved_model",
    None,
    "directory of the exported network; since its code is run, use only exports that you trust",
    flag_values=flag_values,
  )
  flags.DEFINE_enum("split", "test", SPLITS, "split of the data to evaluate on", flag_values=flag_values)
  flags.mark_flag_as_required("saved_model", flag_values)


def main(flag_values: flags.FlagValues) -> int:
  """Prints the metrics as one line of JSON; returns the exit code."""
  quiet.load_tensorflow()
  metrics = evaluate_exported(flag_values.saved_model, experiment.task_of(flag_values), flag_values.split)
  print(json.dumps({"saved_model": flag_values.saved_model, "split": flag_values.split, **metrics}))
  return 0


def cli() -> None:
  """Runs the command."""
  running.run(define_flags, main)


if __name__ == "__main__":
  cli()
