"""Flags of searches with rungs, in which only the better candidates continue training."""

import dataclasses
from typing import Any

from absl import flags

from nao_tf.searches.rungs import PROMOTIONS, RungConfig
from nao_tf.searches.status import epochs_are_used_up
from nao_tf.tasks.base import Configs
from nao_tf.tools import flag_types

_WITH_RUNGS = ("training", "tabular")
_WITHOUT_RUNGS = ("inherited", "shared_weights")
_CHILD_EPOCHS = "child_epochs"


def define(flag_values: flags.FlagValues) -> None:
  """Defines the flags."""
  help_ = (
    "numbers of epochs after which candidates are compared and only the better ones continue, such as 1,3,9; the last one"
    " is the length of a full training; default: train every candidate in full"
  )
  flag_types.define_integers("rungs", (), help_, 1, flag_values=flag_values)
  help_ = "with --rungs: reduction factor; one of this many candidates is promoted to the next rung"
  flags.DEFINE_integer("reduction", 3, help_, 2, flag_values=flag_values)
  help_ = (
    "with --rungs: which candidates are promoted: those among the best so far, the best of a bracket, or Hyperband"
  )
  flags.DEFINE_enum("promotion", PROMOTIONS[0], list(PROMOTIONS), help_, flag_values=flag_values)
  help_ = "with --rungs: maximum total number of epochs, in addition to --num_trials; default: no limit"
  flags.DEFINE_integer("max_epochs", None, help_, 1, flag_values=flag_values)


def config(flag_values: flags.FlagValues) -> RungConfig | None:
  """Returns the rungs that the flags describe; None if there are none, or the command has no such flags.

  Raises:
    ValueError: if the numbers do not fit together; the message names the flag.
  """
  if "rungs" not in flag_values or not flag_values.rungs:
    return None
  try:
    return RungConfig(flag_values.rungs, flag_values.reduction, flag_values.promotion, flag_values.max_epochs)
  except ValueError as error:
    raise ValueError(f"--{error}") from error


def check(flag_values: flags.FlagValues) -> None:
  """Checks that the flags fit those of the evaluator.

  Raises:
    ValueError: if they do not.
  """
  rungs = config(flag_values)
  if rungs is None:
    return
  if flag_values.evaluator in _WITHOUT_RUNGS:
    raise ValueError(f"--rungs needs --evaluator={' or '.join(_WITH_RUNGS)}, got {flag_values.evaluator}")
  whole = flag_values[_CHILD_EPOCHS].value
  if whole is not None and whole != rungs.epochs[-1]:
    raise ValueError(
      f"the last of --rungs is the length of a full training, {rungs.epochs[-1]} epochs, but --{_CHILD_EPOCHS} is {whole}"
    )


def trained_in_rungs(configs: Configs, flag_values: flags.FlagValues) -> Configs:
  """Returns how children are trained: to the last rung, if there are rungs."""
  rungs = config(flag_values)
  if rungs is None:
    return configs
  training: Any = configs.training_config
  return Configs(configs.network_config, dataclasses.replace(training, epochs=rungs.epochs[-1]))


def settings(flag_values: flags.FlagValues) -> dict[str, Any]:
  """Returns the settings that determine the course of a search; nothing without rungs."""
  rungs = config(flag_values)
  return {} if rungs is None else dict(rungs.settings)


def print_end(flag_values: flags.FlagValues) -> None:
  """Prints that a search has ended because its epochs are used up, if it has."""
  if epochs_are_used_up(flag_values.workdir, flag_values.max_epochs):
    print(f"the search ended because --max_epochs={flag_values.max_epochs} leaves no epochs for another training")
